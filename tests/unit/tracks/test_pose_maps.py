"""Pose maps that others drew: read as they are needed, and doubted where they are no pose maps."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

from motionweave.errors import InputError, ShapeError
from motionweave.marionette.skeleton import pose_skeleton, wholebody_keypoints
from motionweave.marionette.world import camera_of, clip_times, make_world, motion_at, render_clip
from motionweave.media import VideoWriter, read_clip
from motionweave.tracks.keypoints import from_wholebody
from motionweave.tracks.pose import KeypointTrack, PoseMapFrames, pose_map_file
from motionweave.tracks.pose_map_check import doubt_pose_maps
from motionweave.tracks.pose_sheet import choice_sheet, draw_range, fit_sheet, steadiness_plot, track_sheet
from motionweave.tracks.pose_styles import POSE_STYLES
from motionweave.types import Size

FPS = Fraction(24)


def marionette(seed: int, frames: int = 4) -> KeypointTrack:
    world, size = make_world(seed), Size(128, 128)
    skeleton = pose_skeleton(world.character, motion_at(world, clip_times(frames, FPS)))
    points, _, _ = camera_of(world, frames).project(wholebody_keypoints(skeleton), size)
    seen = np.ones((*points.shape[:2], 1))
    return KeypointTrack(tuple((from_wholebody(f),) for f in np.concatenate([points, seen], -1)), size, FPS)


@pytest.fixture
def film(tmp_path):
    path = tmp_path / "maps.mp4"
    with VideoWriter(path, fps=FPS, size=Size(64, 64), crf=12) as writer:
        writer.write(marionette(1, 30).drawn(Size(64, 64)))
    return path


@pytest.mark.parametrize("fps", [FPS, Fraction(30), Fraction(10)])
def test_every_window_of_a_file_is_the_part_that_reading_from_the_front_gives(film, fps):
    track = pose_map_file(film).resample(fps)
    whole = read_clip(film, fps=fps, size=Size(48, 48))
    assert len(track) == len(whole)
    for start in range(0, len(track) - 6, 4):
        assert torch.equal(track.window(start, start + 7).drawn(Size(48, 48))[:7], whole[start : start + 7])
    assert torch.equal(track.window(2, 9).window(1, 3).drawn(Size(48, 48)), whole[3:5])


def test_windows_of_a_track_share_one_reader_and_do_not_count_as_other_tracks_for_it(film):
    track = pose_map_file(film)
    assert track.window(0, 5).reader is track.window(5, 9).reader
    assert track == pose_map_file(film)


@pytest.mark.parametrize("side", [16, 32, 64, 512])
@pytest.mark.parametrize("seed", range(4))
def test_right_maps_are_never_doubted(side, seed):
    assert doubt_pose_maps(marionette(seed).drawn(Size(side, side))) is None


def test_maps_that_went_through_a_lossy_film_are_not_doubted(film):
    assert doubt_pose_maps(read_clip(film, size=Size(64, 64))) is None


def test_nobody_and_a_face_of_white_dots_alone_are_not_doubted():
    black = torch.zeros(3, 3, 64, 64, dtype=torch.uint8)
    assert doubt_pose_maps(black) is None
    dots = black.clone()
    dots[..., ::8, ::8] = 255
    assert doubt_pose_maps(dots) is None


def test_a_few_black_frames_do_not_hide_a_film():
    frames = torch.cat([torch.zeros(7, 3, 32, 32), torch.full((1, 3, 32, 32), 120.0)]).to(torch.uint8)
    assert "Extract Pose" in (doubt_pose_maps(frames) or "")


def test_footage_depth_and_densepose_are_told_apart_from_poses():
    footage = render_clip(make_world(3), np.zeros(2), FPS, Size(64, 64)).frames
    assert "Extract Pose instead" in (doubt_pose_maps((footage * 255).to(torch.uint8)) or "")
    depth = torch.zeros(1, 3, 64, 64, dtype=torch.uint8)
    depth[..., 10:50, 20:50] = torch.linspace(80, 255, 30).to(torch.uint8)
    assert "depth" in (doubt_pose_maps(depth) or "")
    densepose = torch.tensor([68, 1, 84], dtype=torch.uint8)[None, :, None, None].repeat(2, 1, 64, 64)
    densepose[:, :, 10:50, 20:40] = torch.tensor([30, 200, 60], dtype=torch.uint8)[:, None, None]
    assert "DensePose" in (doubt_pose_maps(densepose) or "")


def test_the_sheet_of_doubtful_maps_says_so_and_the_log_too(caplog):
    right = PoseMapFrames(marionette(1, 6).drawn(Size(64, 64)).float() / 255, FPS)
    wrong = PoseMapFrames(torch.rand(6, 3, 64, 64), FPS)
    sheet, warned = track_sheet(right), track_sheet(wrong)
    assert "do not look like pose maps" in caplog.text
    assert warned.shape[2] > sheet.shape[2]
    assert sheet.shape[:2] == (1, 3)


def test_sheets_show_a_track_before_and_after_what_was_done_to_it():
    track = marionette(2, 5)
    picture = torch.rand(1, 3, 50, 50)
    assert fit_sheet(track, track, track).shape[2:] == (2 * 192, 4 * 192)
    over = fit_sheet(track, track, track, picture)
    assert over.shape[2:] == (2 * 192, 4 * 192)
    assert float(over[..., :5, :5].mean()) > 0
    both = replace(track, frames=tuple(frame * 2 for frame in track.frames))
    assert choice_sheet(both, track).shape[:2] == (1, 3)
    assert steadiness_plot(track, track).shape == (1, 3, 288, 768)
    nobody = replace(track, frames=((), *track.frames[1:]))
    assert steadiness_plot(nobody, track).shape == (1, 3, 288, 768)


def test_a_range_is_drawn_as_far_as_the_track_goes_and_only_keypoints_have_a_choice_of_looks(film):
    track, maps = marionette(2, 5), pose_map_file(film)
    thin = POSE_STYLES.get("mimicmotion").build()
    assert len(draw_range(track, 3, 48, Size(32, 32))) == 2
    assert not torch.equal(draw_range(track, 0, 1, Size(64, 64)), draw_range(track, 0, 1, Size(64, 64), thin))
    assert len(draw_range(maps, 0, 4, Size(32, 32))) == 4
    with pytest.raises(InputError, match="the track has 5 frames"):
        draw_range(track, 5, 1, Size(32, 32))
    with pytest.raises(InputError, match="hold no keypoints"):
        draw_range(maps, 0, 4, Size(32, 32), thin)


def test_maps_in_memory_have_their_size_as_canvas_and_a_shape():
    assert PoseMapFrames(torch.zeros(2, 3, 30, 40), FPS).canvas == Size(40, 30)
    with pytest.raises(ShapeError):
        PoseMapFrames(torch.zeros(2, 30, 40, 3)[..., 0], FPS)


def test_maps_are_fitted_whole_and_centred_and_held_at_another_rate():
    maps = PoseMapFrames(torch.ones(2, 3, 16, 32), FPS)
    drawn = maps.drawn(Size(32, 32))
    assert drawn[:, :, 8:24].eq(255).all()
    assert drawn[:, :, :8].eq(0).all()
    assert len(maps.resample(Fraction(48))) == 4
