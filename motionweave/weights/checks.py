"""Whether a model's files are what they should be: size, checksum, and whether a reader can open them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from ..errors import InputError
from .manifest import ModelEntry
from .roles import read_config
from .tensor_files import PICKLES, read_shapes

RECORD = ".motionweave-download"
"""Beside a downloaded model's files: what the hub said they are."""

READ_BYTES = 1 << 22
ONNX_ERRORS = (
    "Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NoModel", "NoSuchFile", "NotImplemented",
    "RuntimeException",
)  # fmt: skip
"""What ONNX Runtime raises at a file it cannot open; the kinds share no base."""


@dataclass(frozen=True)
class ExpectedFile:
    """What is known of a file; None where it is not known."""

    path: str
    """Below the model's folder."""
    size_bytes: int | None = None
    """Exact size."""
    sha256: str | None = None
    """Checksum of the content."""
    git_blob: str | None = None
    """Git's own checksum, which the hub gives for small files."""


@dataclass(frozen=True)
class FileCheck:
    """What was found about one file."""

    path: Path
    """The file."""
    problem: str | None
    """What is wrong with it, in words; None where nothing is."""
    compared: bool
    """Whether there was a checksum to compare with."""


def file_sha256(path: Path) -> str:
    """Give a file's SHA-256 in lower-case hexadecimal."""
    digest = hashlib.sha256()
    _feed(digest, path)
    return digest.hexdigest()


def file_git_blob(path: Path) -> str:
    """Give the checksum by which git, and so the hub, knows a small file."""
    digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    _feed(digest, path)
    return digest.hexdigest()


def expected_files(entry: ModelEntry, folder: Path) -> tuple[ExpectedFile, ...]:
    """Give what is known of a model's files: from the manifest, else from what was recorded at the download.

    Args:
        entry: The model.
        folder: Where it lies; a model that lists no files is all its weights.
    """
    record: dict[str, Any] = read_config(folder / RECORD).get("files", {})
    if not entry.files:
        found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".safetensors", ".onnx", ".pth"))
        return tuple(ExpectedFile(path.relative_to(folder).as_posix()) for path in found)
    return tuple(
        ExpectedFile(
            file.path,
            file.size_bytes or record.get(file.path, {}).get("size_bytes"),
            file.sha256 or record.get(file.path, {}).get("sha256"),
            record.get(file.path, {}).get("git_blob"),
        )
        for file in entry.files
    )


def check_model(entry: ModelEntry, folder: Path) -> tuple[FileCheck, ...]:
    """Check every file of a model.

    Args:
        entry: The model.
        folder: Where it lies; a single file, in place of a folder, is checked for whether it opens.
    """
    if folder.is_file():
        return (check_file(folder.parent, ExpectedFile(folder.name)),)
    return tuple(check_file(folder, expected) for expected in expected_files(entry, folder))


def check_file(folder: Path, expected: ExpectedFile) -> FileCheck:
    """Check one file, the cheapest question first.

    Args:
        folder: The model's.
        expected: What is known of the file.
    """
    path = folder / expected.path
    compared = expected.sha256 is not None or expected.git_blob is not None
    return FileCheck(path, _problem(path, expected), compared)


def write_record(folder: Path, repo: str, commit: str, files: tuple[ExpectedFile, ...]) -> None:
    """Keep beside a model what the hub said of its files, so that it can be verified without asking again."""
    known = {
        file.path: {"size_bytes": file.size_bytes, "sha256": file.sha256, "git_blob": file.git_blob} for file in files
    }
    text = json.dumps({"repo": repo, "commit": commit, "files": known}, indent=2)
    (folder / RECORD).write_text(text + "\n", encoding="utf-8")


def _problem(path: Path, expected: ExpectedFile) -> str | None:
    if not path.is_file():
        return "is missing"
    size = path.stat().st_size
    if expected.size_bytes is not None and size != expected.size_bytes:
        return f"has {size} bytes; expected {expected.size_bytes}"
    unreadable = _unreadable(path)
    if unreadable is not None:
        return unreadable
    if expected.sha256 is not None:
        found = file_sha256(path)
        return None if found == expected.sha256 else f"has SHA-256 {found}; expected {expected.sha256}"
    if expected.git_blob is not None and file_git_blob(path) != expected.git_blob:
        return "differs from the hub's by git's checksum"
    return None


def _unreadable(path: Path) -> str | None:
    if path.suffix.lower() == ".safetensors":
        return _unreadable_safetensors(path)
    if path.suffix.lower() == ".onnx":
        return _unreadable_onnx(path)
    if path.suffix.lower() in PICKLES:
        return _unreadable_pickle(path)
    if path.suffix.lower() == ".json" and not read_config(path):
        return "is no JSON object"
    return None


def _unreadable_safetensors(path: Path) -> str | None:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            return None if len(list(file.keys())) else "holds no tensors"
    except (SafetensorError, OSError) as error:
        return f"cannot be read as safetensors ({error}); it was probably cut off"


def _unreadable_pickle(path: Path) -> str | None:
    try:
        read_shapes(path)
    except InputError as error:
        return f"cannot be opened as weights only ({error})"
    return None


def _unreadable_onnx(path: Path) -> str | None:
    """Have ONNX Runtime open it, as that is what will run it; without it nothing is said."""
    try:
        runtime = import_module("onnxruntime")
    except ImportError:
        return None
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    kinds = import_module("onnxruntime.capi.onnxruntime_pybind11_state")
    errors: tuple[type[Exception], ...] = tuple(getattr(kinds, name) for name in ONNX_ERRORS if hasattr(kinds, name))
    try:
        runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except errors as error:
        return f"cannot be opened by ONNX Runtime ({' '.join(str(error).split())[:160]})"
    return None


def _feed(digest: Any, path: Path) -> None:
    with path.open("rb") as file:
        while piece := file.read(READ_BYTES):
            digest.update(piece)
