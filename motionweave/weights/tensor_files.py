"""Tensors in files: safetensors, and PyTorch's pickles opened as weights only, so that no file can run code.

Both are mapped into memory and read tensor by tensor: changing the precision on the way costs one tensor, not a second
copy of the model.
"""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import InputError, MissingModelError

PICKLES = (".pth", ".pt", ".bin", ".ckpt")
"""Suffixes of PyTorch's own format."""

SUFFIXES = (".safetensors", ".sft", *PICKLES)
"""Suffixes of files that hold tensors."""

WRAPPERS = ("state_dict", "params_ema", "params", "model_state_dict")
"""Keys below which trainers put the weights, beside what they need themselves."""

PICKLE_START = b"\x80"
"""The first byte of every pickle since its second protocol."""

Shapes = Mapping[str, tuple[int, ...]]
"""What a file holds, by name; reading it touches no weights."""


def read_shapes(path: Path) -> Shapes:
    """Give the name and shape of every tensor in a file, without reading the tensors.

    Args:
        path: Safetensors, or PyTorch's zip format. Its older format has no table of contents and gives nothing.

    Raises:
        MissingModelError: If there is no such file.
        InputError: If it cannot be opened; a pickle that wants to run code never is.
    """
    if path.suffix.lower() in PICKLES:
        is_mapped = path.is_file() and zipfile.is_zipfile(path)
        return {name: tuple(tensor.shape) for name, tensor in _unpickle(path).items()} if is_mapped else {}
    with _open_safetensors(path) as file:
        names: list[str] = file.keys()
        return {name: tuple(file.get_slice(name).get_shape()) for name in names}


def read_metadata(path: Path) -> Mapping[str, str]:
    """Give what a safetensors file says of itself; other files say nothing."""
    if path.suffix.lower() in PICKLES:
        return {}
    with _open_safetensors(path) as file:
        return file.metadata() or {}


def read_tensors(
    path: Path, dtype: torch.dtype | None = None, wanted: Callable[[str], bool] | None = None
) -> dict[str, Tensor]:
    """Read a file's tensors.

    Args:
        path: Safetensors or a PyTorch pickle; of nested dictionaries the keys are joined by dots, and what is no tensor
            is left out.
        dtype: Precision for floating tensors; None keeps each one's own.
        wanted: Which names to read; None for all.

    Returns:
        Tensors on the CPU by name. Those that keep their precision stay mapped to the file.

    Raises:
        MissingModelError: If there is no such file.
        InputError: If it cannot be opened; a pickle that wants to run code never is.
    """

    def cast(tensor: Tensor) -> Tensor:
        return tensor.to(dtype) if dtype is not None and tensor.is_floating_point() else tensor

    if path.suffix.lower() in PICKLES:
        held = _unpickle(path)
        return {name: cast(held[name]) for name in held if wanted is None or wanted(name)}
    with _open_safetensors(path) as file:
        names: list[str] = file.keys()
        return {name: cast(file.get_tensor(name)) for name in names if wanted is None or wanted(name)}


def _open_safetensors(path: Path) -> Any:
    from safetensors import SafetensorError, safe_open

    _require(path)
    try:
        return safe_open(path, "pt")
    except (SafetensorError, OSError) as error:
        raise InputError(
            f"{path.name} cannot be read as safetensors ({error}); it was probably cut off: get it again"
        ) from error


def _unpickle(path: Path) -> dict[str, Tensor]:
    _require(path)
    is_zip = zipfile.is_zipfile(path)
    with path.open("rb") as file:
        if not is_zip and file.read(1) != PICKLE_START:
            raise InputError(f"{path.name} is no PyTorch file, or was cut off: get it again, best as .safetensors")
    try:
        # The older format cannot be mapped.
        return _flat(torch.load(path, map_location="cpu", weights_only=True, mmap=is_zip), "")
    except pickle.UnpicklingError as error:
        reason = next((line for line in str(error).splitlines() if "GLOBAL" in line), "it is not only tensors")
        raise InputError(
            f"{path.name} is a pickle that could run code ({reason.strip()}); it was not opened. Get the model as "
            ".safetensors, or convert it where you trust it"
        ) from error
    except (EOFError, KeyError, RuntimeError) as error:
        raise InputError(f"{path.name} cannot be read ({error}); it was probably cut off: get it again") from error


def _flat(held: Any, prefix: str) -> dict[str, Tensor]:
    """Give a dictionary's tensors, those of dictionaries inside it by both names."""
    if not isinstance(held, dict):
        return {}
    if not prefix:
        held = next((held[name] for name in WRAPPERS if isinstance(held.get(name), dict)), held)
    found: dict[str, Tensor] = {}
    for name, value in held.items():
        if isinstance(value, Tensor):
            found[f"{prefix}{name}"] = value
        else:
            found |= _flat(value, f"{prefix}{name}.")
    return found


def _require(path: Path) -> None:
    if not path.is_file():
        raise MissingModelError(path.name, (path.parent,), "Put the file there, or choose another one.")
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path.name} holds no weights; expected a file ending in {', '.join(SUFFIXES)}")
