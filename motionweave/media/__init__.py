"""Frames and sound in and out of files, always streamed; PyAV and Pillow load when they are first needed."""

from .audio import cut_audio, resample_audio
from .footage import Footage, FootageFile, FootageFrames, open_footage
from .forward import ForwardReader
from .geometry import Fit, Orientation
from .image import read_image, write_image
from .prefetch import prefetch
from .probe import VideoInfo, probe_video, read_metadata
from .reader import read_clip, read_frames
from .recipes import RECIPES, Recipe, VideoCodec, recipe_of
from .sound_reader import read_audio
from .sound_writer import write_audio
from .timeline import held_frame_index
from .writer import VideoWriter

__all__ = [
    "RECIPES",
    "Fit",
    "Footage",
    "FootageFile",
    "FootageFrames",
    "ForwardReader",
    "Orientation",
    "Recipe",
    "VideoCodec",
    "VideoInfo",
    "VideoWriter",
    "cut_audio",
    "held_frame_index",
    "open_footage",
    "prefetch",
    "probe_video",
    "read_audio",
    "read_clip",
    "read_frames",
    "read_image",
    "read_metadata",
    "recipe_of",
    "resample_audio",
    "write_audio",
    "write_image",
]
