"""Benchmarks: what README's figures come from, each one file and one registry line."""

from __future__ import annotations

from typing import Any

from ..registry import Entry, Registry


def _denoise(**options: Any) -> dict[str, Any]:
    from .denoise import denoise

    return denoise(**options)


def _selfie(**options: Any) -> dict[str, Any]:
    from .selfie import selfie

    return selfie(**options)


def _stream(**options: Any) -> dict[str, Any]:
    from .stream import stream

    return stream(**options)


def _tracks(**options: Any) -> dict[str, Any]:
    from .tracks import tracks

    return tracks(**options)


def _controls(**options: Any) -> dict[str, Any]:
    from .controls import controls

    return controls(**options)


def _mini(**options: Any) -> dict[str, Any]:
    from .mini import mini

    return mini(**options)


def _minute(**options: Any) -> dict[str, Any]:
    from .minute import minute

    return minute(**options)


def _longform(**options: Any) -> dict[str, Any]:
    from .longform import longform

    return longform(**options)


def _reroll(**options: Any) -> dict[str, Any]:
    from .reroll import reroll

    return reroll(**options)


def _step_cache(**options: Any) -> dict[str, Any]:
    from .step_cache import step_cache

    return step_cache(**options)


def _import(**options: Any) -> dict[str, Any]:
    from .import_cost import import_cost

    return import_cost(**options)


def _stitch(**options: Any) -> dict[str, Any]:
    from .stitch import stitch

    return stitch(**options)


def _upscale(**options: Any) -> dict[str, Any]:
    from .upscale import upscale

    return upscale(**options)


MINI_EXTRACTORS = ("mini-dwpose", "mini-depth", "mini-wav2vec2", "mini-face")
MINI_POSE = ("mini-svd", "mini-controlnet-pose")
MINI_ADAPTERS = (
    "mini-svd",
    "mini-controlnet-pose",
    "mini-controlnet-depth",
    "mini-reference-net",
    "mini-speech-projector",
    "mini-light-encoder",
    "mini-camera-encoder",
    *MINI_EXTRACTORS,
)

BENCHMARKS: Registry[dict[str, Any]] = Registry(
    "benchmark",
    (
        Entry("selfie", "Self-reenactment on held-out marionettes", _selfie, needs=("mini-svd",)),
        Entry("controls", "Every control of the video against itself switched off", _controls, needs=MINI_ADAPTERS),
        Entry("mini", "Mini as a whole beside what it should reach", _mini, needs=MINI_ADAPTERS),
        Entry("tracks", "Extractors of every track against the truth", _tracks, needs=MINI_EXTRACTORS),
        Entry("denoise", "A denoising step against diffusers' own pipeline", _denoise, needs=("mini-svd",)),
        Entry("stream", "Long inputs in flat memory; speed of pose extraction", _stream, needs=MINI_EXTRACTORS),
        Entry("minute", "A minute in flat memory, against one tensor of all frames", _minute, needs=MINI_ADAPTERS),
        Entry("longform", "Seams and drift of long runs, by the way chunks are joined", _longform, needs=MINI_POSE),
        Entry("reroll", "Joins of chunks that were made again, beside those of before", _reroll, needs=MINI_POSE),
        Entry("stitch", "Stitching and encoding 1080p against ffmpeg's own cross-fade", _stitch),
        Entry("upscale", "Mini's upscaler against bicubic", _upscale, needs=("mini-svd", "mini-upscaler")),
        Entry("import", "What the pack adds to ComfyUI's start", _import),
        Entry("step_cache", "Steps that reuse the one before: error and time", _step_cache, needs=("mini-svd",)),
    ),
)

__all__ = ["BENCHMARKS"]
