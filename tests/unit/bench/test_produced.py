"""The measures of `bench controls` where the truth is known: they find what is there, and nothing where nothing is."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

from motionweave.bench.camera_fit import fit_camera, scene_motion, turned
from motionweave.bench.produced import FLAT, camera_correlation, correlation, light_error, mouth_reading
from motionweave.marionette import clip_times, make_world, render_clip
from motionweave.marionette.light import key_direction, make_light
from motionweave.marionette.world import camera_of
from motionweave.tracks.spherical_harmonics import ambient_light
from motionweave.train.signals import moving_camera
from motionweave.types import Size

FPS, SIZE = Fraction(12), Size(96, 96)


@pytest.fixture(scope="module")
def world():
    return make_world(1_000_003)


@pytest.fixture(scope="module")
def clip(world):
    return render_clip(world, clip_times(12, FPS), FPS, SIZE)


def test_an_open_mouth_is_read_from_the_true_frames_and_from_a_grey_one_nothing(clip):
    assert correlation(mouth_reading(clip.frames, clip), clip.mouth.numpy()) > 0.9
    assert correlation(mouth_reading(torch.full_like(clip.frames, 0.5), clip), clip.mouth.numpy()) == 0.0


def test_a_known_turn_of_the_camera_is_found(world):
    turn = np.array([0.03, -0.02, 0.04, 0.1])
    frame = render_clip(world, np.zeros(1), FPS, SIZE, turned(world, turn))
    hidden = frame.alpha[0].numpy() > 0.05
    found = fit_camera(world, frame.frames[0].permute(1, 2, 0).numpy(), ~hidden, np.zeros(4))
    asked = scene_motion(world, turned(world, turn), 0, SIZE)
    assert np.abs(scene_motion(world, turned(world, found), 0, SIZE) - asked)[~hidden].mean() < 0.5
    assert np.abs(asked).mean() > 2


def test_a_camera_that_moves_is_told_from_one_that_stands(world):
    times = clip_times(5, Fraction(2))
    camera = moving_camera(world, 3, times)
    moved = render_clip(world, times, FPS, SIZE, camera)
    assert camera_correlation(moved.frames, moved, world, camera) > 0.9
    still = render_clip(world, times, FPS, SIZE)
    assert abs(camera_correlation(still.frames, still, world, camera)) < 0.5


def test_the_worlds_own_camera_moves_nothing(world):
    assert np.abs(scene_motion(world, camera_of(world, 1), 0, SIZE)).max() < 1e-3


def test_light_is_read_from_frames_and_flat_ones_tell_of_none(world):
    times = clip_times(6, FPS)
    flat = render_clip(replace(world, light=ambient_light(np.full(3, FLAT))), times, FPS, SIZE)
    found = [
        [light_error(each, lit, flat.frames, key_direction(seed)) for each in (lit.frames, flat.frames)]
        for seed in (8, 9, 10)
        for lit in [render_clip(replace(world, light=make_light(seed)), times, FPS, SIZE)]
    ]
    assert max(error for error, _ in found) < 25
    assert min(error for _, error in found) == 90.0
