"""Models come whole and only when asked for, from a small hub that runs here."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save
from typer.testing import CliRunner

from motionweave.cli import app
from motionweave.runtime import Folders
from motionweave.weights.locate import available_models, locate_model

WEIGHTS = save({"weight": np.arange(4096, dtype=np.float32)})
FILES = {
    "config.json": json.dumps({"model_type": "depth_anything"}).encode(),
    "preprocessor_config.json": b'{"size": 518}',
    "model.safetensors": WEIGHTS,
    "README.md": b"words that nobody asked for",
}
ID, REPO = "depth-anything-v2-small", "depth-anything/Depth-Anything-V2-Small-hf"


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Runs `motionweave models ...` against a hub."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub-cache"))
    monkeypatch.setenv("NO_PROXY", "*")

    def run(hub, *arguments: str, answer: str = ""):
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        return CliRunner().invoke(app, ["models", *arguments, "--models-dir", str(tmp_path / "models")], input=answer)

    return run


def files_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_nothing_is_fetched_before_the_licence_was_shown_and_accepted(serve, command, tmp_path):
    hub = serve(REPO, FILES)
    refused = command(hub, "download", ID, answer="n\n")
    assert refused.exit_code == 0, refused.stderr
    assert "apache-2.0" in refused.stdout
    assert "0.0 MB" in refused.stdout
    assert "was not fetched" in refused.stdout
    assert not any("resolve" in line for line in hub.asked)
    assert not (tmp_path / "models").exists()


def test_without_an_answer_nothing_is_fetched_either(serve, command):
    hub = serve(REPO, FILES)
    assert command(hub, "download", ID).exit_code != 0
    assert not any("resolve" in line for line in hub.asked)


def test_an_accepted_model_comes_whole_is_found_and_verifies(serve, command, tmp_path):
    hub = serve(REPO, FILES)
    done = command(hub, "download", ID, "--accept-licence")
    assert done.exit_code == 0, done.stderr
    folder = tmp_path / "models" / "depth" / ID
    assert done.stdout.splitlines()[-1] == str(folder)
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert files_below(tmp_path / "models") == {
        f"depth/{ID}/{name}" for name in ("config.json", "preprocessor_config.json", "model.safetensors",
                                          ".motionweave-download")
    }  # fmt: skip
    folders = Folders(tmp_path, tmp_path, tmp_path, (tmp_path / "models",))
    assert locate_model("depth", ID, folders) == folder

    verified = command(hub, "verify", ID)
    assert (verified.exit_code, "3 of them compared" in verified.stdout) == (0, True)

    before = len(hub.asked)
    assert command(hub, "download", ID, "--yes").exit_code == 0
    assert not any("resolve" in line for line in hub.asked[before:])


def test_a_changed_file_is_found_by_its_checksum_and_the_command_to_run_is_named(serve, command, tmp_path):
    hub = serve(REPO, FILES)
    assert command(hub, "download", ID, "--yes").exit_code == 0
    weights = tmp_path / "models" / "depth" / ID / "model.safetensors"
    weights.write_bytes(WEIGHTS[:-1] + b"\x07")
    found = command(hub, "verify")
    assert found.exit_code == 2
    assert "SHA-256" in found.stdout
    assert f"motionweave models download {ID}" in found.stdout

    assert command(hub, "download", ID, "--yes").exit_code == 0
    assert weights.read_bytes() == WEIGHTS
    assert command(hub, "verify", ID).exit_code == 0


def test_a_file_that_is_not_what_the_hub_said_is_not_kept(serve, command, tmp_path):
    hub = serve(REPO, dict(FILES))
    hub.files["model.safetensors"] = WEIGHTS[:-1] + b"\x07"
    failed = command(hub, "download", ID, "--yes")
    assert failed.exit_code == 1
    assert "SHA-256" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert not any(name.endswith(".safetensors") for name in files_below(tmp_path / "models"))
    folders = Folders(tmp_path, tmp_path, tmp_path, (tmp_path / "models",))
    assert ID not in available_models("depth", folders)


def test_a_download_that_is_cut_off_goes_on_where_it_stopped(serve, command, tmp_path):
    hub = serve(REPO, FILES)
    hub.cut_after = len(WEIGHTS) // 2
    done = command(hub, "download", ID, "--yes")
    if done.exit_code != 0:
        done = command(hub, "download", ID, "--yes")
    assert done.exit_code == 0, done.stderr
    assert (tmp_path / "models" / "depth" / ID / "model.safetensors").read_bytes() == WEIGHTS
    assert sum(line.startswith("GET") and "model.safetensors" in line for line in hub.asked) == 2


def test_a_gated_model_says_what_to_do(serve, command):
    hub = serve(REPO, FILES)
    hub.gated = True
    failed = command(hub, "download", ID, "--yes")
    assert failed.exit_code == 1
    assert "accept its terms" in failed.stderr
    assert "hf auth login" in failed.stderr


def test_a_model_that_is_on_no_hub_says_where_it_is(serve, command):
    failed = command(serve(REPO, FILES), "download", "antelopev2", "--yes")
    assert failed.exit_code == 2
    assert "github.com/deepinsight" in failed.stderr
