"""From files to networks: safetensors in diffusers' folder layout, nothing pickled, nothing downloaded."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch

from ..errors import InputError, MissingModelError

FINGERPRINT_BYTES = 1 << 20
"""How much of either end of a weights file goes into its digest."""


def fingerprint(folder: Path) -> str:
    """Hash a model folder: every config whole, of every weights file the size and both ends.

    Weights run to gigabytes; a changed weights file differs in its header, its ends or its size.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix not in (".json", ".safetensors", ".onnx", ".pth"):
            continue
        size = path.stat().st_size
        digest.update(f"{path.relative_to(folder).as_posix()} {size}".encode())
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


def load_network(kind: Any, folder: Path, dtype: torch.dtype) -> Any:
    """Load one network; only safetensors are opened, and only from this folder.

    Args:
        kind: Its class, diffusers' or transformers' or built on theirs.
        folder: With ``config.json`` and the weights.
        dtype: Precision to load in.

    Returns:
        The network on the CPU, ready to run, not to train.

    Raises:
        MissingModelError: If the folder does not hold it, or its weights are cut off.
        InputError: If the weights are another network's than the config says.
    """
    from safetensors import SafetensorError

    try:
        net = kind.from_pretrained(folder, torch_dtype=dtype, use_safetensors=True, local_files_only=True)
    except (OSError, SafetensorError) as error:
        raise MissingModelError(folder.name, (folder,), f"{kind.__name__} could not be loaded: {error}") from error
    except ValueError as error:  # diffusers' and transformers' word for shapes that differ
        raise InputError(
            f"the weights in {folder} do not fit its config.json ({error}); get both from the same place again"
        ) from error
    return net.eval().requires_grad_(False)
