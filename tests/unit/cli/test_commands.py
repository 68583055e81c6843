"""The command line: exit codes, one-line errors, and what is printed."""

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from motionweave.cli import app, describe_error, is_bad_input
from motionweave.errors import GenerationError, InputError, MediaError, MissingModelError, MotionWeaveError
from motionweave.media import VideoWriter, write_image
from motionweave.types import Size

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.skipif(not (ROOT / "__init__.py").is_file(), reason="this checkout has no root __init__.py")

COPY = {
    "1": {"class_type": "LoadVideo", "inputs": {"file": "clip.mp4"}, "_meta": {"title": "Clip"}},
    "2": {
        "class_type": "SaveVideo",
        "inputs": {"video": ["1", 0], "filename_prefix": "copy", "format": "auto", "codec": "auto"},
    },
}


@pytest.fixture
def invoke(tmp_path):
    """Runs `motionweave run` on a workflow, in folders with one short video."""
    (tmp_path / "in").mkdir()
    with VideoWriter(tmp_path / "in" / "clip.mp4", fps=Fraction(10), size=Size(16, 16)) as writer:
        writer.write(torch.zeros(3, 3, 16, 16))
    write_image(tmp_path / "in" / "picture.png", torch.zeros(1, 3, 16, 16))

    def run(workflow, *arguments):
        path = tmp_path / "workflow.json"
        path.write_text(workflow if isinstance(workflow, str) else json.dumps(workflow), encoding="utf-8")
        folders = ["--input-dir", str(tmp_path / "in"), "--output-dir", str(tmp_path / "out")]
        return CliRunner().invoke(app, ["run", str(path), *folders, *arguments])

    return run


def test_a_run_prints_its_files_and_writes_a_report(invoke, tmp_path):
    done = invoke(COPY, "--report", str(tmp_path / "deep" / "report.json"))
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines() == [str((tmp_path / "out" / "copy_00001_.mp4").resolve())]
    report = json.loads((tmp_path / "deep" / "report.json").read_text(encoding="utf-8"))
    assert report["outputs"][0]["frames"] == 3
    assert report["reused_chunks"] == 0


def test_inputs_are_set_by_title(invoke, tmp_path):
    done = invoke(COPY, "--set", "2.filename_prefix=mine", "--set", "Clip.file=clip.mp4")
    assert done.exit_code == 0, done.stderr
    assert (tmp_path / "out" / "mine_00001_.mp4").is_file()


@pytest.mark.parametrize(
    ("workflow", "arguments", "expected"),
    [
        ("{", (), "is not JSON"),
        ({"a": 1}, (), "is not a workflow"),
        ({"1": {"class_type": "KSampler", "inputs": {}}}, (), "KSampler"),
        (COPY, ("--set", "Clip.file=nowhere.mp4"), "nowhere.mp4"),
        (COPY, ("--set", "Clip.file=../../secret.mp4"), "climbs out"),
        (COPY, ("--set", "2.filename_prefix=/tmp/escaped"), "absolute"),
        (COPY, ("--set", "Clip.file=picture.png"), "picture.png"),
        (COPY, ("--set", "Clip.speed=2"), "has no input 'speed'"),
        (COPY, ("--set", "nonsense"), "NODE.INPUT=VALUE"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(invoke, workflow, arguments, expected):
    done = invoke(workflow, *arguments)
    assert done.exit_code == 2
    assert done.stdout == ""
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert expected in errors[0]
    assert "Traceback" not in done.stderr


def test_a_traceback_is_shown_only_on_request(invoke):
    assert "Traceback" in invoke("{", "--debug").stderr


def test_an_output_folder_that_cannot_be_written_is_bad_input(invoke, tmp_path):
    (tmp_path / "taken").touch()
    done = invoke(COPY, "--output-dir", str(tmp_path / "taken" / "out"))
    assert (done.exit_code, "cannot be written" in done.stderr) == (2, True)


def raised(error, cause):
    try:
        raise error from cause
    except MotionWeaveError as chained:
        return chained


def test_exit_codes_tell_the_users_mistakes_from_failures(tmp_path):
    own, other = MediaError(tmp_path / "in" / "x.mp4", "is broken"), MediaError(tmp_path / "out" / "x.mp4", "disk full")
    missing = MissingModelError("svd", (), "Get it.")
    for error, bad in [
        (InputError("x"), True),
        (missing, True),
        (own, True),
        (other, False),
        (MotionWeaveError("x"), False),
        (raised(MotionWeaveError("node"), missing), True),
        (raised(MotionWeaveError("node"), raised(GenerationError("window", 3), InputError("x"))), True),
        (raised(MotionWeaveError("node"), KeyError("x")), False),
        (KeyError("x"), False),
    ]:
        assert is_bad_input(error, tmp_path / "in") is bad, error


def test_any_error_becomes_one_line():
    assert describe_error(ValueError("a\nb")) == "ValueError: a b"
    assert describe_error(InputError("a\nb")) == "a b"
    assert "smaller size" in describe_error(torch.OutOfMemoryError("no room"))


def test_the_doctor_speaks_to_people_and_to_programs():
    told = CliRunner().invoke(app, ["doctor", "--json"])
    found = json.loads(told.stdout)
    assert {"python", "device", "packages", "opencv", "disk_free_gb", "models", "advice"} <= set(found)
    assert found["packages"]["torch"]
    assert CliRunner().invoke(app, ["doctor"]).stdout.startswith("Python")


def test_help_lists_the_commands_without_loading_torch():
    program = (
        "import sys; from typer.testing import CliRunner; from motionweave.cli import app\n"
        "print(CliRunner().invoke(app, ['--help']).stdout); print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=600, check=True
    )
    assert all(command in done.stdout for command in ("run", "demo", "doctor"))
    assert done.stdout.split()[-1] == "False"


def test_the_module_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "motionweave", "run", "nowhere.json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1].startswith("error: nowhere.json cannot be read")
