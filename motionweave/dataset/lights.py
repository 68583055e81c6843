"""The light of each frame of a film: from a file that came with it, or one for each clip, estimated."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from ..errors import InputError, MediaError
from ..media import FootageFrames
from ..media.files import whole_file
from ..tracks.light import LightTrack
from ..tracks.light_estimate import FRAMES, estimate_light
from ..tracks.light_files import read_light
from ..tracks.normals import surface_normals
from ..tracks.preview import spread
from ..types import float_pixels
from ..weights.tensor_files import read_tensors
from .choose import Shot
from .entries import Problem
from .extract import Shape, Source
from .film import Film
from .layouts import PREPARED

LAYOUT = "1"
"""Of what is written, and of how lights are estimated; another one is another key."""


def keep_light(folder: Path, file: str, film: Film) -> str:
    """Read a film's light file, at the film's frame rate; give the name of what was kept.

    Args:
        folder: The dataset.
        file: The light file, relative to it.
        film: Whose light it is. Where the file ends before it, the last light holds.

    Raises:
        InputError: If the file is no light.
    """
    text = read_text(folder / file)
    name = _name(f"{hashlib.sha256(text.encode()).hexdigest()} {film.fps}")
    if not _place(folder, name).is_file():
        _write(folder, name, read_light(text).resample(film.fps))
    return name


def estimate_lights(folder: Path, source: Source, shape: Shape, film: Film, shots: Sequence[Shot]) -> dict[int, str]:
    """Estimate one light for each clip, unless that was done, in one more pass over the film.

    Args:
        folder: The dataset.
        source: The film on disk.
        shape: How it was read.
        film: What was read of it, with depth.
        shots: Its clips, in order.

    Returns:
        By a clip's first frame, the name of what was kept; or nothing there, where the pictures do not tell enough.
    """
    names = {shot.start: _name(f"{film.folder.name} {shot.start} {shot.stop}") for shot in shots}
    missing = [shot for shot in shots if not _place(folder, names[shot.start]).is_file()]
    for shot, pictures in _pictures(source, shape, missing):
        shown = film.depth_range(shot.start, shot.stop)
        frames = _chosen(shot)
        facing = [surface_normals(film.depth_track(at, at + 1, shown), None, film.size) for at in frames]
        try:
            light = estimate_light(FootageFrames(float_pixels(pictures), film.fps), torch.cat(facing))
        except InputError:  # too little is seen, or all of it faces the same way
            del names[shot.start]
            continue
        _write(folder, names[shot.start], light)
    return names


def unlit(file: str, shots: Sequence[Shot], lights: dict[int, str]) -> Iterator[Problem]:
    """Name clips whose light could not be estimated."""
    for shot in shots:
        if shot.start not in lights:
            yield Problem(f"{file} frames {shot.start}-{shot.stop - 1}", "its pictures do not tell of their light")


def light_rows(folder: Path, name: str, frames: Sequence[int]) -> Tensor:
    """Give the light of some frames of a film, (F, 9, 3) float32; the last one that is known holds.

    Args:
        folder: The dataset.
        name: What `keep_light` or `estimate_lights` gave.
        frames: Frames of the film.
    """
    values = read_tensors(_place(folder, name))["light"]
    return values[torch.tensor(frames).clamp(max=len(values) - 1)]


def read_text(path: Path) -> str:
    """Read a small text file that came with a film.

    Raises:
        InputError: If it is no text.
        MediaError: If it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name} is no text ({error.reason})") from error
    except OSError as error:
        raise MediaError(path, f"cannot be read ({error.strerror})") from error


def _pictures(source: Source, shape: Shape, shots: Sequence[Shot]) -> Iterator[tuple[Shot, Tensor]]:
    """Give the frames that each clip's light is read from, (F, 3, H, W) uint8; nothing is read for no clips."""
    if not shots:
        return
    frames = enumerate(source.frames(shape))
    for shot in shots:
        chosen, taken = set(_chosen(shot)), list[Tensor]()
        for index, frame in frames:
            if index in chosen:
                taken.append(frame)
            if index + 1 == shot.stop:
                break
        yield shot, torch.stack(taken)


def _chosen(shot: Shot) -> list[int]:
    return [shot.start + index for index in spread(shot.stop - shot.start, FRAMES)]


def _name(told: str) -> str:
    return hashlib.sha256(f"{LAYOUT} {told}".encode()).hexdigest()[:24] + ".safetensors"


def _place(folder: Path, name: str) -> Path:
    return folder / PREPARED / "lights" / name


def _write(folder: Path, name: str, light: LightTrack) -> None:
    from safetensors.torch import save_file

    path = _place(folder, name)
    path.parent.mkdir(exist_ok=True)
    with whole_file(path) as partial:
        save_file({"light": light.coefficients.contiguous()}, partial)
