"""ONNX Runtime sessions, on a GPU where the runtime has one."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import MissingModelError, UnsupportedError

logger = logging.getLogger(__name__)

GPU_PROVIDERS = (
    "CUDAExecutionProvider",
    "ROCMExecutionProvider",
    "MIGraphXExecutionProvider",
    "DmlExecutionProvider",
    "CoreMLExecutionProvider",
)
"""In order of preference."""


def choose_providers(available: list[str], gpu_present: bool) -> list[str]:
    """Choose what runs the networks, and say so where it is slow.

    Args:
        available: What ONNX Runtime offers here.
        gpu_present: Whether torch sees a GPU.

    Returns:
        Providers in order; the processor is always the last.
    """
    chosen = [name for name in GPU_PROVIDERS if name in available][:1]
    if not chosen and gpu_present:
        logger.warning(
            "this machine has a GPU, but ONNX Runtime was installed without it: poses are extracted on the processor, "
            "many times slower. Replace onnxruntime by onnxruntime-gpu."
        )
    elif not chosen:
        logger.warning("ONNX Runtime has no GPU here: poses are extracted on the processor.")
    return [*chosen, "CPUExecutionProvider"]


def open_sessions(*paths: Path) -> list[Any]:
    """Open ONNX files that are used together; what runs them is chosen, and said, once.

    Raises:
        UnsupportedError: If ONNX Runtime is not installed.
        MissingModelError: If the file cannot be opened.
    """
    import torch

    try:
        import onnxruntime
    except ImportError as error:
        raise UnsupportedError("reading poses from pictures", "run: pip install onnxruntime") from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    providers = choose_providers(onnxruntime.get_available_providers(), torch.cuda.is_available())
    sessions: list[Any] = []
    for path in paths:
        try:
            sessions.append(onnxruntime.InferenceSession(str(path), options, providers=providers))
        except Exception as error:  # ONNX Runtime's errors share no other base
            raise MissingModelError(path.name, (path.parent,), f"ONNX Runtime cannot open it: {error}") from error
    return sessions


def run_batched(session: Any, values: np.ndarray) -> list[np.ndarray]:
    """Run a session over any number of items.

    Published files take one item at a time or any number; which of the two is read from the file.

    Args:
        session: With one input, items along its first axis.
        values: (N, ...) float32, N at least 1.

    Returns:
        Every output, items along its first axis.
    """
    source = session.get_inputs()[0]
    step = source.shape[0] if isinstance(source.shape[0], int) else len(values)
    found: list[list[np.ndarray]] = []
    for start in range(0, len(values), step):
        piece = values[start : start + step]
        filled = np.concatenate([piece, np.zeros((step - len(piece), *piece.shape[1:]), piece.dtype)])
        found.append([output[: len(piece)] for output in session.run(None, {source.name: filled})])
    return [np.concatenate(outputs) for outputs in zip(*found, strict=True)]
