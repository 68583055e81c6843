"""Real processes, killed as `kill -9` does: the next one finishes with the very frames of a run that was left alone."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from apart import AVAILABLE, exit_code, start
from crashes import (
    CHUNKS,
    SIZE,
    hold_the_lock,
    request_for,
    work,
    work_and_tell,
    work_on,
    work_until_file,
    work_until_stage,
)

from motionweave.longform.store import ChunkStore
from motionweave.media import read_frames
from motionweave.request import Request

ROOT = Path(__file__).parents[2]
MINI = ROOT / "mini"
KILLED = -signal.SIGKILL if AVAILABLE else None

pytestmark = pytest.mark.skipif(not AVAILABLE, reason="processes are forked, so that each starts at once")


@pytest.fixture
def request_in(tiny_svd_folder) -> Callable[[Path], Request]:
    return partial(request_for, tiny_svd_folder)


def made(folder: Path) -> dict[str, bytes]:
    """The chunks, the video, and whatever else lies there that should not."""
    files = {path.name: path.read_bytes() for path in [*folder.glob("run/*"), *folder.glob("video*")]}
    files |= {path.name: b"" for path in [*folder.glob(".*.part"), *folder.glob("run/.*.part")]}
    return {name: data for name, data in files.items() if name not in (".lock", ".owner.json", "journal.jsonl")}


@pytest.fixture(scope="module")
def whole(tiny_svd_folder, tmp_path_factory) -> dict[str, bytes]:
    """What a run leaves behind that nobody stops."""
    folder = tmp_path_factory.mktemp("whole")
    work(request_for(tiny_svd_folder, folder))
    return made(folder)


def finishes_as_if_left_alone(request: Request, whole: dict[str, bytes]) -> None:
    work(request)
    assert made(request.folder.parent) == whole


FILE_MOMENTS = [
    ("open", "plan.json"),
    ("os.rename", "plan.json"),
    ("open", "journal.jsonl"),
    ("os.rename", "chunk-00000.mkv"),
    ("os.rename", "chunk-00001.mkv"),
    ("open", "chunk-00001.mkv"),
    ("os.rename", "chunk-00001.safetensors"),
    ("os.rename", "chunk-00003.safetensors"),
    ("os.rename", "video.mp4"),
]
"""What Python is about to do with which file when it is killed: between any two of these nothing changes on disk but
the unfinished file."""


@pytest.mark.parametrize(("action", "name"), FILE_MOMENTS)
def test_a_kill_at_each_change_on_disk_costs_nothing_but_time(
    tiny_svd_folder, request_in, whole, tmp_path, action, name
):
    assert exit_code(start(work_until_file, tiny_svd_folder, tmp_path, action, name)) == KILLED
    finishes_as_if_left_alone(request_in(tmp_path), whole)


@pytest.mark.parametrize(("stage", "chunk"), [("denoise", 0), ("denoise", 2), ("decode", 1), ("stitch", 1)])
def test_a_kill_in_the_middle_of_each_stage_costs_nothing_but_time(
    tiny_svd_folder, request_in, whole, tmp_path, stage, chunk
):
    assert exit_code(start(work_until_stage, tiny_svd_folder, tmp_path, stage, chunk)) == KILLED
    request = request_in(tmp_path)
    assert len(ChunkStore(request.folder, request.plan, SIZE).records()) == (CHUNKS if stage == "stitch" else chunk)
    finishes_as_if_left_alone(request, whole)


def test_a_run_that_is_killed_again_and_again_at_random_moments_gets_there(
    tiny_svd_folder, request_in, whole, tmp_path, pytestconfig
):
    draw, request, begun = random.Random(4), request_in(tmp_path), tmp_path / "begun"
    started = time.monotonic()
    work(request_in(tmp_path / "timed"))
    took = time.monotonic() - started
    for _ in range(pytestconfig.getoption("--kills")):
        process, delay = start(work_on, tiny_svd_folder, tmp_path), draw.uniform(0, took)
        exit_code(process, lambda delay=delay: begun.exists() and time.time() > begun.stat().st_mtime + delay)
        begun.unlink()
        if draw.random() < 0.3:  # begin anew, so that early moments are met as well
            for path in request.folder.glob("*"):
                path.unlink()
    finishes_as_if_left_alone(request, whole)


def test_a_kill_while_writing_leaves_an_unfinished_file_that_the_next_run_removes(
    tiny_svd_folder, request_in, whole, tmp_path
):
    request = request_in(tmp_path)
    unfinished = lambda: any(request.folder.glob(".chunk-*.part"))  # noqa: E731
    while not unfinished():
        exit_code(start(work_on, tiny_svd_folder, tmp_path), unfinished)
        assert not (tmp_path / "video.mp4").exists(), "the moment was missed"
    finishes_as_if_left_alone(request, whole)


def test_two_processes_on_one_run_directory_do_not_hurt_each_other(tiny_svd_folder, request_in, whole, tmp_path):
    request = request_in(tmp_path)

    def hook(progress):
        if (progress.stage, progress.chunk, progress.step) == ("denoise", 1, 1):
            assert exit_code(start(work_and_tell, tiny_svd_folder, tmp_path)) == 0

    work(request, hook)
    refused = (tmp_path / "refused").read_text()
    assert f"process {os.getpid()} on " in refused
    assert "is at work in this run directory" in refused
    finishes_as_if_left_alone(request, whole)


def test_the_lock_of_a_killed_process_does_not_block(tiny_svd_folder, request_in, whole, tmp_path):
    holder = start(hold_the_lock, tiny_svd_folder, tmp_path)
    assert exit_code(holder, (tmp_path / "holds").exists) == KILLED
    finishes_as_if_left_alone(request_in(tmp_path), whole)


@pytest.mark.skipif(
    not (MINI / "svd" / "motionweave.json").is_file(), reason="the bundled Mini is not in this checkout"
)
def test_the_command_is_killed_in_the_middle_and_run_again(tmp_path):
    """The whole way, from a workflow to the saved video, in processes that nobody prepared."""

    def command(name: str) -> tuple[list[str], Path]:
        words = [sys.executable, "-m", "motionweave", "run", str(ROOT / "workflows" / "quickstart.json")]
        for each in ("Inputs.seconds=0.75", "Weave.steps=2", "Plan Chunks.chunk_frames=8"):
            words += ["--set", each]
        words += ["--input-dir", str(tmp_path / "input"), "--output-dir", str(tmp_path / name)]
        return words, tmp_path / name / "motionweave" / "quickstart"

    def finish(name: str) -> tuple[dict[str, bytes], list[bytes]]:
        words, run = command(name)
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        frames = [frame.numpy().tobytes() for frame in read_frames(Path(done.stdout.splitlines()[-1]))]
        return {path.name: path.read_bytes() for path in run.glob("chunk-*")}, frames

    words, run = command("killed")
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not (run / "chunk-00000.safetensors").exists():
        time.sleep(0.002)
    process.kill()
    _, told = process.communicate()
    assert process.returncode == -signal.SIGKILL, f"it ended before it could be killed: {told}"
    assert not (run / "chunk-00002.mkv").exists()
    assert finish("killed") == finish("whole")
