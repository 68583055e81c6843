"""One node, called as ComfyUI calls it: hidden inputs, lists, async, and its errors named."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import torch

from ..errors import InputError, MotionWeaveError
from .catalogue import LocalSpec
from .graph import GraphNode, Link
from .v3.node import NodeOutput, with_hidden
from .values import typed
from .waiting import result_of

Slots = tuple[list[Any], ...]
"""A node's outputs: for each slot its values, one unless the output is a list."""


@dataclass(frozen=True)
class Made:
    """What came of one node."""

    slots: Slots
    """Its outputs."""
    ui: Mapping[str, list[Any]]
    """What it shows, by key."""


def call_node(node: GraphNode, spec: LocalSpec, made: Mapping[str, Slots], hidden: Mapping[str, Any]) -> Made:
    """Run a node once, or once for each item where lists come in.

    Args:
        node: The node.
        spec: Its kind.
        made: Outputs of the nodes before it.
        hidden: Every hidden value that could be asked for, by name.

    Raises:
        InputError: If the node refused its inputs; names the node.
        MotionWeaveError: If it failed in another way; names the node.
    """
    cls = with_hidden(spec.node, {name: hidden.get(name) for name in spec.hidden})
    inputs = {
        input.id: _values(node.inputs[input.id], made)
        if isinstance(node.inputs[input.id], Link)
        else [typed(node.inputs[input.id], input)]
        for input in spec.inputs
        if input.id in node.inputs
    }
    with naming_node(node):
        outputs = [_call(cls, values, spec) for values in _calls(inputs, spec)]
    return Made(_slots(outputs, spec), _shown(outputs))


def _values(link: Link, made: Mapping[str, Slots]) -> list[Any]:
    return made[link.node][link.slot]


def _calls(inputs: Mapping[str, list[Any]], spec: LocalSpec) -> Iterator[Mapping[str, Any]]:
    """Give each call's arguments: whole lists at once, or item by item with a shorter list's last one repeated."""
    if spec.takes_lists:
        yield inputs
        return
    empty = [name for name, values in inputs.items() if not values]
    if empty:
        raise InputError(f"input '{empty[0]}' got an empty list; expected at least one value")
    for index in range(max((len(values) for values in inputs.values()), default=1)):
        yield {name: values[min(index, len(values) - 1)] for name, values in inputs.items()}


def _call(cls: type[Any], values: Mapping[str, Any], spec: LocalSpec) -> NodeOutput:
    returned: Any = cls.execute(**values)
    if inspect.isawaitable(returned):
        returned = result_of(returned)
    output = _output(returned)
    blocked = getattr(output, "block_execution", None)
    if blocked is not None:
        raise InputError(str(blocked))
    count = len(output.args)
    if count not in (0, len(spec.outputs)):
        raise MotionWeaveError(f"it returned {count} values, and its schema has {len(spec.outputs)} outputs")
    return output


def _output(returned: Any) -> Any:
    """Bring the ways in which a node may return to one."""
    if returned is None:
        return NodeOutput()
    if isinstance(returned, tuple):
        return NodeOutput(*returned)
    if isinstance(returned, dict):
        return NodeOutput(*returned.get("result", ()), ui=returned.get("ui"))
    return returned


def _slots(outputs: Sequence[NodeOutput], spec: LocalSpec) -> Slots:
    """Collect the calls' values for each slot; an output without a value is None, as in ComfyUI."""
    slots: Slots = tuple([] for _ in spec.outputs)
    for output in outputs:
        values = output.args or (None,) * len(spec.outputs)
        for slot, value, described in zip(slots, values, spec.outputs, strict=True):
            slot += cast("list[Any]", value) if described.is_list else [value]
    return slots


def _shown(outputs: Sequence[NodeOutput]) -> dict[str, list[Any]]:
    shown: dict[str, list[Any]] = {}
    for output in outputs:
        ui: Any = output.ui.as_dict() if hasattr(output.ui, "as_dict") else output.ui
        for key, values in (ui or {}).items():
            shown.setdefault(key, []).extend(values)
    return shown


@contextmanager
def naming_node(node: GraphNode) -> Iterator[None]:
    """Have errors of the block name the node; cancelling and running out of memory pass as they are.

    Args:
        node: What runs in the block.

    Raises:
        InputError: From the node's own.
        MotionWeaveError: From any other error of the node.
    """
    try:
        yield
    except InputError as error:
        raise InputError(f"{node}: {error}") from error
    except MotionWeaveError as error:
        raise MotionWeaveError(f"{node}: {error}") from error
    except torch.OutOfMemoryError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split()) or "no reason was given"
        raise MotionWeaveError(f"{node} failed: {type(error).__name__}: {reason}") from error
