"""What MotionWeave raises, in words an artist can act on.

A message says what came, what was expected and what to do; ComfyUI and the command line show it as it is. Two
exceptions of other libraries are never wrapped, because their type carries meaning to the host: ComfyUI's interrupt and
torch's out-of-memory error.
"""

from __future__ import annotations

from pathlib import Path


class MotionWeaveError(Exception):
    """Base of everything this library raises on purpose."""


class InputError(MotionWeaveError, ValueError):
    """A value that the caller gave is wrong."""


class ShapeError(InputError):
    """A tensor has another shape than the function documents."""

    def __init__(self, name: str, actual: tuple[int, ...], expected: str) -> None:
        """Keep both shapes, so that a caller can tell them apart from the text.

        Args:
            name: The argument's name.
            actual: The shape that came.
            expected: The documented shape, as axis letters and numbers, such as ``"F 3 H W"``.
        """
        super().__init__(f"{name} has shape {tuple(actual)}; expected ({expected})")
        self.actual = tuple(actual)
        self.expected = expected


class MediaError(MotionWeaveError):
    """A media file cannot be read or written."""

    def __init__(self, path: Path | str, message: str) -> None:
        """Say which file, then what is wrong with it.

        Args:
            path: The file.
            message: What came, what was expected, what to do; PyAV's own words where it had any.
        """
        super().__init__(f"{Path(path).name}: {message}")
        self.path = Path(path)


class MissingModelError(MotionWeaveError):
    """A model's files are not on this machine."""

    def __init__(self, model_id: str, looked_in: tuple[Path, ...], advice: str) -> None:
        """Say which model, where it was looked for and where to get it.

        Args:
            model_id: Its id in ``models_manifest.json``.
            looked_in: Folders that were searched, in order.
            advice: Where to get it and where to put it.
        """
        folders = ", ".join(str(folder) for folder in looked_in) or "no folder at all"
        super().__init__(f"model '{model_id}' was not found in {folders}. {advice}")
        self.model_id = model_id
        self.looked_in = looked_in


class UnsupportedError(MotionWeaveError):
    """This backbone, device or precision cannot do what was asked; the message names one that can."""

    def __init__(self, capability: str, advice: str) -> None:
        """Name what is missing and what to use instead.

        Args:
            capability: What was asked for.
            advice: What can do it.
        """
        super().__init__(f"{capability} is not supported here. {advice}")
        self.capability = capability


class GenerationError(MotionWeaveError):
    """A window failed; raised from the error that stopped it, so that the artist learns where."""

    def __init__(self, message: str, window: int) -> None:
        """Name the window beside the cause.

        Args:
            message: The cause, in the words of the error this one is raised from.
            window: Index of the window in the plan, from 0.
        """
        super().__init__(message)
        self.window = window


class WorkflowError(InputError):
    """A workflow JSON cannot be run as it stands."""
