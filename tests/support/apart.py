"""Processes that begin clean, for tests that kill them or set limits that cannot be taken back.

They are forked from a server that has imported everything and done nothing. A fork of the testing process itself would
carry the locks and the half of the thread pools that earlier tests left in it, and stand still now and then.
"""

import multiprocessing
import os
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess

AVAILABLE = hasattr(os, "fork")
"""There are fork servers where there are forks."""
SECONDS = 300
"""No process of a test works longer; one that does is killed, as pytest would wait for it at its end."""
PRELOADED = ["crashes", "small_runs", "diffusers", "motionweave.backbones.svd_files", "motionweave.engine"]


def start(work: Callable[..., None], *arguments: object) -> BaseProcess:
    """Call a module's function in a process of its own."""
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(PRELOADED)
    process = server.Process(target=work, args=arguments)
    process.start()
    return process


def exit_code(process: BaseProcess, until: Callable[[], bool] = lambda: False) -> int:
    """Wait for a process, kill it as soon as something holds, and give what it ended with."""
    deadline = time.monotonic() + SECONDS
    while process.is_alive() and not until():
        if time.monotonic() > deadline:
            process.kill()
            raise AssertionError(f"{process.name} still worked after {SECONDS} seconds")
        time.sleep(0.0005)
    process.kill()
    process.join()
    assert process.exitcode is not None
    return process.exitcode
