"""These run as the command does."""

import pytest

from motionweave.heap import keep_freed_memory


@pytest.fixture(scope="session", autouse=True)
def kept_memory():
    """Nothing here, nor after it, measures how much memory a process has."""
    keep_freed_memory()
