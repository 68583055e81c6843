"""What a node says about itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from .sockets import Input, Output


class Hidden(str, Enum):
    """What a node may ask for beside its inputs."""

    unique_id = "UNIQUE_ID"
    prompt = "PROMPT"
    extra_pnginfo = "EXTRA_PNGINFO"
    dynprompt = "DYNPROMPT"
    auth_token_comfy_org = "AUTH_TOKEN_COMFY_ORG"
    api_key_comfy_org = "API_KEY_COMFY_ORG"


class HiddenHolder:
    """Values of a node's hidden inputs; what was not asked for is None."""

    def __init__(self, values: dict[str, Any]) -> None:
        """Keep the values.

        Args:
            values: By the name of `Hidden`'s member.
        """
        self.__dict__.update(values)

    def __getattr__(self, name: str) -> None:
        """Give None, as ComfyUI does, for whatever was not asked for."""
        return None


@dataclass
class Schema:
    """A node's properties, with ComfyUI 0.8.0's fields; another keyword is a TypeError, as there."""

    node_id: str
    display_name: str | None = None
    category: str = "sd"
    inputs: list[Input] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    hidden: list[Hidden] = field(default_factory=list)
    description: str = ""
    is_input_list: bool = False
    is_output_node: bool = False
    is_deprecated: bool = False
    is_experimental: bool = False
    is_api_node: bool = False
    not_idempotent: bool = False
    enable_expand: bool = False

    def finalize(self) -> None:
        """Add what an output node always gets, and names for outputs without one."""
        if self.is_output_node:
            self.hidden += [kind for kind in (Hidden.prompt, Hidden.extra_pnginfo) if kind not in self.hidden]
        for index, output in enumerate(self.outputs):
            output.id = output.id or f"_{index}_{output.get_io_type()}_"

    def validate(self) -> None:
        """Refuse two inputs, or two outputs, of one name.

        Raises:
            ValueError: Naming them.
        """
        for kind, ids in (("Input", [each.id for each in self.inputs]), ("Output", [each.id for each in self.outputs])):
            repeated = sorted({id for id in ids if id is not None and ids.count(id) > 1})
            if repeated:
                raise ValueError(f"{kind} ids of {self.node_id} must be unique, but {repeated} are not")
