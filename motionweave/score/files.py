"""Score files: what the command line and nodes ask for by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from ..longform.plan import ChunkPlan
from ..media import open_footage, read_image
from ..metrics.identity import FaceRecogniser, PictureRecogniser
from ..types import Progress
from ..weights.locate import available_models, locate_model
from ..weights.manifest import load_manifest
from .measure import ScoreOptions, joins_of_plan, score_video
from .result import VideoScore

if TYPE_CHECKING:
    from ..metrics.identity import Recogniser
    from ..runtime import Runtime

DEFAULT_ENCODER = "mini-svd"
"""Whose image encoder tells characters apart where there is no face pack: Mini's, which comes with the pack."""


@dataclass(frozen=True)
class ScoreRequest:
    """Which file to score, and against what."""

    video: Path
    """The video."""
    reference: Path | None = None
    """A picture of who it should show."""
    plan: Path | None = None
    """A run's ``plan.json``, or its folder: says where chunks meet."""
    identity: str = ""
    """A face pack or a backbone, by name; empty to choose, which only happens with a reference."""


def score_file(
    request: ScoreRequest, runtime: Runtime, on_progress: Callable[[Progress], None] | None = None
) -> VideoScore:
    """Score a video file.

    Args:
        request: What to score.
        runtime: Where models run and lie.
        on_progress: Told every few frames.

    Raises:
        InputError: If the plan cannot be read or is of another length, or a model is not known.
        MediaError: If the video or the picture cannot be read.
        MissingModelError: If the model that was asked for is not here.
    """
    footage = open_footage(request.video)
    plan = None if request.plan is None else _read_plan(request.plan)
    if plan is not None and plan.frame_count != len(footage):
        raise InputError(
            f"{request.video.name} has {len(footage)} frames, the plan {plan.frame_count}; give the plan of the run "
            "that made this video"
        )
    joins = () if plan is None else joins_of_plan(plan)
    reference = None if request.reference is None else read_image(request.reference)
    asked = reference is not None or bool(request.identity)
    recogniser = find_recogniser(request.identity, runtime) if asked else None
    return score_video(footage, reference, recogniser, joins, ScoreOptions(), on_progress)


def find_recogniser(name: str, runtime: Runtime) -> Recogniser:
    """Load a model that tells characters apart.

    Args:
        name: A face pack or a backbone; empty for the first face pack that was installed, or, where there is none,
            Mini's image encoder, which knows marionettes and little of people.
        runtime: Where models run and lie.

    Raises:
        InputError: If there is no model of that name.
        MissingModelError: If it is not here.
        UnsupportedError: If it is a face pack, and InsightFace is not installed.
    """
    from ..backbones.precision import load_backbone
    from ..tracks.face_models import load_face_models

    faces = available_models("face", runtime.folders)
    if not name:
        bundled = {entry.id for entry in load_manifest().models if entry.bundled_path is not None}
        own = [each for each in faces if each not in bundled]
        name = own[0] if own and find_spec("insightface") is not None else DEFAULT_ENCODER
    if name in faces:
        return FaceRecogniser(load_face_models(locate_model("face", name, runtime.folders)))
    backbone = load_backbone(locate_model("backbone", name, runtime.folders), runtime.dtype)
    return PictureRecogniser(backbone, runtime)


def _read_plan(path: Path) -> ChunkPlan:
    """Read a plan as a run directory has it."""
    file = path / "plan.json" if path.is_dir() else path
    try:
        described = json.loads(file.read_text(encoding="utf-8"))
        return ChunkPlan.parse({key: value for key, value in described.items() if key not in ("width", "height")})
    except (OSError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{file} is no plan of a run ({error}); give a run directory or its plan.json") from error
