"""A folder of clips from elsewhere, as a row."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

from ..errors import InputError, MediaError
from ..media import VideoInfo, probe_video
from .clips import Clip, MadeRow

SUFFIXES = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".gif")
"""Endings of the files that are taken for clips."""


def open_clip_folder(folder: Path, overlap: int = 0, conform: bool = False) -> MadeRow:
    """Take the videos of a folder for a row of clips, in the order of their names as people count.

    Args:
        folder: The folder; what is no video in it is passed over by its ending.
        overlap: Frames at each clip's beginning that the clip before ends with.
        conform: Whether clips of another size or rate than the first are brought to its own: held or left-out frames,
            and the picture fitted in with black bars. Otherwise they are refused.

    Returns:
        The row.

    Raises:
        InputError: If the folder is missing or holds no clip, one differs, or one is no longer than the overlap; names
            the odd one.
        MediaError: If a clip cannot be read; names it.
    """
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder.name}; put the clips into a folder and give its name")
    if overlap < 0:
        raise InputError(f"an overlap of {overlap} frames was given; expected 0 or more")
    paths = sorted((path for path in folder.iterdir() if _is_clip(path)), key=natural_order)
    if not paths:
        raise InputError(f"the folder {folder.name} holds no clip; expected files ending in {', '.join(SUFFIXES)}")
    infos = [_whole(probe_video(path)) for path in paths]
    fps, size = infos[0].fps, infos[0].size
    clips = tuple(_clip(info, infos[0], overlap if index else 0, conform) for index, info in enumerate(infos))
    for before, clip in pairwise(clips):
        if clip.lead > before.frame_count:
            raise InputError(
                f"{before.path.name} adds {before.frame_count} frames, fewer than the {overlap} that {clip.path.name} "
                "shares with it; lower the overlap"
            )
    return MadeRow(clips, fps, size, folder.name)


def clip_folder_state(folder: Path) -> str:
    """Say which state a folder of clips is in, so that a changed one is read again."""
    if not folder.is_dir():
        return "missing"
    states = [(path.name, path.stat()) for path in sorted(folder.iterdir()) if _is_clip(path)]
    return repr([(name, state.st_size, state.st_mtime_ns) for name, state in states])


def natural_order(path: Path) -> list[tuple[int, int | str]]:
    """Give a key by which names sort as people count."""
    parts = re.split(r"(\d+)", path.name.casefold())
    return [(0, int(part)) if part.isdigit() else (1, part) for part in parts if part]


def _is_clip(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def _whole(info: VideoInfo) -> VideoInfo:
    if info.promised_frame_count > info.frame_count:
        raise MediaError(
            info.path,
            f"breaks off: {info.frame_count} of {info.promised_frame_count} frames are there; bring the file again",
        )
    return info


def _clip(info: VideoInfo, first: VideoInfo, overlap: int, conform: bool) -> Clip:
    fits = info.size == first.size and info.fps == first.fps
    if not fits and not conform:
        raise InputError(
            f"{info.path.name} is {info.size} at {float(info.fps):g} frames per second, but {first.path.name}, the "
            f"first, is {first.size} at {float(first.fps):g}; bring them to one size and rate, or switch 'conform' on"
        )
    frames = info.frame_count if info.fps == first.fps else max(1, int(info.duration_s * first.fps))
    if frames <= overlap:
        raise InputError(
            f"{info.path.name} has {frames} frames, which are all shared at an overlap of {overlap}; lower the overlap"
        )
    return Clip(
        info.path,
        frames - overlap,
        overlap,
        fps=None if info.fps == first.fps else first.fps,
        size=None if info.size == first.size else first.size,
    )
