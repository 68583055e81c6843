"""Samples that stand for other tools' files are read as those files are."""

from fractions import Fraction

from motionweave.longform.folder import open_clip_folder
from motionweave.marionette.sample_files import write_sample_clips, write_sample_keypoints
from motionweave.tracks.pose_files import read_pose_file


def test_the_sample_clips_share_the_frames_that_they_say(tmp_path):
    row = open_clip_folder(write_sample_clips(tmp_path), overlap=4)
    assert [clip.frame_count for clip in row.clips()] == [12, 8, 8]
    assert row.fps == 12


def test_the_sample_keypoints_are_one_whole_figure_in_every_frame(tmp_path):
    track = read_pose_file(write_sample_keypoints(tmp_path), Fraction(12))
    assert (len(track), track.canvas.width) == (48, 512)
    assert all(len(frame) == 1 and (frame[0].body[:, 2] > 0).sum() >= 14 for frame in track.frames)


def test_samples_that_are_there_are_not_written_again(tmp_path):
    file, clips = write_sample_keypoints(tmp_path), write_sample_clips(tmp_path)
    before = [path.stat().st_mtime_ns for path in (file, *clips.iterdir())]
    write_sample_keypoints(tmp_path), write_sample_clips(tmp_path)
    assert [path.stat().st_mtime_ns for path in (file, *clips.iterdir())] == before
