"""Benchmarks: what README's figures come from, each one file and one registry line."""

from __future__ import annotations

from typing import Any

from ..registry import Entry, Registry


def _selfie(**options: Any) -> dict[str, Any]:
    from .selfie import selfie

    return selfie(**options)


BENCHMARKS: Registry[dict[str, Any]] = Registry(
    "benchmark", (Entry("selfie", "Self-reenactment on held-out marionettes", _selfie, needs=("mini-svd",)),)
)

__all__ = ["BENCHMARKS"]
