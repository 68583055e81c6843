"""Inputs and outputs of V3 nodes as data, and the types that travel between them.

Field names, JSON keys and defaults are ComfyUI 0.8.0's public ones, so that the same node file works there and here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, ClassVar, TypeVar

T = TypeVar("T", bound=type)


def without_none(options: Mapping[str, Any]) -> dict[str, Any]:
    """Give the options that were set."""
    return {key: value for key, value in options.items() if value is not None}


@dataclass
class Input:
    """A socket that takes a value."""

    io_type: ClassVar[str] = "*"

    id: str
    """Name of `execute`'s parameter, and key in a workflow."""
    _: KW_ONLY
    display_name: str | None = None
    """What a person reads instead."""
    optional: bool = False
    """Whether the node runs without it."""
    tooltip: str | None = None
    """Help beside the socket."""
    lazy: bool | None = None
    """Whether it is only evaluated when asked for; this host has no such evaluation."""
    extra_dict: dict[str, Any] | None = None
    """More keys for the canvas."""
    raw_link: bool | None = None
    """Whether the node gets the link instead of the value."""

    def get_io_type(self) -> str:
        """Give the type's name, or several with commas between them."""
        return self.io_type

    def as_dict(self) -> dict[str, Any]:
        """Give the options as ComfyUI's JSON has them."""
        options = {
            "display_name": self.display_name,
            "optional": self.optional,
            "tooltip": self.tooltip,
            "lazy": self.lazy,
            "rawLink": self.raw_link,
        }
        return without_none(options) | without_none(self.extra_dict or {})


@dataclass
class WidgetInput(Input):
    """An input that the canvas shows as a widget."""

    _: KW_ONLY
    default: Any = None
    """Value of a new node."""
    socketless: bool | None = None
    """Whether nothing can be plugged in."""
    widget_type: str | None = None
    """The widget's own type, where it differs."""
    force_input: bool | None = None
    """Whether it is a socket after all."""

    def get_io_type(self) -> str:
        """Give the widget's own type where it has one."""
        return self.widget_type or super().get_io_type()

    def as_dict(self) -> dict[str, Any]:
        """Give the options as ComfyUI's JSON has them."""
        options = {
            "default": self.default,
            "socketless": self.socketless,
            "widgetType": self.widget_type,
            "forceInput": self.force_input,
        }
        return super().as_dict() | without_none(options)


@dataclass
class Output:
    """A socket that gives a value."""

    io_type: ClassVar[str] = "*"

    id: str | None = None
    """Name in code."""
    display_name: str | None = None
    """What a person reads."""
    tooltip: str | None = None
    """Help beside the socket."""
    is_output_list: bool = False
    """Whether the value is a list, each of whose items goes on by itself."""

    def get_io_type(self) -> str:
        """Give the type's name."""
        return self.io_type


class ComfyType:
    """Base of all socket types."""

    io_type: ClassVar[str] = "*"
    Type: ClassVar[Any] = Any


class ComfyTypeI(ComfyType):
    """A type that only goes into nodes."""

    Input: ClassVar[type[Any]] = Input


class ComfyTypeIO(ComfyTypeI):
    """A type that goes into nodes and comes out of them."""

    Output: ClassVar[type[Any]] = Output


def comfytype(io_type: str) -> Callable[[T], T]:
    """Give a class decorator that makes the class a socket type.

    Args:
        io_type: The type's name; two sockets fit when their names do.
    """

    def mark(cls: T) -> T:
        if not issubclass(cls, ComfyType):
            cls = type(cls.__name__, (cls, ComfyTypeIO), {"__module__": cls.__module__, "__doc__": cls.__doc__})  # type: ignore[assignment]
        for part in ("Input", "Output"):
            base = getattr(cls, part, None)
            if base is not None:
                setattr(cls, part, type(part, (base,), {"io_type": io_type, "__doc__": base.__doc__}))
        cls.io_type = io_type
        return cls

    return mark


def Custom(io_type: str) -> type[ComfyTypeIO]:  # noqa: N802 - ComfyUI's name
    """Make a type of one's own.

    Args:
        io_type: Its name.
    """
    return comfytype(io_type)(type("Custom", (ComfyTypeIO,), {}))


@dataclass
class MultiTypeInput(Input):
    """An input that takes several types; where `id` is another input, that one's widget is kept."""

    types: list[type[ComfyType]] = field(default_factory=list)
    """What fits."""
    inner: Input | None = field(default=None, init=False)
    """The input whose widget is kept."""

    def __post_init__(self) -> None:
        """Take over what the inner input says."""
        if isinstance(self.id, Input):
            self.inner = self.id
            self.id, self.optional = self.inner.id, self.optional or self.inner.optional

    def get_io_type(self) -> str:
        """Give all names, the inner input's first."""
        names = [] if self.inner is None else [self.inner.get_io_type()]
        return ",".join(dict.fromkeys([*names, *(kind.io_type for kind in self.types)]))

    def as_dict(self) -> dict[str, Any]:
        """Give the options, and the inner widget's."""
        if self.inner is None:
            return super().as_dict()
        return self.inner.as_dict() | {"widgetType": self.inner.get_io_type()} | super().as_dict()


class MultiType:
    """Several types at once."""

    Input = MultiTypeInput
