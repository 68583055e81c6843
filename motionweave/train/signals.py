"""Rendered clips with every signal that a control may carry: what adapters are trained on.

Otherwise than in `data`, the light and the camera of a clip are not those of the reference: half of the clips are lit
anew, half are seen by a camera that moves, so that both have to be obeyed rather than copied.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..marionette import clip_times, make_world, render_clip
from ..marionette.camera import Camera
from ..marionette.changes import moving_camera, relative_poses
from ..marionette.light import make_light
from ..marionette.voice import speak
from ..marionette.world import camera_of, portrait
from ..tracks.camera_rays import rays_through
from ..tracks.face_region import face_regions
from ..tracks.keypoints import from_wholebody
from ..tracks.pose import KeypointTrack
from ..tracks.speech import SPEECH_OFFSETS_S, mono
from ..tracks.speech_states import hidden_states
from ..tracks.spherical_harmonics import rotate
from ..types import Size
from .data import FRAME_RATES
from .recipe import DataRecipe
from .rendered import rendered, training_seeds

LATEST_S = 6.0
"""Latest beginning of a clip; the voice is spoken from 0 on."""
PORTRAITS = 0.4
"""Share of the clips that are seen from near, where a mouth is more than a pixel."""
FACELESS = 0.5
"""Share of the clips whose drawn poses have no face, so that the mouth has to be taken from speech."""
FACE_PX = 512
"""Size of the picture in which the recogniser looks for the face, as users' references are."""


@dataclass(frozen=True)
class Models:
    """Bundled models whose outputs are signals."""

    speech: Any
    """`SpeechModel`."""
    faces: Any
    """`FaceModels`."""


def without_faces(track: KeypointTrack) -> KeypointTrack:
    """Give the same poses without the points of the face."""
    none = np.zeros((0, 3), np.float32)
    return replace(track, frames=tuple(tuple(replace(one, face=none) for one in frame) for frame in track.frames))


def reference_rays(cells: int) -> torch.Tensor:
    """Give the rays of the reference's view, (1, 6, h, w), the same for every world: its camera stands square to it."""
    world = make_world(0)
    return rays_through(relative_poses(world, camera_of(world, 1)), Size(cells, cells))


def light_over(seed: int, times: np.ndarray) -> np.ndarray:
    """Give another light than the world's of that seed, turning slowly about the upright, (F, 9, 3)."""
    rng = np.random.default_rng([seed, 22])
    light, rate = make_light(seed + 500_000_000), rng.uniform(-0.5, 0.5) * (rng.uniform() < 0.5)
    turns = np.cos(rate * times), np.sin(rate * times)
    return np.stack([rotate(light, _about_y(cosine, sine)) for cosine, sine in zip(*turns, strict=True)])


def _about_y(cosine: float, sine: float) -> np.ndarray:
    return np.array([[cosine, 0.0, sine], [0.0, 1.0, 0.0], [-sine, 0.0, cosine]])


def render_signals(seed: int, frame_count: int, size: int) -> dict[str, np.ndarray]:
    """Render one training clip with its signals.

    Args:
        seed: The clip's seed.
        frame_count: Frames in the clip.
        size: Width and height in pixels.

    Returns:
        By name, what `SIGNALS` lists, but for what the bundled models make of it; and ``start_s``.
    """
    rng = np.random.default_rng([seed, 20])
    world, fps = make_world(seed), int(rng.choice(FRAME_RATES))
    near, faceless = rng.uniform(size=2) < (PORTRAITS, FACELESS)
    world = portrait(world) if near else world
    times = clip_times(frame_count, Fraction(fps), float(rng.uniform(0.2, LATEST_S)))
    lit, moved = rng.uniform(size=2) < 0.5
    light = light_over(seed, times) if lit else np.repeat(world.light[None], frame_count, 0)
    camera = moving_camera(world, seed, times) if moved else camera_of(world, frame_count)
    area, rate = Size(size, size), Fraction(fps)
    shots = [
        render_clip(replace(world, light=light[i]), times[i : i + 1], rate, area, _frame_of(camera, i))
        for i in range(frame_count)
    ]
    other = times[:1] + rng.uniform(1.0, 8.0)
    reference = render_clip(world, other, rate, area).frames
    points = torch.cat([shot.keypoints for shot in shots]).numpy()
    track = KeypointTrack(tuple((from_wholebody(each),) for each in points), area, rate)
    drawn = without_faces(track) if faceless else track
    inverse = 1 / torch.cat([shot.depth for shot in shots])
    nearness = (inverse - inverse.amin()) / (inverse.amax() - inverse.amin())
    return {
        "pictures": _bytes(torch.cat([*(shot.frames for shot in shots), reference])),
        "poses": drawn.drawn(area).numpy(),
        "depth": _bytes(nearness),
        "light": light.astype(np.float32),
        "rays": rays_through(relative_poses(world, camera), Size(size // 8, size // 8)).numpy().astype(np.float16),
        "face": face_regions(track, Size(size // 8, size // 8)).numpy().astype(np.float16),
        "mouth": torch.cat([shot.mouth for shot in shots]).numpy(),
        "portrait": _bytes(render_clip(world, other, rate, Size(FACE_PX, FACE_PX)).frames[0]),
        "fps": np.array(fps, np.uint8),
        "start_s": np.array(times[0]),
    }


def _frame_of(camera: Camera, index: int) -> Camera:
    here = slice(index, index + 1)
    return Camera(camera.rotation[here], camera.position[here], camera.focal[here])


def _bytes(values: torch.Tensor) -> np.ndarray:
    return (values * 255).round().clamp(0, 255).to(torch.uint8).numpy()


@torch.inference_mode()
def hear(models: Models, seed: int, start_s: float, fps: int, frame_count: int) -> np.ndarray:
    """Give what the bundled speech model hears around each frame, (F, W, L, D) float16."""
    from ..tracks.speech import SpeechTrack

    model = models.speech
    sound = speak(make_world(seed).motion_seed, start_s + frame_count / fps + 0.5)
    states = [each.clone() for each in hidden_states(mono(sound, model.clock.sample_rate), model)][1:]
    # The clip begins between frames of the sound's own clock, so its moments are offsets from the first.
    track = SpeechTrack(torch.stack(states, 1), model.clock, Fraction(fps), 0, 1)
    start = Fraction(start_s).limit_denominator(10_000)
    moments = [start + Fraction(frame, fps) + offset for frame in range(frame_count) for offset in SPEECH_OFFSETS_S]
    heard = track.around(moments)[0]
    return heard.unflatten(0, (frame_count, -1)).numpy().astype(np.float16)


@torch.inference_mode()
def recognise(models: Models, portrait: np.ndarray) -> np.ndarray:
    """Give the recogniser's embedding of a portrait (3, H, W) uint8, (512,); zeros where it finds no face."""
    found = models.faces.find(torch.from_numpy(portrait).float() / 255)
    return found[0].embedding.numpy() if found else np.zeros(512, np.float32)


class SignalStore:
    """Training clips with their signals on disk, rendered on first use."""

    def __init__(self, folder: Path, data: DataRecipe, models: Models) -> None:
        """Open the clips, rendering what is missing.

        Args:
            folder: Where to keep them.
            data: What to render.
            models: Make signals of sounds and faces.

        Raises:
            InputError: If seeds kept for evaluation would be among them.
        """
        self.data, self._models = data, models
        self._folder = folder / f"signals-{data.first_seed}-{data.clips}x{data.frames}-{data.size}"
        self._folder.mkdir(parents=True, exist_ok=True)
        done = self._folder / "done.json"
        if not done.is_file():
            described: dict[str, Any] = {}
            for index, clip in enumerate(self._made()):
                for name, value in clip.items():
                    array = self._open(name, described.setdefault(name, [str(value.dtype), list(value.shape)]), "r+")
                    array[index] = value
            done.write_text(json.dumps(described))
        self.arrays = {name: self._open(name, like, "r") for name, like in json.loads(done.read_text()).items()}
        self.pictures, self.poses, self.fps = (self.arrays[name] for name in ("pictures", "poses", "fps"))

    def _open(self, name: str, like: list[Any], mode: Any) -> np.memmap[Any, Any]:
        path, shape = self._folder / f"{name}.bin", (self.data.clips, *like[1])
        return np.memmap(path, like[0], mode if path.is_file() else "w+", shape=shape)

    def _made(self) -> Iterator[dict[str, np.ndarray]]:
        frames, seeds = self.data.frames, training_seeds(self.data.clips, self.data.first_seed)
        render = partial(render_signals, frame_count=frames, size=self.data.size)
        for seed, clip in zip(seeds, rendered(render, seeds), strict=True):
            start_s = float(clip.pop("start_s"))
            clip["speech"] = hear(self._models, seed, start_s, int(clip["fps"]), frames)
            clip["identity"] = recognise(self._models, clip.pop("portrait"))
            yield clip
