"""From tensors to a network: every one in its place, or a line that says which are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TypeVar

from torch import Tensor, nn

from ..errors import InputError

NO_WEIGHTS = ("*.position_ids",)
"""Patterns of names that some programs save beside a network's weights, and that it makes itself."""

NAMES_SHOWN = 4
"""How many names of a kind a message lists."""

Net = TypeVar("Net", bound=nn.Module)


def load_state(
    net: Net,
    tensors: Mapping[str, Tensor],
    where: str,
    allowed_missing: Sequence[str] = (),
    allowed_unexpected: Sequence[str] = (),
) -> Net:
    """Put tensors into a network, as they are: precision and memory become the network's.

    A network that was made on the meta device is whole afterwards, and no weight was in memory twice.

    Args:
        net: Takes the tensors over; `accelerate.init_empty_weights` makes one that has none yet.
        tensors: By the network's own names.
        where: The file, for the message.
        allowed_missing: Patterns (`fnmatch`) of names that the file need not have.
        allowed_unexpected: Patterns of names that the file may have beyond the network's.

    Returns:
        The network, ready to run, not to train.

    Raises:
        InputError: If names are missing, left over, or have other shapes; lists the first of each.
    """
    own, ignored = net.state_dict(), (*NO_WEIGHTS, *allowed_unexpected)
    missing = [name for name in own if name not in tensors and not matches(name, allowed_missing)]
    unexpected = [name for name in tensors if name not in own and not matches(name, ignored)]
    misshaped = [
        f"{name} {tuple(tensors[name].shape)} instead of {tuple(mine.shape)}"
        for name, mine in own.items()
        if name in tensors and tensors[name].shape != mine.shape
    ]
    require_fit(where, type(net).__name__, missing, unexpected, misshaped)
    net.load_state_dict({name: tensors[name] for name in own if name in tensors}, strict=False, assign=True)
    return net.eval().requires_grad_(False)


def require_fit(
    where: str, what: str, missing: Sequence[str], unexpected: Sequence[str], misshaped: Sequence[str]
) -> None:
    """Refuse weights that do not fit.

    Args:
        where: The file.
        what: The network.
        missing: Names that it lacks.
        unexpected: Names that it has and the network has not.
        misshaped: Names with another shape, and both shapes.

    Raises:
        InputError: If there are any; counts them and lists the first of each.
    """
    parts = [
        f"{len(names)} {trouble}: {', '.join(names[:NAMES_SHOWN])}{' ...' if len(names) > NAMES_SHOWN else ''}"
        for trouble, names in (("missing", missing), ("not expected", unexpected), ("of another shape", misshaped))
        if names
    ]
    if parts:
        raise InputError(
            f"{where} does not fit {what}: {'; '.join(parts)}. Choose the file that was made for it, or get it again"
        )


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Say whether a name fits one of these patterns (`fnmatch`)."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)
