"""Between ComfyUI's values and the library's: the only place where axes change order."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..motionweave import (
    Audio,
    Footage,
    FootageFrames,
    InputError,
    PoseMapFile,
    PoseMapFrames,
    open_footage,
    pose_map_file,
)


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


def sound_from_socket(audio: dict[str, Any] | None) -> Audio:
    """Turn AUDIO into the library's sound where there has to be one; a file without a sound track gives none."""
    sound = audio_from_socket(audio)
    if sound is None:
        raise InputError("no sound came; the file that was chosen has no sound track. Choose one with speech")
    return sound


def audio_to_socket(audio: Audio) -> dict[str, Any]:
    """Turn sound into AUDIO."""
    return {"waveform": audio.waveform[None], "sample_rate": audio.sample_rate}


def file_of(video: Any) -> Path | None:
    """Give the file of a VIDEO that is one as it stands; None for frames in memory and for edited files."""
    # Only a file can be read as it is needed; asking anything else for its stream would encode it first.
    is_file = "File" in type(video).__name__
    edited = getattr(video, "has_pending_frame_edits", lambda: False)() or any(
        getattr(video, "get_active_trim_window", lambda: (0, 0))() or (0, 0)
    )
    source = video.get_stream_source() if is_file and not edited else None
    return Path(source) if isinstance(source, str) else None


def footage_from(video: Any, images: Tensor | None, fps: float) -> Footage:
    """Take moving pictures from a VIDEO or from an IMAGE batch, exactly one of which is connected.

    Args:
        video: VIDEO or None; a file is read as it is needed.
        images: IMAGE or None.
        fps: Frames per second of the images.
    """
    if (video is None) == (images is None):
        raise InputError("this node takes either a video or images; connect exactly one of the two")
    if images is not None:
        return FootageFrames(pixels_from_image(images), Fraction(fps).limit_denominator(1001))
    path = file_of(video)
    if path is not None:
        return open_footage(path)
    parts = video.get_components()
    return FootageFrames(pixels_from_image(parts.images), Fraction(parts.frame_rate))


def pose_maps_from(video: Any, images: Tensor | None, fps: float) -> PoseMapFile | PoseMapFrames:
    """Take drawn maps from a VIDEO or from an IMAGE batch, exactly one of which is connected."""
    if (video is None) == (images is None):
        raise InputError("this node takes either a video or images; connect exactly one of the two")
    if images is not None:
        return PoseMapFrames(pixels_from_image(images), Fraction(fps).limit_denominator(1001))
    return pose_maps_from_video(video)


def pose_maps_from_video(video: Any) -> PoseMapFile | PoseMapFrames:
    """Read a VIDEO of pose maps: from its file where it is one as it stands, else from its frames in memory."""
    path = file_of(video)
    if path is not None:
        return pose_map_file(path)
    parts = video.get_components()
    return PoseMapFrames(pixels_from_image(parts.images), Fraction(parts.frame_rate))
