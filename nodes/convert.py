"""Between ComfyUI's values and the library's: the only place where axes change order."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..motionweave import Audio, InputError, PoseMapFrames, PoseTrack, pose_map_file


def pixels_from_image(image: Tensor) -> Tensor:
    """Turn an IMAGE (B, H, W, C) in [0, 1] into pixels (F, 3, H, W); an alpha channel is left out."""
    if image.ndim != 4 or image.shape[-1] < 3:
        raise InputError(f"an image of shape {tuple(image.shape)} came; expected ComfyUI's (batch, height, width, 3)")
    return image[..., :3].movedim(-1, 1).to("cpu", torch.float32).contiguous()  # F 3 H W


def image_from_pixels(pixels: Tensor) -> Tensor:
    """Turn pixels (F, 3, H, W) into an IMAGE (B, H, W, 3)."""
    return pixels.movedim(1, -1).contiguous()  # F H W 3


def audio_from_socket(audio: dict[str, Any] | None) -> Audio | None:
    """Turn AUDIO into the library's sound; a batch must hold one."""
    if audio is None:
        return None
    waveform = audio["waveform"]
    if waveform.shape[0] != 1:
        raise InputError(f"a batch of {waveform.shape[0]} sounds came; expected one")
    return Audio(waveform[0].to("cpu", torch.float32), int(audio["sample_rate"]))


def audio_to_socket(audio: Audio) -> dict[str, Any]:
    """Turn sound into AUDIO."""
    return {"waveform": audio.waveform[None], "sample_rate": audio.sample_rate}


def pose_maps_from_video(video: Any) -> PoseTrack:
    """Read a VIDEO of pose maps: from its file where it is one as it stands, else from its frames in memory."""
    # Only a file can be read as it is needed; asking anything else for its stream would encode it first.
    is_file = "File" in type(video).__name__
    edited = getattr(video, "has_pending_frame_edits", lambda: False)() or any(
        getattr(video, "get_active_trim_window", lambda: (0, 0))() or (0, 0)
    )
    source = video.get_stream_source() if is_file and not edited else None
    if isinstance(source, str):
        return pose_map_file(Path(source))
    parts = video.get_components()
    return PoseMapFrames(pixels_from_image(parts.images), Fraction(parts.frame_rate))
