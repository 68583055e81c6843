"""What the crash tests have other processes do: a small run and its video, killed at a moment that they name."""

import os
import signal
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import torch

from motionweave.backbones.svd_files import load_svd
from motionweave.engine import MotionWeaveEngine
from motionweave.errors import MediaError
from motionweave.longform.plan import plan_chunks
from motionweave.longform.stitch import stitch_chunks
from motionweave.longform.store import ChunkStore
from motionweave.request import Request
from motionweave.runtime import Folders, LocalRuntime
from motionweave.sampling import DenoiseOptions, Guidance
from motionweave.types import Audio, Progress, Size

SIZE, FPS = Size(32, 32), Fraction(7)
CHUNKS, STEPS = 4, 2


def request_for(models: Path, folder: Path) -> Request:
    """Ask for the same run every time, of the models in a folder."""
    torch.set_num_threads(1)
    backbone = load_svd(models)
    with torch.inference_mode():
        picture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
        identity = backbone.encode_image(picture, SIZE, 0.02, 0)
    plan = plan_chunks(backbone.facts, 4 * CHUNKS, FPS)
    return Request(backbone, identity, (), plan, DenoiseOptions(STEPS, Guidance(1.0)), 3, folder / "run")


def work(request: Request, on_progress: Callable[[Progress], None] | None = None) -> None:
    """Weave, and stitch with sound."""
    runtime = LocalRuntime(Folders(Path("input"), Path("output"), Path("temp")), on_progress=on_progress)
    with torch.inference_mode():
        list(MotionWeaveEngine(request, runtime).generate())
    sound = Audio(torch.linspace(-0.5, 0.5, 32000)[None], 14000)
    stitch_chunks(
        ChunkStore.reopen(request.folder), request.folder.parent / "video.mp4", sound, on_progress=on_progress
    )


def work_on(models: Path, folder: Path) -> None:
    """Say by a file that everything is loaded, and work until somebody else ends it."""
    request = request_for(models, folder)
    (folder / "begun").touch()
    work(request)


def work_until_file(models: Path, folder: Path, action: str, name: str) -> None:
    """Work until Python is about to open or rename a file."""
    request = request_for(models, folder)

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event == action and str(arguments[event == "os.rename"]).endswith(name):
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    work(request)


def work_until_stage(models: Path, folder: Path, stage: str, chunk: int) -> None:
    """Work until a chunk is in a stage."""

    def hook(progress: Progress) -> None:
        if (progress.stage, progress.chunk) == (stage, chunk):
            os.kill(os.getpid(), signal.SIGKILL)

    work(request_for(models, folder), hook)


def work_and_tell(models: Path, folder: Path) -> None:
    """Work, and write down what it was refused with."""
    try:
        work(request_for(models, folder))
    except MediaError as error:
        (folder / "refused").write_text(str(error))


def hold_the_lock(models: Path, folder: Path) -> None:
    """Take a run directory, say so by a file, and stay."""
    request = request_for(models, folder)
    with ChunkStore(request.folder, request.plan, SIZE).writing():
        (folder / "holds").touch()
        time.sleep(3600)
