"""What is heard in the films of a dataset, encoded once each and mapped from disk."""

from __future__ import annotations

import logging
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import torch
from torch import Tensor

from ..errors import InputError, MediaError
from ..media import read_audio
from ..runtime import Runtime
from ..tracks.speech import SPEECH_OFFSETS_S, SpeechTrack, encode_speech
from ..tracks.speech_model import SpeechModel

logger = logging.getLogger(__name__)

ANY = Fraction(25)
"""Frame rate at which speech is encoded; windows bring their own."""


class Voices:
    """Speech of films, by their names."""

    def __init__(self, folder: Path, model: SpeechModel, runtime: Runtime) -> None:
        """Take what hears.

        Args:
            folder: The dataset.
            model: Listens.
            runtime: Where it runs, and where what it hears is kept: encoded films are found there again.
        """
        self._folder, self._model, self._runtime = folder, model, runtime
        self._tracks: dict[str, SpeechTrack | None] = {}

    def track(self, file: str) -> SpeechTrack | None:
        """Give a film's speech; None where it has no sound, or none that can be used, or is a folder of pictures."""
        if file not in self._tracks:
            self._tracks[file] = self._heard(file)
        return self._tracks[file]

    def _heard(self, file: str) -> SpeechTrack | None:
        path = self._folder / file
        try:
            sound = read_audio(path) if path.is_file() else None
            return None if sound is None else encode_speech(sound, self._model, ANY, self._runtime)
        except (MediaError, InputError) as error:
            # One broken film is no reason to end what hours of listening went into.
            logger.warning("%s: its sound is of no use: %s", file, error)
            return None

    def around(self, file: str, frames: list[int], fps: Fraction) -> Tensor:
        """Give what is heard around frames of a film that has sound, (F, W, L, D) float32."""
        track = self.track(file)
        assert track is not None  # films without sound have no windows
        moments = (replace(track, fps=fps, start=frame, stop=frame + 1) for frame in frames)
        return torch.cat([each.around(SPEECH_OFFSETS_S) for each in moments])
