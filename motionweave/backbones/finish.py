"""What was done to a UNet after its weights were loaded: packed into fewer bits, compiled.

Nodes load a backbone finished and add LoRAs and fine-tunes afterwards. Merged into packed weights these would be
rounded twice, and the rounding of a small change is as large as the change. So they go into the weights as the file has
them, which are read again, and all is done anew: the same as if they had been there before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .svd import SVDBackbone

Step = Callable[["SVDBackbone"], "SVDBackbone"]


@dataclass(frozen=True)
class Finish:
    """How a backbone was finished."""

    plain: Callable[[], SVDBackbone]
    """Gives it once more as it was before; its modules are nobody else's."""
    do: Step
    """Finishes one, whose UNet may be changed in place."""


def finished(plain: Callable[[], SVDBackbone], do: Step) -> SVDBackbone:
    """Load a backbone and finish it.

    Args:
        plain: Loads it, each time anew.
        do: What is done to it.
    """
    return replace(do(plain()), finish=Finish(plain, do))


def plain_backbone(backbone: SVDBackbone) -> SVDBackbone:
    """Give a backbone whose UNet has its weights as they were loaded: itself, or one that is loaded for this."""
    return backbone if backbone.finish is None else backbone.finish.plain()


def change_weights(backbone: SVDBackbone, change: Step) -> SVDBackbone:
    """Change the UNet's weights as they were loaded, and finish it as it was.

    Args:
        backbone: It is not changed.
        change: Gives a backbone with other weights, or the very one that it is given.
    """
    finish = backbone.finish
    if finish is None:
        return change(backbone)
    plain = finish.plain()
    changed = change(plain)
    if changed is plain:
        return backbone
    again = Finish(lambda: change(finish.plain()), finish.do)
    # The other networks are the same, and in memory already.
    return replace(finish.do(changed), vae=backbone.vae, vision=backbone.vision, finish=again)
