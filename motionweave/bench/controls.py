"""Every control of Mini against itself switched off: does what was asked for show in what was made?

Held-out marionettes, 24 frames at 12 fps, reference at another moment under the world's own light and still camera.
Each control is asked for something that the reference does not have, and the same run is made with the control and
without it, everything else equal:

- ``depth_corr``: depth alone (no pose): rank correlation of the depth seen in the frames with the one asked for;
- ``identity_cos``: pose and ReferenceNet: cosine of the image encoder's embeddings of frames and reference;
- ``mouth_corr``: a portrait, since from afar a mouth is less than a pixel; pose without a face and speech: correlation
  of the darkness at the mouth with the mouth's opening;
- ``light_deg``: pose and another light: angle between the light seen in the frames and the one asked for;
- ``camera_corr``: poses as a moving camera sees them, and its path: cosine between the motion of the scene and the one
  asked for.

Baselines: ``off``, the same without the control; ``truth``, the true frames through the VAE, which is the most that
this measure and Mini's VAE can give.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..controls.base import Control
from ..marionette import FIRST_EVALUATION_SEED, Clip, World, clip_times, make_world, portrait, render_clip
from ..marionette.camera import Camera
from ..marionette.light import key_direction, make_light
from ..marionette.voice import speak
from ..tracks.keypoints import Person, from_wholebody
from ..tracks.pose import KeypointTrack, PoseMapFrames
from ..types import Size, float_pixels
from .held_out import FPS

FRAMES, CLIPS = 24, 16
OTHER_LIGHT = 500_000_000
"""Added to a clip's seed for the light that is asked for."""
KEYS = ("depth_corr", "identity_cos", "mouth_corr", "light_deg", "camera_corr")
ROWS = ("figures", "off", "truth")


@dataclass(frozen=True)
class Asked:
    """What one clip is asked for: the world under it, and the truth of that."""

    world: World
    clip: Clip
    reference: Tensor
    """(1, 3, H, W) in [0, 1]."""


@dataclass(frozen=True)
class Mini:
    """Everything of Mini's that takes part."""

    backbone: Any
    pose: Any
    depth: Any
    reference: Any
    speech: Any
    light: Any
    camera: Any
    speech_model: Any
    depth_model: Any


def load_mini() -> Mini:
    """Load Mini's models."""
    from ..backbones import BACKBONES
    from ..controls import load_controlnet
    from ..controls.adapters import load_adapter, load_reference_net
    from ..tracks.depth_models import load_depth_model
    from ..tracks.speech_model import load_speech_model
    from ..weights.locate import locate_model
    from .selfie import NOWHERE

    backbone = BACKBONES.get("svd").build(locate_model("backbone", "mini-svd", NOWHERE), torch.float32)

    def adapter(name: str) -> Any:
        return load_adapter(locate_model("adapter", name, NOWHERE))

    return Mini(
        backbone=backbone,
        pose=load_controlnet(locate_model("controlnet", "mini-controlnet-pose", NOWHERE)),
        depth=load_controlnet(locate_model("controlnet", "mini-controlnet-depth", NOWHERE)),
        reference=load_reference_net(locate_model("reference_net", "mini-reference-net", NOWHERE), backbone),
        speech=adapter("mini-speech-projector"),
        light=adapter("mini-light-encoder"),
        camera=adapter("mini-camera-encoder"),
        speech_model=load_speech_model(locate_model("speech", "mini-wav2vec2", NOWHERE)),
        depth_model=load_depth_model("mini-depth", NOWHERE, torch.float32),
    )


def poses_of(clip: Clip, *, face: bool = True) -> KeypointTrack:
    """Give a clip's exact poses, with or without the points of the face, which show the mouth."""
    size = Size(clip.frames.shape[-1], clip.frames.shape[-2])

    def person(points: Tensor) -> Person:
        whole = from_wholebody(points.numpy())
        return whole if face else replace(whole, face=np.zeros((0, 3), np.float32))

    return KeypointTrack(tuple((person(points),) for points in clip.keypoints), size, clip.fps)


def make(mini: Mini, reference: Tensor, controls: tuple[Control, ...], frame_count: int) -> Tensor:
    """Make a video of a reference under controls, (F, 3, H, W) in [0, 1]."""
    from ..engine import MotionWeaveEngine
    from ..longform.plan import plan_chunks
    from ..request import Request
    from ..runtime import LocalRuntime
    from ..sampling import DenoiseOptions, Guidance
    from .selfie import NOWHERE

    facts = mini.backbone.facts
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        request = Request(
            backbone=mini.backbone,
            identity=mini.backbone.encode_image(reference, facts.size, facts.noise_augmentation, 0),
            controls=controls,
            plan=plan_chunks(facts, frame_count, FPS),
            options=DenoiseOptions(facts.steps, Guidance(facts.guidance)),
            seed=0,
            folder=Path(folder),
        )
        engine = MotionWeaveEngine(request, LocalRuntime(NOWHERE))
        for _ in engine.generate():
            pass
        return float_pixels(torch.stack(list(engine.store.frames())))


def controls(
    clips: int = CLIPS,
    on_clip: Callable[[int], None] | None = None,
    keep: Callable[[int, Tensor, Tensor], None] | None = None,
) -> dict[str, Any]:
    """Run the benchmark.

    Args:
        clips: How many held-out clips.
        on_clip: Told of each finished clip.
        keep: Given each clip's number, the frames under another light, and the same without it.

    Returns:
        ``figures`` and ``baselines`` with `KEYS`, each the mean over the clips.
    """
    mini, rng = load_mini(), np.random.default_rng(0)
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in ROWS}
    for index in range(clips):
        found = {
            "depth_corr": _depth(mini, index, rng),
            "identity_cos": _identity(mini, index),
            "mouth_corr": _mouth(mini, index),
            "light_deg": _light(mini, index, keep),
            "camera_corr": _camera(mini, index),
        }
        for place, name in enumerate(ROWS):
            rows[name].append({key: values[place] for key, values in found.items()})
        if on_clip is not None:
            on_clip(index)
    means = {name: {key: fmean(row[key] for row in made) for key in KEYS} for name, made in rows.items()}
    return {"figures": means.pop("figures"), "baselines": means}


Found = tuple[float, float, float]
"""With the control, without it, and from the true frames through the VAE."""


@dataclass(frozen=True)
class Case:
    """One clip of one control: what is asked for, and with what."""

    asked: Asked
    """The truth of it."""
    on: tuple[Control, ...]
    """With the control."""
    off: tuple[Control, ...]
    """The same without it."""

    def videos(self, mini: Mini) -> tuple[Tensor, Tensor, Tensor]:
        """Make the video with the control and without it, and send the true frames through the VAE."""
        on, off = (make(mini, self.asked.reference, each, FRAMES) for each in (self.on, self.off))
        return on, off, through_vae(mini, self.asked.clip.frames)


def _asked(mini: Mini, index: int, world: World | None = None, own: World | None = None) -> Asked:
    own = own or make_world(FIRST_EVALUATION_SEED + index)
    size, times = mini.backbone.facts.size, clip_times(FRAMES, FPS)
    reference = render_clip(own, times[:1] + 3.0, FPS, size).frames
    return Asked(own, render_clip(world or own, times, FPS, size), reference)


def through_vae(mini: Mini, frames: Tensor) -> Tensor:
    """Give frames as Mini's VAE keeps them."""
    with torch.inference_mode():
        return mini.backbone.decode_clip(mini.backbone.encode_clip(frames))


def _thrice(mini: Mini, case: Case, measure: Callable[[Tensor], float]) -> Found:
    first, second, third = (measure(frames) for frames in case.videos(mini))
    return first, second, third


def depth_case(mini: Mini, index: int) -> Case:
    """Ask for a depth, without a pose."""
    from ..controls.depth import DepthControl
    from ..tracks.depth import DepthMaps

    asked = _asked(mini, index)
    inverse = 1 / asked.clip.depth
    near = (inverse - inverse.amin()) / (inverse.amax() - inverse.amin())
    maps = DepthMaps(PoseMapFrames(near[:, None].expand(-1, 3, -1, -1), FPS))
    return Case(asked, (DepthControl(mini.depth, maps),), ())


def _depth(mini: Mini, index: int, rng: np.random.Generator) -> Found:
    from .produced import depth_correlation

    case = depth_case(mini, index)
    return _thrice(mini, case, lambda made: depth_correlation(made, case.asked.clip, mini.depth_model, rng))


def _identity(mini: Mini, index: int) -> Found:
    from ..controls.pose import PoseControl
    from ..controls.reference import ReferenceControl

    asked = _asked(mini, index)
    pose = PoseControl(mini.pose, poses_of(asked.clip))

    def tokens(frames: Tensor) -> Tensor:
        with torch.inference_mode():
            size = mini.backbone.facts.size
            found = [mini.backbone.encode_image(each[None], size, 0.0, 0).tokens[0] for each in frames[::4]]
            return F.normalize(torch.stack(found), dim=-1)

    wanted = tokens(asked.reference)[0]
    case = Case(asked, (pose, ReferenceControl(mini.reference)), (pose,))
    return _thrice(mini, case, lambda made: float((tokens(made) @ wanted).mean()))


def mouth_case(mini: Mini, index: int) -> Case:
    """Ask a portrait for a mouth that speaks, by a pose without a face and speech."""
    from ..controls.pose import PoseControl
    from ..controls.speech import SpeechControl

    asked = _asked(mini, index, own=portrait(make_world(FIRST_EVALUATION_SEED + index)))
    pose = PoseControl(mini.pose, poses_of(asked.clip, face=False))
    speech = SpeechControl(mini.speech, _heard(mini, asked.world), pose=poses_of(asked.clip))
    return Case(asked, (pose, speech), (pose,))


def _mouth(mini: Mini, index: int) -> Found:
    from .produced import correlation, mouth_reading

    case = mouth_case(mini, index)
    clip = case.asked.clip
    return _thrice(mini, case, lambda made: correlation(mouth_reading(made, clip), clip.mouth.numpy()))


def _heard(mini: Mini, world: World) -> Any:
    from ..tracks.speech import encode_speech
    from .long_video import runtime_in

    with tempfile.TemporaryDirectory() as folder:
        sound = speak(world.motion_seed, FRAMES / float(FPS) + 0.5)
        track = encode_speech(sound, mini.speech_model, Fraction(FPS), runtime_in(Path(folder)))
        return replace(track, states=track.states.clone())


def light_case(mini: Mini, index: int) -> tuple[Case, np.ndarray]:
    """Ask for another light; with the unit vector toward it, (3,)."""
    from ..controls.light import LightControl
    from ..controls.pose import PoseControl
    from ..tracks.light import light_track

    seed = FIRST_EVALUATION_SEED + index + OTHER_LIGHT
    light = make_light(seed)
    asked = _asked(mini, index, replace(make_world(FIRST_EVALUATION_SEED + index), light=light))
    pose = PoseControl(mini.pose, poses_of(asked.clip))
    return Case(asked, (pose, LightControl(mini.light, light_track(light, FPS))), (pose,)), key_direction(seed)


def flat_lit(mini: Mini, asked: Asked) -> Tensor:
    """Give the same clip under a light from everywhere, as soft as what it is compared with."""
    from ..tracks.spherical_harmonics import ambient_light
    from .produced import FLAT

    under = replace(asked.world, light=ambient_light(np.full(3, FLAT)))
    return through_vae(mini, render_clip(under, clip_times(FRAMES, FPS), FPS, mini.backbone.facts.size).frames)


def _light(mini: Mini, index: int, keep: Callable[[int, Tensor, Tensor], None] | None) -> Found:
    from .produced import light_error

    case, key = light_case(mini, index)
    flat, made = flat_lit(mini, case.asked), list[Tensor]()

    def measure(frames: Tensor) -> float:
        made.append(frames)
        return light_error(frames, case.asked.clip, flat, key)

    found = _thrice(mini, case, measure)
    if keep is not None:
        keep(index, made[0], made[1])
    return found


def camera_case(mini: Mini, index: int) -> tuple[Case, Camera]:
    """Ask for a camera that moves, by poses as it sees them and by its path; with that camera."""
    from ..controls.camera import CameraControl
    from ..controls.pose import PoseControl
    from ..tracks.camera import CameraFrames
    from ..train.signals import moving_camera, relative_poses

    asked = _asked(mini, index)
    times = clip_times(FRAMES, FPS)
    camera = moving_camera(asked.world, FIRST_EVALUATION_SEED + index, times)
    seen = replace(asked, clip=render_clip(asked.world, times, FPS, mini.backbone.facts.size, camera))
    pose = PoseControl(mini.pose, poses_of(seen.clip))
    path = CameraControl(mini.camera, CameraFrames(relative_poses(asked.world, camera), FPS))
    return Case(seen, (pose, path), (pose,)), camera


def _camera(mini: Mini, index: int) -> Found:
    from .produced import camera_correlation

    case, camera = camera_case(mini, index)
    clip, world = case.asked.clip, case.asked.world
    return _thrice(mini, case, lambda made: camera_correlation(made, clip, world, camera))
