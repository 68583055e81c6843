"""What a file of weights seems to be, told by the names and shapes in it, and who takes it.

People have hundreds of files in ComfyUI's folders. Only headers are read, so asking costs milliseconds, and the answer
is kept until the file changes.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from ..errors import InputError
from .kinds import KINDS, UNKNOWN, Kind
from .tensor_files import Shapes, read_shapes

REMEMBERED = 4096
"""Files whose kind is kept."""


def identify(path: Path) -> Kind:
    """Say what a file of weights seems to be.

    Args:
        path: Safetensors or a PyTorch file.

    Raises:
        MissingModelError: If there is no such file.
        InputError: If it cannot be opened; a pickle that wants to run code never is.
    """
    if not path.is_file():
        return _identified(path, 0, 0)
    state = path.stat()
    return _identified(path, state.st_size, state.st_mtime_ns)


def identify_shapes(shapes: Shapes) -> Kind:
    """Say what weights of these names and shapes seem to be."""
    names = "\n".join(["", *shapes, ""])
    return next((kind for kind in KINDS if all(mark.is_in(shapes, names) for mark in kind.marks)), UNKNOWN)


def is_kind(path: Path, *ids: str) -> bool:
    """Say whether a file is of one of these kinds; one that cannot be opened is of none."""
    try:
        return identify(path).id in ids
    except (InputError, OSError):
        return False


def wrong_kind(path: Path, expected: str) -> InputError:
    """Give the error for a file of another kind, which names its own.

    Args:
        path: The file.
        expected: What was expected here, with its article.
    """
    kind = identify(path)
    if kind is UNKNOWN:
        return InputError(f"{path.name} holds weights of no kind that is known here; expected {expected}")
    taken = f"load it with {kind.loader}" if kind.loader else "no node here takes it"
    return InputError(f"{path.name} seems to be {kind.title}: {taken}. Expected here: {expected}")


def require_taken_by(path: Path, loader: str, expected: str) -> None:
    """Refuse a file that is known for another node's, where its tensors turned out not to fit.

    Args:
        path: The file.
        loader: The node that was to take it.
        expected: What was expected here, with its article.

    Raises:
        InputError: Naming what it seems to be and which node takes it.
    """
    kind = identify(path)
    if kind.loader and loader not in kind.loader:
        raise wrong_kind(path, expected)


@lru_cache(maxsize=REMEMBERED)
def _identified(path: Path, size: int, changed: int) -> Kind:  # noqa: ARG001 - they tell one state of a file
    return identify_shapes(read_shapes(path))
