"""What a run takes: graphics memory, memory, disk and time, against what there is."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median

from ..controls.base import Control
from ..errors import InputError
from ..longform.disk import CLIP_SHARE, clip_share, disk_bytes
from ..longform.store import ChunkStore
from ..residency import GIB, RESERVE_BYTES, MemoryPlan, Need
from ..runtime import Runtime
from ..settling import settle
from ..upscale.chunks import working_bytes
from .findings import Cost, Finding
from .planned import PlannedRun
from .trial import Pace, measure_pace

FILM_SHARE = 0.03
"""Bytes of the finished H.264 video for each byte of its pixels. Measured: 0.012 to 0.025 for Mini's videos."""
COPIES = 2
"""Of the finished video: the one that is joined, and the one that Save Video keeps."""
SCRATCH = 1.5
"""Memory taken on a processor for each byte of tensors: convolutions work in space of their own, which is not counted.
Measured: 1.3 for Mini's decoder at 128x128."""
ENCODER_FRAMES = 64
"""Frames that an encoder holds to look ahead, uncompressed."""
WAYS = {
    "decode": "lower decode_frames, or set a decode_tile of 512",
    "enlarge": "lower tile and batch of Upscale Chunks",
    "denoise": "make the picture smaller in Encode Identity, or lower chunk_frames in Plan Chunks",
}
"""What takes less memory, for each stage."""
NEARLY = 0.8
"""From which share of the free disk on it is told."""


def costs(run: PlannedRun, controls: tuple[Control, ...], runtime: Runtime, measure: bool) -> Iterator[Finding | Cost]:
    """Predict what a run takes, and hold it against what is free.

    Args:
        run: What is to be made; its settings hold.
        controls: Those to apply, on the plan's frame rate.
        runtime: Where.
        measure: Whether one short window may be made to find out the time, where no chunk tells it.

    Returns:
        A finding for each, and the numbers last.
    """
    request = run.request(controls)
    memory = settle(request, runtime, run.nets)[1]
    larger = tuple((need.stage, need.peak_bytes(memory.residency)) for need in _enlarging(run))
    memory = replace(memory, stages=(*memory.stages, *larger))
    on_device = runtime.device.type != "cpu"
    if on_device:
        yield _device(memory)
    needs = () if on_device else (*request.needs(run.nets), *_enlarging(run))
    ram = ram_bytes(run, needs)
    yield _ram(ram)
    disk = max(0, run_bytes(run) - _size_of(run.folder))
    yield _disk(disk, run.folder)
    store = _made_before(run)
    pace = None if store is not None or not measure else measure_pace(run, controls, runtime)
    seconds, told = _time(run, store, pace)
    yield Finding("ok", "time", told)
    yield Cost(memory.peak_bytes if on_device else None, ram, disk, seconds)


def ram_bytes(run: PlannedRun, needs: tuple[Need, ...]) -> int:
    """Predict the most memory that this process will hold; it does not depend on the video's length.

    Args:
        run: What is to be made.
        needs: Stages that are done on the processor; weights are in memory already.
    """
    import psutil

    size, final = run.identity.size, run.final_size
    frames = max(window.frame_count for window in run.plan.windows())
    window = 3 * size.width * size.height * frames * 5  # float32, and the bytes that are written
    joining = 3 * final.width * final.height * ENCODER_FRAMES * 3 // 2
    working = round(SCRATCH * max((need.working_bytes for need in needs), default=0))
    return psutil.Process().memory_info().rss + working + window + joining


def _enlarging(run: PlannedRun) -> tuple[Need, ...]:
    """Predict what enlarging takes, as far as it is known what enlarges."""
    if run.upscaler is None or run.upscale == 1:
        return ()
    nets = (run.upscaler.net,) if run.faces is None else (run.upscaler.net, run.faces.net.net)
    return (Need("enlarge", nets, working_bytes(run.identity.size, run.upscaler, run.enlarging)),)


def run_bytes(run: PlannedRun) -> int:
    """Predict everything that lies on disk when the video is finished: chunks, enlarged chunks, video."""
    made = _made_before(run)
    share = CLIP_SHARE if made is None else clip_share(made)
    chunks = disk_bytes(run.plan, run.identity.size, run.backbone.facts, share)
    enlarged = 0
    if run.upscale != 1:
        enlarged = disk_bytes(run.plan, run.final_size, replace(run.backbone.facts, latent_channels=0))
    pixels = 3 * run.final_size.width * run.final_size.height * run.plan.frame_count
    sound = 0 if run.audio is None else round(run.seconds * 12_000 * run.audio.waveform.shape[0])
    return chunks + enlarged + COPIES * (round(FILM_SHARE * pixels) + sound)


def _device(memory: MemoryPlan) -> Finding:
    told = f"{memory.residency.title}; peak {memory.peak_bytes / GIB:.1f} GiB"
    if memory.free_bytes is not None:
        told += f" of {memory.free_bytes / GIB:.1f} GiB free"
    if memory.fits:
        return Finding("ok", "graphics memory", told)
    if memory.free_bytes is not None and memory.peak_bytes > memory.free_bytes:
        worst = max(memory.stages, key=lambda stage: stage[1])[0]
        return Finding("stop", "graphics memory", told, WAYS.get(worst, WAYS["denoise"]))
    return Finding("note", "graphics memory", f"{told}: it may be too little", "close what else uses the card")


def _ram(needed: int) -> Finding:
    import psutil

    held = psutil.Process().memory_info().rss
    free = psutil.virtual_memory().available + held
    told = f"peak {needed / GIB:.1f} GiB of {free / GIB:.1f} GiB; it does not grow with the length"
    if needed > free:
        return Finding("stop", "memory", told, "close other programs, or make the picture smaller")
    if needed + RESERVE_BYTES > free:
        return Finding("note", "memory", f"{told}: it may be too little", "close other programs")
    return Finding("ok", "memory", told)


def _disk(needed: int, folder: Path) -> Finding:
    place = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    free = shutil.disk_usage(place).free
    told = f"{_bytes(needed)} more are written, {_bytes(free)} are free at {place}"
    if needed > free:
        return Finding("stop", "disk", told, f"free {_bytes(needed - free)}, or choose another output folder")
    if needed > NEARLY * free:
        return Finding("note", "disk", f"{told}: it may become full", "free some space before")
    return Finding("ok", "disk", told)


def _made_before(run: PlannedRun) -> ChunkStore | None:
    """Give the run directory if it holds chunks of this very plan and size."""
    try:
        store = ChunkStore.reopen(run.folder)
    except InputError:
        return None
    same = store.plan == run.plan and store.size == run.identity.size
    return store if same and store.records() else None


def _time(run: PlannedRun, store: ChunkStore | None, pace: Pace | None) -> tuple[float | None, str]:
    """Predict the time from here on, and say where it is known from."""
    count = len(run.plan)
    if store is not None:
        records = store.records()
        left = count - len(records)
        seconds = left * median(record.seconds for record in records.values())
        return seconds, (
            f"about {readable_time(seconds)} for {left} of {count} chunks, as long as the {len(records)} took that lie "
            "in the run directory; what an input changed since is made again"
        )
    if pace is None:
        return None, f"not known: no chunk of this plan was made yet, and nothing was measured ({count} chunks)"
    windows = run.plan.windows()
    longest = max(window.frame_count for window in windows)
    full = sum(window.frame_count for window in windows) / longest
    making = full * (run.options.steps * pace.step_s + pace.finish_s)
    known = run.upscale == 1 or run.upscaler is not None
    enlarging = run.plan.frame_count * pace.enlarge_s
    joining = run.plan.frame_count * pace.stitch_s * (1 if known else run.upscale**2)
    seconds = making + enlarging + joining
    larger = f"{readable_time(enlarging)} to enlarge, " if enlarging and run.upscaler is not None else ""
    return seconds, (
        f"about {readable_time(seconds)} for {count} chunks: {readable_time(making)} to make, {larger}"
        f"{readable_time(joining)} to join and encode (measured on {longest} frames: {pace.step_s:.3g} s a step, "
        f"{pace.finish_s:.3g} s to decode){'' if known else '; enlarging comes on top: connect upscale_model'}"
    )


def readable_time(seconds: float) -> str:
    """Give a time as people say it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _bytes(count: int) -> str:
    return f"{count / GIB:.2f} GiB" if count >= GIB / 10 else f"{count / 2**20:.1f} MiB"


def _size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else 0
