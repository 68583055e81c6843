"""The types that the canvas shows as widgets: numbers, words, switches and lists."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from enum import Enum
from typing import Any

from .sockets import ComfyTypeI, ComfyTypeIO, WidgetInput, comfytype, without_none
from .sockets import Output as AnyOutput


class FolderType(str, Enum):
    """ComfyUI's folders."""

    input = "input"
    output = "output"
    temp = "temp"


class UploadType(str, Enum):
    """What an upload button takes."""

    image = "image_upload"
    audio = "audio_upload"
    video = "video_upload"
    model = "file_upload"


class NumberDisplay(str, Enum):
    """How a number is shown."""

    number = "number"
    slider = "slider"


@comfytype(io_type="BOOLEAN")
class Boolean(ComfyTypeIO):
    """Yes or no."""

    Type = bool

    @dataclass
    class Input(WidgetInput):
        """A switch."""

        _: KW_ONLY
        label_on: str | None = None
        label_off: str | None = None

        def as_dict(self) -> dict[str, Any]:
            """Give the options as ComfyUI's JSON has them."""
            return super().as_dict() | without_none({"label_on": self.label_on, "label_off": self.label_off})


@comfytype(io_type="INT")
class Int(ComfyTypeIO):
    """A whole number."""

    Type = int

    @dataclass
    class Input(WidgetInput):
        """A box for a whole number."""

        _: KW_ONLY
        min: int | None = None
        max: int | None = None
        step: int | None = None
        control_after_generate: bool | None = None
        display_mode: NumberDisplay | None = None

        def as_dict(self) -> dict[str, Any]:
            """Give the options as ComfyUI's JSON has them."""
            options = {
                "min": self.min,
                "max": self.max,
                "step": self.step,
                "control_after_generate": self.control_after_generate,
                "display": self.display_mode and self.display_mode.value,
            }
            return super().as_dict() | without_none(options)


@comfytype(io_type="FLOAT")
class Float(ComfyTypeIO):
    """A number."""

    Type = float

    @dataclass
    class Input(WidgetInput):
        """A box for a number."""

        _: KW_ONLY
        min: float | None = None
        max: float | None = None
        step: float | None = None
        round: float | None = None
        display_mode: NumberDisplay | None = None

        def as_dict(self) -> dict[str, Any]:
            """Give the options as ComfyUI's JSON has them."""
            options = {
                "min": self.min,
                "max": self.max,
                "step": self.step,
                "round": self.round,
                "display": self.display_mode and self.display_mode.value,
            }
            return super().as_dict() | without_none(options)


@comfytype(io_type="STRING")
class String(ComfyTypeIO):
    """Words."""

    Type = str

    @dataclass
    class Input(WidgetInput):
        """A box for words."""

        _: KW_ONLY
        multiline: bool = False
        placeholder: str | None = None
        dynamic_prompts: bool | None = None

        def as_dict(self) -> dict[str, Any]:
            """Give the options as ComfyUI's JSON has them."""
            options = {
                "multiline": self.multiline,
                "placeholder": self.placeholder,
                "dynamicPrompts": self.dynamic_prompts,
            }
            return super().as_dict() | without_none(options)


@comfytype(io_type="COMBO")
class Combo(ComfyTypeIO):
    """One of a list."""

    Type = str

    @dataclass
    class Input(WidgetInput):
        """A list to choose from."""

        options: Any = None
        """A list of values, or an Enum whose values are the list."""
        _: KW_ONLY
        control_after_generate: bool | None = None
        upload: UploadType | None = None
        image_folder: FolderType | None = None

        def __post_init__(self) -> None:
            """Turn enums into their values."""
            if isinstance(self.options, type) and issubclass(self.options, Enum):
                self.options = [member.value for member in self.options]
            if isinstance(self.default, Enum):
                self.default = self.default.value

        def as_dict(self) -> dict[str, Any]:
            """Give the options as ComfyUI's JSON has them."""
            options = {
                "multiselect": False,
                "options": self.options,
                "control_after_generate": self.control_after_generate,
                "image_folder": self.image_folder and self.image_folder.value,
            }
            if self.upload is not None:
                options[self.upload.value] = True
            return super().as_dict() | without_none(options)

    @dataclass
    class Output(AnyOutput):
        """A choice that goes on."""

        options: list[str] | None = None


@comfytype(io_type="COMBO")
class MultiCombo(ComfyTypeI):
    """Several of a list."""

    Type = list[str]

    @dataclass
    class Input(Combo.Input):
        """A list to choose several from."""

        _: KW_ONLY
        placeholder: str | None = None
        chip: bool | None = None

        def as_dict(self) -> dict[str, Any]:
            """Give the options as ComfyUI's JSON has them."""
            options = {"multi_select": True, "placeholder": self.placeholder, "chip": self.chip}
            return super().as_dict() | without_none(options)
