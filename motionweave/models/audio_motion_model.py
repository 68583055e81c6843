"""An audio-motion model ready to use: its network, the speech model that it listens through, and long sounds in pieces.

Of published audio-to-motion weights none fits: each tells something else. Sonic's buckets say how much moves, SadTalker's
and AniPortrait's nets give coefficients or points of a face model of their own, FaceFormer's the vertices of one mesh.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import torch

from ..errors import InputError
from ..runtime import Folders, Runtime
from ..tracks.speech import SpeechOptions, encode_speech
from ..tracks.speech_model import SpeechModel, load_speech_model
from ..tracks.speech_motion import MotionCurves
from ..types import Audio, Progress
from ..weights.loading import require_files
from ..weights.locate import locate_model
from ..weights.roles import read_config
from ..weights.state_dict import load_state
from ..weights.tensor_files import read_tensors
from .audio_motion import AudioMotionNet

CONFIG, WEIGHTS = "config.json", "model.safetensors"
NEEDED = ("layers", "features", "speech_model")
"""What a config has to say."""
PIECE = 500
"""Moments at a time, 10 s; changes memory, not the result."""


@dataclass(frozen=True)
class AudioMotionModel:
    """A network that reads motion, and what it listens through."""

    net: AudioMotionNet
    """Reads hidden states."""
    speech: SpeechModel
    """Gives them: the very model on whose states the network was trained."""


def load_audio_motion_model(name: str, folders: Folders) -> AudioMotionModel:
    """Load an audio-motion model and the speech model that its config names.

    Args:
        name: A manifest id, or a folder's name as `available_models` lists it.
        folders: The host's.

    Returns:
        Both on the CPU, in float32: they are small, and the mouth is all they have to say.

    Raises:
        MissingModelError: If it or its speech model is not on this machine, or a file is missing.
        InputError: If config and weights are not of one audio-motion model, or the speech model is another one.
    """
    folder = locate_model("audio_motion", name, folders)
    net = load_audio_motion_net(folder)
    listener = str(net.config["speech_model"])
    speech = load_speech_model(locate_model("speech", listener, folders))
    wanted, found = (net.config["layers"], net.config["features"]), (speech.layer_count, speech.width)
    if wanted != found:
        raise InputError(
            f"the audio-motion model '{name}' reads {wanted[0]} layers of {wanted[1]} features and the speech model "
            f"'{listener}' gives {found[0]} of {found[1]}; put the speech model that it was trained with in its place"
        )
    return AudioMotionModel(net, speech)


def load_audio_motion_net(folder: Path) -> AudioMotionNet:
    """Load the network alone.

    Args:
        folder: With ``config.json`` and ``model.safetensors``.

    Raises:
        MissingModelError: If one is missing.
        InputError: If they are not those of an audio-motion model, or do not fit each other.
    """
    require_files(folder, (CONFIG, WEIGHTS), "an audio-motion model")
    config = read_config(folder / CONFIG)
    missing = [name for name in NEEDED if not config.get(name)]
    if config.get("_class_name") != AudioMotionNet.__name__ or missing:
        raise InputError(
            f"{folder / CONFIG} is not that of an audio-motion model of MotionWeave"
            + (f": it lacks {', '.join(missing)}" if missing else "")
            + "; other projects' audio-to-motion models are built otherwise and cannot be loaded"
        )
    net: AudioMotionNet = AudioMotionNet.from_config(config)  # pyright: ignore[reportAssignmentType]
    return load_state(net, read_tensors(folder / WEIGHTS, torch.float32), str(folder / WEIGHTS))


def read_motion(audio: Audio, model: AudioMotionModel, runtime: Runtime) -> MotionCurves:
    """Read a face's motion from a sound, however long.

    What the speech model hears is kept on disk (`encode_speech`); pieces overlap by what the network looks back and
    ahead, so the numbers are those of the whole sound at once.

    Args:
        audio: The voice.
        model: Reads it.
        runtime: Where to run, what to tell of the progress, where the cache is.

    Returns:
        Curves on the speech model's clock, so that they hang on no frame rate.

    Raises:
        InputError: If the sound is shorter than the speech model needs.
    """
    net, clock = model.net, model.speech.clock
    options = SpeechOptions(attention_s=net.config["attention_s"])
    states = encode_speech(audio, model.speech, Fraction(1), runtime, options).states
    count, halo = len(states), math.ceil(net.halo_s * clock.fps)
    told = torch.empty(count, len(net.outputs))
    with runtime.resident(net), torch.inference_mode():
        for start in range(0, count, PIECE):
            stop, low = min(start + PIECE, count), max(0, start - halo)
            seen = states[low : stop + halo].to(runtime.device)[None]
            told[start:stop] = net(seen, float(clock.fps))[0, start - low : stop - low].cpu()
            runtime.report(Progress("motion", 0, 1, stop, count))
    curves = told.double().numpy().T
    return MotionCurves(float(clock.first_s), float(clock.fps), dict(zip(net.outputs, curves, strict=True)))
