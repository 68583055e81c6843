"""Stitching and encoding 1080p against FFmpeg's own cross-fade filter, on the same clips and encoder settings.

Both read lossless FFV1 clips whose neighbours share frames, fade over those, and write H.264 of the same quality. They
take turns, so that a machine that slows down slows both. The peer is the ffmpeg command: the machine's own, or the one
that the wheel imageio-ffmpeg brings.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import UnsupportedError
from ..longform.clips import Clip, MadeRow
from ..longform.stitch import stitch_chunks
from ..media import RECIPES, VideoWriter, probe_video, read_frames
from ..types import Size

SIZE, FPS = Size(1920, 1080), Fraction(30)
CLIPS, NEW_FRAMES, LEAD = 3, 40, 8
ROUNDS = 3

Spent = dict[str, float]
"""Seconds by figure."""


def stitch(
    clips: int = ROUNDS,
    on_clip: Callable[[int], None] | None = None,
    keep: Callable[[int, Tensor, Tensor], None] | None = None,
) -> dict[str, Any]:
    """Run the benchmark.

    Args:
        clips: Rounds in which both take a turn; the medians count.
        on_clip: Told of each round that is done.
        keep: Gets a frame in the middle of a fade, ours and the peer's.

    Returns:
        ``figures`` and ``baselines``: seconds a frame, those of processor time on all cores, and the ratio of ours to
        the peer's of either. On a machine that has other work, whoever has more threads gets more of it, and the ratio
        of processor time is the one to look at.

    Raises:
        UnsupportedError: If there is no ffmpeg to compare with.
    """
    ffmpeg = find_ffmpeg()
    with TemporaryDirectory() as name:
        folder = Path(name)
        row = _write_clips(folder)
        ours, theirs = folder / "ours.mp4", folder / "theirs.mp4"
        mine: list[Spent] = []
        peers: list[Spent] = []
        for index in range(clips):
            mine.append(_spent(lambda: stitch_chunks(row, ours)))
            peers.append(_spent(lambda: _cross_fade(ffmpeg, row, theirs)))
            if on_clip is not None:
                on_clip(index)
        frames = probe_video(ours).frame_count
        assert frames == probe_video(theirs).frame_count == CLIPS * NEW_FRAMES
        error = _difference(ours, theirs, keep)
    found, peer = ({key: median(each[key] for each in side) / frames for key in mine[0]} for side in (mine, peers))
    ratios = {"ratio": found["frame_s"] / peer["frame_s"], "cpu_ratio": found["frame_cpu_s"] / peer["frame_cpu_s"]}
    return {
        "figures": {**found, **ratios, "mean_difference_levels": error},
        "baselines": {"ffmpeg_xfade": {**peer, "ratio": 1.0, "cpu_ratio": 1.0}},
    }


def find_ffmpeg() -> str:
    """Give the ffmpeg command.

    Raises:
        UnsupportedError: If there is none.
    """
    found = shutil.which("ffmpeg")
    if found is not None:
        return found
    try:
        return str(import_module("imageio_ffmpeg").get_ffmpeg_exe())
    except ImportError as error:
        raise UnsupportedError(
            "comparing with ffmpeg", "Install it, or the wheel that brings it: pip install imageio-ffmpeg."
        ) from error


def _write_clips(folder: Path) -> MadeRow:
    """Write clips of a textured surface that drifts past, each beginning with the last frames of the one before."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(1, 3, 30, 50, generator=generator)
    fine = torch.rand(1, 3, 340, 560, generator=generator)
    room = (SIZE.height + 300, SIZE.width + 300)
    texture = sum(F.interpolate(part, room, mode="bicubic") * share for part, share in ((coarse, 0.75), (fine, 0.25)))
    surface = (torch.as_tensor(texture)[0].clamp(0, 1) * 255).to(torch.uint8)
    made: list[Clip] = []
    for index in range(CLIPS):
        lead = LEAD if index else 0
        path = folder / f"clip-{index}.mkv"
        with VideoWriter(path, fps=FPS, size=SIZE, codec="ffv1") as writer:
            for place in range(index * NEW_FRAMES - lead, (index + 1) * NEW_FRAMES):
                x, y = 2 * place, place
                writer.write(surface[None, :, y : y + SIZE.height, x : x + SIZE.width])
        made.append(Clip(path, NEW_FRAMES, lead))
    # FFmpeg's `fade` is linear.
    return MadeRow(tuple(made), FPS, SIZE, "bench", "linear")


def _cross_fade(ffmpeg: str, row: MadeRow, path: Path) -> None:
    """Have ffmpeg fade the clips and encode them as we do."""
    steps: list[str] = []
    last, length = "[0:v]", row.made[0].frame_count
    for index, clip in enumerate(row.made[1:], start=1):
        start, duration = float((length - clip.lead) / row.fps), float(clip.lead / row.fps)
        steps.append(f"{last}[{index}:v]xfade=transition=fade:duration={duration:.6f}:offset={start:.6f}[v{index}]")
        last, length = f"[v{index}]", length + clip.frame_count
    recipe = RECIPES["h264"]
    assert recipe.scale is not None
    inputs = [word for clip in row.made for word in ("-i", str(clip.path))]
    options = [word for name, value in recipe.options.items() for word in (f"-{name}", value)]
    quality = [f"-{recipe.scale.option}", str(recipe.scale.usual)]
    command = [ffmpeg, "-y", "-nostdin", "-loglevel", "error", *inputs, "-filter_complex", ";".join(steps)]
    command += ["-map", last, "-c:v", recipe.encoder, *options, *quality, "-pix_fmt", recipe.pixel_format]
    subprocess.run([*command, "-movflags", "+faststart", str(path)], check=True)


def _spent(work: Callable[[], object]) -> Spent:
    """Say what a piece of work took: the clock's time, and the processors' in this process and its children."""
    started, before = time.monotonic(), sum(os.times()[:4])
    work()
    return {"frame_s": time.monotonic() - started, "frame_cpu_s": sum(os.times()[:4]) - before}


def _difference(ours: Path, theirs: Path, keep: Callable[[int, Tensor, Tensor], None] | None) -> float:
    """Give the mean absolute difference of some frames in 8-bit levels: both sides must have made the same video."""
    start = NEW_FRAMES - LEAD
    pairs = zip(*(read_frames(path, start=start, stop=start + LEAD) for path in (ours, theirs)), strict=True)
    found: list[float] = []
    for index, (mine, peer) in enumerate(pairs):
        found.append(float((mine.float() - peer.float()).abs().mean()))
        if keep is not None and index == LEAD // 2:
            keep(0, mine[None].float() / 255, peer[None].float() / 255)
    return sum(found) / len(found)
