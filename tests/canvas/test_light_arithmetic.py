"""The canvas lights its sphere by the coefficients that the node computes."""

import random

import numpy as np
import pytest

from motionweave import LIGHT_PRESETS, Lamp, LightSetup
from motionweave.errors import InputError
from motionweave.tracks.light import direction_of
from motionweave.tracks.linear_light import read_colour
from motionweave.tracks.spherical_harmonics import shading

SETUP, HARMONICS, COLOUR = "light/setup.js", "light/spherical_harmonics.js", "light/colour.js"
TOLERANCE = 1e-5


def custom(values: dict) -> LightSetup:
    """What nodes/light.py makes of its inputs."""
    key = Lamp(values["azimuth"], values["elevation"], values["key"], values["colour"])
    fill = Lamp(45.0 if values["azimuth"] < 0 else -45.0, 10.0, values["fill"], softness=0.8)
    return LightSetup((key, fill), values["ambient"])


def random_inputs(draw: random.Random) -> dict:
    colour = draw.choice([f"#{draw.randrange(1, 1 << 24):06x}", f"{draw.uniform(1667, 25000):.1f}K", "#fb6", " 3200 k"])
    return {
        "preset": "custom", "prompt": "", "strength": draw.uniform(0, 10), "azimuth": draw.uniform(-180, 180),
        "elevation": draw.uniform(-90, 90), "key": draw.uniform(0, 2), "fill": draw.uniform(0, 2),
        "ambient": draw.uniform(0, 2), "colour": colour,
    }  # fmt: skip


def test_custom_lights_have_the_coefficients_that_python_gives_them(javascript):
    draw = random.Random(7)
    inputs = [random_inputs(draw) for _ in range(200)]
    body = "answer(given.map((values) => coefficientsOf(setupOf(values), values.strength)));"
    found = np.array(javascript({SETUP: "setupOf, coefficientsOf"}, body, inputs))
    wanted = np.array([custom(values).coefficients() * values["strength"] for values in inputs])
    assert np.abs(found - wanted).max() <= TOLERANCE * max(1.0, np.abs(wanted).max())
    assert np.abs(found - wanted).max() / np.abs(wanted).max() < TOLERANCE


def test_every_named_set_up_has_the_coefficients_that_python_gives_it(javascript):
    body = """const told = ([name, setup]) => [name, coefficientsOf(setup)];
    answer(Object.fromEntries(Object.entries(LIGHT_PRESETS).map(told)));"""
    found = javascript({SETUP: "LIGHT_PRESETS, coefficientsOf"}, body)
    assert list(found) == list(LIGHT_PRESETS)
    for name, setup in LIGHT_PRESETS.items():
        assert np.abs(np.array(found[name]) - setup.coefficients()).max() < TOLERANCE, name


def test_surfaces_are_shaded_as_in_python(javascript):
    draw = np.random.default_rng(3)
    normals = draw.normal(size=(100, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    light = LIGHT_PRESETS["neon"].coefficients()
    body = "answer(given.normals.map((normal) => shading(normal, given.light)));"
    found = javascript({HARMONICS: "shading"}, body, {"normals": normals.tolist(), "light": light.tolist()})
    assert np.abs(np.array(found) - shading(normals, light)).max() < TOLERANCE


def test_what_is_no_colour_in_python_is_none_on_the_canvas(javascript):
    words = ["#000", "#12345", "1600K", "26000K", "red", "", "#ffb46b", "3200K", "1900.5 K"]
    found = javascript({COLOUR: "readColour"}, "answer(given.map(readColour));", words)
    for word, linear in zip(words, found, strict=True):
        if linear is None:
            with pytest.raises(InputError):
                read_colour(word)
        else:
            assert np.abs(np.array(linear) - read_colour(word)).max() < TOLERANCE


def test_a_light_dropped_where_its_handle_is_stays_where_it_is(javascript):
    places = [(a, e) for a in range(-179, 181, 7) for e in range(-85, 86, 10)]
    body = "answer(given.map(([a, e]) => lightAt(...placeOf(a, e))));"
    found = javascript({"light/handle.js": "placeOf, lightAt"}, body, places)
    for (azimuth, elevation), light in zip(places, found, strict=True):
        angle = direction_of(azimuth, elevation) @ direction_of(light["azimuth"], light["elevation"])
        assert np.degrees(np.arccos(min(1.0, angle))) < 2, (azimuth, elevation, light)
