"""The grammar of lighting prompts, by example."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionweave.errors import InputError
from motionweave.tracks.light import direction_of, dominant_direction
from motionweave.tracks.light_prompt import COLOURS, DIRECTIONS, KINDS, SOFTNESS, STRENGTHS, choose_light
from motionweave.tracks.light_prompt import read_light_prompt as read
from motionweave.tracks.light_setup import LIGHT_PRESETS, Lamp, LightSetup


@pytest.mark.parametrize("name", LIGHT_PRESETS)
def test_a_set_ups_name_alone_is_that_set_up(name):
    assert read(name.upper()) == LIGHT_PRESETS[name]


def test_golden_hour_from_the_left_soft():
    setup, preset = read("golden hour from the left, soft"), LIGHT_PRESETS["golden hour"]
    assert (setup.lamps[0].azimuth, setup.lamps[0].elevation) == (-90, preset.lamps[0].elevation)
    assert setup.lamps[0].softness == 0.6
    assert (setup.lamps[0].colour, setup.ambient) == (preset.lamps[0].colour, preset.ambient)


def test_hard_white_light_from_above_right_and_behind_with_a_dim_blue_fill_all_strong():
    key, fill = read("hard white light from above right and behind, dim blue fill, strong").lamps
    assert (key.azimuth, key.softness, key.colour) == (135, 0, "#ffffff")
    assert 35 < key.elevation < 36
    assert fill.colour == COLOURS["blue"]
    assert fill.strength == pytest.approx(0.35 * 0.5 * 1.5)
    assert key.strength == pytest.approx(0.9 * 1.5)


@pytest.mark.parametrize(
    ("prompt", "azimuth", "elevation"),
    [("key from the right", 90, 0), ("light from above", 0, 90), ("lamp from below and front", 0, -45),
     ("from behind", 180, 0), ("red from the front left", -45, 0)],
)  # fmt: skip
def test_directions_are_the_pictures(prompt, azimuth, elevation):
    light = read(prompt).coefficients()
    assert dominant_direction(light) @ direction_of(azimuth, elevation) > 1 - 1e-9


def test_two_lights_stand_beside_each_other():
    left, right = read("magenta light from the left; cyan rim light from the right").lamps
    assert (left.azimuth, left.colour) == (-90, COLOURS["magenta"])
    assert (right.azimuth, right.strength) == (90, 1.0)


def test_colours_may_be_numbers():
    assert [lamp.colour for lamp in read("#ffb46b key, 3200K fill").lamps] == ["#ffb46b", "3200k"]


def test_shadows_are_not_black_unless_ambient_light_is_spoken_of():
    assert read("key from the left").ambient == 0.15
    assert read("key from the left, faint ambient").ambient == 0.125


def test_a_fill_stands_across_from_the_key():
    assert read("key from the left, fill").lamps[1].azimuth > 0
    assert read("key from the right, fill").lamps[1].azimuth < 0


@pytest.mark.parametrize(
    ("prompt", "meant"),
    [("godlen hour", "golden hour"), ("moonlite", "moonlight"), ("key from the lefft", "left"), ("softt key", "soft")],
)
def test_an_unknown_word_is_named_with_the_nearest_known_one_and_all_others(prompt, meant):
    with pytest.raises(InputError, match=f"not understood; did you mean '{meant}'") as caught:
        read(prompt)
    for known in (*LIGHT_PRESETS, *KINDS, *DIRECTIONS, *STRENGTHS, *SOFTNESS, *COLOURS):
        assert known in str(caught.value)


@pytest.mark.parametrize(
    ("prompt", "message"),
    [("", "is empty"), (" , ;", "is empty"), ("soft", "said of no light"), ("key left right", "cancel out")],
)
def test_prompts_that_name_no_light_are_refused(prompt, message):
    with pytest.raises(InputError, match=message):
        read(prompt)


@given(st.lists(st.sampled_from([*KINDS, *DIRECTIONS, *STRENGTHS, *SOFTNESS, *COLOURS, "light", ","]), max_size=8))
def test_any_known_words_give_a_light_or_a_plain_error(words):
    try:
        assert read(" ".join(words)).coefficients().shape == (9, 3)
    except InputError as error:
        assert any(part in str(error) for part in ("cancel", "empty", "no light"))


def test_words_go_before_the_preset_and_custom_is_what_was_set():
    custom = LightSetup((Lamp(10, 20),), 0.3)
    assert choose_light("studio", " moonlight ", custom) == LIGHT_PRESETS["moonlight"]
    assert choose_light("studio", " ", custom) == LIGHT_PRESETS["studio"]
    assert choose_light("custom", "", custom) is custom
    with pytest.raises(InputError, match="no light 'sunny'"):
        choose_light("sunny", "", custom)
