"""Mini's adapters, trained together while the pose ControlNet, and if the recipe does not say else the UNet, stay.

Each step leaves out some controls, so that each learns to act alone and beside any others. The objective is the
denoiser's; errors in the face count more where speech is heard, because a mouth is one latent cell of many.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from ..controls.camera import moved
from ..models.injections import Injections, JoinedTokens, UNetInputs
from ..tracks.camera_rays import view_grid
from ..types import float_pixels
from .denoiser import CONTEXT_SIGMA, MOTION_BUCKET, DropRates, draw_known
from .job import Job
from .loop import fit
from .recipe import AdaptersRecipe
from .signals import reference_rays

if TYPE_CHECKING:
    from ..models.camera_encoder import CameraEncoder
    from ..models.light_encoder import LightEncoder
    from ..models.reference_net import ReferenceNet
    from ..models.speech_projector import SpeechProjector
    from ..models.svd_controlnet import SVDControlNet
    from ..models.svd_unet import SVDUNet
    from .latents import LatentStore
    from .signals import SignalStore

FACE_WEIGHT = 15.0
"""How much more an error in the face counts where speech is heard."""


@dataclass(frozen=True)
class Schooling:
    """How adapters are trained."""

    shares: Mapping[str, float]
    """How often each control acts; those that are not named stay as they are."""
    noise: tuple[float, float]
    """Mean and deviation of the logarithm of the noise levels. Light, camera and layout are settled at high ones."""
    drop: DropRates
    """How often the image is left out, and how often windows begin with known frames."""


class Adapters(nn.Module):
    """All that is trained, as one module for the optimiser."""

    def __init__(
        self,
        depth: SVDControlNet,
        reference: ReferenceNet,
        speech: SpeechProjector,
        light: LightEncoder,
        camera: CameraEncoder,
    ) -> None:
        """Hold them; of the ReferenceNet only what reads and what is read is trained."""
        super().__init__()
        self.depth, self.reference, self.speech, self.light, self.camera = depth, reference, speech, light, camera
        for name, parameter in reference.named_parameters():
            parameter.requires_grad_(name.startswith(("conv_in", "readers")) or ".attn1." in name)

    def train_only(self, names: Collection[str]) -> None:
        """Let the adapters that are not named stay as they are."""
        for name, net in self.named_children():
            if name not in names:
                net.requires_grad_(False)


@dataclass(frozen=True)
class Base:
    """What the adapters act on."""

    unet: SVDUNet
    """Mini's UNet."""
    pose: SVDControlNet
    """Mini's pose ControlNet."""


@dataclass(frozen=True)
class SignalBatch:
    """What one step trains on: latents of B clips of F frames, and their signals."""

    latents: Tensor
    """(B, F, 4, h, w), unit deviation."""
    reference: Tensor
    """(B, 4, h, w) image latents, not scaled."""
    tokens: Tensor
    """(B, 1, D) image embedding."""
    fps: Tensor
    """(B,)."""
    signals: dict[str, Tensor]
    """By name, each (B, F, ...) float32; pictures in [0, 1]."""
    origin: Tensor
    """(1, 6, h, w): rays of the reference's view."""

    def rows(self, name: str) -> Tensor:
        """Give a signal of every frame, (B*F, ...)."""
        return self.signals[name].flatten(0, 1)


def draw_batch(store: SignalStore, latents: LatentStore, chosen: np.ndarray) -> SignalBatch:
    """Read whole samples of the chosen clips, (B,) indices."""
    plain = latents.batch(chosen)
    signals = {
        name: torch.from_numpy(np.array(store.arrays[name][chosen])).float()
        for name in ("light", "rays", "face", "speech")
    }
    signals["depth"] = float_pixels(torch.from_numpy(np.array(store.arrays["depth"][chosen])))[:, :, None]
    signals["poses"] = plain.poses
    origin = reference_rays(signals["rays"].shape[-1])
    return SignalBatch(plain.latents, plain.reference, plain.tokens, plain.fps, signals, origin)


def injections_of(
    nets: Adapters, base: Base, inputs: UNetInputs, batch: SignalBatch, active: set[str], keep: Tensor
) -> Injections:
    """Give what the active controls add.

    Args:
        nets: What is trained.
        base: What is not.
        inputs: The UNet's own.
        batch: Signals.
        active: Names of controls.
        keep: (B,) 1 where the reference is seen; the ReferenceNet is silent where it is not.
    """
    total, frames = Injections(), batch.latents.shape[1]
    if "pose" in active:
        total += base.pose(inputs, base.pose.encode(batch.rows("poses") * 2 - 1))
    if "depth" in active:
        maps = batch.rows("depth").expand(-1, 3, -1, -1) * 2 - 1
        total += nets.depth(inputs, nets.depth.encode(maps))
    if "reference" in active:
        read = nets.reference.read(batch.reference, batch.tokens)
        seen = keep.repeat_interleave(frames)
        joined = {name: (JoinedTokens(each.repeat_interleave(frames, 0), seen),) for name, each in read.items()}
        total += Injections(attention=joined)
    if "speech" in active:
        total += nets.speech(inputs, nets.speech.encode(batch.rows("speech"), batch.rows("face")))
    if "light" in active:
        total += nets.light(inputs, nets.light.encode(batch.rows("light")))
    if "camera" in active:
        total += nets.camera(inputs, nets.camera.encode(batch.rows("rays"), batch.origin))
    return total


def seen_references(batch: SignalBatch, active: set[str]) -> Tensor:
    """Give the image latents of every frame, (B, F, 4, h, w), moved where the camera is told."""
    count, frames = batch.latents.shape[:2]
    if "camera" not in active:
        return batch.reference[:, None].expand(-1, frames, -1, -1, -1)
    grids = view_grid(batch.rows("rays"), batch.origin).unflatten(0, (count, frames))
    return torch.stack([moved(one, grid) for one, grid in zip(batch.reference, grids, strict=True)])


def adapter_losses(
    nets: Adapters, base: Base, batch: SignalBatch, schooling: Schooling, generator: torch.Generator
) -> dict[str, Tensor]:
    """Give the losses of one step.

    Args:
        nets: What is trained.
        base: What it acts on.
        batch: Latents and signals.
        schooling: What acts how often, and at which noise levels.
        generator: Noise, noise levels and drops.

    Returns:
        ``loss``.
    """
    clean, (count, frames) = batch.latents, batch.latents.shape[:2]
    (mean, deviation), drop = schooling.noise, schooling.drop
    sigma = torch.exp(mean + deviation * torch.randn(count, generator=generator)).clamp(0.002, 700.0)
    known = draw_known(frames, drop.context, generator)
    levels = sigma[:, None].repeat(1, frames)
    levels[:, :known] = levels[:, :known].clamp(max=CONTEXT_SIGMA)
    level = levels[..., None, None, None]
    noisy = clean + level * torch.randn(clean.shape, generator=generator)
    keep = (torch.rand(count, generator=generator) >= drop.image).float()
    drawn = torch.rand(len(schooling.shares), generator=generator).tolist()
    active = {name for share, (name, often) in zip(drawn, schooling.shares.items(), strict=True) if share < often}
    # A step in which nothing that is trained acts would be lost.
    active = active if active - {"pose"} else active | (schooling.shares.keys() - {"pose"})
    image = seen_references(batch, active) * keep.view(-1, 1, 1, 1, 1)
    inputs = UNetInputs(
        sample=torch.cat([noisy * torch.rsqrt(level**2 + 1), image], 2),
        timestep=0.25 * sigma.log(),
        tokens=batch.tokens * keep.view(-1, 1, 1),
        time_ids=torch.stack([batch.fps - 1, torch.full_like(batch.fps, MOTION_BUCKET), 0 * batch.fps], -1),
    )
    added = injections_of(nets, base, inputs, batch, active, keep)
    output = base.unet(inputs.sample, inputs.timestep, inputs.tokens, inputs.time_ids, added).float()
    target = (noisy * torch.rsqrt(level**2 + 1) - clean * torch.sqrt(level**2 + 1)) / level
    weight = 1 + FACE_WEIGHT * batch.signals["face"][:, :, None] * ("speech" in active)
    error = (weight * (output - target).square())[:, known:]
    loss = error.mean() / weight[:, known:].mean()
    return {"loss": loss} | {name: loss for name in sorted(active)}  # noqa: C420 - fromkeys has no type for its values


def build_adapters(base: Base, speech: Any, scaling: float, hidden: int) -> Adapters:
    """Begin: depth as the pose ControlNet, the ReferenceNet as the UNet, the others silent.

    Args:
        base: The UNet and the pose ControlNet.
        speech: The speech model that will be heard.
        scaling: The VAE's scaling factor.
        hidden: Width of the adapters' own layers.
    """
    from ..models.camera_encoder import CameraEncoder
    from ..models.layer_tokens import spatial_cross_attention
    from ..models.light_encoder import LightEncoder
    from ..models.reference_net import ReferenceNet
    from ..models.speech_projector import SpeechProjector
    from ..models.svd_controlnet import SVDControlNet

    config: Any = base.unet.config
    layers, width = spatial_cross_attention(base.unet), int(config.cross_attention_dim)
    # Without the names of files that it was loaded from.
    own = {name: value for name, value in base.pose.config.items() if not name.startswith("_")}
    depth: Any = SVDControlNet.from_config(own)
    depth.load_state_dict(base.pose.state_dict())
    channels = tuple(config.block_out_channels)
    return Adapters(
        depth=depth,
        reference=ReferenceNet.from_unet(base.unet, scaling),
        speech=SpeechProjector(layers, 5, speech.layer_count, speech.width, hidden, width, 4),
        light=LightEncoder(layers, hidden, width, 8, 4 * channels[0]),
        camera=CameraEncoder(channels, int(config.layers_per_block), hidden // 2),
    )


def train_adapters(recipe: AdaptersRecipe, job: Job) -> Path:
    """Train Mini's adapters and write a folder for each; the last one is given back."""
    from ..models.svd_controlnet import SVDControlNet
    from ..models.svd_unet import SVDUNet
    from ..tracks.face_models import load_face_models
    from ..tracks.speech_model import load_speech_model
    from .latents import LatentStore
    from .signals import Models, SignalStore

    data, backbone = recipe.data, job.output / recipe.backbone
    models = Models(load_speech_model(job.output / recipe.speech), load_face_models(job.output / recipe.faces))
    store = SignalStore(job.cache, data, models)
    vae, tower = _load_encoders(backbone)
    latents: LatentStore = LatentStore(store, vae, tower, job.cache / "signal-latents")
    base = Base(_frozen(SVDUNet, backbone / "unet"), _frozen(SVDControlNet, job.output / recipe.controlnet))
    torch.manual_seed(job.options.seed)
    nets = build_adapters(base, models.speech, float(vae.config.scaling_factor), recipe.hidden)
    if recipe.begun:
        read_adapters(nets, job.output)
    schooling = Schooling({str(name): share for name, share in recipe.shares.items()}, recipe.noise, DropRates())
    nets.train_only(recipe.trained)
    module = nn.ModuleDict({"nets": nets})
    if recipe.with_unet:
        base.unet.train().requires_grad_(True)
        tie(nets.reference, base.unet)
        module["unet"] = base.unet

    def losses(step: int, generator: torch.Generator) -> dict[str, Tensor]:
        del step
        chosen = torch.randint(data.clips, (recipe.batch,), generator=generator).numpy()
        return adapter_losses(nets, base, draw_batch(store, latents, chosen), schooling, generator)

    module.load_state_dict(fit(module, losses, job.options, job.run))
    if recipe.with_unet:
        base.unet.half().save_pretrained(backbone / "unet")
    return write_adapters(nets.half(), base.unet, job.output)


def tie(reference: ReferenceNet, unet: SVDUNet) -> None:
    """Make what the ReferenceNet only copies of the UNet the UNet's own, so that both learn as one."""
    own = dict(unet.named_parameters())
    for name, parameter in list(reference.named_parameters()):
        if name in own and not parameter.requires_grad:
            place, leaf = name.rsplit(".", 1)
            setattr(reference.get_submodule(place), leaf, own[name])


def read_adapters(nets: Adapters, folder: Path) -> None:
    """Read what `write_adapters` wrote."""
    from safetensors.torch import load_file

    for name, net in {**_folders(nets), "reference-net": nets.reference}.items():
        state = load_file(folder / name / "diffusion_pytorch_model.safetensors")
        net.load_state_dict({**net.state_dict(), **{key: value.float() for key, value in state.items()}})


def _folders(nets: Adapters) -> dict[str, Any]:
    folders = {"controlnet-depth": nets.depth, "speech-projector": nets.speech}
    return folders | {"light-encoder": nets.light, "camera-encoder": nets.camera}


def write_adapters(nets: Adapters, unet: SVDUNet, output: Path) -> Path:
    """Write each adapter into a folder of its own; of the ReferenceNet only what differs from the UNet."""
    from safetensors.torch import save_file

    for name, net in _folders(nets).items():
        net.save_pretrained(output / name)
    folder = output / "reference-net"
    folder.mkdir(parents=True, exist_ok=True)
    own = {name: value.half() for name, value in unet.state_dict().items()}
    state = nets.reference.state_dict()
    differs = {name: value for name, value in state.items() if name not in own or not torch.equal(value, own[name])}
    save_file(differs, folder / "diffusion_pytorch_model.safetensors", {"format": "pt"})
    nets.reference.save_config(folder)
    return folder


def _frozen(kind: Any, folder: Path) -> Any:
    return kind.from_pretrained(folder, torch_dtype=torch.float32).eval().requires_grad_(False)


def _load_encoders(backbone: Path) -> tuple[Any, Any]:
    """Give VAE and vision tower in the very weights that are shipped."""
    from diffusers import AutoencoderKLTemporalDecoder
    from transformers import CLIPVisionModelWithProjection

    vae = _frozen(AutoencoderKLTemporalDecoder, backbone / "vae")
    tower: Any = CLIPVisionModelWithProjection.from_pretrained(backbone / "image_encoder", dtype=torch.float32)
    return vae, tower.eval().requires_grad_(False)
