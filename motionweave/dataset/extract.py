"""One pass over a film: latents, image tokens, poses, depth, measures; written as they come, sealed at the end."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from torch import Tensor

from ..backbones.svd import SVDBackbone
from ..errors import MediaError
from ..media import Fit, open_footage, probe_video, read_frames, read_image
from ..media.files import sync_folder
from ..media.geometry import place
from ..runtime import Runtime
from ..tracks.depth_models.base import DepthModel
from ..tracks.estimators.base import PoseEstimator
from ..tracks.extract import save_people
from ..types import Progress, Size, float_pixels
from .measures import Meter

LAYOUT = "1"
"""Of what is written; another one is another key."""
TOKEN_EVERY = 4
"""Frames from one image token to the next: any of those frames can be a reference."""
PICTURES_FPS = Fraction(30)
"""Rate of folders of pictures, as TikTok's paper gives it; pictures themselves tell none."""
SEAL = "film.json"


@dataclass(frozen=True)
class Tools:
    """What reads the film."""

    backbone: SVDBackbone
    """Gives latents and image tokens."""
    poses: PoseEstimator
    """Finds the people."""
    depth: DepthModel | None = None
    """Estimates depth, if that is wanted."""


@dataclass(frozen=True)
class Shape:
    """How films are read; every later picture, pose and depth map is of this size."""

    size: Size
    """Pictures are scaled to fill it, and what stands over at the sides is cut off."""
    fps: Fraction | None = None
    """Frame rate; None keeps each film's own."""
    fit: Fit = "cover"
    """How pictures are fitted."""


@dataclass(frozen=True)
class Source:
    """A film on disk: a video, or a folder of pictures."""

    path: Path
    """Where."""

    @property
    def is_pictures(self) -> bool:
        """Whether it is a folder."""
        return self.path.is_dir()

    def pictures(self) -> list[Path]:
        """List a folder's pictures in order."""
        return sorted(each for each in self.path.iterdir() if each.suffix.lower() in (".png", ".jpg", ".jpeg"))

    def digest(self) -> str:
        """Hash the file; of a folder, its names and sizes."""
        if not self.is_pictures:
            return open_footage(self.path).digest()
        told = "".join(f"{each.name} {each.stat().st_size}\n" for each in self.pictures())
        return hashlib.sha256(told.encode()).hexdigest()

    def fps(self, shape: Shape) -> Fraction:
        """Give the rate at which it is read."""
        if self.is_pictures:
            return PICTURES_FPS
        return shape.fps or probe_video(self.path).fps

    def frames(self, shape: Shape) -> Iterator[Tensor]:
        """Give its frames in order, (3, H, W) uint8."""
        if not self.is_pictures:
            yield from read_frames(self.path, fps=shape.fps, size=shape.size, fit=shape.fit)
            return
        for each in self.pictures():
            picture = (read_image(each)[0] * 255).round().to(torch.uint8)
            yield place(picture, Size(picture.shape[-1], picture.shape[-2]), shape.size, shape.fit)


def film_key(source: Source, tools: Tools, shape: Shape) -> str:
    """Name what is read of a film by its content and by everything that reads it.

    Raises:
        MediaError: If it is no video.
    """
    depth = "" if tools.depth is None else tools.depth.digest
    readers = f"{tools.backbone.digest} {tools.poses.digest} {depth}"
    told = f"{LAYOUT} {source.digest()} {readers} {shape.size} {shape.fps} {shape.fit}"
    return hashlib.sha256(told.encode()).hexdigest()[:24]


def extract_film(source: Source, tools: Tools, shape: Shape, runtime: Runtime, folder: Path) -> bool:
    """Read a film once, unless that was done.

    Memory does not grow with its length but for keypoints and a few numbers a frame.

    Args:
        source: The film.
        tools: What reads it.
        shape: How it is read.
        runtime: Told of the progress; the models live on its device meanwhile.
        folder: Gets the files; it appears when they are complete.

    Returns:
        Whether it had to be read.

    Raises:
        MediaError: If it is no video, has no frames or breaks off; then nothing of it is kept.
    """
    if (folder / SEAL).is_file():
        return False
    partial = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        facts = _read(source, tools, shape, runtime, partial)
        (partial / SEAL).write_text(json.dumps(facts), encoding="utf-8")
        sync_folder(partial)
        partial.replace(folder)
        sync_folder(folder.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return True


def _read(source: Source, tools: Tools, shape: Shape, runtime: Runtime, folder: Path) -> dict[str, Any]:
    fps = source.fps(shape)
    modules = [tools.backbone.vae, tools.backbone.vision, *((tools.depth.module,) if tools.depth else ())]
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode())
        stack.enter_context(runtime.resident(modules))
        names = ("latents.f16", "tokens.f32", *(("depth.f16",) if tools.depth else ()))
        files = {name: stack.enter_context((folder / name).open("wb")) for name in names}
        reading = _Reading(tools, files, runtime, source.path.name)
        people = tuple(tools.poses.people(reading.batches(source.frames(shape))))
        for file in files.values():
            file.flush()
            os.fsync(file.fileno())
    if not people:
        raise MediaError(source.path, "holds no frames")
    save_people(folder / "poses.npz", people)
    measured = reading.meter.measures()
    return {
        "fps": str(fps),
        "frames": len(people),
        "size": [shape.size.width, shape.size.height],
        "backbone": tools.backbone.digest,
        "scaling": float(tools.backbone.vae.config.scaling_factor),
        **reading.shapes,
        "metric": bool(tools.depth and tools.depth.metric),
        **{name: [round(float(value), 6) for value in values] for name, values in vars(measured).items()},
    }


class _Reading:
    """Hands batches on to the pose estimator, and has everything else read them as they pass."""

    def __init__(self, tools: Tools, files: Mapping[str, BinaryIO], runtime: Runtime, name: str) -> None:
        self._tools, self._files, self._runtime, self._name = tools, files, runtime, name
        self.meter = Meter()
        self.shapes: dict[str, list[int]] = {}
        self._done = 0

    def batches(self, frames: Iterable[Tensor]) -> Iterator[Tensor]:
        frames = iter(frames)
        while batch := list(islice(frames, self._tools.poses.batch_size)):
            together = torch.stack(batch)
            self._take(together)
            yield together

    def _take(self, frames: Tensor) -> None:
        self.meter.add(frames)
        pixels = float_pixels(frames)
        wanted = [index for index in range(len(frames)) if (self._done + index) % TOKEN_EVERY == 0]
        self._write("latents.f16", self._tools.backbone.encode_clip(pixels), np.float16)
        if wanted:
            self._write("tokens.f32", self._tools.backbone.embed(pixels[wanted]), np.float32)
        if self._tools.depth is not None:
            self._write("depth.f16", self._tools.depth.inverse_depth(frames), np.float16)
        self._done += len(frames)
        self._runtime.report(Progress(self._name, 0, 1, self._done, self._done))

    def _write(self, name: str, values: Tensor, dtype: Any) -> None:
        self.shapes[name.partition(".")[0]] = list(values.shape[1:])
        self._files[name].write(values.float().cpu().numpy().astype(dtype).tobytes())
