"""Mini as a whole: what held-out marionettes show of everything that it is asked for, beside what it should reach.

Each part is measured on clips of its own (`PARTS`), and each clip's outcome is kept in a scratch folder, so that a
benchmark of hours may be stopped and called again. What the keys mean:

- ``psnr_db``, ``ssim``, ``iou``: self-reenactment, as in `selfie`;
- ``pose_pck05``, ``silhouette_pck05``, ``silhouette_iou``: another's motion, read by Mini's own pose estimator as in
  `pose`, and from the true silhouette: outlines within the same distance (`outline`), and overlap;
- ``identity_top1``: in the same videos, whether the nearest of 100 held-out references is the character's own, by
  Mini's face models as in `identity`;
- ``mouth_corr``, ``light_deg``, ``camera_corr``, ``depth_corr``: as in `controls`; ``mouth_lag_ms``, the size of the
  shift at which the mouth fits best, which says little where nothing correlates;
- ``seam_ratio``, ``identity_end_over_start``, ``lab_shift``, ``temporal_score``: 600 frames, as in `longform`.

Baselines: ``asked``, what the figures should reach (at least, or for `AT_MOST` at most); ``off``, the same without the
control, of ``identity_top1`` without the ReferenceNet; ``repeat_reference`` and ``static_mean``, stills; ``truth``, the
true frames through Mini's VAE.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from torch import Tensor

from .longform import DEFAULT, TRUTH, longform, scratch_folder
from .mini_parts import (
    Bench,
    Curve,
    Outcome,
    Row,
    measure_camera,
    measure_depth,
    measure_light,
    measure_mouth,
    measure_other_motion,
    measure_selfie,
)

ASKED: Row = {
    "psnr_db": 24.0, "ssim": 0.85, "iou": 0.9,
    "pose_pck05": 0.85, "silhouette_pck05": 0.85,
    "identity_top1": 0.9,
    "mouth_corr": 0.7, "mouth_lag_ms": 60.0, "light_deg": 20.0, "camera_corr": 0.9,
    "seam_ratio": 1.1, "identity_end_over_start": 0.97, "lab_shift": 2.0, "temporal_score": 0.6,
}  # fmt: skip
AT_MOST = ("mouth_lag_ms", "light_deg", "seam_ratio", "lab_shift")
LONG_CLIPS = 4
"""Runs of 600 frames; `longform` by itself makes ten."""


@dataclass(frozen=True)
class Part:
    """One part of the table."""

    clips: int
    """Clips that it is measured on where no number is asked for."""
    measure: Callable[[Bench, int], Outcome]
    """Measures one."""


PARTS = {
    "selfie": Part(32, measure_selfie),
    "other_motion": Part(32, measure_other_motion),
    "mouth": Part(16, measure_mouth),
    "light": Part(16, measure_light),
    "camera": Part(16, measure_camera),
    "depth": Part(16, measure_depth),
}


def mini(
    clips: int | None = None,
    scratch: Path | None = None,
    on_clip: Callable[[int], None] | None = None,
    keep: Callable[[int, Tensor, Tensor], None] | None = None,
) -> dict[str, Any]:
    """Run the benchmark.

    Args:
        clips: The most clips of each part; None for each part's own number.
        scratch: Folder in which outcomes are kept, to go on with, and ``curves.json``, which `benchmarks/mini.py`
            draws; None for one that is gone afterwards.
        on_clip: Told of each clip that is finished in all parts.
        keep: Given each newly made clip's number, frames of another's motion, and the true ones.

    Returns:
        ``figures`` and ``baselines``, each the mean over the clips.
    """
    with scratch_folder(scratch) as folder:
        bench = Bench(folder)
        kept = folder / _digest(bench)
        kept.mkdir(exist_ok=True)
        rows: dict[str, list[Row]] = {}
        curves: dict[str, Curve] = {}
        for index in range(min(clips or 32, max(part.clips for part in PARTS.values()))):
            for name, part in PARTS.items():
                if index < part.clips:
                    _add(_outcome(bench, kept / f"{name}-{index}.json", part, index, keep), rows, curves)
            if on_clip is not None:
                on_clip(index)
        (folder / "curves.json").write_text(json.dumps(curves), encoding="utf-8")
        found = longform(min(clips or LONG_CLIPS, LONG_CLIPS), methods=(DEFAULT,), scratch=folder / "long")
    means = {name: _mean(given) for name, given in rows.items()}
    means["figures"] |= found["figures"]
    means["truth"] |= found["baselines"][TRUTH]
    return {"figures": means.pop("figures"), "baselines": {"asked": ASKED} | means}


def _outcome(
    bench: Bench, path: Path, part: Part, index: int, keep: Callable[[int, Tensor, Tensor], None] | None
) -> dict[str, Any]:
    """Give a clip's rows and curves, measured once and kept."""
    if not path.is_file():
        made = part.measure(bench, index)
        if keep is not None and made.shown is not None:
            keep(index, *made.shown)
        # Renamed into place, so that a stop leaves no half of a file.
        whole = path.with_suffix(".part")
        whole.write_text(json.dumps({"rows": made.rows, "curves": made.curves}), encoding="utf-8")
        whole.replace(path)
    return json.loads(path.read_text(encoding="utf-8"))


def _add(outcome: dict[str, Any], rows: dict[str, list[Row]], curves: dict[str, Curve]) -> None:
    for name, row in outcome["rows"].items():
        rows.setdefault(name, []).append(row)
    for name, curve in outcome["curves"].items():
        for row, points in curve.items():
            curves.setdefault(name, {}).setdefault(row, []).extend(points)


def _mean(rows: list[Row]) -> Row:
    """Give the mean of each key over the rows that have it."""
    keys = dict.fromkeys(key for row in rows for key in row)
    return {key: fmean(row[key] for row in rows if key in row) for key in keys}


def _digest(bench: Bench) -> str:
    """Name the folder of these weights' outcomes: those of others are not mixed with them."""
    one = bench.mini
    parts = (one.backbone, one.pose, one.depth, one.reference, one.speech, one.light, one.camera)
    told = " ".join(each.digest for each in (*parts, one.speech_model, one.depth_model, bench.faces))
    return hashlib.sha256(told.encode()).hexdigest()[:16]
