"""A damaged file is told from a sound one, cheaply and in words."""

import hashlib
import json

import numpy as np
import pytest
from safetensors.numpy import save
from typer.testing import CliRunner

from motionweave.cli import app
from motionweave.weights.checks import ExpectedFile, check_file, file_git_blob, file_sha256

WEIGHTS = save({"weight": np.arange(64, dtype=np.float32)})


def problem(tmp_path, name, content, **known):
    (tmp_path / name).write_bytes(content)
    return check_file(tmp_path, ExpectedFile(name, **known)).problem


def test_a_sound_file_has_no_problem_and_says_whether_it_was_compared(tmp_path):
    assert problem(tmp_path, "a.safetensors", WEIGHTS) is None
    sha256 = hashlib.sha256(WEIGHTS).hexdigest()
    check = check_file(tmp_path, ExpectedFile("a.safetensors", len(WEIGHTS), sha256))
    assert (check.problem, check.compared) == (None, True)
    assert not check_file(tmp_path, ExpectedFile("a.safetensors")).compared


@pytest.mark.parametrize(
    ("name", "content", "known", "words"),
    [
        ("a.safetensors", WEIGHTS[:-1], {}, "cut off"),
        ("a.safetensors", b"<html>", {}, "cannot be read as safetensors"),
        ("a.safetensors", WEIGHTS, {"size_bytes": 3}, "expected 3"),
        ("a.safetensors", WEIGHTS, {"sha256": "0" * 64}, "SHA-256"),
        ("a.onnx", b"no network", {}, "ONNX Runtime"),
        ("config.json", b"<html>", {}, "no JSON"),
        ("config.json", b"{\"a\": 1}", {"git_blob": "0" * 40}, "differs"),
    ],
)  # fmt: skip
def test_a_damaged_file_is_described(tmp_path, name, content, known, words):
    if name.endswith(".onnx"):
        pytest.importorskip("onnxruntime")
    assert words in str(problem(tmp_path, name, content, **known))


def test_a_missing_file_is_said(tmp_path):
    assert check_file(tmp_path, ExpectedFile("none.onnx")).problem == "is missing"


def test_checksums_are_those_of_the_usual_tools(tmp_path):
    path = tmp_path / "words"
    path.write_bytes(b"words\n")
    assert file_sha256(path) == hashlib.sha256(b"words\n").hexdigest()
    # printf 'words\n' | git hash-object --stdin
    assert file_git_blob(path) == "71af1a951a54b4b0d3ff58066663f39f18b3c261"


def test_models_are_listed_for_people_and_for_programs(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    told = CliRunner().invoke(app, ["models", "list", "--json", "--models-dir", str(tmp_path)])
    rows = {row["id"]: row for row in json.loads(told.stdout)}
    assert rows["mini-svd"]["bundled"]
    assert not rows["svd-xt"]["here"]
    lines = CliRunner().invoke(app, ["models", "list", "--role", "speech"]).stdout.splitlines()
    assert all(" speech " in line for line in lines)
    assert any("apache-2.0" in line for line in lines)
    refused = CliRunner().invoke(app, ["models", "list", "--role", "speach"])
    assert (refused.exit_code, "speech" in refused.stderr) == (2, True)


def test_models_of_ones_own_are_listed_beside_the_manifests(tmp_path):
    (tmp_path / "depth/mine").mkdir(parents=True)
    (tmp_path / "depth/mine/config.json").write_text('{"model_type": "zoedepth"}')
    told = CliRunner().invoke(app, ["models", "list", "--role", "depth", "--models-dir", str(tmp_path)])
    assert any(line.startswith("mine ") and str(tmp_path) in line for line in told.stdout.splitlines())


def test_a_model_that_is_not_here_cannot_be_verified_and_says_how_to_get_it(tmp_path):
    told = CliRunner().invoke(app, ["models", "verify", "dwpose", "--models-dir", str(tmp_path)])
    assert told.exit_code == 2
    assert "motionweave models download dwpose" in told.stderr
