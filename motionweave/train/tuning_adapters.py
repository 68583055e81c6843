"""What tuning recipes train: for each kind its network, what of it learns, what it adds, and its file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from ..backbones.base import ActiveControl
from ..dataset.windows import WindowBatch
from ..models.injections import Injections, JoinedTokens, UNetInputs
from ..types import float_pixels


@dataclass(frozen=True)
class Learner:
    """A network that learns beside, or inside, a UNet that does not."""

    net: Any
    """The module whose parameters `learns` speaks of."""

    def learns(self, name: str) -> bool:  # noqa: ARG002 - most learn whole
        """Say whether a parameter of the network learns."""
        return True

    def added(self, inputs: UNetInputs, batch: WindowBatch, keep: Tensor) -> Injections | None:
        """Give what the network adds to one pass; `keep` (B,) is 1 where the reference is seen."""
        raise NotImplementedError

    def controls(self, window: WindowBatch) -> tuple[ActiveControl, ...]:
        """Give what acts where a window, without the axis B, is made."""
        raise NotImplementedError

    def shown(self, batch: WindowBatch) -> Tensor:
        """Give the reference's latents as each frame sees them, (B, F, 4, h, w)."""
        return batch.reference[:, None].expand(-1, batch.latents.shape[1], -1, -1, -1)

    def weight(self, batch: WindowBatch) -> Tensor | None:  # noqa: ARG002 - to most, all errors are equal
        """Give how much errors count, to be spread over (B, F, 4, h, w); None where all count the same."""
        return None

    def write(self, output: Path, name: str) -> Path:
        """Write what the loader nodes take, below a folder, and give its path."""
        return write_folder(self, output / name)


@dataclass(frozen=True)
class ControlNetLearner(Learner):
    """An `SVDControlNet`, whole."""

    reads: Literal["pose", "depth"]
    """Whose maps it reads."""

    def added(self, inputs: UNetInputs, batch: WindowBatch, keep: Tensor) -> Injections:  # noqa: ARG002
        """Give residuals."""
        return self.net(inputs, self.net.encode(self._maps(batch).flatten(0, 1)))

    def controls(self, window: WindowBatch) -> tuple[ActiveControl, ...]:
        """Give the maps."""
        maps = self._maps(window)
        return (ActiveControl(self.net, "tuned", (maps,), torch.ones(len(maps)), moving=1),)

    def _maps(self, batch: WindowBatch) -> Tensor:
        return float_pixels(batch.pose if self.reads == "pose" else batch.depth) * 2 - 1


@dataclass(frozen=True)
class ReferenceLearner(Learner):
    """Of a `ReferenceNet` what reads and what is read; the rest is the backbone's."""

    def learns(self, name: str) -> bool:
        """Name the first convolution, the readers and self-attention."""
        return name.startswith(("conv_in", "readers")) or ".attn1." in name

    def added(self, inputs: UNetInputs, batch: WindowBatch, keep: Tensor) -> Injections:  # noqa: ARG002
        """Give joined tokens."""
        frames = batch.latents.shape[1]
        read = self.net.read(batch.reference, batch.tokens)
        seen = keep.repeat_interleave(frames)
        return Injections(
            attention={name: (JoinedTokens(each.repeat_interleave(frames, 0), seen),) for name, each in read.items()}
        )

    def controls(self, window: WindowBatch) -> tuple[ActiveControl, ...]:
        """Give the picture."""
        signal, strength = (window.reference[None], window.tokens[None]), torch.ones(len(window.latents))
        return (ActiveControl(self.net, "tuned", signal, strength, unconditional=False),)


def write_folder(learner: Learner, folder: Path) -> Path:
    """Write a network of its own as the loaders take it; what did not learn is the backbone's and is left out.

    Args:
        learner: What was trained.
        folder: Gets ``config.json`` and a safetensors file in half precision.

    Returns:
        The folder.
    """
    from safetensors.torch import save_file

    from ..controls.adapters import WEIGHTS
    from ..media.files import whole_file

    folder.mkdir(parents=True, exist_ok=True)
    state = {name: value for name, value in learner.net.state_dict().items() if learner.learns(name)}
    with whole_file(folder / WEIGHTS) as partial:
        save_file({name: value.half().cpu().contiguous() for name, value in state.items()}, partial, {"format": "pt"})
    learner.net.save_config(folder)
    return folder
