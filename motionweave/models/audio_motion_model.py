"""An audio-motion model ready to use: its network, the speech model it listens through, long sounds in pieces.

Of published audio-to-motion weights none fits, because each tells something else: Sonic's buckets how much moves,
SadTalker's nets coefficients of a face model, AniPortrait's a mesh and a head pose, FaceFormer's another mesh.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import torch
from pydantic import ValidationError

from ..errors import InputError
from ..runtime import Folders, Runtime
from ..tracks.speech import SpeechOptions, encode_speech
from ..tracks.speech_model import SpeechModel, load_speech_model
from ..tracks.speech_motion import MotionCurves
from ..types import Audio, Progress
from ..weights.loading import require_files
from ..weights.locate import locate_model
from ..weights.state_dict import load_state
from ..weights.tensor_files import read_tensors
from .audio_motion import AudioMotionConfig, AudioMotionNet

CONFIG, WEIGHTS = "config.json", "model.safetensors"
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
    speech = load_speech_model(locate_model("speech", net.config.speech_model, folders))
    wanted, found = (net.config.layers, net.config.features), (speech.layer_count, speech.width)
    if wanted != found:
        raise InputError(
            f"the audio-motion model '{name}' reads {wanted[0]} layers of {wanted[1]} features and the speech model "
            f"'{net.config.speech_model}' gives {found[0]} of {found[1]}; put the speech model that it was trained "
            "with in its place"
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
    try:
        config = AudioMotionConfig.model_validate_json((folder / CONFIG).read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"]) or "the file"
        raise InputError(
            f"{folder / CONFIG} is not that of an audio-motion model of MotionWeave: {place}: {first['msg']}. Other "
            "projects' audio-to-motion models are built otherwise and cannot be loaded"
        ) from error
    return load_state(AudioMotionNet(config), read_tensors(folder / WEIGHTS, torch.float32), str(folder / WEIGHTS))


def save_audio_motion_net(net: AudioMotionNet, folder: Path) -> None:
    """Write a network as `load_audio_motion_net` reads it, its weights in half precision."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG).write_text(net.config.model_dump_json(indent=2) + "\n", encoding="utf-8")
    save_file({name: value.half().contiguous() for name, value in net.state_dict().items()}, folder / WEIGHTS)


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
    options = SpeechOptions(attention_s=net.config.attention_s)
    states = encode_speech(audio, model.speech, Fraction(1), runtime, options).states
    count, halo = len(states), math.ceil(net.halo_s * clock.fps)
    told = torch.empty(count, len(net.config.outputs))
    with runtime.resident((net,)), torch.inference_mode():
        for start in range(0, count, PIECE):
            stop, low = min(start + PIECE, count), max(0, start - halo)
            seen = states[low : stop + halo].to(runtime.device)[None]
            told[start:stop] = net(seen, float(clock.fps))[0, start - low : stop - low].cpu()
            runtime.report(Progress("motion", 0, 1, stop, count))
    curves = told.double().numpy().T
    return MotionCurves(float(clock.first_s), float(clock.fps), dict(zip(net.config.outputs, curves, strict=True)))
