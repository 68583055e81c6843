"""Skeletons as the published code draws them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from motionweave.errors import InputError
from motionweave.tracks.keypoints import Person
from motionweave.tracks.pose_drawing import COLOURS, LIMBS, draw_pose
from motionweave.tracks.pose_styles import POSE_STYLES
from motionweave.types import Size

CANVAS = Size(512, 512)
NONE = np.zeros((0, 3), np.float32)


def person(points: dict[int, tuple[float, ...]], **parts: np.ndarray) -> Person:
    body = np.zeros((18, 3), np.float32)
    for joint, point in points.items():
        body[joint] = (*point, 1)[:3]
    return replace(Person(body, NONE, NONE, NONE), **parts)


def colour_at(picture: torch.Tensor, x: int, y: int) -> tuple[int, ...]:
    return tuple(picture[:, y, x].tolist())


def test_nobody_is_a_black_picture_of_the_size_asked_for():
    picture = draw_pose([], CANVAS, Size(70, 30))
    assert (picture.shape, picture.dtype, int(picture.max())) == ((3, 30, 70), torch.uint8, 0)


@pytest.mark.parametrize("limb", range(17))
def test_limbs_have_their_published_colour_at_60_percent_and_joints_the_full_one(limb):
    first, last = LIMBS[limb]
    picture = draw_pose([person({first: (100, 256), last: (400, 256)})], CANVAS, CANVAS)
    assert colour_at(picture, 250, 256) == tuple(int(0.6 * channel) for channel in COLOURS[limb])
    assert colour_at(picture, 100, 256) == COLOURS[first]
    assert colour_at(picture, 400, 256) == COLOURS[last]


def test_limb_order_and_colours_are_openposes():
    published = [(2, 3), (2, 6), (3, 4), (4, 5), (6, 7), (7, 8), (2, 9), (9, 10), (10, 11), (2, 12), (12, 13), (13, 14)]
    published += [(2, 1), (1, 15), (15, 17), (1, 16), (16, 18)]
    assert [(first + 1, last + 1) for first, last in LIMBS] == published
    assert COLOURS[::6] == ((255, 0, 0), (0, 255, 0), (0, 0, 255))


def test_a_limb_is_eight_pixels_wide_in_the_middle_and_a_joint_has_radius_four():
    picture = draw_pose([person({1: (100, 256), 2: (400, 256)})], CANVAS, CANVAS).amax(0)
    assert int((picture[:, 250] > 0).sum()) in (8, 9)
    assert int((picture[:, 100] > 0).sum()) in (8, 9)


def test_what_is_not_seen_is_not_drawn():
    shown = draw_pose([person({1: (100, 256), 2: (400, 256)})], CANVAS, CANVAS)
    doubtful = draw_pose([person({1: (100, 256), 2: (400, 256, 0.3)})], CANVAS, CANVAS)
    assert colour_at(shown, 250, 256) != (0, 0, 0)
    assert colour_at(doubtful, 250, 256) == (0, 0, 0)
    assert colour_at(doubtful, 100, 256) == COLOURS[1]


def test_hands_have_blue_points_and_faces_white_ones():
    hand = np.concatenate([np.linspace(20, 480, 42).reshape(21, 2), np.ones((21, 1))], 1).astype(np.float32)
    picture = draw_pose([person({}, hand_left=hand, face=hand + np.float32([0, -15, 0]))], CANVAS, CANVAS)
    assert colour_at(picture, round(float(hand[7, 0])), round(float(hand[7, 1]))) == (0, 0, 255)
    assert colour_at(picture, round(float(hand[7, 0])), round(float(hand[7, 1]) - 15)) == (255, 255, 255)


@pytest.mark.parametrize("size", [Size(16, 16), Size(64, 128), Size(300, 200), Size(1080, 608)])
def test_the_canvas_is_fitted_whole_and_centred_at_any_size(size):
    box = {1: (6, 6), 2: (506, 6), 3: (506, 506), 4: (6, 506)}
    lit = draw_pose([person(box)], CANVAS, size).amax(0) > 0
    rows, columns = torch.nonzero(lit.any(1))[:, 0], torch.nonzero(lit.any(0))[:, 0]
    side = min(size.width, size.height)
    assert int(rows.max() - rows.min()) == pytest.approx(side, rel=0.07, abs=1)
    assert int(columns.max() - columns.min()) == pytest.approx(side, rel=0.07, abs=1)
    assert int(rows.max() + rows.min()) == pytest.approx(size.height - 1, abs=3)
    assert int(columns.max() + columns.min()) == pytest.approx(size.width - 1, abs=3)


def test_certainty_of_one_looks_the_same_with_and_without_fading():
    sure = [person({j: (40 + 25 * j, 60 + 20 * j) for j in range(18)})]
    plain = draw_pose(sure, CANVAS, CANVAS)
    assert torch.equal(draw_pose(sure, CANVAS, CANVAS, style=POSE_STYLES.get("confidence").build()), plain)


def test_fading_multiplies_a_limb_by_both_of_its_ends_and_a_joint_by_its_own():
    style = POSE_STYLES.get("confidence").build()
    picture = draw_pose([person({2: (100, 256, 0.5), 3: (400, 256, 0.8)})], CANVAS, CANVAS, style=style)
    assert colour_at(picture, 250, 256) == tuple(int(0.6 * int(channel * 0.5 * 0.8)) for channel in COLOURS[2])
    assert colour_at(picture, 100, 256) == tuple(int(channel * 0.5) for channel in COLOURS[2])


def test_mimicmotions_look_is_thin_and_has_red_and_blue_exchanged():
    style = POSE_STYLES.get("mimicmotion").build()
    someone = [person({1: (100, 256), 2: (400, 256)})]
    picture = draw_pose(someone, CANVAS, CANVAS, style=style)
    assert picture.shape == (3, 512, 512)
    lit = picture.amax(0)[:, 250]
    assert 1 <= int((lit > 40).sum()) <= 4
    brightest = picture[:, int(lit.argmax()), 250]
    assert int(brightest[2]) > 100
    assert int(brightest[0]) == 0


def test_an_unknown_look_is_refused_with_those_there_are():
    with pytest.raises(InputError, match="openpose, confidence, mimicmotion"):
        POSE_STYLES.get("anime")
