"""Camera paths as text: what is written comes back, what others write is read on its own clock."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionweave.bench.camera import random_path
from motionweave.errors import InputError
from motionweave.tracks.camera_files import read_realestate, write_realestate
from motionweave.tracks.camera_moves import CameraRequest, camera_path
from motionweave.tracks.camera_rays import camera_to_world, relative_to_first
from motionweave.tracks.timeline import parse_curve
from motionweave.types import Size

FPS = Fraction(24)


def dolly():
    curves = {"pan": parse_curve("0: 0, 1: 20"), "dolly": parse_curve("0: 0, 1: 0.4")}
    return camera_path(CameraRequest("static", seconds=0.25), curves)


def test_each_line_holds_the_inverse_of_a_camera_after_a_first_line_that_readers_skip():
    track = dolly()
    title, *lines = write_realestate(track, Size(160, 90)).splitlines()
    assert len(title.split()) == 1
    matrices = camera_to_world(relative_to_first(track.poses()))
    for index, (line, matrix) in enumerate(zip(lines, matrices, strict=True)):
        numbers = [float(each) for each in line.split()]
        assert len(numbers) == 19
        assert numbers[0] == round(index * 1_000_000 / 24)
        assert numbers[1:7] == pytest.approx([track.focal * 90 / 160, track.focal, 0.5, 0.5, 0, 0])
        world = np.vstack([np.array(numbers[7:]).reshape(3, 4), [0, 0, 0, 1]])
        np.testing.assert_allclose(world @ matrix, np.eye(4), atol=1e-6)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([Fraction(12), Fraction(24), Fraction(30000, 1001), Fraction(7, 3)]))
def test_a_path_comes_back_from_its_text(seed, fps):
    track = random_path(seed).resample(fps)
    text = write_realestate(track, Size(64, 40))
    for given_text in (text, text.partition("\n")[2]):
        found = read_realestate(given_text, fps)
        assert (len(found), found.fps) == (len(track), fps)
        true, read = relative_to_first(track.poses()), relative_to_first(found.poses())
        np.testing.assert_allclose(read.rotation, true.rotation, atol=1e-4)
        np.testing.assert_allclose(read.position, true.position, atol=1e-4)
        np.testing.assert_allclose(read.focal, true.focal, rtol=1e-4)


def test_a_read_path_begins_in_front_of_the_subject_and_its_lengths_are_scaled():
    track = dolly()
    read = read_realestate(write_realestate(track, Size(64, 64)), FPS, scale=3.0).poses()
    np.testing.assert_allclose(read.position[0], (0, 0, 1), atol=1e-6)
    np.testing.assert_allclose(read.rotation[0], np.eye(3), atol=1e-6)
    np.testing.assert_allclose(read.position[-1, 2], 1 - 3 * track.values("dolly")[-1], atol=1e-6)


def test_uneven_times_are_read_on_their_own_clock():
    even = write_realestate(dolly(), Size(64, 64)).splitlines()
    uneven = "\n".join(even[:3] + even[4:])  # one camera is missing
    found, whole = read_realestate(uneven, FPS), read_realestate("\n".join(even), FPS)
    assert len(found) == len(whole)
    np.testing.assert_allclose(found.poses().position, whole.poses().position, atol=1e-6)


LINE = "0 0.8 1.4 0.5 0.5 0 0 1 0 0 0 0 1 0 0 0 0 1 0"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "no camera in the text"),
        ("https://www.youtube.com/watch?v=x\n", "no camera in the text"),
        (f"title\n{LINE}\n{LINE.replace('0 0.8', '33 wide')}", "wide"),
        (f"title\n{LINE} 4", "19 numbers"),
        (f"title\n{LINE}\n{LINE}", "rise"),
        (LINE.replace("0.5 0.5", "0.3 0.5"), "middle"),
        (LINE.replace("1 0 0 0 0 1", "2 0 0 0 0 1"), "a turn"),
    ],
)
def test_what_is_no_path_is_named(text, word):
    with pytest.raises(InputError, match=word):
        read_realestate(text, FPS)
