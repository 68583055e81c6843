"""Base of V3 nodes, what they return, and how a pack hands them over."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from .schema import HiddenHolder, Schema


class NodeMeta(type):
    """Lets a class be locked, so that no run leaves anything behind in it."""

    def __setattr__(cls, name: str, value: Any) -> None:
        """Set a class attribute, unless the class is locked."""
        if "_locked" in cls.__dict__:
            raise AttributeError(f"Cannot modify class attribute '{name}' on locked class '{cls.__name__}'")
        super().__setattr__(name, value)


class ComfyNode(metaclass=NodeMeta):
    """Base of nodes; a node adds the class method `execute`, with one parameter for each input."""

    hidden: ClassVar[HiddenHolder] = HiddenHolder({})
    """Values of the hidden inputs, on the class that is running."""

    @classmethod
    def define_schema(cls) -> Schema:
        """Describe the node."""
        raise NotImplementedError(f"{cls.__name__} must define its schema")

    @classmethod
    def validate_inputs(cls, **kwargs: Any) -> bool | str:
        """Judge the inputs before anything runs: True, or what is wrong."""
        del kwargs
        return True

    @classmethod
    def fingerprint_inputs(cls, **kwargs: Any) -> Any:
        """Give what tells two runs apart; a host that runs a workflow once does not ask."""
        del kwargs

    @classmethod
    def check_lazy_status(cls, **kwargs: Any) -> list[str]:
        """Name the lazy inputs that are needed; this host evaluates all."""
        return [name for name, value in kwargs.items() if value is None]

    @classmethod
    def GET_SCHEMA(cls) -> Schema:  # noqa: N802 - ComfyUI's name
        """Give the finished schema."""
        schema = cls.define_schema()
        schema.finalize()
        schema.validate()
        return schema


class NodeOutput:
    """What `execute` returns: one value for each output, and what the canvas should show."""

    def __init__(
        self, *args: Any, ui: Any = None, expand: dict[str, Any] | None = None, block_execution: str | None = None
    ) -> None:
        """Keep what was made.

        Args:
            args: One value for each output.
            ui: A dict of lists, or an object whose `as_dict` gives one.
            expand: A graph to run in the node's place; this host has none.
            block_execution: Why nothing behind this node may run.
        """
        self.args = args
        self.ui = ui
        self.expand = expand
        self.block_execution = block_execution

    @property
    def result(self) -> tuple[Any, ...] | None:
        """The values, or None where there are none."""
        return self.args or None

    def __getitem__(self, index: int) -> Any:
        """Give one value."""
        return self.args[index]


class ComfyExtension(ABC):
    """A pack's door."""

    async def on_load(self) -> None:
        """Do what has to be done once; ComfyUI up to 0.8.0 never calls it."""
        return

    @abstractmethod
    async def get_node_list(self) -> list[type[ComfyNode]]:
        """Give the pack's nodes."""


def with_hidden(node: type[Any], values: dict[str, Any]) -> type[Any]:
    """Give a locked class of its own to one call of a node, with the hidden values on it.

    Args:
        node: The node.
        values: By hidden name.
    """
    make: Any = type(node)
    clone = make(f"{node.__name__}Clone", (node,), {"hidden": HiddenHolder(values)})
    if isinstance(node, NodeMeta):
        type.__setattr__(clone, "_locked", True)
    return clone
