"""What a tuning recipe trains, and its loss: an adapter's window beside a backbone that never moves.

The objective is the denoiser's (`denoiser`): SVD predicts v, on whose own scale EDM's weight is 1. `min_snr` counts
noise levels as min(SNR, gamma) / (SNR + 1), SNR = 1 / sigma^2: Hang et al., "Efficient Diffusion Training via Min-SNR
Weighting Strategy" (2023), for v.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ..dataset.windows import WindowBatch
from ..errors import InputError
from ..models.injections import Injections, JoinedTokens, UNetInputs
from ..types import float_pixels
from .denoiser import CONTEXT_SIGMA, MOTION_BUCKET, draw_known
from .tuning_recipe import TuningRecipe


@dataclass(frozen=True)
class Draws:
    """What is random about one batch."""

    sigma: Tensor
    """(B,) noise levels."""
    noise: Tensor
    """(B, F, 4, h, w)."""
    keep: Tensor
    """(B,) 1 where the reference is seen."""
    known: int
    """Leading frames that are shown almost clean."""

    def to(self, device: torch.device) -> Draws:
        """Give the same on a device."""
        return Draws(self.sigma.to(device), self.noise.to(device), self.keep.to(device), self.known)


def draw(batch: WindowBatch, recipe: TuningRecipe, generator: torch.Generator) -> Draws:
    """Draw noise on the processor, so that every device trains on the same."""
    count, frames = batch.latents.shape[:2]
    mean, deviation = recipe.noise
    sigma = torch.exp(mean + deviation * torch.randn(count, generator=generator)).clamp(0.002, 700.0)
    known = draw_known(frames, recipe.context, generator) if frames > 1 else 0
    noise = torch.randn(batch.latents.shape, generator=generator)
    keep = (torch.rand(count, generator=generator) >= recipe.drop_image).float()
    return Draws(sigma, noise, keep, known)


class Tuner(nn.Module):
    """Backbone and adapter as one module, whose only trained parameters are the adapter's."""

    def __init__(self, unet: Any, net: Any, recipe: TuningRecipe) -> None:
        """Freeze what does not learn.

        Args:
            unet: The backbone's.
            net: `SVDControlNet` or `ReferenceNet`.
            recipe: What learns, and how noise levels count.
        """
        super().__init__()
        self.unet, self.net, self.recipe = unet.requires_grad_(False), net, recipe
        for name, parameter in net.named_parameters():
            parameter.requires_grad_(learns(recipe.trains, name))
        if recipe.checkpointing:
            # The adapters' blocks are diffusers' own, too, though the networks round them do not say so.
            for block in (*unet.modules(), *net.modules()):
                if hasattr(block, "gradient_checkpointing"):
                    block.gradient_checkpointing = True
                    block._gradient_checkpointing_func = partial(checkpoint, use_reentrant=False)

    def trained(self) -> dict[str, nn.Parameter]:
        """Give the adapter's parameters that learn, by its names."""
        return {name: each for name, each in self.net.named_parameters() if each.requires_grad}

    def forward(self, batch: WindowBatch, draws: Draws) -> Tensor:
        """Give the loss."""
        clean, frames = batch.latents, batch.latents.shape[1]
        levels = draws.sigma[:, None].repeat(1, frames)
        levels[:, : draws.known] = levels[:, : draws.known].clamp(max=CONTEXT_SIGMA)
        level = levels[..., None, None, None]
        noisy = clean + level * draws.noise
        shown = (batch.reference * draws.keep.view(-1, 1, 1, 1))[:, None].expand(-1, frames, -1, -1, -1)
        inputs = UNetInputs(
            sample=torch.cat([noisy * torch.rsqrt(level**2 + 1), shown], 2),
            timestep=0.25 * draws.sigma.log(),
            tokens=batch.tokens * draws.keep.view(-1, 1, 1),
            time_ids=torch.stack([batch.fps - 1, torch.full_like(batch.fps, MOTION_BUCKET), 0 * batch.fps], -1),
        )
        added = self._added(inputs, batch, draws.keep)
        output = self.unet(inputs.sample, inputs.timestep, inputs.tokens, inputs.time_ids, added).float()
        target = (noisy * torch.rsqrt(level**2 + 1) - clean * torch.sqrt(level**2 + 1)) / level
        error = (output - target)[:, draws.known :].square().mean((1, 2, 3, 4))
        return (error * level_weight(draws.sigma, self.recipe)).mean()

    def _added(self, inputs: UNetInputs, batch: WindowBatch, keep: Tensor) -> Injections:
        if self.recipe.trains == "identity":
            frames = batch.latents.shape[1]
            read = self.net.read(batch.reference, batch.tokens)
            seen = keep.repeat_interleave(frames)
            return Injections(
                attention={
                    name: (JoinedTokens(each.repeat_interleave(frames, 0), seen),) for name, each in read.items()
                }
            )
        maps = batch.pose if self.recipe.trains == "pose" else batch.depth
        return self.net(inputs, self.net.encode(float_pixels(maps.flatten(0, 1)) * 2 - 1))


def learns(trains: str, name: str) -> bool:
    """Say whether a parameter of the adapter learns; all of a ControlNet, of a ReferenceNet what reads and is read."""
    return trains != "identity" or name.startswith(("conv_in", "readers")) or ".attn1." in name


def level_weight(sigma: Tensor, recipe: TuningRecipe) -> Tensor:
    """Say how much noise levels count, (B,)."""
    if recipe.weighting == "edm":
        return torch.ones_like(sigma)
    snr = sigma**-2
    return snr.clamp(max=recipe.snr_gamma) / (snr + 1)


def build_adapter(backbone: Any, recipe: TuningRecipe) -> Any:
    """Begin an adapter: a copy of the backbone's layers, or one that was trained before.

    Raises:
        InputError: If the one to go on from is of another kind or size.
        MissingModelError: If it is not there.
    """
    from ..controls.adapters import copy_reference_net, load_reference_net
    from ..controls.controlnet import load_controlnet
    from ..models.svd_controlnet import SVDControlNet

    torch.manual_seed(recipe.loop.seed)
    if recipe.trains == "identity":
        begun = load_reference_net(Path(recipe.begin), backbone) if recipe.begin else copy_reference_net(backbone)
        return begun.net
    if not recipe.begin:
        return SVDControlNet.from_unet(backbone.unet, recipe.control_widths)
    net = load_controlnet(Path(recipe.begin)).net
    if not isinstance(net, SVDControlNet):
        raise InputError(f"{recipe.begin} is a {type(net).__name__}; expected an SVD ControlNet to go on from")
    return net


def write_adapter(net: Any, trains: str, folder: Path) -> Path:
    """Write an adapter as the loaders take it; of a ReferenceNet only what learnt, the rest is the backbone's.

    Args:
        net: The adapter.
        trains: What the recipe trains.
        folder: Gets ``config.json`` and a safetensors file in half precision.

    Returns:
        The folder.
    """
    from safetensors.torch import save_file

    from ..controls.adapters import WEIGHTS

    folder.mkdir(parents=True, exist_ok=True)
    state = {name: value.detach().half().cpu().contiguous() for name, value in net.state_dict().items()}
    state = {name: value for name, value in state.items() if learns(trains, name)}
    partial = folder / f".{WEIGHTS}.part"
    save_file(state, partial, {"format": "pt"})
    partial.replace(folder / WEIGHTS)
    net.save_config(folder)
    return folder
