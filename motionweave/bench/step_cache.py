"""Step caching: how far it moves the result, and what it saves.

Mini reenacts one window of each clip in 25 steps, as many as SVD-XT takes, with its pose ControlNet: once in full, once
with each threshold, and once with only as many steps as that threshold ran in full, the plain way to save as much.
Frames are compared with those of the full run, not with the clip. Time is processor time, so that other work on the
machine counts little; each ratio is against the full run of the same clip.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from statistics import fmean
from typing import Any

import torch
from torch import Tensor

from ..backbones import BACKBONES, Backbone
from ..backbones.base import Conditioning
from ..controls import PoseControl, load_controlnet
from ..marionette import FIRST_EVALUATION_SEED, clip_times, make_world, render_clip
from ..metrics.picture import psnr_db
from ..sampling import DenoiseOptions, Guidance, denoise_window, frame_noise
from ..types import Window
from ..weights.locate import locate_model
from .selfie import FPS, NOWHERE, pose_track

CLIPS = 3
STEPS = 25
THRESHOLDS = (0.05, 0.1, 0.2)
KEYS = ("psnr_db", "full_steps", "time_ratio")


def step_cache(
    clips: int = CLIPS,
    on_clip: Callable[[int], None] | None = None,
    keep: Callable[[int, Tensor, Tensor], None] | None = None,
) -> dict[str, Any]:
    """Run the benchmark.

    Args:
        clips: How many clips.
        on_clip: Told of each finished clip.
        keep: Given each clip's number, the frames at the middle threshold and those of the full run, for pictures.

    Returns:
        ``figures`` and the baseline ``fewer_steps``, each with `KEYS` for every threshold, the mean over the clips.
    """
    backbone = BACKBONES.get("svd").build(locate_model("backbone", "mini-svd", NOWHERE), torch.float32)
    controlnet = load_controlnet(locate_model("controlnet", "mini-controlnet-pose", NOWHERE))
    window = Window(0, 0, backbone.facts.window, 0)
    exact = DenoiseOptions(STEPS, Guidance(1.0))
    rows: dict[str, list[tuple[float, float, float]]] = {}
    for index in range(clips):
        world = make_world(FIRST_EVALUATION_SEED + index)
        clip = render_clip(world, clip_times(window.stop, FPS), FPS, backbone.facts.size)
        with torch.inference_mode():
            identity = backbone.encode_image(clip.frames[:1], backbone.facts.size, 0.0, 0)
            control = PoseControl(controlnet, pose_track(clip, backbone.facts.size))
            conditioning = control.apply_to(Conditioning(identity, float(FPS)), window)
            truth, _, whole = _made(backbone, conditioning, exact)
            for threshold in THRESHOLDS:
                cached, full, seconds = _made(backbone, conditioning, replace(exact, cache_threshold=threshold))
                fewer, _, plain_seconds = _made(backbone, conditioning, replace(exact, steps=full))
                rows.setdefault(f"cached {threshold:g}", []).append((psnr_db(cached, truth), full, seconds / whole))
                rows.setdefault(f"fewer {threshold:g}", []).append((psnr_db(fewer, truth), full, plain_seconds / whole))
                if keep is not None and threshold == THRESHOLDS[1]:
                    keep(index, cached, truth)
        if on_clip is not None:
            on_clip(index)
    return {"figures": _means(rows, "cached"), "baselines": {"fewer_steps": _means(rows, "fewer")}}


def _made(backbone: Backbone, conditioning: Conditioning, options: DenoiseOptions) -> tuple[Tensor, int, float]:
    """Make one window; give its frames, how often the middle of the UNet was run, and the denoising's seconds."""
    facts, full = backbone.facts, 0

    def count(*_: object) -> None:
        nonlocal full
        full += 1

    cells = (facts.size.height // facts.spatial_compression, facts.size.width // facts.spatial_compression)
    noise = frame_noise(0, 0, facts.window, (facts.latent_channels, *cells), facts.window)
    hook = backbone.denoiser.get_submodule("mid_block").register_forward_hook(count)
    started = time.process_time()
    latents = denoise_window(backbone, conditioning, noise, options)
    seconds = time.process_time() - started
    hook.remove()
    return backbone.decode_clip(latents), full, seconds


def _means(rows: dict[str, list[tuple[float, float, float]]], which: str) -> dict[str, float]:
    return {
        f"{key}_{threshold:g}": round(fmean(values), 3)
        for threshold in THRESHOLDS
        for key, values in zip(KEYS, zip(*rows[f"{which} {threshold:g}"], strict=True), strict=True)
    }
