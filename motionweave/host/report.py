"""What a run made and what it took."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from ..errors import MediaError
from ..media import probe_video, read_audio
from ..runtime import Folders
from .paths import confine

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp"})
SOUNDS = frozenset({".flac", ".wav", ".mp3", ".opus", ".ogg"})


@dataclass(frozen=True)
class OutputFile:
    """One file in the output folder."""

    path: str
    """Where it lies."""
    frames: int | None = None
    """Pictures in it; None for sound."""
    fps: str | None = None
    """Frames per second, as an exact fraction."""
    size: tuple[int, int] | None = None
    """Width and height in pixels."""
    audio_s: float | None = None
    """Seconds of sound; None for a silent file."""


@dataclass(frozen=True)
class RunReport:
    """What a workflow made."""

    outputs: tuple[OutputFile, ...]
    """Files in the output folder, in the order in which they were written."""
    chunks: tuple[Mapping[str, Any], ...]
    """One row a chunk, as the nodes that make chunks tell: ``chunk``, ``key``, ``frames``, ``seconds``, ``reused``."""
    memory: tuple[Mapping[str, Any], ...]
    """One row for each node that made chunks, as `MemoryPlan.row` has it: what was chosen, and its predicted peak."""
    texts: tuple[str, ...]
    """What nodes showed as words."""
    peak_rss_mb: float | None
    """Most host memory that the process held, in MiB; None where the system does not tell."""
    seconds: float
    """Time from the first node to the last."""

    @property
    def reused_chunks(self) -> int:
        """Chunks that were on disk already."""
        return sum(bool(row.get("reused")) for row in self.chunks)

    def to_json(self) -> str:
        """Give it as JSON, with ``reused_chunks`` counted."""
        return json.dumps({**asdict(self), "reused_chunks": self.reused_chunks}, indent=2)


def describe_file(path: Path) -> OutputFile:
    """Say what a written file holds.

    Args:
        path: A picture, video or sound.

    Raises:
        MediaError: If it cannot be read back.
    """
    suffix = path.suffix.lower()
    if suffix in PICTURES:
        from PIL import Image

        with Image.open(path) as image:
            return OutputFile(str(path), frames=getattr(image, "n_frames", 1), size=image.size)
    if suffix in SOUNDS:
        return OutputFile(str(path), audio_s=_sound_s(path))
    info = probe_video(path)
    sound_s = _sound_s(path) if info.has_audio else None
    size = (info.size.width, info.size.height)
    return OutputFile(str(path), info.frame_count, str(Fraction(info.fps)), size, sound_s)


def _sound_s(path: Path) -> float | None:
    audio = read_audio(path)
    return None if audio is None else float(audio.duration_s)


def written_files(shown: Iterable[Mapping[str, list[Any]]], folders: Folders) -> tuple[Path, ...]:
    """Give the files in the output folder that nodes say they wrote.

    Args:
        shown: What each node showed.
        folders: The run's folders.
    """
    results = (result for ui in shown for key in ("images", "audio", "gifs") for result in ui.get(key, ()))
    names = [f"{each['subfolder']}/{each['filename']}".lstrip("/") for each in results if each.get("type") == "output"]
    return tuple(dict.fromkeys(confine(folders.output, name) for name in names))


def describe_all(paths: Iterable[Path]) -> tuple[OutputFile, ...]:
    """Describe files; one of a kind that is not known is given by its path alone.

    Args:
        paths: The files.
    """
    return tuple(_describe_or_name(path) for path in paths)


def _describe_or_name(path: Path) -> OutputFile:
    try:
        return describe_file(path)
    except (MediaError, OSError):  # Pillow's errors are the latter.
        return OutputFile(str(path))


def peak_rss_mb() -> float | None:
    """Give the most host memory that this process ever held, in MiB; None on systems that do not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
