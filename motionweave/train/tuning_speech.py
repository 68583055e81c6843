"""Speech tokens, learnt from films with sound: errors in the face count more, since a mouth is few cells of many."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..backbones.base import ActiveControl
from ..dataset.windows import WindowBatch
from ..errors import InputError
from ..models.injections import Injections, UNetInputs
from .adapters import FACE_WEIGHT
from .tuning_adapters import Learner
from .tuning_recipe import TuningRecipe


@dataclass(frozen=True)
class SpeechLearner(Learner):
    """A `SpeechProjector`, whole."""

    def added(self, inputs: UNetInputs, batch: WindowBatch, keep: Tensor) -> Injections:  # noqa: ARG002
        """Give tokens where the face is."""
        return self.net(inputs, self.net.encode(batch.speech.flatten(0, 1), batch.face.flatten(0, 1)))

    def controls(self, window: WindowBatch) -> tuple[ActiveControl, ...]:
        """Give what is heard, and where the face is."""
        return (ActiveControl(self.net, "tuned", (window.speech, window.face), torch.ones(len(window.face)), moving=2),)

    def weight(self, batch: WindowBatch) -> Tensor:
        """Give how much errors count, (B, F, 1, h, w)."""
        return 1 + FACE_WEIGHT * batch.face[:, :, None]


def build_speech(backbone: Any, recipe: TuningRecipe, model: Any) -> SpeechLearner:
    """Begin a projector, or go on with one.

    Args:
        backbone: Whose layers will read it.
        recipe: Its widths, or the folder of one to go on from.
        model: The `SpeechModel` that it hears through.

    Raises:
        InputError: If the one to go on from hears through another model, or is no projector.
    """
    from ..controls.adapters import load_adapter
    from ..models.layer_tokens import spatial_cross_attention
    from ..models.speech_projector import SpeechProjector
    from ..tracks.speech import SPEECH_OFFSETS_S

    hears = (model.layer_count, model.width)
    if not recipe.begin:
        layers, width = spatial_cross_attention(backbone.unet), int(backbone.unet.config.cross_attention_dim)
        options = recipe.speech
        net = SpeechProjector(layers, len(SPEECH_OFFSETS_S), *hears, options.hidden, width, options.tokens)
        return SpeechLearner(net)
    net = load_adapter(Path(recipe.begin), kind="SpeechProjector").net
    if (net.config["states"], net.config["channels"]) != hears:
        raise InputError(f"{recipe.begin} hears through another model than {recipe.speech.model}; name that one")
    return SpeechLearner(net)
