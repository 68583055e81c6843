"""From noise to one window's latents."""

from .denoise import DenoiseOptions, KnownFrames, denoise_window
from .guidance import Guidance
from .noise import frame_noise
from .parts import Part, fused_parts, shifted_parts
from .samplers import SAMPLERS
from .schedules import SCHEDULES
from .together import JointState, JointStep, denoise_together

__all__ = [
    "SAMPLERS",
    "SCHEDULES",
    "DenoiseOptions",
    "Guidance",
    "JointState",
    "JointStep",
    "KnownFrames",
    "Part",
    "denoise_together",
    "denoise_window",
    "frame_noise",
    "fused_parts",
    "shifted_parts",
]
