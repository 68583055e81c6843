"""Models that the hub's own tools downloaded before: its cache is read, never written."""

from __future__ import annotations

import os
from pathlib import Path

from .manifest import ModelEntry


def hub_cache() -> Path:
    """Give the cache's folder, as huggingface_hub finds it; importing that only to ask would cost every start."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if os.environ.get(name):
            return Path(os.environ[name]).expanduser()
    base = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "huggingface"
    return Path(os.environ.get("HF_HOME") or base).expanduser() / "hub"


def cached_snapshot(entry: ModelEntry) -> Path | None:
    """Give the folder of a model in the hub's cache.

    Args:
        entry: A model of the hub.

    Returns:
        A snapshot that holds every file of the entry; None where there is none.
    """
    if entry.repo is None:
        return None
    folder = hub_cache() / f"models--{entry.repo.replace('/', '--')}"
    try:
        commit = (folder / "refs" / (entry.revision or "main")).read_text(encoding="utf-8").strip()
    except OSError:
        commit = entry.revision or ""
    snapshot = folder / "snapshots" / commit
    complete = bool(commit) and all((snapshot / file.path).is_file() for file in entry.files)
    return snapshot if complete else None
