"""The light nodes, executed as a workflow would: lights are set up, turned, read and thrown on pictures."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from motionweave import FootageFrames, LightTrack, estimate_light, parse_curve
from motionweave.errors import InputError
from motionweave.host import load_pack
from motionweave.host.context import local_runtime, running_on
from motionweave.marionette import clip_times, make_world, render_clip
from motionweave.runtime import Folders
from motionweave.tracks.light import direction_of, dominant_direction
from motionweave.types import Size


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("light")
    nodes = load_pack()

    def execute(name, **inputs):
        schema = nodes[f"MotionWeave{name}"].GET_SCHEMA()
        unset = {i.id: i.default for i in schema.inputs if getattr(i, "default", None) is not None and not i.optional}
        with running_on(local_runtime(Folders(folder, folder, folder))):
            return nodes[f"MotionWeave{name}"].execute(**(unset | inputs))

    return execute


@pytest.fixture(scope="module")
def clip():
    world = make_world(1_000_000)
    return render_clip(world, clip_times(3, Fraction(12)), Fraction(12), Size(128, 128))


def image(pixels):
    return pixels.movedim(1, -1)


def depth_picture(clip):
    near = 1 / clip.depth
    near = (near - near.min()) / (near.max() - near.min())
    return near[..., None].expand(-1, -1, -1, 3), float(clip.depth.max() / clip.depth.min())


def direction(output):
    return dominant_direction(output.args[0].coefficients[0].double().numpy())


def shown(output):
    (preview,) = output.ui.as_dict()["images"]
    return preview


def test_a_light_comes_from_words_from_a_name_or_from_numbers(run):
    words = run("Light", prompt="moonlight from the left")
    name = run("Light", preset="horror")
    numbers = run("Light", preset="custom", azimuth=90.0, elevation=0.0, fill=0.0)
    assert direction(words)[0] < 0
    assert direction(name)[1] < 0
    assert np.allclose(direction(numbers), (1, 0, 0), atol=1e-6)
    for output in (words, name, numbers):
        assert isinstance(output.args[0], LightTrack)
        assert shown(output)["filename"]


def test_strength_multiplies_a_light(run):
    once, twice = (run("Light", strength=s).args[0].coefficients for s in (1.0, 2.0))
    assert torch.allclose(2 * once, twice)


def test_a_turntable_under_a_curve(run):
    start = run("Light", preset="custom", azimuth=0.0, fill=0.0).args[0]
    curve = parse_curve("0: 1, 1: 0.5")
    moving = run("AnimateLight", start=start, seconds=1.0, turn=360.0, easing="linear", strength=curve).args[0]
    assert (len(moving), moving.fps) == (24, Fraction(24))
    quarter = moving.coefficients[6].double().numpy()
    assert dominant_direction(quarter) @ direction_of(90, 35) > 0.9999
    assert float(moving.coefficients[12, 0, 0] / start.coefficients[0, 0, 0]) == pytest.approx(0.75, abs=1e-5)


def test_a_panorama_that_is_bright_at_its_right_lights_from_the_right(run):
    panorama = torch.zeros(1, 32, 64, 3)
    panorama[:, :, 40:56] = 1
    assert direction(run("LightFromEnvironment", panorama=panorama))[0] > 0.95


def test_light_is_estimated_from_normals_and_from_depth(run, clip):
    normals = image((clip.normal + 1) / 2)
    held = run("EstimateLight", images=image(clip.frames), normals=normals, fps=12.0)
    truth = dominant_direction(
        estimate_light(FootageFrames(clip.frames, clip.fps), clip.normal).coefficients[0].numpy()
    )
    assert direction(held) @ truth > np.cos(np.radians(3))
    depth, relief = depth_picture(clip)
    followed = run(
        "EstimateLight", images=image(clip.frames), depth=depth, relief=relief, fps=12.0, mode="follow it over time"
    )
    assert (len(followed.args[0]), followed.args[0].fps) == (3, Fraction(12))
    with pytest.raises(InputError, match="either depth or normals"):
        run("EstimateLight", images=image(clip.frames))


def test_one_picture_is_relit_over_a_turntable(run, clip):
    depth, relief = depth_picture(clip)
    start = run("Light", preset="split").args[0]
    moving = run("AnimateLight", start=start, seconds=0.5, turn=360.0).args[0]
    (frames,) = run("Relight", images=image(clip.frames[:1]), depth=depth[:1], relief=relief, light=moving).args
    assert tuple(frames.shape) == (12, 128, 128, 3)
    assert float((frames[0] - frames[6]).abs().mean()) > 0.005  # most of it is a wall, which faces neither side
    (same,) = run("Relight", images=image(clip.frames[:1]), depth=depth[:1], light=start, strength=0.0).args
    assert (same - image(clip.frames[:1])).abs().max() < 1e-4
