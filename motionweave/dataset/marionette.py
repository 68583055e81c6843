"""Marionette as a dataset like any other: films of drawn characters, with their prompts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from ..errors import InputError
from ..marionette import FIRST_EVALUATION_SEED, make_world
from ..marionette.sample import write_footage
from ..marionette.voice import speak
from ..marionette.world import portrait
from ..media.files import whole_file
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
        name = f"videos/marionette-{seed:06d}.mp4"
        if not (folder / name).is_file():
            world = make_world(seed)
            voice = speak(world.motion_seed, films.seconds) if films.speaking else None
            write_footage(folder / name, portrait(world) if films.speaking else world, films.seconds, films.fps, voice)
        split = "test" if index >= films.clip_count - films.held_out else "train"
        entries.append(Entry(file=name, prompt=f"marionette {seed}, moving", split=split))
    write_entries(folder / METADATA, entries)
    return folder
