"""Speech tracks: what a speech model hears, read on the video's clock."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import torch
from torch import Tensor

from ..errors import InputError
from ..media import resample_audio
from ..runtime import Runtime
from ..types import Audio, Progress, check_shape
from .base import check_window, resampled_length
from .sound_marks import SoundMarks, mark_sound
from .speech_model import FeatureClock, SpeechModel
from .speech_states import PIECE_FRAMES, hidden_states

logger = logging.getLogger(__name__)

LAYOUT = "1"
"""Of the files that keep features; another one is another key."""
BLOCK_SAMPLES = 1 << 20

SPEECH_OFFSETS_S = tuple(Fraction(step, 25) for step in (-2, -1, 0, 1, 2))
"""Moments around a frame at which adapters hear it, in seconds: two frames of 25 fps to either side, as Hallo does."""


@dataclass(frozen=True)
class SpeechTrack:
    """Features of a sound. They stay as the model gave them; a frame's are blended from the two nearest when read."""

    states: Tensor
    """(T, L, D) float32: every frame of the model, L layers; a memory-mapped file where they were encoded."""
    clock: FeatureClock
    """When the model's frames are."""
    fps: Fraction
    """Frames per second at which it is read: the video's."""
    start: int
    """First frame, counted at `fps` from the sound's first sample."""
    stop: int
    """One past the last frame."""
    marks: SoundMarks | None = None
    """The sound that it was heard from, to tell which parts of it have changed; None where that is not known."""

    def __post_init__(self) -> None:
        """Check shape and range once."""
        check_shape("speech states", self.states, "T L D")
        if self.fps <= 0 or not 0 <= self.start < self.stop or not len(self.states):
            raise InputError(
                f"speech of frames [{self.start}, {self.stop}) at {self.fps} fps out of {len(self.states)} of the "
                "model came; expected one or more of each, and a positive frame rate"
            )

    def __len__(self) -> int:
        """Count the frames."""
        return self.stop - self.start

    def resample(self, fps: Fraction) -> SpeechTrack:
        """Read the same speech at another frame rate; a window keeps its place in time, and nothing is lost."""
        start = -((-self.start * fps) // self.fps)
        return replace(self, fps=fps, start=start, stop=start + resampled_length(len(self), self.fps, fps))

    def window(self, start: int, stop: int) -> SpeechTrack:
        """Give frames [start, stop)."""
        check_window(start, stop, len(self))
        return replace(self, start=self.start + start, stop=self.start + stop)

    @property
    def features(self) -> Tensor:
        """Give all frames, (F, L, D) float32; cut a window first where the track is long.

        Frame i is the sound at ``i / fps`` seconds. The model's frame k is at the middle of the samples that it hears,
        ``clock.first_s + k / clock.fps``; between two of them values are blended by time, before the first and after
        the last one they hold.
        """
        return self._read([frame / self.fps for frame in range(self.start, self.stop)])

    def around(self, offsets_s: Sequence[Fraction]) -> Tensor:
        """Give what is heard around each frame, (F, W, L, D): at its moment plus each of W offsets in seconds."""
        moments = [frame / self.fps + offset for frame in range(self.start, self.stop) for offset in offsets_s]
        return self._read(moments).unflatten(0, (len(self), len(offsets_s)))

    def digest(self, offsets_s: Sequence[Fraction]) -> str | None:
        """Hash the sound that `around` hears, and what features of it depend on beside; None where it is not known."""
        if self.marks is None:
            return None
        span = Fraction(self.clock.reach, self.clock.sample_rate)
        first, last = self.start / self.fps + min(offsets_s), (self.stop - 1) / self.fps + max(offsets_s)
        return self.marks.digest(first - span, last + span)

    def _read(self, moments_s: Sequence[Fraction]) -> Tensor:
        """Blend the states at some moments of the sound, (N, L, D)."""
        places = [self._place(moment) for moment in moments_s]
        before = torch.tensor([index for index, _ in places])
        share = torch.tensor([share for _, share in places], dtype=torch.float32)[:, None, None]
        after = (before + 1).clamp(max=len(self.states) - 1)
        return torch.lerp(self.states[before], self.states[after], share)

    def _place(self, moment_s: Fraction) -> tuple[int, float]:
        """Say between which of the model's frames a moment lies: the earlier one, and the share of the later one."""
        place = (moment_s - self.clock.first_s) * self.clock.fps
        place = min(max(place, Fraction(0)), Fraction(len(self.states) - 1))
        index = int(place)
        return index, float(place - index)


@dataclass(frozen=True)
class SpeechOptions:
    """What is taken from the model."""

    layers: tuple[int, ...] | None = None
    """Hidden states to keep, from 0, what enters the first layer; None for what leaves each layer."""
    attention_s: float | None = None
    """How far attention sees to either side in seconds; None for all of the sound, as the model is published."""
    piece_frames: int = PIECE_FRAMES
    """The model's frames computed at a time; changes memory, not the result."""

    def __post_init__(self) -> None:
        """Check the numbers once."""
        if (self.attention_s is not None and self.attention_s <= 0) or self.piece_frames < 1:
            raise InputError(
                f"attention over {self.attention_s} s and pieces of {self.piece_frames} frames were asked for; "
                "expected positive numbers"
            )


def mono(audio: Audio, sample_rate: int) -> Tensor:
    """Mix a sound down and bring it to a sample rate.

    Args:
        audio: Any sound; channels are averaged.
        sample_rate: Wanted samples per second.

    Returns:
        (N,) float32.

    Raises:
        InputError: If it is empty, or holds values that are no numbers.
    """
    if audio.waveform.numel() == 0:
        raise InputError("the sound is empty; expected speech. Check that the file has a sound track")
    mixed = audio.waveform.mean(0, keepdim=True, dtype=torch.float32)
    if not torch.isfinite(mixed).all():
        raise InputError("the sound holds values that are no numbers (NaN or infinite); save it again as WAV or FLAC")
    return resample_audio(Audio(mixed, audio.sample_rate), sample_rate).waveform[0]


def encode_speech(
    audio: Audio, model: SpeechModel, fps: Fraction, runtime: Runtime, options: SpeechOptions | None = None
) -> SpeechTrack:
    """Listen to a sound with a speech model.

    The states are those of an unsplit run, computed in pieces (see `speech_states`). They go to a file below
    `Folders.cache` under a hash of sound, model and options, and are mapped from there: ten minutes do not fill the
    memory, and the same sound is encoded once, whatever the frame rate.

    Args:
        audio: Any sound; stereo is mixed down, any rate resampled. Silence is as good as any other.
        model: Listens.
        fps: The video's frame rate.
        runtime: Where to run, what to tell of the progress, where the cache is.
        options: What to take.

    Returns:
        The track: as many frames as begin while the sound lasts.

    Raises:
        InputError: If the sound is too short, or a layer does not exist.
    """
    options = options or SpeechOptions()
    layers = _chosen(options.layers, model)
    sound = mono(audio, model.clock.sample_rate)
    count = model.clock.frame_count(len(sound))
    if count == 0:
        raise InputError(
            f"a sound of {float(audio.duration_s):.3f} s was given; the speech model needs at least "
            f"{model.clock.reach / model.clock.sample_rate:g} s"
        )
    path = runtime.folders.cache / f"speech-{_key(sound, model, layers, options)}.f32"
    shape = (len(layers), count, model.width)
    if path.is_file() and path.stat().st_size == 4 * len(layers) * count * model.width:
        logger.info("%d frames of speech were encoded before and are taken from %s", count, path.name)
    else:
        _write(path, sound, model, layers, options, runtime)
    mapped = torch.from_file(str(path), shared=False, size=len(layers) * count * model.width, dtype=torch.float32)
    stop = max(1, -((-audio.waveform.shape[1] * fps) // audio.sample_rate))
    marks = mark_sound(sound, model.clock.sample_rate, _origin(model, layers, options))
    return SpeechTrack(mapped.view(shape).transpose(0, 1), model.clock, Fraction(fps), 0, stop, marks)


def _chosen(layers: Sequence[int] | None, model: SpeechModel) -> tuple[int, ...]:
    every = range(1, model.layer_count + 1)
    chosen = tuple(every if layers is None else layers)
    if not chosen or any(layer not in range(model.layer_count + 1) for layer in chosen):
        raise InputError(
            f"hidden states {list(chosen)} were asked for; this speech model has 0 (what enters the first layer) to "
            f"{model.layer_count} (what leaves the last one)"
        )
    return chosen


def _key(sound: Tensor, model: SpeechModel, layers: tuple[int, ...], options: SpeechOptions) -> str:
    hashed = hashlib.sha256(_origin(model, layers, options).encode())
    for block in sound.split(BLOCK_SAMPLES):
        hashed.update(block.contiguous().numpy().tobytes())
    return hashed.hexdigest()[:32]


def _origin(model: SpeechModel, layers: tuple[int, ...], options: SpeechOptions) -> str:
    dtype = model.network.feature_projection.projection.weight.dtype
    return f"{LAYOUT} {model.digest} {dtype} {layers} {options.attention_s}"


def _write(
    path: Path,
    sound: Tensor,
    model: SpeechModel,
    layers: tuple[int, ...],
    options: SpeechOptions,
    runtime: Runtime,
) -> None:
    """Write the chosen layers one after the other, beside the place and then moved there whole."""

    def tell(done: int, total: int) -> None:
        runtime.report(Progress("speech", 0, 1, done, total))

    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    count = model.clock.frame_count(len(sound))
    with partial.open("wb") as file, runtime.resident((model.network,)):
        for index, states in enumerate(
            hidden_states(sound, model, options.attention_s, options.piece_frames, on_piece=tell)
        ):
            for place, layer in enumerate(layers):
                if layer == index:
                    file.seek(4 * place * count * model.width)
                    for block in states.split(options.piece_frames):
                        file.write(block.float().cpu().numpy().tobytes())
            if index == max(layers):
                break
    partial.replace(path)
