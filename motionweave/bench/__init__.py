"""Benchmarks: what README's figures come from, each one file and one registry line."""

from __future__ import annotations

from typing import Any

from ..registry import Entry, Registry


def _selfie(**options: Any) -> dict[str, Any]:
    from .selfie import selfie

    return selfie(**options)


def _stream(**options: Any) -> dict[str, Any]:
    from .stream import stream

    return stream(**options)


def _tracks(**options: Any) -> dict[str, Any]:
    from .tracks import tracks

    return tracks(**options)


MINI_EXTRACTORS = ("mini-dwpose", "mini-depth", "mini-wav2vec2", "mini-face")

BENCHMARKS: Registry[dict[str, Any]] = Registry(
    "benchmark",
    (
        Entry("selfie", "Self-reenactment on held-out marionettes", _selfie, needs=("mini-svd",)),
        Entry("tracks", "Extractors of every track against the truth", _tracks, needs=MINI_EXTRACTORS),
        Entry("stream", "Long inputs in flat memory; speed of pose extraction", _stream, needs=MINI_EXTRACTORS),
    ),
)

__all__ = ["BENCHMARKS"]
