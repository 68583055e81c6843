"""Light tracks: their clock, their set-ups, their changes, their pictures."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from motionweave.errors import InputError, ShapeError
from motionweave.tracks.light import (
    LightAnimation,
    LightTrack,
    animate_light,
    direction_of,
    dominant_direction,
    light_from_panorama,
    light_track,
    scale_light,
)
from motionweave.tracks.light_preview import draw_sphere, preview_light
from motionweave.tracks.light_setup import LIGHT_PRESETS, Lamp, LightSetup
from motionweave.tracks.linear_light import black_body, linear_from_srgb, read_colour, srgb_from_linear
from motionweave.tracks.spherical_harmonics import ambient_light, shading
from motionweave.tracks.timeline import Curve, Keyframe, parse_curve

FPS = Fraction(24)
LEFT, RIGHT = (light_track(Lamp(azimuth, 0).coefficients()) for azimuth in (-90, 90))


def ramp(count: int) -> LightTrack:
    return LightTrack(torch.arange(count).float()[:, None, None].expand(-1, 9, 3), FPS)


@pytest.mark.parametrize(
    ("azimuth", "elevation", "expected"),
    [(0, 0, (0, 0, 1)), (90, 0, (1, 0, 0)), (-90, 0, (-1, 0, 0)), (180, 0, (0, 0, -1)), (33, 90, (0, 1, 0))],
)
def test_angles_mean_what_people_say(azimuth, elevation, expected):
    assert np.allclose(direction_of(azimuth, elevation), expected, atol=1e-12)


@given(st.floats(-180, 180), st.floats(-89, 89), st.floats(0, 1), st.floats(0, 2))
def test_the_dominant_direction_of_one_lamp_over_ambient_light_is_the_lamps(azimuth, elevation, softness, ambient):
    light = LightSetup((Lamp(azimuth, elevation, 0.8, "3200K", softness),), ambient).coefficients()
    assert dominant_direction(light) @ direction_of(azimuth, elevation) > 1 - 1e-9


def test_light_from_everywhere_has_no_direction():
    with pytest.raises(InputError, match="everywhere alike"):
        dominant_direction(ambient_light(np.ones(3)))


def test_a_lamp_of_strength_one_lights_white_white_and_a_soft_one_as_much_from_all_sides():
    facing = np.array([[0.0, 0, 1]])
    assert shading(facing, Lamp(0, 0, 1.0, "#fff").coefficients())[0, 0] == pytest.approx(1.0625, abs=1e-5)
    hard, soft = Lamp(0, 0).coefficients(), Lamp(0, 0, softness=1).coefficients()
    assert np.allclose(hard[0], soft[0])
    assert np.abs(soft[4:]).max() < 1e-12


def test_a_soft_lamp_is_the_mean_of_many_hard_ones():
    from motionweave.tracks.spherical_harmonics import directional_light, sphere_points

    points = sphere_points(20000)
    cap = points[points[:, 2] > np.cos(np.radians(45))]
    mean = np.mean([directional_light(p, np.full(3, np.pi)) for p in cap], axis=0)
    assert np.abs(mean - Lamp(0, 0, 1.0, "#ffffff", 0.5).coefficients()).max() < 5e-3


def test_a_negative_lamp_is_refused():
    with pytest.raises(InputError, match="strength of 0 or more"):
        Lamp(strength=-1).coefficients()
    with pytest.raises(InputError, match="ambient"):
        LightSetup((), -0.1).coefficients()


@pytest.mark.parametrize("name", LIGHT_PRESETS)
def test_every_preset_lights_something_and_burns_nothing_out(name):
    from motionweave.tracks.spherical_harmonics import sphere_points

    lit = shading(sphere_points(256), LIGHT_PRESETS[name].coefficients())
    assert 0.1 < lit.max() < 2


def test_colours_are_read_as_hex_and_as_temperature():
    assert np.allclose(read_colour("#ff0000"), (1, 0, 0))
    assert np.allclose(read_colour("#fb6"), read_colour("#ffbb66"))
    assert np.allclose(read_colour(" 6500k "), 1)
    warm, cool = black_body(2700), black_body(12000)
    assert warm[0] == 1
    assert warm[2] < 0.3
    assert cool[2] == 1
    assert cool[0] < 0.8


@given(st.floats(1667, 25000))
def test_hotter_is_bluer(kelvin):
    colour = black_body(kelvin)
    assert colour.max() == 1
    if kelvin < 24000:
        later = black_body(kelvin + 1000)
        assert later[2] / later[0] >= colour[2] / colour[0] - 1e-6


@pytest.mark.parametrize("text", ["reddish", "#12345", "#000000", "500K", "99999K", ""])
def test_a_colour_that_is_none_is_refused_in_plain_words(text):
    with pytest.raises(InputError, match="colour"):
        read_colour(text)


def test_srgb_and_linear_are_inverses():
    values = torch.linspace(0, 1, 256, dtype=torch.float64)
    assert torch.allclose(srgb_from_linear(linear_from_srgb(values)), values, atol=1e-9)


def test_resampling_reads_the_light_between_frames_and_keeps_the_clock():
    track = ramp(25).resample(Fraction(30000, 1001))
    times = np.arange(len(track)) * 1001 / 30000
    assert len(track) == 32
    assert np.allclose(track.coefficients[:, 0, 0], np.minimum(times * 24, 24), atol=1e-5)


def test_ten_minutes_of_resampling_do_not_drift():
    track = ramp(14400).resample(Fraction(30000, 1001))
    assert float(track.coefficients[17000, 0, 0]) == pytest.approx(17000 * 1001 / 30000 * 24, abs=1e-2)


def test_windows_are_cut_and_refused_beyond_the_end():
    assert ramp(10).window(3, 5).coefficients[:, 0, 0].tolist() == [3, 4]
    with pytest.raises(InputError):
        ramp(10).window(5, 11)


def test_a_held_light_is_as_long_as_asked():
    assert ramp(3).held(5).coefficients[:, 0, 0].tolist() == [0, 1, 2, 2, 2]
    assert len(ramp(3).held(2)) == 2


def test_a_light_of_another_shape_is_refused():
    with pytest.raises(ShapeError):
        LightTrack(torch.zeros(9, 3), FPS)
    with pytest.raises(InputError):
        LightTrack(torch.zeros(0, 9, 3), FPS)


def test_a_blend_starts_at_the_first_light_and_ends_at_the_last():
    moving = animate_light(LEFT, RIGHT, LightAnimation(2.0, "ease"))
    assert len(moving) == 48
    assert torch.equal(moving.coefficients[0], LEFT.coefficients[0])
    assert torch.allclose(moving.coefficients[-1], RIGHT.coefficients[0])


def test_a_turntable_goes_round_by_the_right_and_loops():
    front = light_track(Lamp(0, 20).coefficients())
    moving = animate_light(front, front, LightAnimation(4.0, turn_degrees=360))
    directions = [dominant_direction(c.double().numpy()) for c in moving.coefficients]
    for quarter, azimuth in enumerate((0, 90, 180, 270)):
        assert directions[24 * quarter] @ direction_of(azimuth, 20) > 1 - 1e-5
    step = np.degrees(np.arccos(np.clip(directions[-1] @ directions[0], -1, 1)))
    assert 0 < step < 360 / 96 + 0.1


def test_an_animation_shorter_than_a_frame_is_refused():
    with pytest.raises(InputError, match="less than a frame"):
        animate_light(LEFT, RIGHT, LightAnimation(0.01))


def test_strength_follows_a_curve_over_seconds():
    lit = scale_light(LEFT.held(49), parse_curve("0: 1, 2: 0"))
    share = (lit.coefficients / LEFT.coefficients)[:, 0, 0]
    assert share[[0, 24, 48]].tolist() == pytest.approx([1, 0.5, 0], abs=1e-6)
    with pytest.raises(InputError, match="-1"):
        scale_light(LEFT, Curve((Keyframe(0, -1.0),)))


def test_a_white_panorama_lights_white_and_a_stop_doubles():
    light = light_from_panorama(torch.ones(2, 3, 32, 64), stops=1.0)
    assert len(light) == 2
    assert np.allclose(shading(np.eye(3), light.coefficients[0].numpy()), 2, atol=2e-3)


def test_a_turned_panorama_brings_the_viewers_side_to_the_right():
    panorama = torch.zeros(1, 3, 32, 64)
    panorama[..., :2] = 1
    panorama[..., -2:] = 1
    light = light_from_panorama(panorama, turn_degrees=90).coefficients[0].double().numpy()
    assert dominant_direction(light) @ (1, 0, 0) > 0.999


def test_the_sphere_is_bright_where_the_light_comes_from():
    sphere = draw_sphere(Lamp(-90, 0).coefficients(), 64)
    assert tuple(sphere.shape) == (1, 3, 64, 64)
    assert sphere[0, :, 32, 8].mean() > 2 * sphere[0, :, 32, 44].mean()
    top = draw_sphere(Lamp(0, 90).coefficients(), 64)
    assert top[0, :, 8, 32].mean() > 2 * top[0, :, 56, 32].mean()


def test_a_changing_light_is_shown_as_a_strip_from_first_to_last():
    strip = preview_light(animate_light(LEFT, RIGHT, LightAnimation(2.0)))
    assert tuple(strip.shape) == (1, 3, 192, 8 * 192)
    first, last = strip[0, :, 96, 30].mean(), strip[0, :, 96, 7 * 192 + 30].mean()
    assert first > 2 * last
    assert tuple(preview_light(LEFT).shape[:2]) == (1, 3)
