"""What a piece of work holds at once: every live tensor counted, on any device, the meta device included.

On the meta device tensors have shapes and no memory, so networks of full size can be measured on any machine. What a
real device takes beside tensors (work space of convolutions, gaps between tensors) is not counted.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class LiveTensors(TorchDispatchMode):
    """Counts the bytes of tensors that were made inside the block on one device and still live."""

    def __init__(self, device: str) -> None:
        """Start at nothing.

        Args:
            device: The kind of device to count on, such as ``meta``.
        """
        super().__init__()
        self.now_bytes = 0
        """Bytes that live now."""
        self.peak_bytes = 0
        """The most that lived at once."""
        self._device = device
        self._sizes: dict[int, int] = {}

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run an operation and count what it made."""
        made = func(*args, **(kwargs or {}))
        for each in tree_leaves(made):
            if isinstance(each, Tensor) and each.device.type == self._device:
                self._count(each.untyped_storage())
        return made

    def _count(self, storage: torch.UntypedStorage) -> None:
        # `data_ptr()` is 0 for all of them on the meta device.
        key = storage._cdata  # pyright: ignore[reportPrivateUsage]
        if key not in self._sizes:
            self._sizes[key] = storage.nbytes()
            self.now_bytes += storage.nbytes()
            self.peak_bytes = max(self.peak_bytes, self.now_bytes)
            weakref.finalize(storage, self._forget, key)

    def _forget(self, key: int) -> None:
        self.now_bytes -= self._sizes.pop(key)


class FusedAttention(TorchFunctionMode):
    """Has attention make its result alone, as fused kernels do; the meta device would spell out the whole matrix."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run a function."""
        if func is F.scaled_dot_product_attention:
            query, _, value = (*args, *(kwargs or {}).values())[:3]
            batch, heads, length, _ = query.shape
            return query.new_empty(batch, length, heads, value.shape[-1]).transpose(1, 2)
        return func(*args, **(kwargs or {}))


@contextmanager
def count_live_tensors(device: str = "meta") -> Iterator[LiveTensors]:
    """Count the tensors on a device that are made inside the block and live.

    Args:
        device: The kind of device.
    """
    live = LiveTensors(device)
    with live, FusedAttention():
        yield live
