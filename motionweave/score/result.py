"""What was measured of a video, frame by frame, and what it comes to."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from fractions import Fraction
from math import ceil
from typing import Any

import torch

from ..metrics.colour import Colour
from ..metrics.drift import end_over_start, lab_shift, slope
from ..metrics.seam import Join, Seams
from ..metrics.temporal import ACCEPTED, temporal_score

SEAM_MOST, IDENTITY_LEAST, LAB_MOST = 1.10, 0.97, 2.0
"""What counts as good: seam ratio, identity at the end over the start, units of Lab from start to end."""
CHANNELS = ("L", "a", "b")


@dataclass(frozen=True)
class FrameMeasures:
    """What was measured of one frame."""

    colour: Colour
    """Lab mean and deviation."""
    sharpness: float
    """Fine detail over contrast."""
    change: float | None
    """Change from the frame before beside motion; None for the first, and where no joins are known."""
    flow: float | None
    """Mean flow from the frame before, percent of the shorter side; None for the first, and without TV-L1."""
    identity: float | None
    """Cosine to the reference; None where it was not looked at, or nobody was recognised."""


@dataclass(frozen=True)
class VideoScore:
    """Everything that was measured of one video."""

    fps: Fraction
    """Frames per second."""
    frames: tuple[FrameMeasures, ...]
    """Each frame's measures."""
    joins: tuple[Join, ...]
    """Where chunks meet."""
    seams: Seams | None
    """How much joins show; None without joins."""
    identity_by: str | None
    """Which model judged identity."""
    reference: Colour | None
    """The reference's colour."""

    @property
    def figures(self) -> dict[str, float | None]:
        """The measures of design's table, by name; None for what could not be measured.

        ``temporal_score``, ``seam_ratio``, ``worst_seam_ratio``, ``identity_mean``, ``identity_end_over_start``,
        ``identity_per_1000``, ``lab_shift``, ``L_per_1000`` and so on for a and b, ``L_deviation_per_1000`` and so on,
        ``contrast_end_over_start`` (the deviation of L), ``sharpness_end_over_start``; with a reference
        ``lab_from_reference``, the distance of the whole video's mean colour.
        """
        span, every = ceil(self.fps), range(len(self.frames))
        means = [frame.colour.mean for frame in self.frames]
        seen = [index for index in every if self.frames[index].identity is not None]
        identity = [found for frame in self.frames if (found := frame.identity) is not None]
        flows = [flow for frame in self.frames if (flow := frame.flow) is not None]
        figures: dict[str, float | None] = {
            "temporal_score": temporal_score(flows) if flows else None,
            "seam_ratio": self.seams.ratio if self.seams else None,
            "worst_seam_ratio": self.seams.worst if self.seams else None,
            "identity_mean": sum(identity) / len(identity) if identity else None,
            "identity_end_over_start": end_over_start(seen, identity, span),
            "identity_per_1000": slope(seen, identity),
            "lab_shift": lab_shift(every, means, span),
        }
        for channel, name in enumerate(CHANNELS):
            figures[f"{name}_per_1000"] = slope(every, [mean[channel] for mean in means])
        for channel, name in enumerate(CHANNELS):
            deviations = [frame.colour.deviation[channel] for frame in self.frames]
            figures[f"{name}_deviation_per_1000"] = slope(every, deviations)
        contrast = [frame.colour.deviation[0] for frame in self.frames]
        figures["contrast_end_over_start"] = end_over_start(every, contrast, span)
        figures["sharpness_end_over_start"] = end_over_start(every, [f.sharpness for f in self.frames], span)
        if self.reference is not None:
            mean = torch.tensor(means).mean(0)
            figures["lab_from_reference"] = float((mean - torch.tensor(self.reference.mean)).norm())
        return figures

    @property
    def verdicts(self) -> dict[str, bool]:
        """Whether each measure that has a threshold meets it."""
        found = self.figures
        least = {"temporal_score": ACCEPTED, "identity_end_over_start": IDENTITY_LEAST}
        most = {"seam_ratio": SEAM_MOST, "lab_shift": LAB_MOST}
        good = {name: value >= least[name] for name in least if (value := found[name]) is not None}
        return good | {name: value <= most[name] for name in most if (value := found[name]) is not None}

    def to_json(self, each_frame: bool = False) -> str:
        """Give it as JSON: length, figures, verdicts, joins with their ratios, and each frame's measures if asked."""
        ratios = self.seams.ratios if self.seams else (None,) * len(self.joins)
        told: dict[str, Any] = {
            "frames": len(self.frames),
            "fps": str(self.fps),
            "identity_by": self.identity_by,
            "figures": self.figures,
            "verdicts": self.verdicts,
            "joins": [asdict(join) | {"ratio": ratio} for join, ratio in zip(self.joins, ratios, strict=True)],
        }
        if each_frame:
            told["measures"] = [asdict(frame) for frame in self.frames]
        return json.dumps(told)

    def lines(self) -> list[str]:
        """Give it as lines for a person; what misses its threshold says so."""
        verdicts = self.verdicts
        note = {True: "", False: "  <- misses its threshold"}
        lines = [f"{len(self.frames)} frames at {float(self.fps):g} fps, {len(self.joins)} joins"]
        for name, value in self.figures.items():
            if value is not None:
                lines.append(f"{name:28}{value:10.4f}{note[verdicts.get(name, True)]}")
        if self.identity_by:
            lines.append(f"identity seen by the {self.identity_by}")
        if self.figures["temporal_score"] is None and len(self.frames) > 2:
            lines.append("no temporal score: it needs opencv-contrib-python-headless")
        return lines
