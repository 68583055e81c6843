"""ComfyUI's public ``ui``: what a node shows beside its outputs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from ...media import write_audio
from ..context import current_runtime
from ..paths import next_file
from ..pictures import save_images
from .video import audio_from_socket
from .widgets import FolderType


class SavedResult(dict[str, Any]):
    """One file that was written, as the canvas asks for it."""

    def __init__(self, filename: str, subfolder: str, type: FolderType | str) -> None:
        """Name the file.

        Args:
            filename: Its name.
            subfolder: Folder below that of `type`; empty for none.
            type: ``output`` or ``temp``.
        """
        super().__init__(filename=filename, subfolder=subfolder, type=FolderType(type).value)

    @property
    def filename(self) -> str:
        """The file's name."""
        return self["filename"]

    @property
    def subfolder(self) -> str:
        """Folder below that of `type`."""
        return self["subfolder"]

    @property
    def type(self) -> FolderType:
        """The folder's kind."""
        return FolderType(self["type"])


def saved(path: Path, folder: Path, type: FolderType) -> SavedResult:
    """Name a file that lies below one of the run's folders.

    Args:
        path: The file.
        folder: The output or temp folder.
        type: Which of them.
    """
    subfolder = path.relative_to(folder.resolve()).parent.as_posix()
    return SavedResult(path.name, "" if subfolder == "." else subfolder, type)


class UIOutput(ABC):
    """What a node shows."""

    @abstractmethod
    def as_dict(self) -> dict[str, Any]:
        """Give it as the canvas takes it: lists by key."""


class SavedImages(UIOutput):
    """Pictures that were written."""

    def __init__(self, results: Sequence[SavedResult], is_animated: bool = False) -> None:
        """Keep them.

        Args:
            results: The files.
            is_animated: Whether they move.
        """
        self.results, self.is_animated = list(results), is_animated

    def as_dict(self) -> dict[str, Any]:
        """Give the files."""
        return {"images": self.results} | ({"animated": (True,)} if self.is_animated else {})


class SavedAudios(UIOutput):
    """Sounds that were written."""

    def __init__(self, results: Sequence[SavedResult]) -> None:
        """Keep them.

        Args:
            results: The files.
        """
        self.results = list(results)

    def as_dict(self) -> dict[str, Any]:
        """Give the files."""
        return {"audio": self.results}


class PreviewImage(SavedImages):
    """Pictures for a look, written to the temp folder."""

    def __init__(self, image: Tensor, animated: bool = False, cls: Any = None) -> None:
        """Write them.

        Args:
            image: (B, H, W, C) in [0, 1].
            animated: Whether they move.
            cls: The node; previews carry no workflow here.
        """
        del cls
        folder = current_runtime().folders.temp
        paths = save_images(image, folder, "preview", {})
        super().__init__([saved(path, folder, FolderType.temp) for path in paths], animated)

    def as_dict(self) -> dict[str, Any]:
        """Give the files."""
        return {"images": self.results, "animated": (self.is_animated,)}


class PreviewAudio(SavedAudios):
    """A sound for listening, written to the temp folder."""

    def __init__(self, audio: dict[str, Any], cls: Any = None) -> None:
        """Write it.

        Args:
            audio: ``waveform`` (1, C, N) and ``sample_rate``.
            cls: The node; previews carry no workflow here.
        """
        del cls
        folder = current_runtime().folders.temp
        path = next_file(folder, "preview", ".flac")
        write_audio(path, audio_from_socket(audio))
        super().__init__([saved(path, folder, FolderType.temp)])


class PreviewVideo(UIOutput):
    """Videos that were written."""

    def __init__(self, values: Sequence[SavedResult | dict[str, Any]]) -> None:
        """Keep them.

        Args:
            values: The files.
        """
        self.values = list(values)

    def as_dict(self) -> dict[str, Any]:
        """Give the files."""
        return {"images": self.values, "animated": (True,)}


class PreviewText(UIOutput):
    """Words."""

    def __init__(self, value: str) -> None:
        """Keep them.

        Args:
            value: The words.
        """
        self.value = value

    def as_dict(self) -> dict[str, Any]:
        """Give the words."""
        return {"text": (self.value,)}


__all__ = [
    "PreviewAudio",
    "PreviewImage",
    "PreviewText",
    "PreviewVideo",
    "SavedAudios",
    "SavedImages",
    "SavedResult",
]
