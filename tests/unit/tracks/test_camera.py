"""Camera tracks: exact on any clock, recovered from their rays, and true to what pixels do."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from motionweave.bench.camera import path_error, random_path
from motionweave.errors import InputError
from motionweave.tracks.camera import MOVES, CameraFrames, CameraPath
from motionweave.tracks.camera_moves import CAMERA_PRESETS, CameraRequest, camera_path, parse_moves
from motionweave.tracks.camera_preview import camera_sheet
from motionweave.tracks.camera_rays import (
    camera_to_world,
    image_motion,
    plucker_rays,
    relative_to_first,
    write_realestate,
)
from motionweave.tracks.camera_warp import nearness_of, warp_by_camera
from motionweave.tracks.timeline import parse_curve
from motionweave.types import Size

FPS = Fraction(24)


def path(fps=FPS, seconds=1.0, **moves):
    curves = {name: parse_curve(str(text)) for name, text in moves.items()}
    return camera_path(CameraRequest("static", seconds=seconds, fps=fps), curves)


@pytest.mark.parametrize("name", CAMERA_PRESETS)
def test_a_named_move_is_recovered_from_its_rays(name):
    assert path_error(camera_path(CameraRequest(name, seconds=0.5, fps=Fraction(12)))) < 1e-5


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_any_move_is_recovered_from_its_rays(seed):
    assert path_error(random_path(seed)) < 1e-5


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 10), st.integers(1, 5))
def test_a_windows_cameras_are_the_wholes_slice(seed, start, count):
    whole, stop = random_path(seed), min(12, start + count)
    cut = whole.window(start, stop).poses()
    np.testing.assert_allclose(cut.position, whole.poses().position[start:stop], atol=1e-12)
    np.testing.assert_allclose(cut.rotation, whole.poses().rotation[start:stop], atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_twice_the_frame_rate_has_the_same_cameras_at_the_same_times(seed):
    whole = random_path(seed)
    doubled = whole.resample(whole.fps * 2)
    assert len(doubled) == 2 * len(whole)
    np.testing.assert_allclose(doubled.poses().position[::2], whole.poses().position, atol=1e-12)


def test_given_cameras_are_joined_by_straight_lines_and_shortest_turns():
    given_ones = CameraFrames(path(pan="0: 0, 1: 20", truck="0: 0, 1: 1").poses(), FPS)
    between = given_ones.resample(FPS * 2).poses()
    np.testing.assert_allclose(between.position[1], given_ones.poses().position[:2].mean(0), atol=1e-9)
    assert np.linalg.det(between.rotation) == pytest.approx(1.0)
    np.testing.assert_allclose(between.rotation[::2], given_ones.poses().rotation, atol=1e-9)


@pytest.mark.parametrize(
    ("move", "amount", "axis", "sign"),
    [("truck", 0.1, 0, -1), ("pedestal", 0.1, 1, 1), ("pan", 5, 0, -1), ("tilt", 5, 1, 1)],
)
def test_pixels_go_against_the_camera(move, amount, axis, sign):
    """A camera that goes or turns right sees the picture go left; one that goes or turns up sees it go down."""
    flow = image_motion(path(seconds=2 / 24, **{move: f"0: 0, {1 / 24}: {amount}"}), Size(32, 24))[0]
    assert torch.sign(flow[axis].mean()) == sign
    assert flow[axis].abs().mean() > 5 * flow[1 - axis].abs().mean()


def test_a_small_pan_moves_the_middle_by_focal_length_times_angle():
    degrees, size = 1.0, Size(65, 65)
    track = path(seconds=2 / 24, pan=f"0: 0, {1 / 24}: {degrees}")
    expected = -track.focal * size.height * np.tan(np.deg2rad(degrees))
    assert float(image_motion(track, size)[0, 0, 32, 32]) == pytest.approx(expected, rel=1e-3)


def test_a_roll_turns_the_picture_the_other_way_about_its_middle():
    flow = image_motion(path(seconds=2 / 24, roll=f"0: 0, {1 / 24}: 10"), Size(33, 33))[0]
    assert flow[:, 16, 16].abs().max() < 1e-4
    assert flow[0, 2, 16] < 0 < flow[0, 30, 16]  # rolled clockwise, the camera sees things turn counter-clockwise


def test_near_things_move_more_than_far_ones():
    metres = torch.ones(1, 16, 32)
    metres[..., 16:] = 3.0
    flow = image_motion(path(seconds=2 / 24, truck=f"0: 0, {1 / 24}: 0.1"), Size(32, 16), metres)[0, 0]
    assert float(flow[:, :16].mean() / flow[:, 16:].mean()) == pytest.approx(3.0, rel=1e-3)


def test_a_camera_at_rest_moves_nothing_and_changes_no_pixel():
    image = torch.rand(1, 3, 24, 40, generator=torch.Generator().manual_seed(0))
    still = path(seconds=3 / 24)
    assert image_motion(still, Size(40, 24)).abs().max() < 1e-4
    view = warp_by_camera(image, still, torch.rand(24, 40, generator=torch.Generator().manual_seed(1)))
    assert (view.frames - image).abs().max() < 2e-2
    assert view.holes.mean() < 0.01


def test_a_zoom_shows_the_middle_larger():
    image = torch.zeros(1, 3, 40, 40)
    image[..., 15:25, 15:25] = 1
    view = warp_by_camera(image, path(seconds=2 / 24, zoom=f"0: 1, {1 / 24}: 2")).frames
    assert float(view[1].mean() / view[0].mean()) == pytest.approx(4.0, rel=0.1)


def test_an_orbit_keeps_the_subject_in_the_middle_and_marks_what_it_uncovers():
    image, nearness = torch.zeros(1, 3, 48, 48), torch.zeros(48, 48)
    image[..., 18:30, 18:30], nearness[18:30, 18:30] = 1, 0.5
    view = warp_by_camera(image, path(seconds=2 / 24, orbit=f"0: 0, {1 / 24}: 15"), nearness)
    assert view.frames[1, 0, 24, 24] > 0.9
    assert 0.01 < view.holes[1].mean() < 0.6
    assert view.holes[0].mean() < 0.05


def test_the_dolly_zoom_keeps_the_subjects_size():
    poses = camera_path(CameraRequest("dolly zoom", 0.8, 2.0, FPS)).poses()
    sizes = poses.focal / poses.position[:, 2]
    np.testing.assert_allclose(sizes, sizes[0], rtol=2e-3)


def test_handheld_trembles_smoothly_and_alike_for_one_seed():
    one, same, other = (camera_path(CameraRequest("handheld", seconds=3, seed=seed)) for seed in (4, 4, 5))
    assert one == same != other
    pan = one.values("pan")
    assert 0.1 < pan.std() < 2
    assert np.abs(np.diff(pan)).max() < 0.5


def test_an_amount_that_follows_a_curve_goes_there_and_back():
    track = camera_path(CameraRequest("orbit right", parse_curve("0: 0, 1: 1, 2: 0"), 2.0, FPS))
    values = track.values("orbit")
    assert (values[0], values.max(), abs(values[-1])) == pytest.approx((0, 25, 0), abs=1.2)


def test_own_keyframes_are_added_to_a_named_move_and_zooms_multiply():
    request = CameraRequest("zoom in", 1.0, 1.0, FPS, "linear")
    both = camera_path(request, parse_moves("zoom 0: 2\npan 0: 0, 1: 10"))
    np.testing.assert_allclose(both.values("zoom"), 2 * camera_path(request).values("zoom"), rtol=1e-6)
    assert both.values("pan")[-1] == pytest.approx(10 * 23 / 24)


def test_the_realestate_text_holds_the_inverse_of_each_camera():
    track = path(pan="0: 0, 1: 20", dolly="0: 0, 1: 0.4", seconds=0.25)
    matrices = camera_to_world(relative_to_first(track.poses()))
    for line, matrix in zip(write_realestate(track, Size(160, 90)).splitlines(), matrices, strict=True):
        numbers = [float(each) for each in line.split()]
        assert len(numbers) == 19
        assert numbers[1] == pytest.approx(track.focal * 90 / 160)
        world = np.vstack([np.array(numbers[7:]).reshape(3, 4), [0, 0, 0, 1]])
        np.testing.assert_allclose(world @ matrix, np.eye(4), atol=1e-6)


def test_rays_have_unit_directions_and_moments_across_them():
    rays = plucker_rays(random_path(3), Size(12, 8)).double()
    moment, direction = rays[:, :3], rays[:, 3:]
    assert (direction.norm(dim=1) - 1).abs().max() < 1e-6
    assert (moment * direction).sum(1).abs().max() < 1e-5
    assert moment[0].abs().max() == 0  # the first camera stands at the origin


@pytest.mark.parametrize(
    ("text", "word"),
    [("spin 0: 1", "spin"), ("pan 0: 1\npan 0: 2", "twice"), ("pan 0: far", "far"), ("zoom 0: 0", "zoom")],
)
def test_moves_that_cannot_be_read_are_named(text, word):
    with pytest.raises(InputError, match=word):
        camera_path(CameraRequest("static"), parse_moves(text))


def test_what_makes_no_sense_is_refused():
    with pytest.raises(InputError, match="known are"):
        camera_path(CameraRequest("teleport"))
    with pytest.raises(InputError, match="at least one frame"):
        camera_path(CameraRequest("static", seconds=0.01))
    with pytest.raises(InputError, match="subject"):
        path(dolly="0: 0, 1: 1")
    with pytest.raises(InputError, match="once"):
        CameraPath((("pan", parse_curve("1")), ("pan", parse_curve("2"))), FPS, 0, 5)
    with pytest.raises(InputError, match="relief"):
        warp_by_camera(torch.zeros(1, 3, 8, 8), path(), relief=3.0)


def test_a_depth_picture_of_another_size_is_fitted_to_the_image():
    assert nearness_of(torch.rand(1, 3, 10, 20), torch.zeros(1, 3, 16, 32)).shape == (16, 32)


def test_every_move_changes_the_preview():
    still = camera_sheet(path())
    for move in MOVES:
        value = {"zoom": 1.5, "dolly": 0.3, "truck": 0.2, "pedestal": 0.2}.get(move, 15)
        assert (camera_sheet(path(**{move: f"0: {1 if move == 'zoom' else 0}, 1: {value}"})) - still).abs().max() > 0.2
