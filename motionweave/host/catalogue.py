"""What nodes there are, and what each takes and gives, read once from their schemas.

A `NodeSpec` is what a workflow needs to know to be read; a `LocalSpec` has the class too, so that it can be run here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import UnsupportedError

UPLOADS = ("image_upload", "audio_upload", "video_upload", "file_upload")
"""Options of lists whose values are files that a user brings."""

PLAIN_VALUES = {"INT": 0, "FLOAT": 0.0, "STRING": "", "BOOLEAN": False}
"""What the canvas puts into a new widget whose schema has no default."""


@dataclass(frozen=True)
class InputSpec:
    """One input of a node."""

    id: str
    """Name in a workflow."""
    type: str
    """Its type, or several with commas between them."""
    optional: bool
    """Whether the node runs without it."""
    is_widget: bool
    """Whether the canvas shows it as a widget, which then has a place in ``widgets_values``."""
    options: Mapping[str, Any]
    """The schema's options, as ComfyUI's JSON has them."""
    branches: Mapping[str, tuple[InputSpec, ...]] = field(default_factory=dict)
    """For a list whose choice brings more inputs: those of each choice, their ids with this one's and a dot before."""

    @property
    def is_upload(self) -> bool:
        """Whether its value is the name of a file that a user brings."""
        return any(self.options.get(key) for key in UPLOADS)

    @property
    def default(self) -> Any:
        """Value of a new node; None where it has none."""
        if self.branches:  # The canvas takes the first, whatever the schema says.
            return next(iter(self.branches))
        choices = self.options.get("options")
        return self.options.get("default", choices[0] if choices else PLAIN_VALUES.get(self.type))


@dataclass(frozen=True)
class OutputSpec:
    """One output of a node."""

    name: str
    """What a person reads."""
    type: str
    """Its type."""
    is_list: bool
    """Whether each item of its list goes on by itself."""


@dataclass(frozen=True)
class NodeSpec:
    """One kind of node."""

    id: str
    """``class_type`` in a workflow."""
    title: str
    """What a person reads."""
    inputs: tuple[InputSpec, ...]
    """Required ones first, which is the order of the canvas's widgets."""
    outputs: tuple[OutputSpec, ...]
    """By slot."""
    is_output: bool
    """Whether it is what a workflow is run for."""

    def input(self, id: str) -> InputSpec | None:
        """Give the input of that name, or None."""
        return next((each for each in self.inputs if each.id == id), None)


@dataclass(frozen=True)
class LocalSpec(NodeSpec):
    """One kind of node that this process can run."""

    node: type[Any]
    """The V3 class."""
    hidden: tuple[str, ...]
    """Names of the hidden inputs that it asked for."""
    takes_lists: bool
    """Whether `execute` gets whole lists."""


Catalogue = Mapping[str, NodeSpec]
"""Kinds of nodes by id."""

LocalCatalogue = Mapping[str, LocalSpec]
"""Kinds of nodes that this process can run, by id."""


def build_catalogue(nodes: Iterable[type[Any]]) -> LocalCatalogue:
    """Read the schemas of nodes; where two share an id, the first wins, as ComfyUI's core does over packs.

    Args:
        nodes: V3 classes.

    Raises:
        UnsupportedError: If a node needs what this host does not have.
    """
    catalogue: dict[str, LocalSpec] = {}
    for node in nodes:
        spec = describe(node)
        catalogue.setdefault(spec.id, spec)
    return catalogue


def describe(node: type[Any]) -> LocalSpec:
    """Read one node's schema.

    Args:
        node: A V3 class.

    Raises:
        UnsupportedError: If it expands into other nodes or evaluates inputs lazily.
    """
    schema = node.GET_SCHEMA()
    if schema.enable_expand or overrides(node, "check_lazy_status"):
        raise UnsupportedError(
            f"a node that expands or evaluates lazily ({schema.node_id})", "Queue the workflow on a ComfyUI server."
        )
    inputs = sorted((_input(each) for each in schema.inputs), key=lambda spec: spec.optional)
    outputs = (
        OutputSpec(each.display_name or each.get_io_type(), each.get_io_type(), each.is_output_list)
        for each in schema.outputs
    )
    return LocalSpec(
        id=schema.node_id,
        title=schema.display_name or schema.node_id,
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        is_output=schema.is_output_node,
        node=node,
        hidden=tuple(kind.name for kind in schema.hidden),
        takes_lists=schema.is_input_list,
    )


def _input(socket: Any) -> InputSpec:
    options = socket.as_dict()
    has_widget = hasattr(socket, "force_input") or "widgetType" in options
    return InputSpec(
        id=socket.id,
        type=socket.get_io_type(),
        optional=bool(socket.optional),
        is_widget=has_widget and not options.get("forceInput"),
        options=options,
    )


def overrides(node: type[Any], method: str) -> bool:
    """Say whether a node has its own version of one of the base class's methods.

    Args:
        node: A V3 class.
        method: The method's name.
    """
    owner = next((kind for kind in node.__mro__ if method in kind.__dict__), None)
    return owner is not None and owner.__name__ not in ("ComfyNode", "_ComfyNodeBaseInternal")
