"""Camera tracks: exact on any clock, recovered from their rays, and true to what pixels do."""

import json
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from motionweave.bench.camera import path_error, random_path
from motionweave.errors import InputError
from motionweave.runtime import Folders, LocalRuntime
from motionweave.tracks.camera import MOVES, CameraFrames, CameraPath, CameraPoses
from motionweave.tracks.camera_moves import CAMERA_PRESETS, CameraRequest, camera_path, parse_moves
from motionweave.tracks.camera_preview import camera_rows, camera_sheet
from motionweave.tracks.camera_rays import (
    image_motion,
    plucker_rays,
    recover_cameras,
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


@settings(max_examples=20, deadline=None)
@given(st.floats(-20, 20), st.floats(-15, 15), st.floats(0.7, 3), st.integers(12, 40), st.integers(12, 40))
def test_a_turn_moves_every_pixel_as_the_homography_does(pan, tilt, focal, width, height):
    """Whatever the depth: x' = K R K^-1 x, with R the turn in OpenCV's axes (Hartley and Zisserman, 8.4.2)."""
    curves = {"pan": parse_curve(f"0: 0, {1 / 24}: {pan}"), "tilt": parse_curve(f"0: 0, {1 / 24}: {tilt}")}
    track = camera_path(CameraRequest("static", seconds=2 / 24, focal=focal), curves)
    size = Size(width, height)
    y, p = np.deg2rad(pan), np.deg2rad(tilt)
    about_down = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
    about_right = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    lens = np.array([[focal * height, 0, width / 2], [0, focal * height, height / 2], [0, 0, 1]])
    here = np.stack([*np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5), np.ones((height, width))])
    there = np.einsum("ij,jhw->ihw", lens @ about_right @ about_down @ np.linalg.inv(lens), here)
    seen = there[2] > 0.2
    expected = there[:2] / there[2:] - here[:2]
    for depth in (None, torch.rand(1, height, width, generator=torch.Generator().manual_seed(1)) + 0.5):
        flow = image_motion(track, size, depth)[0].numpy()
        np.testing.assert_allclose(flow[:, seen], expected[:, seen], rtol=1e-3, atol=1e-3)


def test_motion_is_not_a_number_where_no_wall_is_seen_and_depth_must_fit():
    flow = image_motion(path(seconds=2 / 24, pan="60"), Size(64, 32))[0]
    assert flow[:, :, :20].isfinite().all()
    assert flow[:, :, -4:].isnan().all()
    with pytest.raises(InputError, match="depth has shape"):
        image_motion(path(seconds=3 / 24), Size(64, 32), torch.ones(2, 32, 64))


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
    assert (view.frames - image).abs().max() < 1e-4
    assert view.holes.sum() == 0


@pytest.mark.parametrize("preset", CAMERA_PRESETS)
@pytest.mark.parametrize("amount", [-1.9, 0.3, 2.0])
def test_a_moved_flat_picture_is_the_wall_that_the_motion_tells_of(preset, amount):
    """A ramp shows at each pixel where in the picture it came from, which is what the flow backward says."""
    size = Size(36, 24)
    x, y = torch.meshgrid(torch.arange(36) + 0.5, torch.arange(24) + 0.5, indexing="xy")
    image = torch.stack([x / 36, y / 24, torch.zeros_like(x)])[None]
    track = camera_path(CameraRequest(preset, amount, 2 / 24, FPS, "linear"))
    poses = track.poses()
    back = CameraFrames(CameraPoses(poses.rotation[::-1], poses.position[::-1], poses.focal[::-1]), FPS)
    view = warp_by_camera(image, track)
    source = torch.stack([x, y]) + image_motion(back, size)[0]
    known = view.holes[1] == 0
    shown = view.frames[1, :2] * torch.tensor([36.0, 24.0])[:, None, None]
    inner = known & (source > 1).all(0) & (source[0] < 35) & (source[1] < 23)
    assert inner.any()
    assert (shown - source)[:, inner].abs().max() < 0.02


def test_a_long_path_shown_in_pieces_is_the_whole():
    image, nearness = (
        torch.rand(*shape, generator=torch.Generator().manual_seed(2)) for shape in ((1, 3, 16, 24), (16, 24))
    )
    track = camera_path(CameraRequest("arc in", seconds=0.25))
    whole = warp_by_camera(image, track, nearness)
    piece = warp_by_camera(image, track, nearness, shown=range(2, 5))
    assert torch.equal(piece.frames, whole.frames[2:5])
    assert torch.equal(piece.holes, whole.holes[2:5])


def test_each_frame_is_reported_and_an_interrupt_ends_it(tmp_path):
    told = []

    def stop_at_two(progress):
        told.append((progress.step, progress.step_count))
        if progress.step == 2:
            raise KeyboardInterrupt

    runtime = LocalRuntime(Folders(tmp_path, tmp_path, tmp_path), on_progress=stop_at_two)
    with pytest.raises(KeyboardInterrupt):
        warp_by_camera(torch.zeros(1, 3, 8, 8), path(seconds=5 / 24), runtime=runtime)
    assert told == [(1, 5), (2, 5)]


def test_what_a_near_thing_hid_is_marked_as_wide_as_it_is():
    """A near square before a far wall; the camera goes right, so the wall comes out at the square's right edge."""
    image, nearness = torch.zeros(1, 3, 96, 96), torch.zeros(96, 96)
    image[..., 32:64, 32:64], nearness[32:64, 32:64] = 1, 0.5
    track = path(seconds=2 / 24, truck=f"0: 0, {1 / 24}: 0.12")
    view = warp_by_camera(image, track, nearness)
    holes = view.holes[1]
    pitch = track.focal * 96
    uncovered = 0.12 * pitch * (1 / 1.0 - 1 / 2.0)  # the difference of both parallaxes, at depths 1 and 2
    right_border = 0.12 * pitch / 2
    assert float(holes[48].sum()) == pytest.approx(uncovered + right_border, abs=3)
    assert holes[48, :32].sum() == 0
    assert view.frames[1, 0, 48][holes[48] == 1].max() < 0.1  # filled with the wall, not with the square


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


def test_an_amount_that_jumps_jumps_in_the_path_too_at_any_frame_rate():
    curve = parse_curve("0: 0 hold, 0.51: 1 hold, 0.77: 0.5")
    own = parse_moves("pan 0: 3 hold, 0.33: 6\nzoom 0: 2 hold, 0.4: 1")
    for preset, move, end in (("orbit right", "orbit", 25), ("pan right", "pan", 15), ("zoom in", "zoom", 1.6)):
        track = camera_path(CameraRequest(preset, curve, 1.0, FPS), own).resample(Fraction(1000))
        amount = curve.sample(0, 1000, Fraction(1000))
        expected = end**amount if move == "zoom" else end * amount
        if move in own:
            added = own[move].sample(0, 1000, Fraction(1000))
            expected = expected * added if move == "zoom" else expected + added
        np.testing.assert_allclose(track.values(move), expected, rtol=1e-9)


def test_own_keyframes_are_added_to_a_named_move_and_zooms_multiply():
    request = CameraRequest("zoom in", 1.0, 1.0, FPS, "linear")
    both = camera_path(request, parse_moves("zoom 0: 2\npan 0: 0, 1: 10"))
    np.testing.assert_allclose(both.values("zoom"), 2 * camera_path(request).values("zoom"), rtol=1e-6)
    assert both.values("pan")[-1] == pytest.approx(10 * 23 / 24)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 10))
def test_rays_of_a_window_are_the_wholes_slice_and_tell_where_it_is(seed, start):
    whole, size = random_path(seed), Size(10, 8)
    window = whole.window(start, 12)
    assert torch.allclose(plucker_rays(window, size, whole), plucker_rays(whole, size)[start:], atol=1e-6)
    assert plucker_rays(window, size)[0, :3].abs().max() == 0  # without it, its own first frame is the origin
    found = recover_cameras(plucker_rays(window, size, whole)).position[0]
    np.testing.assert_allclose(found, recover_cameras(plucker_rays(whole, size)).position[start], atol=1e-4)


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


def test_what_is_told_of_a_path_is_json_and_its_very_cameras():
    track = path(seconds=4.0, pan="0: 0, 4: 20", dolly="0: 0, 4: 0.4")
    told = json.loads(json.dumps(camera_rows(track, most=5)))
    assert (told["frames"], told["fps"]) == (96, 24.0)
    chosen = [each["frame"] for each in told["cameras"]]
    assert (chosen[0], chosen[-1]) == (0, 95)
    assert len(chosen) == 5
    for name in ("rotation", "position", "focal"):
        wanted = getattr(track.poses(), name)[chosen]
        np.testing.assert_allclose([each[name] for each in told["cameras"]], wanted, atol=1e-5)
