"""What the C library does with memory that was freed."""

from __future__ import annotations

import ctypes
import sys

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Names of the settings, from ``malloc.h``."""


def keep_freed_memory() -> bool:
    """Have freed memory kept for the next tensors, rather than given back to the system.

    A decoder makes and frees tensors of tens of megabytes at every layer. glibc asks the system for each of them, which
    fills every page with zeros when it is first touched: on a processor that was two thirds of the decoder's time. The
    numbers do not change. The process holds on to its peak until it ends, so this is for a process of the pack's own,
    not for a host's.

    Returns:
        Whether the C library took it; only glibc does.

    Source: mallopt(3).
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    return mallopt is not None and bool(mallopt(TRIM_THRESHOLD, 2**31 - 1) and mallopt(MMAP_THRESHOLD, 2**30))
