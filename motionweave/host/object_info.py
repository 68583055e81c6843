"""Kinds of nodes as a ComfyUI server describes them at ``/object_info``.

So a workflow can be read whose nodes are not in this process. Two ways of writing a list of choices are understood:
that of V1 nodes, ``[["a", "b"], {...}]``, and that of V3 nodes, ``["COMBO", {"options": ["a", "b"]}]``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .catalogue import Catalogue, InputSpec, NodeSpec, OutputSpec

WIDGETS = frozenset(
    {
        *("INT", "FLOAT", "BOOLEAN", "STRING", "COMBO", "MARKDOWN", "TEXTAREA"),
        *("COLOR", "COLORS", "CURVE", "RANGE", "BOUNDING_BOX", "BOUNDING_BOXES"),
        *("PAINTER", "COMPOSITOR", "VIDEO_EDIT", "LOAD_3D", "WEBCAM", "AUDIO_RECORD", "IMAGECOMPARE"),
    }
)
"""Types for which ComfyUI's own canvas has a widget."""

DYNAMIC_COMBO = "COMFY_DYNAMICCOMBO_V3"
"""A list whose choice brings more inputs."""


def catalogue_from_info(info: Mapping[str, Any]) -> Catalogue:
    """Read what ``GET /object_info`` answers.

    Args:
        info: The JSON object: kinds by id.

    Returns:
        The kinds; entries that are not as ComfyUI writes them are left out, so their nodes count as unknown.
    """
    return {id: _spec(id, entry) for id, entry in info.items() if isinstance(entry, dict) and "input" in entry}


def _spec(id: str, entry: Mapping[str, Any]) -> NodeSpec:
    types = entry.get("output") or ()
    names, lists = entry.get("output_name") or types, entry.get("output_is_list") or [False] * len(types)
    outputs = zip(names, types, lists, strict=False)
    return NodeSpec(
        id=id,
        title=str(entry.get("display_name") or entry.get("name") or id),
        inputs=tuple(_inputs(entry.get("input"), entry.get("input_order"))),
        outputs=tuple(OutputSpec(str(name), _type(kind), bool(is_list)) for name, kind, is_list in outputs),
        is_output=bool(entry.get("output_node")),
    )


def _inputs(sections: Any, order: Any = None, prefix: str = "") -> Iterator[InputSpec]:
    """Give required inputs, then optional ones, in the order that the server states."""
    if not isinstance(sections, dict):
        return
    for section in ("required", "optional"):
        entries = sections.get(section) or {}
        stated = order.get(section) if isinstance(order, dict) else None
        names = [name for name in stated or () if name in entries]
        for name in (*names, *(name for name in entries if name not in names)):
            yield _input(prefix + name, entries[name], section == "optional")


def _input(id: str, raw: Any, optional: bool) -> InputSpec:
    kind, options = (*raw, {})[:2] if isinstance(raw, list) and raw else ("*", {})
    options = options if isinstance(options, dict) else {}
    if isinstance(kind, list):
        options = {**options, "options": kind}
    branches = dict(_branches(id, options)) if kind == DYNAMIC_COMBO else {}
    makes_widget = str(options.get("widgetType") or _type(kind)) in WIDGETS | {DYNAMIC_COMBO}
    return InputSpec(id, _type(kind), optional, makes_widget and not options.get("forceInput"), options, branches)


def _branches(id: str, options: Mapping[str, Any]) -> Iterator[tuple[str, tuple[InputSpec, ...]]]:
    for option in options.get("options") or ():
        if isinstance(option, dict) and "key" in option:
            yield str(option["key"]), tuple(_inputs(option.get("inputs"), prefix=f"{id}."))


def _type(kind: Any) -> str:
    return "COMBO" if isinstance(kind, list) else str(kind)
