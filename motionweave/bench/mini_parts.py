"""The parts of `bench mini`: one clip of each, measured with what is controlled, without it, and on the true frames.

Self-reenactment, mouth, light, depth and camera are those of `selfie` and `controls`; here is what those lack.
Another's motion is asked of a character at ease, by the poses of the character's own body in that motion, so that the
truth is known to the pixel and how well another's bones are fitted (`retarget_pose`) is not mixed in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from torch import Tensor

from ..controls.pose import PoseControl
from ..controls.reference import ReferenceControl
from ..marionette import FIRST_EVALUATION_SEED, Clip, clip_times, empty_scene, make_world, render_clip
from ..marionette.sample import draw_reference
from ..metrics.picture import foreground, iou
from ..tracks.estimators import PoseEstimator
from ..tracks.face_models import FaceModels
from ..tracks.keypoints import Person, from_wholebody
from .controls import (
    FRAMES,
    ROWS,
    Case,
    Mini,
    camera_case,
    depth_case,
    flat_lit,
    light_case,
    load_mini,
    make,
    mouth_case,
    poses_of,
    through_vae,
)
from .held_out import FPS
from .identity import known_characters, mini_faces, recognised
from .outline import outline_score
from .pose import NEAR, bytes_of, estimator, figure_extent, pck
from .produced import (
    FIT_PX,
    correlation,
    depth_pairs,
    light_direction,
    light_error,
    motion_cosine,
    mouth_reading,
    scene_motions,
)
from .selfie import reenacted
from .speech import against_truth

CHARACTERS = 100
"""Among whom one is recognised."""
EVERY = 4
"""Frames from one look at the face to the next."""
WRISTS = (4, 7)
"""Of the body's points."""
DEPTH_STEPS = 10

Row = dict[str, float]
Curve = dict[str, list[tuple[float, float]]]
"""By row of the table, points of commanded and produced."""


@dataclass(frozen=True)
class Outcome:
    """What one clip of one part gave."""

    rows: dict[str, Row]
    """By row of the table, its figures."""
    curves: dict[str, Curve] = field(default_factory=dict[str, Curve])
    """Commanded against produced, by what was controlled."""
    shown: tuple[Tensor, Tensor] | None = None
    """Made and true frames, for pictures."""


@dataclass(frozen=True)
class Bench:
    """What the parts share; models are loaded when first asked for."""

    scratch: Path
    """Where known characters are kept."""

    @cached_property
    def mini(self) -> Mini:
        """Everything of Mini's that is controlled."""
        return load_mini()

    @cached_property
    def estimator(self) -> PoseEstimator:
        """Mini's pose models, which look for people in every frame."""
        return estimator(1)

    @cached_property
    def faces(self) -> FaceModels:
        """Mini's face models."""
        return mini_faces()

    @cached_property
    def known(self) -> Tensor:
        """The characters among which one is recognised, (100, 512)."""
        path = self.scratch / "known.pt"
        if not path.is_file():
            torch.save(known_characters(self.faces, CHARACTERS), path)
        return torch.load(path, weights_only=True)


def measure_selfie(bench: Bench, index: int) -> Outcome:
    """Give a clip back from its first frame and its poses."""
    one = reenacted(bench.mini.backbone, bench.mini.pose, index)
    shown = {"figures": one.made, **one.stills(), "truth": through_vae(bench.mini, one.clip.frames)}
    rows = {name: one.figures(frames) for name, frames in shown.items()}
    return Outcome({name: {key: row[key] for key in ("psnr_db", "ssim", "iou")} for name, row in rows.items()})


def measure_other_motion(bench: Bench, index: int) -> Outcome:
    """Have a character at ease move as another does: does the pose follow, and is it still the same character?"""
    mini, seed = bench.mini, FIRST_EVALUATION_SEED + index
    size, world = mini.backbone.facts.size, make_world(seed, motion_seed=seed + 1)
    clip = render_clip(world, clip_times(FRAMES, FPS), FPS, size)
    reference, pose = draw_reference(seed, size), PoseControl(mini.pose, poses_of(clip))
    shown = {
        "figures": make(mini, reference, (pose, ReferenceControl(mini.reference)), FRAMES),
        "off": make(mini, reference, (pose,), FRAMES),
        "repeat_reference": reference.expand_as(clip.frames),
        "truth": through_vae(mini, clip.frames),
    }
    empty = empty_scene(world, size)
    rows: dict[str, Row] = {}
    pose_curve, identity_curve = Curve(), Curve()
    for name, frames in shown.items():
        cosines = recognised(bench.faces, frames[::EVERY], bench.known)
        rows[name] = {"identity_top1": float(cosines.any() and int(cosines.argmax()) == index)}
        others = torch.cat([cosines[:index], cosines[index + 1 :]])
        identity_curve[name] = [(float(others.max()), float(cosines[index]))]
        # Without the ReferenceNet the pose is commanded all the same, so that only the identity is a baseline.
        if name != "off":
            people = list(bench.estimator.people([bytes_of(frames)]))
            found = foreground(frames, empty)
            rows[name] |= {
                "pose_pck05": pck(clip, people)[0],
                "silhouette_pck05": silhouette_pck(clip, found),
                "silhouette_iou": iou(found, clip.alpha > 0.5),
            }
            pose_curve[name] = wrist_heights(clip, people)
    return Outcome(rows, {"pose": pose_curve, "identity": identity_curve}, (shown["figures"], clip.frames))


def wrist_heights(clip: Clip, people: list[tuple[Person, ...]]) -> list[tuple[float, float]]:
    """Give how high both wrists were to be and are, as shares of the picture's height; none where nobody is seen."""
    height = clip.frames.shape[-2]
    asked = (from_wholebody(points).body for points in clip.keypoints.numpy())
    return [
        (1 - float(one[wrist, 1]) / height, 1 - float(seen[0].body[wrist, 1]) / height)
        for one, seen in zip(asked, people, strict=True)
        for wrist in WRISTS
        if seen and one[wrist, 2] > 0
    ]


def silhouette_pck(clip: Clip, found: Tensor) -> float:
    """Give the mean over the frames of the outlines' F-measure, within the distance at which keypoints count."""
    truth = (clip.alpha > 0.5).numpy()
    return fmean(
        outline_score(ours, theirs, NEAR * figure_extent(points))
        for ours, theirs, points in zip(found.numpy(), truth, clip.keypoints.numpy(), strict=True)
    )


def measure_mouth(bench: Bench, index: int) -> Outcome:
    """Have a portrait speak."""
    case = mouth_case(bench.mini, index)
    clip, rows, curve = case.asked.clip, dict[str, Row](), Curve()
    for name, frames in _videos(bench, case):
        read, seed = mouth_reading(frames, clip), case.asked.world.motion_seed
        lag_ms = against_truth(read, seed, FPS)[1]
        rows[name] = {"mouth_corr": correlation(read, clip.mouth.numpy()), "mouth_lag_ms": lag_ms}
        curve[name] = _pairs(clip.mouth.numpy(), read)
    return Outcome(rows, {"mouth": curve})


def measure_light(bench: Bench, index: int) -> Outcome:
    """Light a clip anew; a light of no direction is left out of the curve."""
    case, key = light_case(bench.mini, index)
    clip, flat = case.asked.clip, flat_lit(bench.mini, case.asked)
    rows, curve = dict[str, Row](), Curve()
    for name, frames in _videos(bench, case):
        toward = light_direction(frames, clip, flat)
        rows[name] = {"light_deg": light_error(frames, clip, flat, key)}
        curve[name] = [] if toward is None else [(_azimuth(key), _azimuth(toward))]
    return Outcome(rows, {"light": curve})


def measure_camera(bench: Bench, index: int) -> Outcome:
    """Move the camera."""
    case, camera = camera_case(bench.mini, index)
    rows, curve = dict[str, Row](), Curve()
    for name, frames in _videos(bench, case):
        found, asked = scene_motions(frames, case.asked.clip, case.asked.world, camera)
        rows[name] = {"camera_corr": motion_cosine(found, asked)}
        sideways = (np.array([128 / FIT_PX * each[:, 0].mean() for each in frame]) for frame in (asked, found))
        curve[name] = _pairs(*sideways)
    return Outcome(rows, {"camera": curve})


def measure_depth(bench: Bench, index: int) -> Outcome:
    """Ask for a depth; the curve is of ranks, a tenth of the pixels to a point."""
    case, rng = depth_case(bench.mini, index), np.random.default_rng(index)
    rows, curve = dict[str, Row](), Curve()
    for name, frames in _videos(bench, case):
        shown, truth = (_ranks(each) for each in depth_pairs(frames, case.asked.clip, bench.mini.depth_model, rng))
        rows[name] = {"depth_corr": correlation(shown, truth)}
        tenths = np.array_split(np.argsort(truth), DEPTH_STEPS)
        curve[name] = _pairs(*(np.array([each[tenth].mean() for tenth in tenths]) for each in (truth, shown)))
    return Outcome(rows, {"depth": curve})


def _videos(bench: Bench, case: Case) -> Iterator[tuple[str, Tensor]]:
    return zip(ROWS, case.videos(bench.mini), strict=True)


def _pairs(asked: np.ndarray, found: np.ndarray) -> list[tuple[float, float]]:
    return list(zip(asked.tolist(), found.tolist(), strict=True))


def _azimuth(toward: np.ndarray) -> float:
    """Give how far to the right of the viewer a direction points, in degrees."""
    return float(np.degrees(np.arctan2(toward[0], toward[2])))


def _ranks(values: np.ndarray) -> np.ndarray:
    """Give ranks in [0, 1], equal values the same."""
    from scipy.stats import rankdata

    return np.asarray(rankdata(values)) / len(values)
