"""From a voice to a speaking pose: the mouth against the speaker's own, heads, still poses, missing faces."""

import logging
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

from motionweave.errors import InputError
from motionweave.marionette import clip_times, make_world
from motionweave.marionette.motion import mouth_opening
from motionweave.marionette.skeleton import pose_skeleton, wholebody_keypoints
from motionweave.marionette.voice import speak
from motionweave.marionette.world import camera_of, motion_at
from motionweave.tracks.face_motion import WIDEST, FaceMotionOptions, speech_to_face_motion
from motionweave.tracks.face_points import FACE_68, MOUTH_SHARES, USUAL, place_heads
from motionweave.tracks.keypoints import Person, from_wholebody
from motionweave.tracks.pose import KeypointTrack
from motionweave.tracks.prosody import read_prosody
from motionweave.tracks.speech_motion import MotionCurves, mouth_opening_of, speech_motion
from motionweave.tracks.speech_preview import face_motion_sheet
from motionweave.tracks.stacking import stack_people
from motionweave.types import Audio, Size

FPS = Fraction(25)
SIZE = Size(512, 512)
HELD_OUT = range(1_000_000, 1_000_006)
NOTHING = np.zeros((0, 3), np.float32)


def marionette(seed: int, frames: int) -> KeypointTrack:
    world = make_world(seed)
    times = clip_times(frames, FPS)
    skeleton = pose_skeleton(world.character, motion_at(world, times))
    points, _, _ = camera_of(world, frames).project(wholebody_keypoints(skeleton), SIZE)
    sure = np.ones((frames, points.shape[1], 1))
    people = (from_wholebody(row.astype(np.float32)) for row in np.concatenate([points, sure], -1))
    return KeypointTrack(tuple((person,) for person in people), SIZE, FPS)


def tone(seconds: float, hz: float = 140.0, rate: int = 16_000) -> torch.Tensor:
    time = torch.arange(round(seconds * rate)) / rate
    return sum((torch.sin(2 * torch.pi * hz * part * time) / part for part in range(1, 9)), torch.zeros(())) / 4


def noise(seconds: float, rate: int = 16_000) -> torch.Tensor:
    return torch.randn(round(seconds * rate), generator=torch.Generator().manual_seed(2)) * 0.1


def gaps(track: KeypointTrack) -> np.ndarray:
    """How far apart the inner lips are, in eye distances, along the face."""
    points = stack_people([people[0] for people in track.frames])
    place = place_heads(points)
    between = points[:, 18 + 66, :2] - points[:, 18 + 62, :2]
    return (between * place.down).sum(-1) / place.scale


@pytest.mark.parametrize("seed", HELD_OUT)
def test_the_mouth_follows_the_speakers_own_without_lag(seed):
    count = 150
    found = speech_motion(read_prosody(speak(seed, count / 25)), FPS, count, 0).opening
    times = np.arange(count) / 25
    lags = np.arange(-100, 101, 4) / 1000
    shifted = [np.corrcoef(found, mouth_opening(seed, times - lag))[0, 1] for lag in lags]
    assert shifted[len(lags) // 2] > 0.9
    assert abs(lags[int(np.argmax(shifted))]) < 0.02


def test_pitch_and_voicing_are_read_where_there_is_a_voice():
    prosody = read_prosody(Audio(torch.cat([tone(0.5), 0 * tone(0.5), noise(0.5)])[None], 16_000))
    voiced, silent, hissing = (slice(first, first + 35) for first in (8, 58, 108))
    assert np.abs(prosody.pitch_hz[voiced] - 140).max() < 1.5
    assert prosody.voicing[voiced].min() > 0.95
    assert not prosody.loudness[silent].any()
    assert not prosody.pitch_hz[silent].any()
    assert prosody.voicing[hissing].max() < 0.6


def test_loudness_is_the_root_mean_square_of_the_speech_band():
    sine = torch.sin(2 * torch.pi * 1000 * torch.arange(16_000) / 16_000)
    rumble = torch.sin(2 * torch.pi * 40 * torch.arange(16_000) / 16_000)
    assert read_prosody(Audio(0.5 * sine[None], 16_000)).loudness[20:80] == pytest.approx(0.5 / 2**0.5, rel=1e-3)
    assert read_prosody(Audio(rumble[None], 16_000)).loudness[20:80].max() < 0.1


@pytest.mark.parametrize("gain", [1.0, 1e-2])
def test_the_opening_is_relative_to_the_clip(gain):
    voice = speak(1_000_001, 4)
    loud = mouth_opening_of(read_prosody(voice))
    other = mouth_opening_of(read_prosody(replace(voice, waveform=voice.waveform * gain)))
    assert np.abs(loud - other).max() < 0.05
    assert np.percentile(loud, 95) > 0.85


@pytest.mark.parametrize("sound", [torch.zeros(32_000), 1e-5 * noise(2), 0.01 * noise(2), noise(2)])
def test_silence_and_steady_noise_open_no_mouth(sound):
    assert mouth_opening_of(read_prosody(Audio(sound[None], 16_000))).max() < 0.15


def test_a_held_vowel_holds_the_mouth_open():
    assert mouth_opening_of(read_prosody(Audio(tone(2)[None], 16_000)))[20:-20].min() > 0.8


def test_hisses_open_the_mouth_less_than_vowels_of_the_same_loudness():
    vowel = tone(0.5)
    hiss = noise(0.5)
    hiss = hiss * vowel.std() / hiss.std()
    pause = torch.zeros(6_000)
    opening = mouth_opening_of(read_prosody(Audio(torch.cat([pause, vowel, pause, hiss, pause])[None], 16_000)))
    assert opening[50:80].mean() > 2 * opening[137:170].mean()


def test_a_models_curves_take_the_place_of_loudness_and_are_scaled_like_it():
    voice, track = speak(1_000_002, 2), marionette(1_000_002, 50)
    times = np.arange(50) / 25
    opening = 0.5 + 0.5 * np.sin(2 * np.pi * 1.5 * np.arange(100) / 50)
    told = MotionCurves(0.0, 50.0, {"opening": opening})
    talking = speech_to_face_motion(voice, track, FaceMotionOptions(mouth=0.5), told)
    plain = speech_to_face_motion(voice, track, FaceMotionOptions(mouth=0.5))
    np.testing.assert_allclose(talking.motion.opening, 0.5 + 0.5 * np.sin(2 * np.pi * 1.5 * times), atol=1e-9)
    assert np.corrcoef(gaps(talking.track), opening[::2])[0, 1] > 0.99
    assert np.abs(gaps(talking.track) - gaps(plain.track)).max() > 0.1 * WIDEST
    np.testing.assert_array_equal(talking.motion.pitch, plain.motion.pitch)


def test_the_lips_open_as_far_as_the_voice_says_and_the_chin_follows():
    voice, track = speak(1_000_002, 2), marionette(1_000_002, 50)
    talking = speech_to_face_motion(voice, track, FaceMotionOptions(mouth=1, head=0))
    assert np.abs(gaps(talking.track) - WIDEST * talking.motion.opening).max() < 1e-3
    still = speech_to_face_motion(voice, track.window(0, 1), FaceMotionOptions(mouth=1, head=0))
    chin = np.array([people[0].face[8, 1] for people in still.track.frames])
    assert np.corrcoef(chin, still.motion.opening)[0, 1] > 0.999
    wide = int(talking.motion.opening.argmax())
    before, after = (each.frames[wide][0] for each in (track, talking.track))
    np.testing.assert_array_equal(after.body, before.body)
    np.testing.assert_array_equal(after.face[[0, 16, 30, 36, 45]], before.face[[0, 16, 30, 36, 45]])
    np.testing.assert_allclose(after.face[[48, 54]], before.face[[48, 54]], atol=1e-3)


def test_no_amounts_change_nothing():
    track = marionette(1_000_003, 30)
    talking = speech_to_face_motion(speak(1_000_003, 1.2), track, FaceMotionOptions(0, 0))
    for before, after in zip(track.frames, talking.track.frames, strict=True):
        np.testing.assert_allclose(after[0].face, before[0].face, atol=1e-4)
        np.testing.assert_array_equal(after[0].body, before[0].body)


def test_the_head_moves_a_little_smoothly_and_by_its_seed():
    voice, track = speak(1_000_004, 4), marionette(1_000_004, 100)
    one, two, other = (
        speech_to_face_motion(voice, track, FaceMotionOptions(0, 1, seed)).track for seed in (0, 0, 1)
    )  # fmt: skip
    ways = [
        np.array([a[0].body[0, :2] - b[0].body[0, :2] for a, b in zip(each.frames, track.frames, strict=True)])
        for each in (one, two, other)
    ]
    scale = place_heads(stack_people([people[0] for people in track.frames])).scale.mean()
    size = np.linalg.norm(ways[0], axis=-1) / scale
    assert 0.02 < size.max() < 0.5
    assert np.abs(np.diff(ways[0], axis=0)).max() / scale < 0.06
    np.testing.assert_array_equal(ways[0], ways[1])
    assert np.abs(ways[0] - ways[2]).max() / scale > 0.01
    for before, after in zip(track.frames, one.frames, strict=True):
        np.testing.assert_array_equal(after[0].body[1:14], before[0].body[1:14])
        np.testing.assert_array_equal(after[0].hand_left, before[0].hand_left)


def test_head_motion_does_not_depend_on_the_frame_rate():
    prosody = read_prosody(speak(1_000_005, 3))
    slow, fast = speech_motion(prosody, Fraction(20), 60, 3), speech_motion(prosody, Fraction(60), 180, 3)
    for name in ("opening", "yaw", "pitch", "roll"):
        np.testing.assert_allclose(getattr(slow, name), getattr(fast, name)[::3], atol=1e-12)


def test_turning_is_to_the_side_that_is_said():
    from motionweave.tracks.face_points import turn_heads

    points = stack_people([marionette(1_000_004, 1).frames[0][0]])
    place, zero, some = place_heads(points), np.zeros(1), np.array([0.1])
    ways = [
        (turn_heads(points, place, *angles) - points)[0, 0, :2]
        for angles in ((some, zero, zero), (zero, some, zero), (zero, zero, some))
    ]
    assert ways[0][0] > abs(ways[0][1])
    assert ways[1][1] > abs(ways[1][0])
    assert ways[2][0] > abs(ways[2][1])


def test_a_still_pose_speaks_for_as_long_as_the_sound_lasts():
    still = marionette(1_000_000, 1)
    talking = speech_to_face_motion(speak(1_000_000, 2.01), still)
    assert len(talking.track) == 51
    assert (talking.track.fps, talking.track.canvas) == (still.fps, still.canvas)
    opening = gaps(talking.track)
    assert np.corrcoef(opening, mouth_opening(1_000_000, np.arange(51) / 25))[0, 1] > 0.8


def test_a_longer_track_keeps_its_length_and_ends_with_a_closed_mouth(caplog):
    with caplog.at_level(logging.WARNING):
        talking = speech_to_face_motion(speak(1_000_001, 1), marionette(1_000_001, 50), FaceMotionOptions(head=0))
    assert "the track decides" in caplog.text
    assert len(talking.track) == 50
    assert np.abs(gaps(talking.track)[26:]).max() < 1e-3


def test_a_person_without_face_points_gets_a_face_that_speaks():
    track = marionette(1_000_002, 40)
    bare = replace(track, frames=tuple((replace(people[0], face=NOTHING),) for people in track.frames))
    talking = speech_to_face_motion(speak(1_000_002, 1.6), bare, FaceMotionOptions(1, 0))
    drawn = np.array([people[0].face for people in talking.track.frames])
    assert drawn.shape == (40, FACE_68, 3)
    true = np.array([people[0].face for people in track.frames])
    height = np.linalg.norm(true[:, 8, :2] - true[:, 27, :2], axis=-1).mean()
    rigid = list(range(27, 48))
    assert np.linalg.norm(drawn[:, rigid, :2] - true[:, rigid, :2], axis=-1).mean() < 0.25 * height
    assert np.corrcoef(gaps(talking.track), talking.motion.opening)[0, 1] > 0.99


def test_seventy_points_stay_seventy_and_unseen_ones_unseen():
    person = marionette(1_000_003, 1).frames[0][0]
    face = np.concatenate([person.face, person.face[[37, 43]]])
    face[3] = 0
    track = KeypointTrack(((replace(person, face=face),),), SIZE, FPS)
    talking = speech_to_face_motion(speak(1_000_003, 1), track)
    assert {people[0].face.shape for people in talking.track.frames} == {(70, 3)}
    assert not any(people[0].face[3].any() for people in talking.track.frames)


def test_of_two_people_the_larger_one_speaks_and_absences_stay():
    big, small = marionette(1_000_004, 20), marionette(1_000_005, 20)

    def shrunk(person):
        parts = (person.body, person.face, person.hand_left, person.hand_right)
        return Person(*(part * np.array([0.2, 0.2, 1], np.float32) for part in parts))

    frames = tuple(
        (shrunk(b[0]),) if index == 7 else (shrunk(b[0]), a[0])
        for index, (a, b) in enumerate(zip(big.frames, small.frames, strict=True))
    )
    talking = speech_to_face_motion(speak(1_000_004, 0.8), replace(big, frames=frames))
    assert talking.speaker[7] is None
    for index, (before, after) in enumerate(zip(frames, talking.track.frames, strict=True)):
        assert len(after) == len(before)
        np.testing.assert_array_equal(after[0].face, before[0].face)
        assert index == 7 or (after[1].face != before[1].face).any()


def test_nobody_and_nobodys_face_get_a_clear_line():
    voice = speak(0, 0.5)
    with pytest.raises(InputError, match="nobody"):
        speech_to_face_motion(voice, KeypointTrack(((), ()), SIZE, FPS))
    body = np.zeros((18, 3), np.float32)
    body[1:8] = (100, 100, 1)
    headless = Person(body, NOTHING, NOTHING, NOTHING)
    with pytest.raises(InputError, match="neither a face nor the body's eyes and nose"):
        speech_to_face_motion(voice, KeypointTrack(((headless,),), SIZE, FPS))
    with pytest.raises(InputError, match="below 0"):
        FaceMotionOptions(mouth=-1)


def test_the_usual_face_is_the_same_on_both_sides_and_its_lips_share_the_opening():
    mirrored = USUAL * [-1, 1, 1]
    swapped = [*range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1)]
    np.testing.assert_allclose(mirrored[swapped], USUAL[: len(swapped)], atol=1e-12)
    assert MOUTH_SHARES[66] - MOUTH_SHARES[62] == pytest.approx(1)
    assert MOUTH_SHARES[[48, 54, 60, 64]] == pytest.approx(0, abs=1e-9)


def test_the_sheet_shows_the_motion_and_faces():
    talking = speech_to_face_motion(speak(1_000_000, 1), marionette(1_000_000, 1))
    sheet = face_motion_sheet(talking)
    assert sheet.shape[:2] == (1, 3)
    assert sheet.shape[2] > 500
    assert (sheet[..., 300:, :] > 0.9).any()
