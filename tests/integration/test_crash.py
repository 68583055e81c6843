"""Real processes, killed as `kill -9` does: the next one finishes with the very frames of a run that was left alone."""

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from motionweave.engine import MotionWeaveEngine
from motionweave.errors import MediaError
from motionweave.longform.plan import plan_chunks
from motionweave.longform.stitch import stitch_chunks
from motionweave.longform.store import ChunkStore
from motionweave.media import read_frames
from motionweave.request import Request
from motionweave.runtime import Folders, LocalRuntime
from motionweave.sampling import DenoiseOptions, Guidance
from motionweave.types import Audio, Size

ROOT = Path(__file__).parents[2]
MINI = ROOT / "mini"
SIZE, FPS, SECONDS = Size(32, 32), Fraction(7), 60
CHUNKS, STEPS = 4, 2

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked, so that each starts at once")


@pytest.fixture(scope="module")
def request_for(tiny_backbone) -> Callable[[Path], Request]:
    with torch.inference_mode():
        picture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
        identity = tiny_backbone.encode_image(picture, SIZE, 0.02, 0)
    plan = plan_chunks(tiny_backbone.facts, 4 * CHUNKS, FPS)
    return lambda folder: Request(
        tiny_backbone, identity, (), plan, DenoiseOptions(STEPS, Guidance(1.0)), 3, folder / "run"
    )


def work(request: Request, on_progress=None) -> None:
    """Weave, and stitch with sound."""
    runtime = LocalRuntime(Folders(Path("input"), Path("output"), Path("temp")), on_progress=on_progress)
    with torch.inference_mode():
        list(MotionWeaveEngine(request, runtime).generate())
    sound = Audio(torch.linspace(-0.5, 0.5, 32000)[None], 14000)
    stitch_chunks(
        ChunkStore.reopen(request.folder), request.folder.parent / "video.mp4", sound, on_progress=on_progress
    )


def made(folder: Path) -> dict[str, bytes]:
    """The chunks, the video, and whatever else lies there that should not."""
    files = {path.name: path.read_bytes() for path in [*folder.glob("run/*"), *folder.glob("video*")]}
    files |= {path.name: b"" for path in [*folder.glob(".*.part"), *folder.glob("run/.*.part")]}
    return {name: data for name, data in files.items() if name not in (".lock", ".owner.json", "journal.jsonl")}


@pytest.fixture(scope="module")
def whole(request_for, tmp_path_factory) -> dict[str, bytes]:
    """What a run leaves behind that nobody stops."""
    folder = tmp_path_factory.mktemp("whole")
    work(request_for(folder))
    return made(folder)


def killed(target: Callable[[], None], when: Callable[[], bool] | None = None) -> bool:
    """Run something in a process of its own, kill it once `when` holds; say whether it was killed."""
    process = multiprocessing.get_context("fork").Process(target=target)
    process.start()
    deadline = time.monotonic() + SECONDS
    while process.is_alive() and time.monotonic() < deadline:
        if when is not None and when():
            os.kill(process.pid, signal.SIGKILL)
            break
        time.sleep(0.0005)
    process.join(SECONDS)
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


def finishes_as_if_left_alone(request: Request, whole: dict[str, bytes]) -> None:
    work(request)
    folder = request.folder.parent
    leftovers = {path.name for path in folder.glob(".video*.part")}
    assert {name: data for name, data in made(folder).items() if name not in leftovers} == whole


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
def test_a_kill_at_each_change_on_disk_costs_nothing_but_time(request_for, whole, tmp_path, action, name):
    request = request_for(tmp_path)

    def until_the_moment():
        def hook(event, arguments):
            if event == action and str(arguments[event == "os.rename"]).endswith(name):
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        work(request)

    assert killed(until_the_moment)
    finishes_as_if_left_alone(request, whole)


@pytest.mark.parametrize(("stage", "chunk"), [("denoise", 0), ("denoise", 2), ("decode", 1), ("stitch", 1)])
def test_a_kill_in_the_middle_of_each_stage_costs_nothing_but_time(request_for, whole, tmp_path, stage, chunk):
    request = request_for(tmp_path)

    def until_the_moment():
        def hook(progress):
            if (progress.stage, progress.chunk) == (stage, chunk):
                os.kill(os.getpid(), signal.SIGKILL)

        work(request, hook)

    assert killed(until_the_moment)
    store = ChunkStore(request.folder, request.plan, SIZE)
    assert len(store.records()) == (CHUNKS if stage == "stitch" else chunk)
    finishes_as_if_left_alone(request, whole)


def test_a_run_that_is_killed_again_and_again_at_random_moments_gets_there(request_for, whole, tmp_path, pytestconfig):
    draw, request, kills = random.Random(4), request_for(tmp_path), pytestconfig.getoption("--kills")
    started = time.monotonic()
    work(request_for(tmp_path / "timed"))
    took = time.monotonic() - started
    for _ in range(kills):
        delay = time.monotonic() + draw.uniform(0, took)
        killed(lambda: work(request), lambda delay=delay: time.monotonic() > delay)
        if draw.random() < 0.3:  # begin anew, so that early moments are met as well
            for path in request.folder.glob("*"):
                path.unlink()
    finishes_as_if_left_alone(request, whole)


def test_a_kill_while_writing_leaves_an_unfinished_file_that_the_next_run_removes(request_for, whole, tmp_path):
    request = request_for(tmp_path)
    unfinished = lambda: any(request.folder.glob(".chunk-*.part"))  # noqa: E731
    while not unfinished():
        killed(lambda: work(request), unfinished)
        assert not (tmp_path / "video.mp4").exists(), "the moment was missed"
    finishes_as_if_left_alone(request, whole)


def test_two_processes_on_one_run_directory_do_not_hurt_each_other(request_for, whole, tmp_path):
    request = request_for(tmp_path)
    refused = tmp_path / "refused.txt"

    def second():
        try:
            work(request)
        except MediaError as error:
            refused.write_text(str(error))

    def hook(progress):
        if (progress.stage, progress.chunk, progress.step) == ("denoise", 1, 1):
            assert not killed(second)

    work(request, hook)
    assert f"process {os.getpid()} on " in refused.read_text()
    assert "is at work in this run directory" in refused.read_text()
    refused.unlink()
    finishes_as_if_left_alone(request, whole)


def test_the_lock_of_a_killed_process_does_not_block(request_for, whole, tmp_path):
    request = request_for(tmp_path)

    def stay():
        with ChunkStore(request.folder, request.plan, SIZE).writing():
            (tmp_path / "holds").touch()
            time.sleep(SECONDS)

    assert killed(stay, (tmp_path / "holds").exists)
    (tmp_path / "holds").unlink()
    finishes_as_if_left_alone(request, whole)


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
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS * 5)
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
