"""A row of clips made larger, clip by clip, each kept on disk under the hash of what made it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import InputError, MediaError
from ..longform.clips import Clip, ClipRow, MadeRow
from ..media import VideoWriter, prefetch
from ..runtime import Runtime
from ..types import Progress, Size, float_pixels
from .face_places import FacePlace, follow_faces
from .faces import FacePass, restore_faces
from .model import FACE_SIDE, UpscaleModel
from .tiles import OVERLAP, upscale_tiled

BYTES_PER_PIXEL = 768
"""Bytes for each pixel of the output that networks of the ESRGAN family hold at once: 64 channels, a few times."""


@dataclass(frozen=True)
class UpscaleOptions:
    """How large, and in what pieces."""

    factor: int = 0
    """How many times larger; 0 for what the network makes in one pass."""
    size: Size | None = None
    """Size to end with, whatever the factor; None for the factor's."""
    tile: int = 512
    """Side of the tiles that the network sees, in pixels of the input; 0 for whole pictures."""
    batch: int = 4
    """Frames that the network sees together."""
    faces: FacePass | None = None
    """How faces are made anew; None to leave them as they come."""

    def __post_init__(self) -> None:
        """Refuse what makes nothing larger."""
        if not 0 <= self.factor <= 16 or self.batch < 1 or self.tile < 0:
            raise InputError(
                f"a factor of {self.factor}, {self.batch} frames together and tiles of {self.tile} pixels were asked "
                "for; expected a factor up to 16 (0 for the network's own), at least 1 frame, and no negative tile"
            )

    def size_of(self, source: Size, scale: int) -> Size:
        """Give the size that pictures end with."""
        factor = self.factor or scale
        return self.size or Size(factor * source.width, factor * source.height)


@dataclass(frozen=True)
class UpscaledRow(MadeRow):
    """The larger clips, in the order and with the leads and seams of those that they were made from."""

    reused: int = 0
    """Clips that were there already."""


def upscale_chunks(
    row: ClipRow, model: UpscaleModel, folder: Path, runtime: Runtime, options: UpscaleOptions = UpscaleOptions()
) -> UpscaledRow:
    """Make every clip of a row larger, frame by frame; what is in the folder already is not made again.

    Every network and setting has a folder of its own. A clip's file is named after the hash of the clip it was made
    from, and appears only when it is complete, so that a run that ended early goes on where it was. What was made from
    an earlier state of a clip is removed when the new one is there.

    Args:
        row: The clips.
        model: The network.
        folder: Below which larger clips are kept; made if it is not there.
        runtime: Where to compute, and whom to tell.
        options: How large, and in what pieces.

    Returns:
        The larger row.

    Raises:
        InputError: If a clip is missing, the size would be smaller than the clips are, or the network is one for faces.
        MediaError: If a clip cannot be read, or the folder cannot be written.
    """
    work = _Work(row, model, options, runtime)
    folder = folder / work.folder_name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MediaError(folder, f"the folder cannot be made: {error.strerror}; choose another run") from error
    clips, made, reused = row.clips(), list[Clip](), 0
    for index, clip in enumerate(clips):
        path = folder / f"upscaled-{index:05}-{_key(clip)[:16]}.mkv"
        if path.is_file():
            reused += 1
        else:
            work.upscale(clip, path, Progress("upscale", index, len(clips), 0, work.steps(clip)))
            for old in folder.glob(f"upscaled-{index:05}-*.mkv"):
                if old != path:
                    old.unlink()
        made.append(Clip(path, clip.frame_count, clip.lead))
    return UpscaledRow(tuple(made), row.fps, work.size, f"{row.name} {work.size}", row.seam, reused)


@dataclass(frozen=True)
class _Work:
    """What is the same for every clip of a row."""

    row: ClipRow
    model: UpscaleModel
    options: UpscaleOptions
    runtime: Runtime

    def __post_init__(self) -> None:
        if self.model.restores_faces:
            raise InputError(
                f"{self.model.name} restores faces and nothing else; choose it as the face model, and an upscaler such "
                "as RealESRGAN_x2plus for the whole picture"
            )
        if self.size.width < self.row.size.width or self.size.height < self.row.size.height:
            raise InputError(
                f"clips of {self.row.size} were to be upscaled to {self.size}; expected a size that is not smaller"
            )

    @property
    def size(self) -> Size:
        return self.options.size_of(self.row.size, self.model.scale)

    @property
    def folder_name(self) -> str:
        """Name the folder after everything that changes a picture."""
        options = self.options
        settings = f"{self.model.digest} {self.size} {options.factor} {options.tile}"
        if options.faces is not None:
            settings = f"{settings} {options.faces.digest}"
        return f"{self.model.name}-{self.size}-{hashlib.sha256(settings.encode()).hexdigest()[:8]}"

    def steps(self, clip: Clip) -> int:
        """Say how many frames are worked on: each once, and once more where its faces are looked for first."""
        return (1 if self.options.faces is None else 2) * (clip.lead + clip.frame_count)

    def upscale(self, clip: Clip, path: Path, told: Progress) -> None:
        model, options, runtime = self.model, self.options, self.runtime
        nets = (model.net,) if options.faces is None else (model.net, options.faces.net.net)
        places = self._faces(clip, told)
        with (
            runtime.resident(nets, working_bytes(self.row.size, model, options)),
            VideoWriter(path, fps=self.row.fps, size=self.size, codec="ffv1") as writer,
            closing(prefetch(_batches(clip, options.batch), 2)) as batches,
        ):
            for frames in batches:
                frames = frames.to(runtime.device)
                larger = _enlarge(frames, model, self.size, options)
                if options.faces is not None:
                    first = writer.frame_count
                    larger = restore_faces(larger, frames, places[first : first + len(frames)], options.faces)
                writer.write(larger.cpu())
                runtime.report(replace(told, step=min(len(places) + writer.frame_count, told.step_count)))

    def _faces(self, clip: Clip, told: Progress) -> tuple[tuple[FacePlace, ...], ...]:
        """Look for faces in the whole clip first: where one lies is told by the frames after it, too."""
        if self.options.faces is None:
            return ()

        def tell(count: int) -> None:
            self.runtime.report(replace(told, step=count))

        return follow_faces(clip.frames(), self.options.faces.finder, self.row.fps, tell)


def _batches(clip: Clip, count: int) -> Iterator[Tensor]:
    batch: list[Tensor] = []
    for frame in clip.frames():
        batch.append(frame)
        if len(batch) == count:
            yield float_pixels(torch.stack(batch))
            batch = []
    if batch:
        yield float_pixels(torch.stack(batch))


def _enlarge(frames: Tensor, model: UpscaleModel, size: Size, options: UpscaleOptions) -> Tensor:
    """Run the network until pictures are large enough, and bring them to the very size."""
    wanted = (size.height, size.width)
    frames = upscale_tiled(model, frames, model.scale, options.tile)
    while model.scale > 1 and (frames.shape[-2] < wanted[0] or frames.shape[-1] < wanted[1]):
        frames = upscale_tiled(model, frames, model.scale, options.tile)
    if frames.shape[-2:] != wanted:
        frames = F.interpolate(frames, wanted, mode="bicubic", antialias=True).clamp_(0, 1)
    return frames


def working_bytes(size: Size, model: UpscaleModel, options: UpscaleOptions) -> int:
    """Predict what a pass makes beside the weights.

    Args:
        size: Of the clips.
        model: The network.
        options: Tiles and frames together.
    """
    side = options.tile + 2 * OVERLAP if options.tile else max(size.width, size.height)
    pixels = options.batch * min(side, size.width) * min(side, size.height) * model.scale**2
    if options.faces is not None:  # they go through one by one
        pixels = max(pixels, (FACE_SIDE * options.faces.net.scale) ** 2)
    return BYTES_PER_PIXEL * pixels


def _key(clip: Clip) -> str:
    """Hash a clip: its file, and what is done to it as it is read."""
    digest = hashlib.sha256()
    with clip.path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    digest.update(f"1 {replace(clip, path=Path())}".encode())
    return digest.hexdigest()
