"""Light in plain words: ``golden hour from the left, soft`` or ``hard white key from above right, dim blue fill``.

The grammar, in full:

- A prompt is clauses, parted by commas or semicolons.
- A clause that names a set-up (`LIGHT_PRESETS`) starts from it. A direction in the same clause moves its key light:
  words for left, right, front and back say where around, words for above and below how high; what is not said stays.
- Any other clause that names a colour, a direction or a kind of light adds one light. Kinds: ``key`` (where none is
  named), ``fill``, ``rim`` and ``ambient``. Directions add up: ``above right and behind``.
- A clause of nothing but qualities (how strong, how soft, how warm) is about everything said before it.
- Without an ambient light and without a set-up, a little ambient light is added, so that shadows are not black.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, replace

import numpy as np

from ..errors import InputError
from .light_setup import LIGHT_PRESETS, Lamp, LightSetup

DIRECTIONS: dict[str, tuple[float, float, float]] = {
    "left": (-1, 0, 0), "right": (1, 0, 0), "above": (0, 1, 0), "top": (0, 1, 0), "overhead": (0, 1, 0),
    "below": (0, -1, 0), "beneath": (0, -1, 0), "under": (0, -1, 0), "bottom": (0, -1, 0),
    "front": (0, 0, 1), "viewer": (0, 0, 1), "camera": (0, 0, 1),
    "behind": (0, 0, -1), "back": (0, 0, -1),
}  # fmt: skip
STRENGTHS: dict[str, float] = {
    "faint": 0.25, "dim": 0.5, "weak": 0.5, "gentle": 0.7, "bright": 1.4, "strong": 1.5, "intense": 2.0,
}  # fmt: skip
SOFTNESS: dict[str, float] = {
    "hard": 0.0, "harsh": 0.0, "crisp": 0.0, "soft": 0.6, "diffuse": 0.9, "diffused": 0.9,
}  # fmt: skip
COLOURS: dict[str, str] = {
    "white": "#ffffff", "red": "#ff2a1a", "orange": "#ff8a1f", "amber": "#ffb020", "yellow": "#ffe14a",
    "gold": "#ffc65c", "golden": "#ffc65c", "green": "#3dff5a", "teal": "#1fd6c0", "cyan": "#1fd6ff",
    "blue": "#3f6bff", "purple": "#8a3dff", "violet": "#8a3dff", "magenta": "#ff2fa0", "pink": "#ff7ab8",
    "warm": "3200K", "tungsten": "3200K", "candle": "1900K", "daylight": "5600K", "cool": "8500K", "cold": "12000K",
}  # fmt: skip
KINDS: dict[str, str] = {
    "key": "key", "sun": "key", "sunlight": "key", "fill": "fill", "rim": "rim", "kicker": "rim", "ambient": "ambient",
    "ambience": "ambient",
}  # fmt: skip
NOUNS = frozenset({"light", "lamp"})
"""Words for a light of any kind."""
FILLERS = frozenset({"a", "an", "the", "and", "from", "with", "of", "in", "at", "on", "to", "very", "directly", "side",
                     "lit", "lighting", "lights"})  # fmt: skip
UNSAID_AMBIENT = 0.15
QUALITIES = {"warm", "cool", "cold"}
"""Colours that may be said of the whole light."""
NUMBERS = re.compile(r"#[0-9a-f]{3}(?:[0-9a-f]{3})?|\d+(?:\.\d+)?k")
"""Colours that are written as numbers."""


@dataclass
class _Clause:
    """What one clause says, while it is being read."""

    preset: str | None = None
    kind: str | None = None
    direction: tuple[float, float, float] | None = None
    strength: float = 1.0
    softness: float | None = None
    colour: str | None = None
    is_quality: bool = True


def read_light_prompt(text: str) -> LightSetup:
    """Read a light from plain words; the module's text is the grammar.

    Args:
        text: Such as ``golden hour from the left, soft``.

    Raises:
        InputError: If there are no words, or one is unknown; the message gives the nearest known word and all others.
    """
    setup: LightSetup | None = None
    ambient_said = False
    for part in re.split(r"[,;\n]", text.lower()):
        if not part.strip():
            continue
        clause = _read_clause(part)
        if clause.is_quality:
            if setup is None:
                raise InputError(f"'{part.strip()}' is said of no light; name a light before it, such as 'key, soft'")
            setup = _overall(setup, clause)
            continue
        ambient_said = ambient_said or clause.kind == "ambient" or clause.preset is not None
        setup = _added(setup or LightSetup((), 0.0), clause)
    if setup is None:
        raise InputError("the lighting prompt is empty; expected words such as 'golden hour from the left, soft'")
    return setup if ambient_said else replace(setup, ambient=UNSAID_AMBIENT)


def choose_light(preset: str, prompt: str, custom: LightSetup) -> LightSetup:
    """Choose a light: the prompt if there are words, else the preset, or the custom set-up where it says ``custom``.

    Raises:
        InputError: If there is no such preset, or the prompt is not understood.
    """
    if prompt.strip():
        return read_light_prompt(prompt)
    if preset == "custom":
        return custom
    if preset not in LIGHT_PRESETS:
        raise InputError(f"there is no light '{preset}'; known are custom, {', '.join(LIGHT_PRESETS)}")
    return LIGHT_PRESETS[preset]


def _read_clause(text: str) -> _Clause:
    clause = _Clause()
    for name in sorted(LIGHT_PRESETS, key=len, reverse=True):
        found = re.search(rf"\b{name}\b", text)
        # 'rim' is a set-up by itself and a kind of lamp beside other words, such as 'blue rim from the left'.
        if found and (name not in KINDS or text.strip() == name):
            clause.preset, clause.is_quality = name, False
            text = text[: found.start()] + " " + text[found.end() :]
            break
    for word in re.findall(r"[^\s]+", text):
        _read_word(clause, word.strip(".!"))
    return clause


def _read_word(clause: _Clause, word: str) -> None:
    if word in DIRECTIONS:
        before = clause.direction or (0.0, 0.0, 0.0)
        x, y, z = (a + b for a, b in zip(before, DIRECTIONS[word], strict=True))
        clause.direction = (x, y, z)
        clause.is_quality = False
    elif word in STRENGTHS:
        clause.strength *= STRENGTHS[word]
    elif word in SOFTNESS:
        clause.softness = SOFTNESS[word]
    elif word in COLOURS or NUMBERS.fullmatch(word):
        clause.colour = COLOURS.get(word, word)
        clause.is_quality = clause.is_quality and word in QUALITIES
    elif word in KINDS:
        clause.kind, clause.is_quality = KINDS[word], False
    elif word in NOUNS:
        clause.is_quality = False
    elif word and word not in FILLERS:
        raise _unknown(word)


def _unknown(word: str) -> InputError:
    groups = {
        "set-ups": LIGHT_PRESETS, "lights": (*KINDS, *NOUNS), "directions": DIRECTIONS, "strengths": STRENGTHS,
        "softness": SOFTNESS, "colours": COLOURS,
    }  # fmt: skip
    # Words of a set-up's name stand for the whole of it.
    known = {part: name for names in reversed(groups.values()) for name in names for part in name.split()}
    close = difflib.get_close_matches(word, known, 1, 0.6)
    meant = f"did you mean '{known[close[0]]}'? " if close else ""
    lists = "; ".join(f"{title}: {', '.join(names)}" for title, names in groups.items())
    return InputError(
        f"the lighting prompt says '{word}', which is not understood; {meant}Known are {lists}; and colours such as "
        "#ffb46b or 3200K"
    )


def _added(setup: LightSetup, clause: _Clause) -> LightSetup:
    """Give the set-up with what a clause names."""
    if clause.preset is not None:
        base = LIGHT_PRESETS[clause.preset]
        key = _moved(base.lamps[0], clause.direction)
        told = LightSetup((key, *base.lamps[1:]), base.ambient, base.ambient_colour)
        told = _overall(told, clause)
        ambient = told if told.ambient >= setup.ambient else setup
        return LightSetup((*setup.lamps, *told.lamps), ambient.ambient, ambient.ambient_colour)
    if clause.kind == "ambient":
        return replace(setup, ambient=0.5 * clause.strength, ambient_colour=clause.colour or "6500K")
    lamp = _default_lamp(clause.kind or "key", setup)
    if clause.direction is not None:
        azimuth, elevation = _angles(clause.direction)
        lamp = replace(lamp, azimuth=azimuth, elevation=elevation)
    lamp = replace(
        lamp,
        strength=lamp.strength * clause.strength,
        colour=clause.colour or lamp.colour,
        softness=lamp.softness if clause.softness is None else clause.softness,
    )
    return replace(setup, lamps=(*setup.lamps, lamp))


def _default_lamp(kind: str, setup: LightSetup) -> Lamp:
    """Give a light of a kind where nothing else is said of it; a fill stands across from the key."""
    across = 45.0 if setup.lamps and setup.lamps[0].azimuth < 0 else -45.0
    return {
        "key": Lamp(35, 35, 0.9),
        "fill": Lamp(across, 10, 0.35, softness=0.8),
        "rim": Lamp(150, 30, 1.0),
    }[kind]


def _overall(setup: LightSetup, clause: _Clause) -> LightSetup:
    """Give the set-up with a quality of all of it changed."""
    lamps = tuple(
        replace(
            lamp,
            strength=lamp.strength * clause.strength,
            softness=lamp.softness if clause.softness is None else clause.softness,
            colour=clause.colour or lamp.colour,
        )
        for lamp in setup.lamps
    )
    return replace(setup, lamps=lamps, ambient=setup.ambient * clause.strength)


def _moved(lamp: Lamp, direction: tuple[float, float, float] | None) -> Lamp:
    """Move a set-up's key light: around, up or down, whichever is said."""
    if direction is None:
        return lamp
    azimuth, elevation = _angles(direction)
    around, high = direction[0] != 0 or direction[2] != 0, direction[1] != 0
    return replace(lamp, azimuth=azimuth if around else lamp.azimuth, elevation=elevation if high else lamp.elevation)


def _angles(direction: tuple[float, float, float]) -> tuple[float, float]:
    """Give azimuth and elevation in degrees."""
    x, y, z = direction
    if not any(direction):
        raise InputError("the directions of a light cancel out, such as left and right; name one side")
    return float(np.degrees(np.arctan2(x, z))), float(np.degrees(np.arctan2(y, np.hypot(x, z))))
