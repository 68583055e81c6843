"""The pieces of work of the benchmark `minute`, each for a process of its own."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import torch
from torch import Tensor

from ..backbones.base import Backbone
from ..host.context import PACK_ROOT
from ..host.run import RunOptions, run_workflow
from ..longform.plan import ChunkPlan
from ..longform.stitch import stitch_chunks
from ..longform.store import ChunkStore
from ..marionette.voice import speak
from ..media import VideoWriter
from ..runtime import Folders
from ..types import Audio, Progress, Size
from ..upscale.chunks import UpscaleOptions, upscale_chunks
from ..upscale.model import UpscaleModel, load_upscale_model
from .av_offset import av_offset_frames
from .long_video import runtime_in
from .memory import Watched, watch_memory

MIB = 2**20
FPS = Fraction(30)
STEPS = 1
SIZE = Size(128, 128)
MOTION = 1_000_021
"""The workflow's own motion and voice."""
CHUNK = 48
"""Frames of a chunk that is only joined."""


@dataclass
class _Look:
    """What a run had taken when its second chunk's first step ended, and when it had made its first frames."""

    frames: int
    """After how many frames to look at the memory."""
    seen: Watched
    """Knows it."""
    started_s: float | None = None
    """Processor time at the first of these moments."""
    rss_mb: float | None = None
    """Peak at the second."""
    made_before: int = 8

    def __call__(self, progress: Progress) -> None:
        if progress.stage != "denoise" or progress.chunk_count < 2:
            return
        if progress.chunk == 1 and self.started_s is None:
            self.started_s = time.process_time()
        if progress.chunk * self.made_before >= self.frames and self.rss_mb is None:
            self.rss_mb = _peak_mb(self.seen)


def weave(frames: int, place: str, early: int) -> dict[str, float]:
    """Make a video of so many frames by the workflow.

    Args:
        frames: Its length.
        place: Folder for inputs, chunks and the video.
        early: After how many frames the peak so far is noted.
    """
    folder = Path(place)
    folders = Folders(folder / "input", folder / "output", folder / "temp")
    sets = (f"Inputs.seconds={frames / FPS.numerator}", f"Weave.steps={STEPS}", "Preflight.measure=false")
    with watch_memory() as seen:
        look = _Look(early, seen)
        report = run_workflow(PACK_ROOT / "workflows" / "minute.json", RunOptions(folders, sets, look))
        ended_s = time.process_time()
    (video,) = [output for output in report.outputs if output.path.endswith(".mp4")]
    if video.frames != frames:
        raise AssertionError(f"{video.frames} frames came out of {frames}")
    assert look.started_s is not None
    peak_mb = _peak_mb(seen)
    store = ChunkStore.reopen(folder / "output" / "motionweave" / "minute")
    return {
        "rss_mb": peak_mb,
        "early_rss_mb": peak_mb if look.rss_mb is None else look.rss_mb,
        "frame_s": (ended_s - look.started_s) / (frames - look.made_before),
        "av_offset_frames": av_offset_frames(Path(video.path), store, speak(MOTION, float(frames / FPS))),
    }


def join(frames: int, place: str) -> dict[str, float]:
    """Keep pictures that cost nothing as chunks, make them larger and join them with a sound.

    What enlarges is a network of random weights, as small as they come: memory depends on the size of the pictures.

    Args:
        frames: How many.
        place: Folder for the run directory and the video.
    """
    folder = Path(place)
    store = ChunkStore.open(folder / "run", ChunkPlan(frames, FPS, CHUNK, 0, CHUNK), SIZE)
    path, sound = folder / "joined.mp4", speak(MOTION, float(frames / FPS))
    with watch_memory() as seen:
        with store.writing():
            for window in store.plan.windows():
                made = drifting_pictures(window.start, window.stop)
                store.save(window.index, "joined", made, torch.zeros(len(made), 1, 1, 1), 0.0)
            store.finish()
        started_s = time.process_time()
        row = upscale_chunks(store, _small_upscaler(folder), folder / "large", runtime_in(folder), UpscaleOptions(2))
        stitch_chunks(row, path, sound)
        ended_s = time.process_time()
    offset = av_offset_frames(path, row, sound)
    return {"rss_mb": _peak_mb(seen), "frame_s": (ended_s - started_s) / frames, "av_offset_frames": offset}


def _peak_mb(seen: Watched) -> float:
    """Give the peak of this process: the system's own record where it keeps one, since a look misses what is brief.

    A process does one piece of work only. What is brief is met the more often the longer a run takes, which looks like
    growth.
    """
    try:
        import resource
    except ImportError:
        return seen.peak_bytes / MIB
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MIB


def _small_upscaler(folder: Path) -> UpscaleModel:
    from safetensors.torch import save_file
    from spandrel.architectures.Compact import Compact

    torch.manual_seed(0)
    save_file(Compact(num_feat=4, num_conv=1, upscale=2).state_dict(), folder / "small.safetensors")
    return load_upscale_model(folder / "small.safetensors")


def drifting_pictures(start: int, stop: int) -> Tensor:
    """Draw frames that differ from each other: one soft picture that drifts, (F, 3, H, W) in [0, 1]."""
    coarse = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    picture = torch.nn.functional.interpolate(coarse, (SIZE.height, SIZE.width), mode="bicubic").clamp(0, 1)[0]
    return torch.stack([picture.roll((index, 3 * index), (-2, -1)) for index in range(start, stop)])


def hold_all(frames: int, place: str, shortest_mb: float | None) -> dict[str, float]:
    """Hold every frame of a finished run in one tensor, as plain workflows do, and write it.

    Args:
        frames: How many.
        place: Folder of the run's work.
        shortest_mb: What the shortest length held; None if this is it.
    """
    import psutil

    from ..backbones.precision import load_backbone

    needed = 2 * frames * 3 * SIZE.width * SIZE.height * 4
    if shortest_mb is not None and needed > psutil.virtual_memory().available / 2:
        return {"rss_mb": shortest_mb + needed / MIB, "computed": True}
    folder = Path(place)
    run = next(path.parent for path in folder.rglob("plan.json"))
    store = ChunkStore.reopen(run)
    with watch_memory() as seen, torch.inference_mode():
        backbone = load_backbone(PACK_ROOT / "mini" / "svd", torch.float32)
        _decode_a_window(backbone)
        held = [frame[None].float() / 255 for frame in store.frames()]
        together = torch.cat(held)
        with VideoWriter(folder / "plain.mp4", fps=FPS, size=SIZE, audio=_silence(frames)) as writer:
            for batch in together.split(64):
                writer.write(batch)
    return {"rss_mb": _peak_mb(seen), "computed": False}


def _decode_a_window(backbone: Backbone) -> None:
    facts = backbone.facts
    cells = SIZE.height // facts.spatial_compression, SIZE.width // facts.spatial_compression
    backbone.decode_clip(torch.zeros(facts.window, facts.latent_channels, *cells))


def _silence(frames: int) -> Audio:
    return Audio(torch.zeros(1, round(frames / FPS * 24_000)), 24_000)
