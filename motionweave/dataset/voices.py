"""What is heard in the films of a dataset, encoded once each and mapped from disk."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import torch
from torch import Tensor

from ..media import read_audio
from ..runtime import Runtime
from ..tracks.speech import SPEECH_OFFSETS_S, SpeechTrack, encode_speech
from ..tracks.speech_model import SpeechModel

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
        """Give a film's speech; None where the film has no sound, or is a folder of pictures.

        Raises:
            MediaError: If its sound cannot be decoded.
            InputError: If there is too little of it.
        """
        if file not in self._tracks:
            path = self._folder / file
            sound = read_audio(path) if path.is_file() else None
            self._tracks[file] = None if sound is None else encode_speech(sound, self._model, ANY, self._runtime)
        return self._tracks[file]

    def around(self, file: str, frames: list[int], fps: Fraction) -> Tensor:
        """Give what is heard around frames of a film that has sound, (F, W, L, D) float32."""
        track = self.track(file)
        assert track is not None  # films without sound have no windows
        moments = (replace(track, fps=fps, start=frame, stop=frame + 1) for frame in frames)
        return torch.cat([each.around(SPEECH_OFFSETS_S) for each in moments])
