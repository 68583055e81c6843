"""Marionette as a dataset like any other: films of drawn characters, with their prompts, lights and cameras."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from ..marionette import FIRST_EVALUATION_SEED, World, clip_times, make_world, render_clip
from ..marionette.camera import Camera
from ..marionette.changes import moving_camera, relative_poses, turning_light
from ..marionette.sample import FOOTAGE_SIZE
from ..marionette.voice import speak
from ..marionette.world import camera_of, portrait
from ..media import VideoWriter
from ..media.files import whole_file
from ..tracks.camera import CameraFrames
from ..tracks.camera_files import write_realestate
from ..tracks.light import light_track
from ..tracks.light_files import write_light
from .entries import METADATA, Entry, write_entries


@dataclass(frozen=True)
class MarionetteFilms:
    """Which films to draw."""

    clip_count: int
    """How many, each of another character."""
    seconds: float = 4.0
    """Length of each."""
    fps: Fraction = Fraction(12)
    """Frame rate."""
    first_seed: int = 0
    """Seed of the first; the others follow."""
    held_out: int = 0
    """How many of the last ones are held out of training."""
    speaking: bool = False
    """Whether they are seen from near and speak, with sound, as training of speech needs."""
    turning_light: bool = False
    """Whether the light goes round them, as training of light needs."""
    moving_camera: bool = False
    """Whether the camera moves, as training of cameras needs."""

    def __post_init__(self) -> None:
        """Check the numbers once, and keep evaluation's characters out."""
        if self.clip_count < 1 or not 0 <= self.held_out < self.clip_count or self.seconds * self.fps < 2:
            raise InputError(
                f"{self.clip_count} clips of {self.seconds:g} s, {self.held_out} of them held out, were asked for; "
                "expected at least one clip to train on, and two frames in each"
            )
        if self.first_seed < 0 or self.first_seed + self.clip_count > FIRST_EVALUATION_SEED:
            raise InputError(
                f"seeds {self.first_seed} to {self.first_seed + self.clip_count - 1} were asked for; training has "
                f"those from 0 to {FIRST_EVALUATION_SEED - 1}"
            )


def write_marionette(folder: Path, films: MarionetteFilms) -> Path:
    """Draw films that are not there yet, and write the metadata.

    Args:
        folder: The dataset to make; a stopped call goes on with the next film.
        films: Which.

    Returns:
        The folder.

    Raises:
        InputError: If another dataset lies there.
    """
    told = folder / "marionette.json"
    wanted = json.dumps({**vars(films), "fps": str(films.fps)})
    if told.is_file() and told.read_text(encoding="utf-8").strip() != wanted:
        raise InputError(f"{folder} holds other marionettes ({told.name} says which); give another folder")
    if not told.is_file() and folder.is_dir() and any(folder.iterdir()):
        raise InputError(f"{folder} is not empty; give a new folder")
    (folder / "videos").mkdir(parents=True, exist_ok=True)
    with whole_file(told) as partial:
        partial.write_text(wanted + "\n", encoding="utf-8")
    entries: list[Entry] = []
    for index in range(films.clip_count):
        seed = films.first_seed + index
        names = _names(seed)
        # The film comes last, so that one that is there has its files.
        if not (folder / names["file"]).is_file():
            _write_film(folder, names, _shot(seed, films))
        split = "test" if index >= films.clip_count - films.held_out else "train"
        entries.append(Entry(**names, prompt=f"marionette {seed}, moving", split=split))
    write_entries(folder / METADATA, entries)
    return folder


@dataclass(frozen=True)
class _Shot:
    """One film before it is drawn; F frames."""

    world: World
    times: np.ndarray
    """(F,) seconds."""
    light: np.ndarray
    """(F, 9, 3)."""
    camera: Camera
    films: MarionetteFilms


def _names(seed: int) -> dict[str, str]:
    name = f"marionette-{seed:06d}"
    return {"file": f"videos/{name}.mp4", "light": f"lights/{name}.json", "camera": f"cameras/{name}.txt"}


def _shot(seed: int, films: MarionetteFilms) -> _Shot:
    world = portrait(make_world(seed)) if films.speaking else make_world(seed)
    times = clip_times(round(films.seconds * films.fps), films.fps)
    count = len(times)
    light = turning_light(world, seed, times) if films.turning_light else np.repeat(world.light[None], count, 0)
    camera = moving_camera(world, seed, times) if films.moving_camera else camera_of(world, count)
    return _Shot(world, times, light, camera, films)


def _write_film(folder: Path, names: dict[str, str], shot: _Shot) -> None:
    films = shot.films
    track = CameraFrames(relative_poses(shot.world, shot.camera), films.fps)
    told = {
        "light": write_light(light_track(shot.light, films.fps)),
        "camera": write_realestate(track, FOOTAGE_SIZE),
    }
    for name, text in told.items():
        (folder / names[name]).parent.mkdir(exist_ok=True)
        with whole_file(folder / names[name]) as partial:
            partial.write_text(text, encoding="utf-8")
    voice = speak(shot.world.motion_seed, films.seconds) if films.speaking else None
    with VideoWriter(folder / names["file"], fps=films.fps, size=FOOTAGE_SIZE, crf=12, audio=voice) as writer:
        for frame in _drawn(shot):
            writer.write(frame)


def _drawn(shot: _Shot) -> Iterator[Tensor]:
    """Draw frame by frame, (1, 3, H, W) uint8: a world has one light."""
    camera = shot.camera
    for index in range(len(shot.times)):
        here = slice(index, index + 1)
        world = replace(shot.world, light=shot.light[index])
        one = Camera(camera.rotation[here], camera.position[here], camera.focal[here])
        frames = render_clip(world, shot.times[here], shot.films.fps, FOOTAGE_SIZE, one).frames
        yield (frames * 255).round().to(torch.uint8)
