"""Long runs: do joins show, and do colours and the character stay? Every way of keeping chunks together, in one table.

Held-out marionettes at 30 fps in Mini's own size, drawn from a picture of the character at ease and its exact poses.
Each way is measured as its clips are joined (``figures`` is the default, the rest are baselines), and once more with
drift correction, which acts when clips are read, so both share one generation:

- ``hard_cut``, ``cross_fade``: windows that know nothing of one another, cut, or faded over half the overlap, since the
  same frame of two such windows shows two different pictures;
- ``sequential_cut``, ``sequential``: each window goes on from the latents before it, cut, or faded over all of the
  overlap;
- ``fused``, ``shifted``: all windows denoised together, cut;
- ``truth``: the true video through Mini's VAE, of which the same frames count as joins: what these measures say of a
  video that has neither seams nor drift.

Identity is the cosine of Mini's image encoder to the reference. Runs are kept in a scratch folder and gone on with, so
that a benchmark of hours may be stopped and called again.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..backbones.base import Backbone
from ..controls import LoadedControlNet, PoseControl, load_controlnet
from ..engine import MotionWeaveEngine
from ..errors import InputError
from ..longform.clips import ClipRow, MadeRow, Seam
from ..longform.drift import DriftSettings
from ..longform.drift_log import DriftLog
from ..longform.joins import joined_frames
from ..longform.plan import ChunkPlan, Joining, plan_chunks
from ..longform.store import ChunkStore
from ..marionette import FIRST_EVALUATION_SEED, World, clip_times, make_world, render_clip
from ..marionette.sample import draw_reference
from ..marionette.skeleton import pose_skeleton, wholebody_keypoints
from ..marionette.world import camera_of, motion_at
from ..media import FootageFrames
from ..metrics.identity import PictureRecogniser
from ..request import Request
from ..runtime import LocalRuntime
from ..sampling import DenoiseOptions, Guidance
from ..score import VideoScore, joins_of_plan, score_video
from ..tracks.keypoints import from_wholebody
from ..tracks.pose import KeypointTrack
from ..types import Size
from .selfie import NOWHERE

FPS, FRAMES, CLIPS, OTHER_CLIPS = Fraction(30), 600, 10, 1
"""Of the default, ten clips; of the other ways and of the truth, one: ways differ by more than clips do."""
KEYS = ("seam_ratio", "identity_end_over_start", "lab_shift", "temporal_score")
CORRECTION = DriftSettings(strength=1.0, threshold=1.0)
DEFAULT, TRUTH = "sequential", "truth"
PICTURED_FRAMES = 24
AT_ONCE = 12
"""Frames that go through the VAE together."""


@dataclass(frozen=True)
class Method:
    """One way of keeping chunks together."""

    run: str
    """Runs of this name are shared."""
    joining: Joining
    """How windows are made."""
    seam: Seam
    """How their clips are joined."""


APART, AFTER = Joining("independent", "linear"), Joining()
METHODS = {
    "hard_cut": Method("independent", APART, "cut"),
    "cross_fade": Method("independent", APART, "linear"),
    "sequential_cut": Method("sequential", AFTER, "cut"),
    "sequential": Method("sequential", AFTER, "cosine"),
    "fused": Method("fused", Joining("fused", "cut"), "cut"),
    "shifted": Method("shifted", Joining("shifted", "cut"), "cut"),
}


@dataclass(frozen=True)
class Bench:
    """What every run shares."""

    backbone: Backbone
    """Mini."""
    controlnet: LoadedControlNet
    """Reads the poses."""
    frames: int
    """Frames of each run."""
    scratch: Path
    """Where runs and results are kept."""

    def plan(self, joining: Joining) -> ChunkPlan:
        """Give the plan of a run."""
        return plan_chunks(self.backbone.facts, self.frames, FPS, joining=joining)

    def request(self, method: Method, index: int) -> Request:
        """Ask for a run."""
        facts, world = self.backbone.facts, make_world(FIRST_EVALUATION_SEED + index)
        with torch.inference_mode():
            picture = self.reference(index)
            return Request(
                backbone=self.backbone,
                identity=self.backbone.encode_image(picture, facts.size, facts.noise_augmentation, 0),
                controls=(PoseControl(self.controlnet, exact_poses(world, self.frames, facts.size)),),
                plan=self.plan(method.joining),
                options=DenoiseOptions(facts.steps, Guidance(facts.guidance)),
                seed=0,
                folder=self.scratch / f"{method.run}-{self.frames}-{index}",
                image_role="reference",
            )

    def made(self, method: Method, index: int) -> ChunkStore:
        """Make a run, or go on with it."""
        engine = MotionWeaveEngine(self.request(method, index), LocalRuntime(NOWHERE))
        with torch.inference_mode():
            for _ in engine.generate():
                pass
        return engine.store

    def reference(self, index: int) -> Tensor:
        """Draw who a run shows, (1, 3, H, W) in [0, 1]."""
        return draw_reference(FIRST_EVALUATION_SEED + index, self.backbone.facts.size)

    def score(self, source: FootageFrames | ClipRow, index: int, plan: ChunkPlan | None = None) -> VideoScore:
        """Measure a video; where a plan is given, its joins count."""
        recogniser = PictureRecogniser(self.backbone, LocalRuntime(NOWHERE))
        joins = None if plan is None else joins_of_plan(plan)
        return score_video(source, self.reference(index), recogniser, joins)

    def truth(self, index: int) -> FootageFrames:
        """Render the true video and send it through the VAE."""
        world, size = make_world(FIRST_EVALUATION_SEED + index), self.backbone.facts.size
        pieces: list[Tensor] = []
        for times in np.array_split(clip_times(self.frames, FPS), -(-self.frames // AT_ONCE)):
            with torch.inference_mode():
                latents = self.backbone.encode_clip(render_clip(world, times, FPS, size).frames)
                pieces.append(self.backbone.decode_clip(latents).clone())
        return FootageFrames(torch.cat(pieces), FPS)


def exact_poses(world: World, frame_count: int, size: Size) -> KeypointTrack:
    """Give a world's exact poses without drawing it."""
    skeleton = pose_skeleton(world.character, motion_at(world, clip_times(frame_count, FPS)))
    points, _, _ = camera_of(world, frame_count).project(wholebody_keypoints(skeleton), size)
    inside = np.asarray(((points >= 0) & (points < np.array([size.width, size.height]))).all(-1))
    shown = np.concatenate([points, inside[..., None]], -1).astype(np.float32)
    return KeypointTrack(tuple((from_wholebody(each),) for each in shown), size, FPS)


def longform(
    clips: int = CLIPS,
    frames: int = FRAMES,
    methods: Sequence[str] = tuple(METHODS),
    scratch: Path | None = None,
    on_clip: Callable[[int], None] | None = None,
    keep: Callable[[int, Tensor, Tensor], None] | None = None,
) -> dict[str, Any]:
    """Run the benchmark.

    Args:
        clips: How many held-out clips of the default; of the other ways and the truth, one.
        frames: Frames of each.
        methods: Ways to compare, of `METHODS`; the default is always among them.
        scratch: Folder in which runs and results are kept, to go on with; None for one that is gone afterwards.
        on_clip: Told of each clip that is finished in all ways.
        keep: Given each clip's number, frames over the whole of the default's run, and the true ones.

    Raises:
        InputError: If a way is not known.
    """
    unknown = [name for name in methods if name not in METHODS]
    if unknown:
        raise InputError(f"the way '{unknown[0]}' was asked for; known are {', '.join(METHODS)}")
    with scratch_folder(scratch) as folder:
        bench = load_bench(frames, folder)
        rows: dict[str, list[dict[str, float]]] = {}
        for index in range(clips):
            for name in [TRUTH, *METHODS]:
                if name == DEFAULT or (index < OTHER_CLIPS and name in (TRUTH, *methods)):
                    for row, found in _results(bench, name, index).items():
                        rows.setdefault(row, []).append(found)
            if keep is not None:
                keep(index, _overview(bench, index), _true_overview(bench, index))
            if on_clip is not None:
                on_clip(index)
    means = {name: {key: fmean(row[key] for row in found) for key in found[0]} for name, found in rows.items()}
    return {"figures": means.pop(DEFAULT), "baselines": means}


def _results(bench: Bench, name: str, index: int) -> dict[str, dict[str, float]]:
    """Give a clip's figures by row of the table, measured once and kept."""
    path = bench.scratch / f"{name}-{bench.frames}-{index}.json"
    if path.is_file():
        return json.loads(path.read_text(encoding="utf-8"))
    if name == TRUTH:
        scores = {TRUTH: bench.score(bench.truth(index), index, bench.plan(Joining()))}
    else:
        store = bench.made(METHODS[name], index)
        plain = bench.score(_joined(store, name, DriftSettings()), index)
        corrected = _joined(store, name, CORRECTION)
        # Where nothing drifted as far as the threshold, every clip is read as it was made.
        same = corrected == _joined(store, name, DriftSettings())
        scores = {name: plain, f"{name}_corrected": plain if same else bench.score(corrected, index)}
    found = {row: _figures(score) for row, score in scores.items()}
    path.write_text(json.dumps(found), encoding="utf-8")
    return found


def _figures(score: VideoScore) -> dict[str, float]:
    """Give what was measured of one video; without OpenCV's contrib modules there is no temporal score."""
    return {key: value for key in KEYS if (value := score.figures[key]) is not None}


def _joined(store: ChunkStore, name: str, settings: DriftSettings) -> ClipRow:
    """Give a run's clips, read with a correction and joined as a method says, which need not be as its plan does."""
    log = DriftLog(store, settings)
    for index in range(len(store.plan)):
        log.see(store.records()[index])
    return MadeRow(store.clips(), store.fps, store.size, store.name, METHODS[name].seam)


def _overview(bench: Bench, index: int) -> Tensor:
    """Give frames from all over the default's run, (F, 3, H, W) in [0, 1]."""
    wanted = set(np.linspace(0, bench.frames - 1, PICTURED_FRAMES).round().astype(int).tolist())
    row = _joined(bench.made(METHODS[DEFAULT], index), DEFAULT, DriftSettings())
    return torch.stack([frame.float() / 255 for place, frame in enumerate(joined_frames(row)) if place in wanted])


def _true_overview(bench: Bench, index: int) -> Tensor:
    times = clip_times(bench.frames, FPS)
    chosen = times[np.linspace(0, bench.frames - 1, PICTURED_FRAMES).round().astype(int)]
    return render_clip(make_world(FIRST_EVALUATION_SEED + index), chosen, FPS, bench.backbone.facts.size).frames


@contextmanager
def scratch_folder(folder: Path | None) -> Iterator[Path]:
    """Give a folder for what a benchmark keeps, or, where None is asked for, one that is gone afterwards."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory() as gone:
        yield Path(gone)


def load_bench(frames: int, scratch: Path) -> Bench:
    """Load Mini, for runs of so many frames in a folder."""
    from ..backbones import BACKBONES
    from ..weights.locate import locate_model

    backbone = BACKBONES.get("svd").build(locate_model("backbone", "mini-svd", NOWHERE), torch.float32)
    net = load_controlnet(locate_model("controlnet", "mini-controlnet-pose", NOWHERE))
    # Results of other weights are not mixed with these.
    folder = scratch / f"{backbone.digest[:8]}-{net.digest[:8]}"
    folder.mkdir(exist_ok=True)
    return Bench(backbone, net, frames, folder)
