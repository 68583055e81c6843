"""Lights and cameras of films: from files beside them, estimated, or missing; and what training makes of them."""

import copy
import json
import logging
from dataclasses import dataclass, field, replace
from fractions import Fraction

import pytest
import torch

from motionweave.backbones.base import Conditioning, Identity
from motionweave.controls.adapters import LoadedAdapter
from motionweave.controls.camera import CameraControl
from motionweave.controls.light import LightControl
from motionweave.dataset.entries import METADATA
from motionweave.dataset.lights import light_rows
from motionweave.dataset.prepare import Preparation, prepare
from motionweave.dataset.windows import Windows, WindowSpec, read_clips, stack_windows
from motionweave.errors import InputError
from motionweave.media import VideoWriter
from motionweave.tracks.camera_files import read_realestate
from motionweave.tracks.camera_rays import plucker_rays
from motionweave.tracks.light import dominant_direction
from motionweave.tracks.light_files import read_light
from motionweave.train.tuning_build import build_learner
from motionweave.train.tuning_loop import train_tuning
from motionweave.types import Size, Window

RED = (1.0, 0.1, 0.1)
CELLS = Size(4, 4)


@pytest.fixture
def describe(tmp_path, write_film, write_truth):
    """Write films and the files beside them; entries may be changed before they are written."""

    def write(**changes):
        entries = []
        for name, changed in changes.items():
            write_film(tmp_path / f"videos/{name}.mp4", [RED])
            entry = write_truth(tmp_path, name) | changed
            entries.append({key: value for key, value in entry.items() if value is not None})
        (tmp_path / METADATA).write_text(json.dumps(entries))
        return tmp_path

    return write


def test_the_light_and_the_camera_beside_a_film_are_read_with_it(describe, how, runtime):
    folder = describe(a={}, b={"camera": None}, c={"light": None, "camera": None})
    report = prepare(folder, how, runtime)
    assert "2 clips have a light, 1 a camera" in report.lines()
    kept = {clip.file: (clip.light_kept is not None, clip.camera_kept is not None) for clip in report.clips}
    assert kept == {"videos/a.mp4": (True, True), "videos/b.mp4": (True, False), "videos/c.mp4": (False, False)}
    told = read_light((folder / "a.json").read_text()).coefficients
    rows = light_rows(folder, report.clips[0].light_kept, [0, 3, 7, 12])
    torch.testing.assert_close(rows, told[[0, 3, 7, 7]])  # the last light holds


def test_files_beside_a_film_that_are_wrong_are_named_and_the_others_are_taken(describe, how, runtime):
    folder = describe(a={}, b={"camera": "a.mp4"}, c={"light": "../c.json"}, d={}, e={}, f={})
    (folder / "a.mp4").write_bytes(b"\xff\xfe\x00")
    (folder / "d.json").write_text("{}")
    (folder / "e.txt").write_text("\n".join((folder / "e.txt").read_text().splitlines()[:4]))
    (folder / "f.txt").write_text("no camera at all\n")
    report = prepare(folder, how, runtime)
    assert [clip.file for clip in report.clips] == ["videos/a.mp4"]
    told = {problem.file: problem.reason for problem in report.problems}
    assert "is no text" in told["videos/b.mp4"] and "leads out" in told["videos/c.mp4"]
    assert "is no light" in told["videos/d.mp4"] and "cameras for 3 frames" in told["videos/e.mp4"]
    assert "no camera" in told["videos/f.mp4"]


def test_clips_without_a_camera_are_named_counted_and_passed_over(describe, how, runtime, recipe, job, caplog):
    folder = describe(a={}, b={"camera": None})
    prepare(folder, how, runtime)
    made = recipe("camera", dataset=str(folder), loop={"steps": 1})
    with caplog.at_level(logging.INFO, logger="motionweave"):
        train_tuning(made, job(made, folder / "out"))
    assert "passed over: videos/b.mp4 frames 0-7: without a camera" in caplog.messages
    assert "1 clips to train on, 1 passed over" in caplog.messages
    windows = Windows(folder, WindowSpec(frames=2, signals=("light",)))
    assert windows.lacking == () and windows.clip_count == 2


def test_a_window_has_the_light_of_its_frames_and_rays_in_the_axes_of_its_reference(describe, how, runtime):
    folder = describe(a={})
    prepare(folder, how, runtime)
    window = Windows(folder, WindowSpec(8, signals=("light", "camera"), reference="first"))[0]
    torch.testing.assert_close(window.light, read_light((folder / "a.json").read_text()).coefficients)
    track = read_realestate((folder / "a.txt").read_text(), Fraction(8))
    torch.testing.assert_close(window.rays, plucker_rays(track, CELLS))
    torch.testing.assert_close(window.origin, window.rays[0])
    later = Windows(folder, WindowSpec(8, signals=("camera",)))
    seen = [index for index in range(20) if not torch.allclose(later[index].rays[0], later[index].origin)]
    # Frame 4, the other one that can be the reference, is its own origin.
    assert seen and all(torch.allclose(later[index].rays[4], later[index].origin, atol=1e-6) for index in seen)


@pytest.mark.parametrize("role", ["reference", "first_frame"])
def test_training_tells_the_backbone_what_apply_camera_and_apply_light_tell_it(
    describe, how, runtime, recipe, tiny_backbone, role
):
    folder = describe(a={})
    prepare(folder, how, runtime)
    window = Windows(folder, WindowSpec(8, signals=("light", "camera"), reference="first"))[0]
    backbone = replace(tiny_backbone, facts=replace(tiny_backbone.facts, image_role=role))
    identity = Identity(window.reference, window.tokens, Size(32, 32), 0.0, "a")
    camera = read_realestate((folder / "a.txt").read_text(), Fraction(8))
    light = read_light((folder / "a.json").read_text())
    learners = {trains: build_learner(backbone, recipe(trains)) for trains in ("light", "camera")}
    nets = {trains: LoadedAdapter(learner.net, "d") for trains, learner in learners.items()}
    controls = {
        "light": LightControl(nets["light"], light),
        "camera": CameraControl(nets["camera"], camera, moves_reference=role == "reference"),
    }
    for trains, learner in learners.items():
        told = controls[trains].apply_to(Conditioning(identity, 8.0), Window(0, 0, 8, 0))
        own = learner.controls(window)[0]
        for one, other in zip(own.signal, told.controls[0].signal, strict=True):
            torch.testing.assert_close(one, other)
        shown = learner.shown(stack_windows([window]))[0]
        expected = window.reference.expand(8, -1, -1, -1) if told.image_latents is None else told.image_latents
        torch.testing.assert_close(shown, expected)
        assert (told.image_latents is not None) == (trains == "camera" and role == "reference")


@dataclass
class Dome:
    """Sees a ball in every picture, or a wall."""

    height: float = 1.0
    digest: str = "dome"
    metric: bool = True
    module: torch.nn.Module = field(default_factory=torch.nn.Identity)

    def inverse_depth(self, frames):
        rows = (torch.arange(frames.shape[2]) - 15.5) / 16
        ball = (1 - rows[:, None] ** 2 - rows**2).clamp_min(0.05).sqrt()
        return (1 / (4 - self.height * ball)).expand(len(frames), -1, -1)


def lit_from_the_left(path):
    rows = (torch.arange(32) - 15.5) / 16
    shade = (0.45 - 0.4 * rows).clamp(0.02, 0.9).expand(3, 32, 32)
    path.parent.mkdir(exist_ok=True)
    with VideoWriter(path, fps=Fraction(8), size=Size(32, 32), crf=5) as writer:
        for frame in range(8):
            picture = shade.clone()
            picture[:, 8:24, 2 + 2 * frame : 12 + 2 * frame] *= 1.01
            writer.write(picture[None])


def test_light_is_estimated_where_it_is_asked_for_and_no_file_tells_it(tmp_path, how, runtime):
    lit_from_the_left(tmp_path / "videos/a.mp4")
    filters = replace(how.filters, least_motion=0, one_person=0, face=0)
    seeing = Preparation(replace(how.tools, depth=Dome()), how.shape, filters, estimates_light=True)
    report = prepare(tmp_path, seeing, runtime)
    light = light_rows(tmp_path, report.clips[0].light_kept, [0, 7])
    assert torch.equal(light[0], light[1])  # one for the clip
    assert dominant_direction(light[0].double().numpy())[0] < -0.3
    place = next((tmp_path / "prepared/lights").iterdir())
    before = place.stat().st_mtime_ns
    assert prepare(tmp_path, seeing, runtime).clips[0].light_kept == place.name
    assert place.stat().st_mtime_ns == before
    with pytest.raises(InputError, match="depth"):
        replace(how, estimates_light=True)


def test_a_light_that_cannot_be_read_leaves_the_clip_without_one_and_says_so(tmp_path, write_film, how, runtime):
    write_film(tmp_path / "videos/a.mp4", [RED])
    flat = replace(how.tools, depth=Dome(height=0.0))
    report = prepare(tmp_path, replace(how, tools=flat, estimates_light=True), runtime)
    assert read_clips(tmp_path)[0].light_kept is None
    assert [problem.file for problem in report.unlit] == ["videos/a.mp4 frames 0-7"]
    assert any("without light: videos/a.mp4" in line for line in report.lines())


def test_an_encoder_of_another_backbone_is_no_beginning(recipe, tiny_backbone, tmp_path):
    for trains in ("light", "camera"):
        learner = build_learner(tiny_backbone, recipe(trains))
        path = learner.write(tmp_path, trains)
        config = json.loads((path / "config.json").read_text())
        if trains == "light":
            config["layers"] = {f"x.{name}": width for name, width in config["layers"].items()}
        else:
            config["layers_per_block"] += 1
        (path / "config.json").write_text(json.dumps(config))
        with pytest.raises(InputError):
            build_learner(copy.copy(tiny_backbone), recipe(trains, begin=str(path)))
