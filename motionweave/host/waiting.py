"""Waits for coroutines from ordinary code, also where an event loop runs already, as one does in a notebook."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")


def result_of(awaitable: Awaitable[T]) -> T:
    """Wait for a coroutine's end and give what it returned.

    Args:
        awaitable: What is waited for. Where this thread has a running loop, it gets one of its own in another thread.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(_awaited(awaitable))
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(copy_context().run, asyncio.run, _awaited(awaitable)).result()


async def _awaited(awaitable: Awaitable[T]) -> T:
    return await awaitable
