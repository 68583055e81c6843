"""Windows of a prepared dataset, drawn at random but always the same for a seed and a step.

A window's clip, place, frame rate and reference follow from the seed and the window's number alone: neither workers nor
a stop change what a step sees, and training that goes on at step 1000 sees what it would have seen without the stop.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from pydantic import ValidationError
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..errors import InputError
from .cameras import camera_rays
from .entries import METADATA, Split
from .extract import TOKEN_EVERY
from .film import Film
from .layouts import PREPARED
from .lights import light_rows
from .prepare import PreparedClip, read_portrait
from .voices import Voices

FILMS_OPEN = 32
"""Films whose keypoints are held; the one that was opened first makes room."""

Signal = Literal["pose", "depth", "speech", "light", "camera"]

NEEDED: dict[Signal, tuple[str, str]] = {
    "speech": ("sound", "speech is learnt from films"),
    "light": ("a light", "name light files in the metadata, or prepare with --light and --depth"),
    "camera": ("a camera", "name camera files in the metadata, for nothing here estimates cameras"),
}
"""Signals that not every clip has: what it lacks then, and what to do."""


@dataclass(frozen=True)
class WindowSpec:
    """Which windows to draw."""

    frames: int
    """Frames in a window."""
    fps: tuple[Fraction, ...] = ()
    """Frame rates, one of which is drawn for each window; none keeps each film's own."""
    signals: tuple[Signal, ...] = ()
    """What is drawn beside the pictures."""
    reference: Literal["any", "first"] = "any"
    """Which frame shows the character: another moment of the clip, or the window's first frame, as in SVD."""
    split: Split = "train"
    """Which clips."""
    seed: int = 0
    """Seeds the drawing."""


@dataclass(frozen=True)
class WindowBatch:
    """Windows as training sees them; one window has no axis B."""

    latents: Tensor
    """(B, F, 4, h, w) float32, unit deviation."""
    reference: Tensor
    """(B, 4, h, w) float32 image latents, not scaled, as the UNet gets them."""
    tokens: Tensor
    """(B, 1, D) float32: the reference's image token."""
    fps: Tensor
    """(B,) float32."""
    pose: Tensor
    """(B, F, 3, H, W) uint8 pose maps; without frames where they are not wanted."""
    depth: Tensor
    """(B, F, 3, H, W) uint8 depth maps; without frames where they are not wanted."""
    speech: Tensor
    """(B, F, W, L, D) float32: what is heard around each frame; without frames where it is not wanted."""
    face: Tensor
    """(B, F, h, w) float32 in [0, 1]: where the face is; without frames where speech is not wanted."""
    light: Tensor
    """(B, F, 9, 3) float32 radiance coefficients; without frames where they are not wanted."""
    rays: Tensor
    """(B, F, 6, h, w) float32: Pluecker rays in the axes of the reference's view; without frames likewise."""
    origin: Tensor
    """(B, 6, h, w) float32: the rays of the reference's view itself; without rays likewise."""

    def to(self, device: torch.device) -> WindowBatch:
        """Give the same on a device."""
        return WindowBatch(*(getattr(self, each.name).to(device, non_blocking=True) for each in fields(self)))


def stack_windows(windows: list[WindowBatch]) -> WindowBatch:
    """Put windows side by side."""
    return WindowBatch(*(torch.stack([getattr(one, each.name) for one in windows]) for each in fields(WindowBatch)))


class Windows(Dataset[WindowBatch]):
    """Windows by their number, without end."""

    def __init__(self, folder: Path, spec: WindowSpec, voices: Voices | None = None) -> None:
        """Open a prepared dataset.

        Args:
            folder: The dataset.
            spec: Which windows.
            voices: What is heard in its films, where speech is wanted; every film is encoded now.

        Raises:
            InputError: If it is not prepared, has no clip that is long enough, or lacks a signal.
            MediaError: If what was read is damaged.
        """
        self.folder, self.spec, self.voices = folder, spec, voices
        self._films: dict[str, Film] = {}
        clips = [clip for clip in read_clips(folder) if clip.split == spec.split]
        for signal, (what, advice) in NEEDED.items():
            if signal in spec.signals and not any(self._has(clip, signal) for clip in clips):
                raise InputError(f"none of the {spec.split} clips of {folder} has {what}; {advice}")
        self.lacking = tuple(
            (clip, NEEDED[signal][0])
            for clip in clips
            for signal in spec.signals
            if signal in NEEDED and not self._has(clip, signal)
        )
        """Clips that are passed over, and what they lack."""
        passed = {(clip.file, clip.start) for clip, _ in self.lacking}
        clips = [clip for clip in clips if (clip.file, clip.start) not in passed]
        rated = [(clip, rate) for clip in clips for rate in self._rates(clip)]
        self._choices = [(clip, rate) for clip, rate in rated if self._places(clip, rate)]
        """Clips, and the rates at which they hold a window."""
        used = {(clip.file, clip.start) for clip, _ in self._choices}
        self.clip_count = len(used)
        """Clips that windows are drawn from."""
        self.too_short = tuple(clip for clip in clips if (clip.file, clip.start) not in used)
        """Clips that hold no window."""
        if not self._choices:
            raise InputError(
                f"none of the {len(clips)} {spec.split} clips of {folder} holds a window of {spec.frames} frames; "
                "prepare longer ones, or train on shorter windows or a higher frame rate"
            )
        if "depth" in spec.signals and not all(self._film(clip.film).has_depth for clip, _ in self._choices):
            raise InputError(f"{folder} was prepared without depth; prepare it again with --depth and a depth model")
        # Every moment of footage is as likely as any other, however it was cut into clips.
        lengths = np.array([clip.stop - clip.start for clip, _ in self._choices], np.float64)
        self._odds = np.cumsum(lengths) / lengths.sum()

    def require_backbone(self, digest: str) -> None:
        """Refuse latents of another backbone than is trained.

        Raises:
            InputError: If one of the films was read by another one.
        """
        strange = {clip.file for clip, _ in self._choices if self._film(clip.film).backbone != digest}
        if strange:
            raise InputError(
                f"{len(strange)} films of {self.folder}, {min(strange)} among them, were read by another backbone than "
                "is to be trained; prepare the dataset again with --backbone"
            )

    def __getitem__(self, index: int) -> WindowBatch:
        """Give window `index`, without the axis B."""
        rng = np.random.default_rng([self.spec.seed, index])
        clip, rate = self._choices[min(int(np.searchsorted(self._odds, rng.random())), len(self._odds) - 1)]
        film = self._film(clip.film)
        places = self._places(clip, rate)
        start = places[int(rng.integers(len(places)))]
        frames = [start + int(index * film.fps / rate) for index in range(self.spec.frames)]
        moment = self._moment(clip, start, rng)
        reference, token = self._reference(film, clip, moment)
        rays, origin = self._rays(film, clip, frames, moment)
        size = (3, film.size.height, film.size.width)
        none = torch.zeros((0, *size), dtype=torch.uint8)
        return WindowBatch(
            latents=film.latents(frames),
            reference=reference / film.scaling,
            tokens=token,
            fps=torch.tensor(float(rate)),
            pose=film.poses(frames) if "pose" in self.spec.signals else none,
            depth=self._depth(film, clip, frames) if "depth" in self.spec.signals else none,
            speech=torch.zeros(0) if self.voices is None else self.voices.around(clip.file, frames, film.fps),
            face=torch.zeros(0) if self.voices is None else film.faces(frames),
            light=self._light(clip, frames),
            rays=rays,
            origin=origin,
        )

    def _has(self, clip: PreparedClip, signal: Signal) -> bool:
        """Say whether a clip has a signal that not every clip has."""
        if signal == "speech":
            return self.voices is not None and self.voices.track(clip.file) is not None
        return (clip.light_kept if signal == "light" else clip.camera_kept) is not None

    def _rates(self, clip: PreparedClip) -> tuple[Fraction, ...]:
        own = self._film(clip.film).fps
        # A rate above the film's own would only show frames twice.
        return tuple(rate for rate in self.spec.fps if rate <= own) if self.spec.fps else (own,)

    def _places(self, clip: PreparedClip, rate: Fraction) -> range:
        """Give the frames at which a window may begin."""
        reach = int((self.spec.frames - 1) * self._film(clip.film).fps / rate)
        if self.spec.reference == "any":
            return range(clip.start, clip.stop - reach)
        first = -(-clip.start // TOKEN_EVERY) * TOKEN_EVERY
        return range(first, clip.stop - reach, TOKEN_EVERY)

    def _moment(self, clip: PreparedClip, start: int, rng: np.random.Generator) -> int | None:
        """Give the frame that is the reference; None for the clip's picture, whose camera nobody knows."""
        if self.spec.reference == "first":
            return start
        if clip.portrait is not None and "camera" not in self.spec.signals:
            return None
        return int(rng.integers(-(-clip.start // TOKEN_EVERY), -(-clip.stop // TOKEN_EVERY))) * TOKEN_EVERY

    def _reference(self, film: Film, clip: PreparedClip, moment: int | None) -> tuple[Tensor, Tensor]:
        if moment is not None:
            return film.latents([moment])[0], film.token(moment)
        assert clip.portrait is not None  # no moment was drawn because there is one
        return read_portrait(self.folder, clip.portrait)

    def _light(self, clip: PreparedClip, frames: list[int]) -> Tensor:
        if "light" not in self.spec.signals or clip.light_kept is None:
            return torch.zeros(0)
        return light_rows(self.folder, clip.light_kept, frames)

    def _rays(self, film: Film, clip: PreparedClip, frames: list[int], moment: int | None) -> tuple[Tensor, Tensor]:
        if "camera" not in self.spec.signals or clip.camera_kept is None or moment is None:
            return torch.zeros(0), torch.zeros(0)
        return camera_rays(self.folder, clip.camera_kept, frames, moment, film.cells)

    def _depth(self, film: Film, clip: PreparedClip, frames: list[int]) -> Tensor:
        shown = film.depth_range(clip.start, clip.stop)
        return torch.cat([film.depth(frame, frame + 1, shown) for frame in frames])

    def _film(self, key: str) -> Film:
        film = self._films.get(key)
        if film is None:
            if len(self._films) >= FILMS_OPEN:
                del self._films[next(iter(self._films))]
            film = self._films[key] = Film(self.folder / PREPARED / "films" / key)
        return film


@dataclass(frozen=True)
class Share:
    """Which windows of each step a process draws."""

    batch: int
    """Windows a step and process."""
    rank: int = 0
    """Number of this process."""
    processes: int = 1
    """How many there are."""
    workers: int = 0
    """Processes that read ahead; none reads when it is asked."""

    def numbers(self, step: int) -> list[int]:
        """Give the windows of a step, counted from 0."""
        first = (step * self.processes + self.rank) * self.batch
        return list(range(first, first + self.batch))


def stream(windows: Windows, share: Share, first: int, stop: int) -> Iterator[WindowBatch]:
    """Give the batches of steps [first, stop), read ahead.

    Args:
        windows: Where from.
        share: Which of each step's windows.
        first: First step.
        stop: One past the last.
    """
    # Given whole as the sampler's steps, so that no worker's own randomness can enter.
    steps: Any = [share.numbers(step) for step in range(first, stop)]
    return iter(
        DataLoader(
            windows,
            batch_sampler=steps,
            num_workers=share.workers,
            collate_fn=stack_windows,
            pin_memory=torch.cuda.is_available(),
        )
    )


def read_clips(folder: Path) -> tuple[PreparedClip, ...]:
    """List the clips of a prepared dataset.

    Raises:
        InputError: If it is not prepared.
    """
    path = folder / PREPARED / METADATA
    try:
        return tuple(PreparedClip.model_validate(each) for each in json.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, TypeError, ValidationError) as error:
        raise InputError(
            f"{folder} is not prepared ({error.__class__.__name__} at {path.name}); run: motionweave dataset prepare"
        ) from error
