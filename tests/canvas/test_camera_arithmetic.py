"""The canvas puts the camera where Python puts it."""

import random
from fractions import Fraction

import numpy as np
import pytest

from motionweave import CAMERA_PRESETS, EASINGS, CameraRequest, camera_path, parse_curve, parse_moves
from motionweave.errors import InputError
from motionweave.tracks.camera import MOVES

MOVES_JS, CAMERAS_JS = "camera/moves.js", "camera/cameras.js"


def random_curve(draw: random.Random, low: float, high: float) -> str:
    times = sorted(draw.sample(range(60), draw.randint(1, 4)))
    keys = [f"{time / 10}: {draw.uniform(low, high):.3f} {draw.choice(EASINGS)}" for time in times]
    return ", ".join(keys)


def random_inputs(draw: random.Random) -> dict:
    names = draw.sample(MOVES, draw.randint(0, 3))
    ranges = {"zoom": (0.5, 2), "dolly": (-0.5, 0.5)}
    preset = draw.choice([name for name in CAMERA_PRESETS if name != "handheld"])
    return {
        "preset": preset, "amount": 0.5 if preset == "dolly zoom" else draw.uniform(-1.5, 1.5),
        "seconds": draw.choice([0.05, 1, 2.5, 4.05]), "fps": draw.choice([7, 23.98, 24, 29.97]),
        "easing": draw.choice(EASINGS),
        "moves": "\n".join(f"{name} {random_curve(draw, *ranges.get(name, (-30, 30)))}" for name in names),
        "curve": draw.choice([None, random_curve(draw, 0, 1)]),
    }  # fmt: skip


def request(inputs: dict) -> CameraRequest:
    """What nodes/camera.py makes of its inputs."""
    amount = parse_curve(inputs["curve"]) if inputs["curve"] else inputs["amount"]
    fps = Fraction(inputs["fps"]).limit_denominator(1001)
    return CameraRequest(inputs["preset"], amount, inputs["seconds"], fps, inputs["easing"])


def path_or_refusal(inputs: dict):
    try:
        return camera_path(request(inputs), parse_moves(inputs["moves"]))
    except InputError:
        return None


def test_every_frames_camera_is_where_python_puts_it(javascript):
    draw = random.Random(5)
    inputs = [random_inputs(draw) for _ in range(120)]
    body = """answer(given.map((inputs) => { const { moves, frames, error } = pathOf(inputs);
        const every = Array.from({ length: frames }, (_, i) => i);
        return error ? { error } : camerasOf(moves, every, inputs.fps); }));"""
    found = javascript({MOVES_JS: "pathOf", CAMERAS_JS: "camerasOf"}, body, inputs)
    paths = [path_or_refusal(each) for each in inputs]
    assert sum(path is not None for path in paths) > 80
    for each, cameras, path in zip(inputs, found, paths, strict=True):
        assert (path is None) == ("error" in cameras), each
        if path is None:
            continue
        assert len(cameras) == len(path), each
        for name in ("rotation", "position", "focal"):
            told = np.array([camera[name] for camera in cameras])
            np.testing.assert_allclose(told, getattr(path.poses(), name), atol=1e-9, err_msg=str(each))


def test_the_canvas_knows_every_named_move_but_the_hands_trembling(javascript):
    found = javascript({MOVES_JS: "CAMERA_PRESETS, MOVES"}, "answer([CAMERA_PRESETS, MOVES]);")
    assert found == [{name: ends for name, ends in CAMERA_PRESETS.items() if name != "handheld"}, list(MOVES)]


def test_moves_that_python_refuses_the_canvas_refuses(javascript):
    texts = ["jump 0: 1", "pan", "pan 0: a", "pan 0: 1\npan 1: 2", "zoom 0: 0", "dolly 0: 1"]
    static = {"preset": "static", "amount": 1, "seconds": 1, "fps": 24, "easing": "ease", "curve": None}
    inputs = [{**static, "moves": text} for text in texts]
    found = javascript({MOVES_JS: "pathOf"}, "answer(given.map((each) => pathOf(each)));", inputs)
    for each, read in zip(inputs, found, strict=True):
        assert read.get("error"), each
        assert path_or_refusal(each) is None


@pytest.mark.parametrize("name", ["pan right", "tilt up", "zoom in"])
def test_what_a_camera_sees_lies_before_it(javascript, name):
    """The far corners' middle is straight ahead, and wide as the focal length says."""
    path = camera_path(CameraRequest(name, seconds=1))
    inputs = {"preset": name, "amount": 1, "seconds": 1, "fps": 24, "easing": "ease", "moves": "", "curve": None}
    body = "answer(frustumOf(camerasOf(pathOf(given).moves, [23], 24)[0]));"
    eye, *far = np.array(javascript({MOVES_JS: "pathOf", CAMERAS_JS: "camerasOf, frustumOf"}, body, inputs))
    poses = path.poses()
    ahead = np.mean(far, 0) - eye
    np.testing.assert_allclose(ahead / np.linalg.norm(ahead), -poses.rotation[23, 2], atol=1e-9)
    width, length = np.linalg.norm(far[1] - far[0]), np.linalg.norm(ahead)
    assert length / width == pytest.approx(poses.focal[23])
