"""Stable Video Diffusion: XT, its siblings, and Mini, which is the same classes with smaller numbers.

Source: Blattmann et al., "Stable Video Diffusion" (2023); diffusers' `StableVideoDiffusionPipeline`, whose arithmetic
this keeps. Otherwise than there: guidance and control are the caller's, and clips are decoded in pieces that overlap.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch
from einops import repeat
from torch import Tensor, nn

from ..errors import InputError
from ..types import Size, check_shape
from .anchor import with_anchor
from .base import ActiveControl, BackboneFacts, Conditioning, Identity, Pass, Work, WorkingBytes
from .overflow import require_finite
from .svd_decode import decode_clip, encode_clip
from .svd_memory import Widths, working_bytes

if TYPE_CHECKING:
    from transformers import CLIPVisionModelWithProjection

    from ..models.injections import Injections, UNetInputs
    from ..models.step_cache import StepCache
    from ..models.svd_unet import SVDUNet


def check_size(size: Size, multiple: int) -> None:
    """Refuse a picture size that the backbone cannot make.

    Raises:
        InputError: With the nearest sizes that it can.
    """
    if size.width % multiple or size.height % multiple:
        near = Size(*(max(multiple, round(side / multiple) * multiple) for side in (size.width, size.height)))
        raise InputError(
            f"a size of {size} was asked for; this backbone makes multiples of {multiple} pixels, for example {near}"
        )


@dataclass(frozen=True)
class SVDBackbone:
    """SVD's four parts and what is known about them."""

    unet: SVDUNet
    """Predicts v."""
    vae: Any
    """AutoencoderKLTemporalDecoder: pixels to latents and back. diffusers' decorators hide its types from checkers."""
    vision: CLIPVisionModelWithProjection
    """Gives the image token."""
    scheduler_config: dict[str, Any]
    """diffusers' EulerDiscreteScheduler config."""
    image_mean: tuple[float, float, float]
    """CLIP's normalisation."""
    image_std: tuple[float, float, float]
    """CLIP's normalisation."""
    facts: BackboneFacts
    """What to know about it."""
    digest: str
    """Hash of the weights and configs."""
    features: dict[str, Any] = field(default_factory=dict[str, Any], compare=False, repr=False)
    """What adapters made of the signals of the window at hand, by `ActiveControl.key`."""
    finish: Any = field(default=None, compare=False, repr=False)
    """How the UNet was finished after loading (`finish.Finish`); None where its weights are as the file has them."""

    @property
    def denoiser(self) -> SVDUNet:
        """The UNet."""
        return self.unet

    @property
    def autoencoder(self) -> nn.Module:
        """The VAE."""
        return self.vae

    @property
    def image_encoder(self) -> CLIPVisionModelWithProjection:
        """The vision tower."""
        return self.vision

    def scheduler(self) -> Any:
        """Give a fresh EulerDiscreteScheduler; it keeps its place in the schedule, so every window needs its own."""
        from diffusers import EulerDiscreteScheduler

        return EulerDiscreteScheduler.from_config(self.scheduler_config)

    def working_bytes(self, work: Work) -> WorkingBytes:
        """Predict what each stage needs on the device beside the weights; see `svd_memory`."""
        from ..models.slices import is_sliced

        unet, vae = self.unet, self.vae
        widths = Widths(
            unet=unet.config["block_out_channels"][0],
            unet_bytes=unet.dtype.itemsize,
            vae=vae.config["block_out_channels"][0],
            vae_bytes=vae.dtype.itemsize,
            compression=self.facts.spatial_compression,
            sliced=is_sliced(unet),
        )
        return working_bytes(widths, work)

    def encode_image(self, image: Tensor, size: Size, noise_augmentation: float, seed: int) -> Identity:
        """Encode a reference image, or several of one character.

        Args:
            image: (F, 3, H, W) in [0, 1]; resized to `size`, so give it in that shape if it must not be stretched. The
                first picture is what every frame is drawn from; the token is the mean of all pictures' tokens.
            size: The video's picture size.
            noise_augmentation: Deviation of the noise added to the pixels in [-1, 1].
            seed: Seeds that noise.

        Returns:
            Latents (not scaled, as SVD has it) and one token.

        Raises:
            InputError: If the size is not one that the backbone makes.
            ShapeError: If the image is not a batch of pictures.
            MotionWeaveError: If numbers come out that are not finite.
        """
        check_shape("image", image, "F 3 H W")
        check_size(size, self.facts.spatial_multiple)
        pixels = _resized(image[:1], size) * 2 - 1
        noise = torch.randn(pixels.shape, generator=torch.Generator().manual_seed(seed))
        noisy = pixels + noise_augmentation * noise
        latents = self._encode_wide(noisy)
        digest = hashlib.sha256(image.contiguous().numpy().tobytes())
        digest.update(f"{size} {noise_augmentation} {seed}".encode())
        token = _mean_token([self._token(each[None]) for each in image])
        return Identity(latents[0].float().cpu(), token, size, noise_augmentation, digest.hexdigest())

    def embed(self, image: Tensor) -> Tensor:
        """Give each picture's token without encoding it, (F, D), float32 on the CPU.

        Args:
            image: (F, 3, H, W) in [0, 1].
        """
        check_shape("image", image, "F 3 H W")
        return torch.cat([self._token(each[None]) for each in image])

    def redrawn(self, identity: Identity, latents: Tensor) -> Identity:
        """Give the same character, drawn from a frame that is made already in place of the reference.

        The noise augmentation that the UNet is told stays the reference's: it says how far to trust the picture's
        detail, and a made frame deserves no more trust.

        Args:
            identity: Who; its tokens stay.
            latents: (4, h, w) of unit deviation; the picture's own are not scaled.

        Returns:
            The identity, with a digest of its own.
        """
        digest = hashlib.sha256(identity.digest.encode())
        digest.update(latents.contiguous().numpy().tobytes())
        original = identity.image_latents if identity.original is None else identity.original
        redrawn = latents / self.vae.config.scaling_factor
        return replace(identity, image_latents=redrawn, digest=digest.hexdigest(), original=original)

    def _encode_wide(self, pixels: Tensor) -> Tensor:
        with _wide(self.vae):
            given = pixels.to(self.vae.device, self.vae.dtype)
            latents = self.vae.encode(given).latent_dist.mode()
        require_finite(latents, given, "encoding the image")
        return latents

    def _token(self, image: Tensor) -> Tensor:
        """Give CLIP's embedding, (1, D)."""
        # The pipeline's own resize, antialiased as in SVD's training; there is no public name for it.
        from diffusers.pipelines.stable_video_diffusion.pipeline_stable_video_diffusion import (
            _resize_with_antialiasing,  # pyright: ignore[reportPrivateUsage]
        )

        side = self.vision.config.image_size
        small = (_resize_with_antialiasing(image * 2 - 1, (side, side)) + 1) / 2
        mean, std = (torch.tensor(value).view(1, 3, 1, 1) for value in (self.image_mean, self.image_std))
        pixels = ((small - mean) / std).to(self.vision.device, self.vision.dtype)
        return self.vision(pixels).image_embeds.float().cpu()

    def encode_clip(self, frames: Tensor) -> Tensor:
        """Encode frames.

        Args:
            frames: (F, 3, H, W) in [0, 1].

        Returns:
            (F, 4, h, w), unit deviation.
        """
        check_shape("frames", frames, "F 3 H W")
        with _wide(self.vae):
            return encode_clip(self.vae, frames)

    def decode_clip(
        self,
        latents: Tensor,
        slice_frames: int | None = None,
        on_slice: Callable[[int], None] | None = None,
        tile: int = 0,
    ) -> Tensor:
        """Decode latents piece by piece; see `svd_decode.decode_clip`.

        Args:
            latents: (F, 4, h, w).
            slice_frames: Frames decoded together; None for the default. Clips that fit are decoded in one piece,
                exactly as diffusers does.
            on_slice: Called after each piece with the number of pieces done.
            tile: Side of the tiles decoded together, in pixels; 0 for whole pictures.

        Returns:
            (F, 3, H, W) float32 in [0, 1], on the CPU.
        """
        return decode_clip(self.vae, latents, slice_frames or 0, tile, on_slice)

    def predict(
        self,
        sample: Tensor,
        timestep: Tensor,
        conditioning: Conditioning,
        progress: float,
        passes: tuple[Pass, ...],
        cache: StepCache | None = None,
    ) -> tuple[Tensor, ...]:
        """Run the UNet once, all passes in one batch.

        Args:
            sample: (F, 4, h, w) noisy latents, already scaled by the scheduler.
            timestep: Scalar.
            conditioning: What the window is denoised under.
            progress: Place in the schedule, 0 at the first step, toward 1 at the last.
            passes: What each pass is shown.
            cache: The window's, where this step may reuse the last one that ran in full.

        Returns:
            v for each pass, (F, 4, h, w) float32.
        """
        from ..models.injections import UNetInputs

        # diffusers' own `dtype` walks through all of its modules, as `device` must, where layers may be elsewhere.
        count, device, dtype = len(passes), self.unet.device, self.unet.conv_in.weight.dtype
        identity, shown = conditioning.identity, conditioning.image_latents
        acting = tuple(each for each in conditioning.controls if each.active[0] <= progress < each.active[1])
        anchored = any(each.anchor for each in acting)
        if anchored:
            acting = tuple(each.after_anchor for each in acting)
            sample = with_anchor(sample, timestep, identity, self.vae.config.scaling_factor)
            shown = None if shown is None else torch.cat([identity.image_latents[None], shown])
        present = torch.tensor([float(each.image) for each in passes], dtype=dtype).to(device)
        shown = identity.image_latents.expand(len(sample), -1, -1, -1) if shown is None else shown
        image = repeat(shown.to(device, dtype), "f c y x -> b f c y x", b=count)
        noisy = repeat(sample.to(device, dtype), "f c y x -> b f c y x", b=count)
        ids = [conditioning.fps - 1, conditioning.motion_bucket, identity.noise_augmentation]
        inputs = UNetInputs(
            sample=torch.cat([noisy, image * present.view(-1, 1, 1, 1, 1)], 2),
            timestep=timestep.to(device),
            tokens=repeat(identity.tokens.to(device, dtype), "t d -> b t d", b=count) * present.view(-1, 1, 1),
            time_ids=torch.tensor([ids] * count, dtype=dtype).to(device),
        )
        # Features of another window's signals would only take room; a reference's are every window's.
        for key in self.features.keys() - {control.key for control in (*conditioning.controls, *acting)}:
            del self.features[key]
        if cache is not None:
            cache.require(passes, *(control.key for control in acting))
        early = self._injections(tuple(each for each in acting if not each.net.late), inputs, passes)

        def late() -> Injections | None:
            return self._injections(tuple(each for each in acting if each.net.late), inputs, passes)

        v = self.unet(inputs.sample, inputs.timestep, inputs.tokens, inputs.time_ids, early, cache, late)
        return tuple(v[:, anchored:].float())

    def _injections(
        self, controls: tuple[ActiveControl, ...], inputs: UNetInputs, passes: tuple[Pass, ...]
    ) -> Injections | None:
        """Sum what controls that act now add; None if none does, so that an idle control changes no bit."""
        total: Injections | None = None
        for control in controls:
            factor = torch.cat([control.strength * _sees(each, control) for each in passes])
            if not bool(factor.any()):
                continue
            # It runs as it was loaded; what it adds comes to the UNet's precision where it is added.
            own = next(control.net.parameters()).dtype
            if control.key not in self.features:
                signal = (each.to(inputs.sample.device, own) for each in control.signal)
                self.features[control.key] = control.net.encode(*signal)
            made = control.net(inputs.within(own), self.features[control.key])
            # A factor of 1 everywhere is left out: a multiplication by 1 costs memory and changes nothing.
            scaled = made.scaled(factor) if bool((factor != 1).any()) else made
            total = scaled if total is None else total + scaled
        return total


@contextmanager
def _wide(vae: Any) -> Iterator[None]:
    """Have a VAE in float32 inside the block where it is in float16, whose range SVD's encoder overflows.

    It is diffusers' `force_upcast`; whatever happens, the VAE goes back to the precision that it came in.
    """
    narrow = vae.dtype == torch.float16
    if narrow:
        vae.to(torch.float32)
    try:
        yield
    finally:
        if narrow:
            vae.to(torch.float16)


def _sees(each: Pass, control: ActiveControl) -> float:
    """Say whether a pass sees a control."""
    return float(each.controls and (each.image or control.unconditional))


def _mean_token(tokens: list[Tensor]) -> Tensor:
    """Average tokens (1, D) in direction and in length; the plain mean is shorter than any that the UNet has seen."""
    if len(tokens) == 1:
        return tokens[0]
    every = torch.cat(tokens)
    lengths = every.norm(dim=-1, keepdim=True)
    mean = (every / lengths).mean(0, keepdim=True)
    return mean / mean.norm() * lengths.mean()


def _resized(image: Tensor, size: Size) -> Tensor:
    """Resize as diffusers' video processor does with a PIL image: Lanczos in 8 bits; unchanged if it fits."""
    if image.shape[-2:] == (size.height, size.width):
        return image
    from diffusers.video_processor import VideoProcessor
    from PIL import Image

    # What upscalers and filters leave just beyond 1 would come round to black in 8 bits.
    picture = Image.fromarray((image[0].clamp(0, 1).permute(1, 2, 0) * 255).round().to(torch.uint8).numpy())  # H W 3
    processed = VideoProcessor(vae_scale_factor=1).preprocess(picture, height=size.height, width=size.width)
    return processed / 2 + 0.5
