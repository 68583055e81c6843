"""What a generative core must offer, and what it is told about a window.

A backbone never loops: schedules, guidance and carried context live in `sampling`, windows in `longform`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Protocol

import torch
from torch import Tensor, nn

from ..types import Size

if TYPE_CHECKING:
    from ..models.step_cache import StepCache

ImageRole = Literal["first_frame", "reference"]
"""Whether a backbone takes the picture for the first frame of what it makes, or for the character in any pose."""


@dataclass(frozen=True)
class BackboneFacts:
    """What a caller needs to know without probing the networks."""

    name: str
    """What to call it in messages and keys."""
    window: int
    """Frames it was trained to denoise together."""
    chunk_frames: int
    """New frames a chunk adds by default."""
    overlap: int
    """Context frames by default."""
    fps: Fraction
    """Frame rate it was trained at."""
    size: Size
    """Picture size it was trained at."""
    spatial_multiple: int
    """Width and height must be multiples of this, in pixels."""
    spatial_compression: int
    """Pixels to a latent cell, each way."""
    temporal_compression: int
    """Frames to a latent frame."""
    latent_channels: int
    """Channels of a latent."""
    image_role: ImageRole
    """What the picture is to it."""
    context_sigma: float
    """Highest noise level at which known frames are shown; infinite where they share the window's own."""
    steps: int
    """Denoising steps by default."""
    guidance: float
    """Guidance scale by default; 1 is none."""
    noise_augmentation: float
    """Noise added to the picture by default, in pixels of [-1, 1]."""


@dataclass(frozen=True)
class Identity:
    """A reference image as the backbone sees it."""

    image_latents: Tensor
    """(C, h, w): concatenated to every frame."""
    tokens: Tensor
    """(T, D): cross-attention tokens."""
    size: Size
    """The picture size it was encoded for."""
    noise_augmentation: float
    """How much noise was added before encoding."""
    digest: str
    """Hash of what it was made from, for chunk keys."""
    original: Tensor | None = None
    """(C, h, w): the reference's own latents, where `image_latents` are a made frame's; else None."""


@dataclass(frozen=True)
class ActiveControl:
    """A control at work in one window: a network and what it is told."""

    net: Any
    """An adapter of the backbone's kind (for SVD, `models.injections.Adapter`)."""
    digest: str
    """Hash of its weights."""
    signal: tuple[Tensor, ...]
    """What the network's `encode` reads; kept on the CPU."""
    strength: Tensor
    """(F,): factor on what the network adds."""
    active: tuple[float, float] = (0.0, 1.0)
    """Part of the schedule in which it acts, from 0 (all noise) to 1 (clean); steps that begin at its end or after are
    without it."""
    unconditional: bool = True
    """Whether passes without the image see it too."""
    moving: int = 0
    """How many of the signals, counted from the first, have a value for each frame; the others hold for all frames."""
    anchor: tuple[Tensor, ...] = ()
    """One value (1, ...) for each moving signal, where the network was trained to see the reference in its own pose
    before every window; else nothing."""
    source: str | None = None
    """Hash of what the signal was taken from, in its place in chunk keys: a voice's features all change a little with
    every word of it, however far away."""

    @cached_property
    def key(self) -> str:
        """Hash of the weights and the signal: what the features depend on."""
        digest = hashlib.sha256(self.digest.encode())
        for tensor in (*self.signal, *self.anchor):
            digest.update(f"{tensor.dtype} {tuple(tensor.shape)}".encode())
            digest.update(tensor.contiguous().numpy().tobytes())
        return digest.hexdigest()

    @cached_property
    def after_anchor(self) -> ActiveControl:
        """The same for a window with the anchor's frame in front.

        What has a value for each frame and was not trained with an anchor says nothing there: nobody knows what it
        would be in the reference. Everything else is as strong there as anywhere in the window.
        """
        first = self.anchor or tuple(each[:1] for each in self.signal[: self.moving])
        moving = [torch.cat(pair) for pair in zip(first, self.signal, strict=False)]
        speaks = bool(self.anchor) or not self.moving
        strength = torch.cat([self.strength.max().view(1) * speaks, self.strength])
        return replace(self, signal=(*moving, *self.signal[self.moving :]), strength=strength)


@dataclass(frozen=True)
class Pass:
    """One run of the network: what it is shown."""

    image: bool = True
    """Whether it sees the reference: image latents and tokens are zero in passes without."""
    controls: bool = True
    """Whether controls act."""


@dataclass(frozen=True)
class Conditioning:
    """Everything one window is denoised under."""

    identity: Identity
    """Who."""
    fps: float
    """Frames per second of the video."""
    motion_bucket: float = 127.0
    """SVD's measure of how much moves, 0 to 255."""
    controls: tuple[ActiveControl, ...] = ()
    """In the order in which they were applied."""
    image_latents: Tensor | None = None
    """(F, C, h, w) in place of the identity's in every frame, where the picture is not the same for all; else None."""

    @property
    def anchored(self) -> bool:
        """Whether a frame before the window shows the reference in its own pose; it is left out of what is made."""
        return any(control.anchor for control in self.controls)

    def digest(self) -> str:
        """Hash everything that the window is made under; any change to it makes another video."""
        digest = hashlib.sha256(f"{self.identity.digest} {self.fps} {self.motion_bucket}".encode())
        for control in self.controls:
            told = control.key if control.source is None else f"{control.digest} {control.source}"
            digest.update(f"{told} {control.active} {control.unconditional}".encode())
            digest.update(control.strength.contiguous().numpy().tobytes())
        if self.image_latents is not None:
            digest.update(self.image_latents.contiguous().numpy().tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class Work:
    """What a run asks of a backbone, as far as memory goes."""

    size: Size
    """Picture size."""
    frames: int
    """Frames that are denoised together."""
    passes: int = 1
    """Runs of the network that a step merges into one batch."""
    controls: int = 0
    """Controls that act together."""
    decode_frames: int = 0
    """Frames decoded together; 0 for the backbone's default."""
    decode_tile: int = 0
    """Side of the tiles decoded together, in pixels; 0 for whole pictures."""


@dataclass(frozen=True)
class WorkingBytes:
    """Predicted peaks of what each stage makes on the device, beside weights."""

    encode: int
    """Encoding a picture."""
    denoise: int
    """One step."""
    decode: int
    """Decoding one piece."""


class Backbone(Protocol):
    """A generative core."""

    @property
    def facts(self) -> BackboneFacts:
        """What to know about it."""
        ...

    @property
    def denoiser(self) -> nn.Module:
        """The module that `predict` runs, so that the host can make room for it."""
        ...

    @property
    def autoencoder(self) -> nn.Module:
        """The module that `encode_clip` and `decode_clip` run."""
        ...

    @property
    def image_encoder(self) -> nn.Module:
        """The module that gives identity tokens."""
        ...

    @property
    def digest(self) -> str:
        """Hash of the weights and configs, for chunk keys."""
        ...

    def scheduler(self) -> Any:
        """Give a fresh diffusers scheduler, as the backbone was trained for."""
        ...

    def working_bytes(self, work: Work) -> WorkingBytes:
        """Predict what each stage needs on the device beside the weights."""
        ...

    def encode_image(self, image: Tensor, size: Size, noise_augmentation: float, seed: int) -> Identity:
        """Encode reference images (F, 3, H, W) in [0, 1]: the first is the picture, all of them say who it is."""
        ...

    def embed(self, image: Tensor) -> Tensor:
        """Say who pictures (F, 3, H, W) in [0, 1] show: (F, D), by the image encoder alone."""
        ...

    def redrawn(self, identity: Identity, latents: Tensor) -> Identity:
        """Give the same character, drawn from a made frame's latents (C, h, w) in place of the reference."""
        ...

    def encode_clip(self, frames: Tensor) -> Tensor:
        """Encode (F, 3, H, W) in [0, 1] to latents (F, C, h, w) of unit deviation."""
        ...

    def decode_clip(
        self,
        latents: Tensor,
        slice_frames: int | None = None,
        on_slice: Callable[[int], None] | None = None,
        tile: int = 0,
    ) -> Tensor:
        """Decode latents (F, C, h, w) to pixels (F, 3, H, W) in [0, 1], some frames and tiles at a time."""
        ...

    def predict(
        self,
        sample: Tensor,
        timestep: Tensor,
        conditioning: Conditioning,
        progress: float,
        passes: tuple[Pass, ...],
        cache: StepCache | None = None,
    ) -> tuple[Tensor, ...]:
        """Run the network on scaled latents (F, C, h, w) under each of the passes; one (F, C, h, w) for each."""
        ...
