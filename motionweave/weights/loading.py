"""From files to networks: safetensors in diffusers' folder layout, nothing pickled, nothing downloaded."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from ..errors import InputError, MissingModelError
from .state_dict import NO_WEIGHTS, matches, require_fit
from .tensor_files import SUFFIXES

HASHED = (".json", ".onnx", *SUFFIXES)
"""Suffixes of the files by which a model's folder is known."""

FINGERPRINT_BYTES = 1 << 20
"""How much of either end of a weights file goes into its digest."""


def fingerprint(model: Path) -> str:
    """Hash a model's file, or its folder: every config whole, of every weights file the size and both ends.

    Weights run to gigabytes; a changed weights file differs in its header, its ends or its size.
    """
    digest = hashlib.sha256()
    files = [model] if model.is_file() else [path for path in sorted(model.rglob("*")) if path.suffix.lower() in HASHED]
    for path in files:
        size = path.stat().st_size
        digest.update(f"{path.relative_to(model).as_posix()} {size}".encode())
        with path.open("rb") as file:
            digest.update(file.read(FINGERPRINT_BYTES))
            file.seek(max(0, size - FINGERPRINT_BYTES))
            digest.update(file.read())
    return digest.hexdigest()


def require_files(folder: Path, parts: tuple[str, ...], what: str) -> None:
    """Refuse a model folder that lacks files.

    Args:
        folder: The model's folder.
        parts: Files it must have, relative.
        what: What was expected, for the message.

    Raises:
        MissingModelError: Naming what is missing.
    """
    missing = [part for part in parts if not (folder / part).is_file()]
    if missing:
        raise MissingModelError(
            folder.name, (folder,), f"It lacks {', '.join(missing)}; expected {what} in diffusers' folder layout."
        )


def load_network(kind: Any, folder: Path, dtype: torch.dtype, allowed_unexpected: Sequence[str] = ()) -> Any:
    """Load one network; only safetensors are opened, and only from this folder.

    Args:
        kind: Its class, diffusers' or transformers' or built on theirs.
        folder: With ``config.json`` and the weights.
        dtype: Precision to load in.
        allowed_unexpected: Patterns (`fnmatch`) of names that the weights may have beyond the network's.

    Returns:
        The network on the CPU, ready to run, not to train.

    Raises:
        MissingModelError: If the folder does not hold it, or its weights are cut off.
        InputError: If the weights are another network's than the config says, or some are missing or left over.
    """
    from safetensors import SafetensorError

    try:
        with _without_bar():
            net, info = kind.from_pretrained(
                folder,
                torch_dtype=dtype,
                use_safetensors=True,
                local_files_only=True,
                output_loading_info=True,
                variant=_variant(folder),
            )
    except (OSError, SafetensorError) as error:
        raise MissingModelError(folder.name, (folder,), f"{kind.__name__} could not be loaded: {error}") from error
    except ValueError as error:  # diffusers' and transformers' word for shapes that differ
        raise InputError(
            f"the weights in {folder} do not fit its config.json ({error}); get both from the same place again"
        ) from error
    # Both libraries only log these, and leave what is missing at random.
    unexpected = [name for name in info["unexpected_keys"] if not matches(name, (*NO_WEIGHTS, *allowed_unexpected))]
    require_fit(str(folder), kind.__name__, sorted(info["missing_keys"]), sorted(unexpected), ())
    return net.eval().requires_grad_(False)


@contextmanager
def _without_bar() -> Iterator[None]:
    """Hush transformers' own bar of a second's loading, which breaks into the progress that the host shows."""
    bars: Any = sys.modules.get("transformers.utils.logging")
    if bars is None or not bars.is_progress_bar_enabled():
        yield
        return
    bars.disable_progress_bar()
    try:
        yield
    finally:
        bars.enable_progress_bar()


def _variant(folder: Path) -> str | None:
    """Give the variant's name where a folder holds half-precision weights only, as the hub's tools download them."""
    held = [path.name for path in folder.glob("*.safetensors")]
    return "fp16" if held and all(".fp16." in name for name in held) else None
