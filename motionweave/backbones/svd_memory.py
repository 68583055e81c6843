"""How much memory SVD's networks work in, beside their weights: a prediction from the sizes of what they make.

Everything is counted in units of one tensor at full resolution and first width. Attention is torch's fused one, which
never holds a matrix of pixels by pixels, so the peaks are elsewhere: in the UNet, the feed-forward layers of the last
temporal transformer (GEGLU: eight times the width, its activated half and their product at once, beside the hidden
states and skips); in the decoder, the last temporal resnets at full picture size. The counts below were taken by
running the published architectures on the meta device and counting every live tensor; `bench denoise` prints them
beside the prediction. They hold for the published widths (1, 2, 4, 4); what a device needs beside tensors is not in
them (`residency.RESERVE_BYTES`).
"""

from __future__ import annotations

from dataclasses import dataclass

from .base import Work, WorkingBytes
from .svd_decode import DECODE_FRAMES

UNET_UNITS = 28.5
"""Peak of a UNet pass, in tensors (B*F, C, h, w) of the first width."""
SLICED_UNITS = 15.7
"""The same where feed-forward and attention go in slices (`models.slices`)."""
FIRST_CONTROL_UNITS = 8.7
"""What a control adds: residuals for every skip, kept until the last of them is used, and sums of both."""
CONTROL_UNITS = 2.7
"""What each further control adds: its residuals have gone when the UNet runs, its features have not."""
DECODER_UNITS = 8.1
"""Peak of a decoded piece, in tensors (F, C, H, W) of the VAE's first width."""
ENCODER_UNITS = 5.1
"""Peak of an encoded picture."""
WIDE_BYTES = 4
"""The encoder runs in float32 (`SVDBackbone.encode_image`)."""


@dataclass(frozen=True)
class Widths:
    """What the networks' sizes depend on."""

    unet: int
    """Channels of the UNet's first block."""
    unet_bytes: int
    """Bytes to a number in the UNet."""
    vae: int
    """Channels of the VAE's first block."""
    vae_bytes: int
    """Bytes to a number in the VAE."""
    compression: int
    """Pixels to a latent cell, each way."""
    sliced: bool = False
    """Whether the UNet works in slices."""


def working_bytes(widths: Widths, work: Work) -> WorkingBytes:
    """Predict what each stage works in.

    Args:
        widths: The networks'.
        work: What is asked for.
    """
    pixels = work.size.width * work.size.height
    unit = work.passes * work.frames * pixels // widths.compression**2 * widths.unet * widths.unet_bytes
    controls = FIRST_CONTROL_UNITS + CONTROL_UNITS * (work.controls - 1) if work.controls else 0.0
    decoded = min(work.decode_frames or DECODE_FRAMES, work.frames) * _piece_pixels(work, widths.compression)
    return WorkingBytes(
        encode=round(ENCODER_UNITS * pixels * widths.vae * WIDE_BYTES),
        denoise=round(((SLICED_UNITS if widths.sliced else UNET_UNITS) + controls) * unit),
        decode=round(DECODER_UNITS * decoded * widths.vae * widths.vae_bytes),
    )


def _piece_pixels(work: Work, compression: int) -> int:
    """Pixels of a picture, or of a tile of it."""
    if not work.decode_tile:
        return work.size.width * work.size.height
    side = work.decode_tile // compression * compression
    return min(side, work.size.width) * min(side, work.size.height)
