"""Self-reenactment: one frame of a clip and the clip's own poses should give the clip back.

32 Marionette clips of seeds that no recipe may train on. The reference is the clip's first frame, the poses are drawn
from its exact keypoints, and the made frames are compared with the true ones. A pixel is foreground where it differs
from the clip's own empty scene (`metrics.picture.foreground`). ``iou`` holds the made frames' foreground against the
true frames', both found that way; ``silhouette_iou`` holds it against the exact silhouette, which the true frames
themselves do not reach, because some skin, hair and shoes have the wall's colour: they come to about 0.9. The
baselines are pictures that do not move: the reference itself, and the mean of the true frames, the best any still
picture can do.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from torch import Tensor

from ..backbones import BACKBONES, Backbone
from ..controls import LoadedControlNet, PoseControl, load_controlnet
from ..engine import MotionWeaveEngine
from ..longform.plan import plan_chunks
from ..marionette import FIRST_EVALUATION_SEED, Clip, clip_times, empty_scene, make_world, render_clip
from ..metrics.picture import foreground, iou, psnr_db, ssim
from ..request import Request
from ..runtime import Folders, LocalRuntime
from ..sampling import DenoiseOptions, Guidance
from ..tracks.keypoints import from_wholebody
from ..tracks.pose import KeypointTrack
from ..types import Size, float_pixels
from ..weights.locate import locate_model

FPS = Fraction(12)
FRAMES = 20
CLIPS = 32
KEYS = ("psnr_db", "ssim", "iou", "silhouette_iou")
NOWHERE = Folders(Path("input"), Path("output"), Path("temp"))


def pose_track(clip: Clip, size: Size) -> KeypointTrack:
    """Give a clip's exact poses as a track."""
    return KeypointTrack(tuple((from_wholebody(points.numpy()),) for points in clip.keypoints), size, clip.fps)


def reenact(
    backbone: Backbone, controlnet: LoadedControlNet, clip: Clip, reference: Tensor, folder: Path, seed: int = 0
) -> Tensor:
    """Make a clip from a reference and its own poses.

    Args:
        backbone: Draws.
        controlnet: Reads the poses.
        clip: Gives poses, length, rate and size.
        reference: (1, 3, H, W) in [0, 1].
        folder: Run directory.
        seed: Seeds the noise.

    Returns:
        (F, 3, H, W) in [0, 1].
    """
    size, facts = Size(clip.frames.shape[-1], clip.frames.shape[-2]), backbone.facts
    request = Request(
        backbone=backbone,
        identity=backbone.encode_image(reference, size, facts.noise_augmentation, seed),
        controls=(PoseControl(controlnet, pose_track(clip, size)),),
        plan=plan_chunks(facts, len(clip.frames), clip.fps),
        options=DenoiseOptions(facts.steps, Guidance(facts.guidance)),
        seed=seed,
        folder=folder,
    )
    engine = MotionWeaveEngine(request, LocalRuntime(NOWHERE))
    for _ in engine.generate():
        pass
    return float_pixels(torch.stack(list(engine.store.frames())))


@dataclass(frozen=True)
class Reenacted:
    """One clip and what was made of it."""

    clip: Clip
    """The truth."""
    empty: Tensor
    """(3, H, W): its scene without the character."""
    made: Tensor
    """(F, 3, H, W) in [0, 1]."""

    def figures(self, frames: Tensor) -> dict[str, float]:
        """Compare frames with the truth, `KEYS`."""
        found, truth = foreground(frames, self.empty), self.clip.alpha > 0.5
        overlaps = iou(found, foreground(self.clip.frames, self.empty)), iou(found, truth)
        values = psnr_db(frames, self.clip.frames), ssim(frames, self.clip.frames), *overlaps
        return dict(zip(KEYS, values, strict=True))

    def stills(self) -> dict[str, Tensor]:
        """Give the baselines that do not move."""
        frames = self.clip.frames
        means = {"repeat_reference": frames[:1], "static_mean": frames.mean(0, keepdim=True)}
        return {name: still.expand_as(frames) for name, still in means.items()}


def reenacted(backbone: Backbone, controlnet: LoadedControlNet, index: int) -> Reenacted:
    """Make one held-out clip from its first frame and its own poses."""
    world, size = make_world(FIRST_EVALUATION_SEED + index), backbone.facts.size
    clip = render_clip(world, clip_times(FRAMES, FPS), FPS, size)
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        made = reenact(backbone, controlnet, clip, clip.frames[:1], Path(folder))
    return Reenacted(clip, empty_scene(world, size), made)


def selfie(
    clips: int = CLIPS,
    on_clip: Callable[[int], None] | None = None,
    keep: Callable[[int, Tensor, Tensor], None] | None = None,
) -> dict[str, Any]:
    """Run the benchmark.

    Args:
        clips: How many clips.
        on_clip: Told of each finished clip.
        keep: Given each clip's number, made frames and true frames, for pictures.

    Returns:
        ``figures`` and ``baselines`` with `KEYS`, each the mean over the clips.
    """
    backbone = BACKBONES.get("svd").build(locate_model("backbone", "mini-svd", NOWHERE), torch.float32)
    controlnet = load_controlnet(locate_model("controlnet", "mini-controlnet-pose", NOWHERE))
    rows: dict[str, list[dict[str, float]]] = {}
    for index in range(clips):
        one = reenacted(backbone, controlnet, index)
        for name, frames in {"figures": one.made, **one.stills()}.items():
            rows.setdefault(name, []).append(one.figures(frames))
        if keep is not None:
            keep(index, one.made, one.clip.frames)
        if on_clip is not None:
            on_clip(index)
    means = {name: {key: fmean(row[key] for row in found) for key in KEYS} for name, found in rows.items()}
    return {"figures": means.pop("figures"), "baselines": means}
