"""From noise to one window's latents."""

from .denoise import DenoiseOptions, KnownFrames, denoise_window
from .guidance import Guidance
from .noise import frame_noise
from .samplers import SAMPLERS
from .schedules import SCHEDULES

__all__ = ["SAMPLERS", "SCHEDULES", "DenoiseOptions", "Guidance", "KnownFrames", "denoise_window", "frame_noise"]
