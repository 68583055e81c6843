"""Widget values: brought to the type that a node expects, and held against its limits."""

from __future__ import annotations

import math
from difflib import get_close_matches
from typing import Any, TypeGuard

from ..errors import InputError
from .catalogue import InputSpec

WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
"""How people write a switch."""


def number_from_text(kind: str, text: str) -> int | float | bool | None:
    """Read a number or a switch as people write it.

    Args:
        kind: ``INT``, ``FLOAT`` or ``BOOLEAN``.
        text: The words.

    Returns:
        The value, or None if the words are none of that kind.
    """
    try:
        if kind == "INT":
            return int(text)
        if kind == "FLOAT":
            return float(text)
    except ValueError:
        return None
    return WORDS.get(text.strip().lower()) if kind == "BOOLEAN" else None


def typed(value: Any, spec: InputSpec) -> Any:
    """Bring a value from a workflow to the type that the node expects, without changing what it says.

    Args:
        value: As it stands in the JSON.
        spec: The input.

    Returns:
        The value for `execute`; values of types without a widget come back as they are.

    Raises:
        InputError: If it is of another type.
    """
    kind = spec.type.split(",")[0]
    if kind in ("INT", "FLOAT"):
        return _number(kind, value)
    if kind == "BOOLEAN":
        switch = number_from_text(kind, value) if isinstance(value, str) else value
        if switch in (True, False):
            return bool(switch)
        raise InputError(f"{value!r} is not true or false")
    if kind == "STRING":
        if isinstance(value, str | int | float):
            return str(value)
        raise InputError(f"{value!r} is not text")
    return value


def _number(kind: str, value: Any) -> int | float:
    number = number_from_text(kind, value) if isinstance(value, str) else value
    if not _is_finite(number):
        raise InputError(f"{value!r} is not a number")
    if kind == "FLOAT":
        return float(number)
    if number != int(number):
        raise InputError(f"{value!r} is not a whole number")
    return int(number)


def _is_finite(number: Any) -> TypeGuard[int | float]:
    if not isinstance(number, int | float) or isinstance(number, bool):
        return False
    try:
        return math.isfinite(number)
    except OverflowError:  # A whole number beyond every float.
        return False


def check_limits(value: Any, spec: InputSpec) -> None:
    """Hold a typed value against the input's range or list.

    Args:
        value: From `typed`.
        spec: The input.

    Raises:
        InputError: If it is out of the range, or not in the list.
    """
    least, most = spec.options.get("min"), spec.options.get("max")
    if isinstance(value, int | float) and not isinstance(value, bool):
        if least is not None and value < least:
            raise InputError(f"{value} is below the least value {least}")
        if most is not None and value > most:
            raise InputError(f"{value} is above the greatest value {most}")
    choices = spec.options.get("options")
    if spec.type.split(",")[0] == "COMBO" and choices is not None:
        for each in value if isinstance(value, list) and spec.options.get("multi_select") else [value]:
            if each not in choices:
                near = get_close_matches(str(each), map(str, choices), n=5)
                advice = f"; did you mean {', '.join(near)}?" if near else ""
                raise InputError(
                    f"{each!r} is not one of {', '.join(map(str, choices[:20])) or 'an empty list'}{advice}"
                )
