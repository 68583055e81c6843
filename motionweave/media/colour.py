"""Between RGB and what codecs store, with the right matrix and range.

Colours are converted, transfer curves and primaries are not: HDR material comes out as its code values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..errors import InputError

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from av.video.reformatter import VideoReformatter

LIMITED, FULL = 1, 2
"""Colour ranges as FFmpeg numbers them: luma 16-235, and 0-255."""
BT601, BT709 = 5, 1
"""Matrices as swscale numbers them."""
SWS_MATRIX = {1: BT709, 4: 4, 5: BT601, 6: BT601, 7: 7, 9: 9, 10: 9}
"""swscale's number for each matrix that a frame can be tagged with (ISO/IEC 23091-2, MatrixCoefficients)."""
SWS_QUALITY = 0x4 | 0x2000 | 0x4000 | 0x40000
"""Bicubic chroma at full resolution both ways, rounded accurately; swscale's defaults shift flat colours by up to 4."""


def to_bytes(frame: Tensor) -> Tensor:
    """Round pixels to 8 bits, on the CPU.

    Args:
        frame: (3, H, W) float in [0, 1], clamped where it goes beyond, or uint8.

    Returns:
        (3, H, W) uint8.

    Raises:
        InputError: If a value is not a number, or if the type is neither.
    """
    if frame.dtype == torch.uint8:
        return frame.detach().cpu()
    if not frame.is_floating_point():
        raise InputError(f"pixels are {frame.dtype}; expected floats in [0, 1] or uint8")
    if not bool(torch.isfinite(frame).all()):
        raise InputError("pixels hold NaN or infinity; the picture failed where it was made, make it again")
    return (frame.detach().to(torch.float32).clamp(0, 1) * 255).round().to(torch.uint8).cpu()


def is_full_range(frame: VideoFrame) -> bool:
    """Say whether a frame's values use 0-255; untagged YUV does not, untagged grey and RGB do.

    Args:
        frame: A decoded frame.

    Returns:
        True for full range.
    """
    if frame.color_range in (LIMITED, FULL):
        return frame.color_range == FULL
    layout = frame.format
    return layout.name.startswith("yuvj") or layout.is_rgb or len(layout.components) < 3


def decode_rgb(frame: VideoFrame, reformatter: VideoReformatter) -> Tensor:
    """Convert a decoded frame to RGB at its own size.

    A frame without a matrix tag is read as BT.601 at any size: what writes no tag is nearly always a tool that
    converted with swscale's default, which is BT.601.

    Args:
        frame: A decoded frame of any pixel format.
        reformatter: Kept between frames, because it holds swscale's tables.

    Returns:
        (3, H, W) uint8.
    """
    if frame.format.is_rgb:
        rgb = reformatter.reformat(frame, format="rgb24", interpolation=SWS_QUALITY)
    else:
        rgb = reformatter.reformat(
            frame,
            format="rgb24",
            src_colorspace=SWS_MATRIX.get(frame.colorspace, BT601),
            src_color_range=FULL if is_full_range(frame) else LIMITED,
            dst_color_range=FULL,
            interpolation=SWS_QUALITY,
        )
    return torch.from_numpy(rgb.to_ndarray()).permute(2, 0, 1)  # H W 3 -> 3 H W


def encode_rgb(frame: Tensor, pixel_format: str, reformatter: VideoReformatter) -> VideoFrame:
    """Convert RGB to what an encoder takes: BT.709 limited range for YUV, the same bits for RGB.

    Args:
        frame: (3, H, W) uint8.
        pixel_format: ``yuv420p`` or an RGB format.
        reformatter: Kept between frames.

    Returns:
        A PyAV frame with its colour tags set.
    """
    from av.video.frame import VideoFrame

    rgb = VideoFrame.from_ndarray(frame.permute(1, 2, 0).contiguous().numpy(), format="rgb24")  # 3 H W -> H W 3
    if not pixel_format.startswith("yuv"):
        return reformatter.reformat(rgb, format=pixel_format)
    return reformatter.reformat(
        rgb,
        format=pixel_format,
        src_color_range=FULL,
        dst_colorspace=BT709,
        dst_color_range=LIMITED,
        interpolation=SWS_QUALITY,
    )
