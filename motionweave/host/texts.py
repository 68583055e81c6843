"""What the canvas makes of texts on their way into the queue: choices in braces, comments, and names of files."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from .catalogue import Catalogue
from .graph import GraphNode

SAVERS = frozenset(
    {
        *("SaveImage", "SaveImageAdvanced", "SaveSVGNode", "SaveVideo", "SaveAnimatedWEBP", "SaveWEBM", "SaveAudio"),
        *("SaveAudioMP3", "SaveAudioOpus", "SaveAudioAdvanced", "SaveGLB", "Save3DAdvanced", "SaveGaussianSplat"),
        *("SavePointCloud", "SaveAnimatedPNG", "CLIPSave", "VAESave", "ModelSave", "LoraSave", "SaveLatent"),
    }
)
"""Core's nodes in whose ``filename_prefix`` the canvas fills in dates and other nodes' values."""

COMMENT = re.compile(r"/\*[\s\S]*?\*/|//.*")
PIECE = re.compile(r"\\.|[{}|]|[^\\{}|]+|\\", re.DOTALL)
PLACEHOLDER = re.compile(r"%([^%]+)%")
DATE_PART = re.compile(r"yyyy|yy|MM|M|dd|d|hh|h|mm|m|ss|s")


def as_queued(nodes: Mapping[str, GraphNode], catalogue: Catalogue) -> dict[str, GraphNode]:
    """Give the nodes with their texts as the canvas sends them.

    Args:
        nodes: Nodes by id.
        catalogue: Known kinds; says which texts may have choices in them.
    """
    changed = dict(nodes)
    for id, node in nodes.items():
        inputs = dict(node.inputs)
        spec = catalogue.get(node.kind)
        for name, value in node.inputs.items():
            if not isinstance(value, str):
                continue
            input = None if spec is None else spec.input(name)
            if input is not None and input.options.get("dynamicPrompts"):
                inputs[name] = choose(value)
            elif name == "filename_prefix" and node.kind in SAVERS and "%" in value:
                inputs[name] = fill_in(value, nodes.values())
        changed[id] = GraphNode(id, node.kind, node.title, inputs)
    return changed


def choose(text: str) -> str:
    r"""Take comments out of a text, and one of the choices of each ``{a|b}``.

    Args:
        text: As the artist wrote it; ``\{`` stands for a brace.
    """
    pieces = PIECE.findall(COMMENT.sub("", text))[::-1]
    return re.sub(r"\\([{}|])", r"\1", _read(pieces, inside=False))


def _read(pieces: list[str], inside: bool) -> str:
    """Take pieces, the last of which is the next one, up to the end of the choice or of the text."""
    options = [""]
    while pieces:
        piece = pieces.pop()
        if piece == "{":
            options[-1] += _read(pieces, inside=True)
        elif inside and piece == "}":
            break
        elif inside and piece == "|":
            options.append("")
        else:
            options[-1] += piece
    return random.choice(options)


def fill_in(prefix: str, nodes: Iterable[GraphNode]) -> str:
    """Fill in ``%date:yyyy-MM-dd%`` and ``%Node.input%``; what names nothing stays as it is.

    Args:
        prefix: A name for files.
        nodes: The workflow's; they are found by kind or title.
    """
    found = tuple(nodes)
    return PLACEHOLDER.sub(lambda match: _filled(match, found), prefix)


def _filled(match: re.Match[str], nodes: tuple[GraphNode, ...]) -> str:
    words = match[1]
    if words.startswith("date:"):
        return DATE_PART.sub(_date_part, words[len("date:") :])
    name, _, input = words.partition(".")
    node = next((each for each in nodes if name in (each.kind, each.title)), None)
    value: Any = None if node is None else node.inputs.get(input)
    return re.sub(r"[/\\]", "_", str(value)) if isinstance(value, str | int | float) else match[0]


def _date_part(match: re.Match[str]) -> str:
    now = datetime.now()
    part = match[0]
    number = {"y": now.year, "M": now.month, "d": now.day, "h": now.hour, "m": now.minute, "s": now.second}[part[0]]
    return f"{number:0{len(part)}}"[-len(part) :] if len(part) > 1 else str(number)
