"""A batch on Ray: one warm worker for each GPU, jobs handed out as workers become free.

A worker that dies takes nothing with it but the chunk it was making: its job goes to another worker, which goes on from
the chunks on disk. On several machines, input and output folders have to be the same files for all of them.
"""

from __future__ import annotations

import logging
import os
import platform
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any

from ..errors import InputError, UnsupportedError
from .batch import BatchJob, BatchOptions, BatchResult, run_job
from .warm import WarmModels

LOG = logging.getLogger(__name__)

MOST_DEATHS = 3
"""Workers that one job may cost, before it is held to be the cause."""


class Worker:
    """What Ray keeps alive: a process with models that stay loaded."""

    def __init__(self) -> None:
        """Begin without models."""
        self._warm = WarmModels()

    def run(self, job: BatchJob, options: BatchOptions) -> BatchResult:
        """Run one job."""
        return run_job(job, options, self._warm, worker=f"{platform.node()} {os.getpid()}")


def run_on_ray(
    jobs: Sequence[BatchJob],
    options: BatchOptions,
    on_result: Callable[[BatchResult], None],
    address: str | None = None,
    workers: int | None = None,
) -> tuple[BatchResult, ...]:
    """Run jobs side by side.

    Args:
        jobs: What to run.
        options: How; its folders are absolute, and the same for all machines.
        on_result: Told of each result, in the order in which they come.
        address: A Ray cluster's; None for a Ray of our own on this machine.
        workers: How many at once; None for one a GPU, or one where there is none.

    Raises:
        UnsupportedError: If Ray is not installed.
        InputError: If the cluster cannot be reached, or has fewer GPUs than workers were asked for.
    """
    ray = _ray()
    _connect(ray, address, workers)
    try:
        gpus = int(ray.cluster_resources().get("GPU", 0))
        count = min(workers or max(gpus, 1), len(jobs))
        if gpus and count > gpus:
            raise InputError(f"{count} workers were asked for, and Ray has {gpus} GPUs; a worker needs one of its own")
        # On processors a worker takes one of Ray's, whatever torch does with its threads.
        kind = ray.remote(num_gpus=1 if gpus else 0, num_cpus=1)(Worker)
        return _hand_out(ray, jobs, options, on_result, [kind.remote for _ in range(count)])
    finally:
        ray.shutdown()


def _hand_out(
    ray: Any,
    jobs: Sequence[BatchJob],
    options: BatchOptions,
    on_result: Callable[[BatchResult], None],
    hire: Sequence[Callable[[], Any]],
) -> tuple[BatchResult, ...]:
    """Give each free worker the next job, and a job whose worker died to another."""
    waiting, deaths = deque(jobs), Counter[str]()
    free: list[Any] = [start() for start in hire]
    running: dict[Any, tuple[Any, BatchJob]] = {}
    results: list[BatchResult] = []
    while waiting or running:
        while free and waiting:
            worker, job = free.pop(), waiting.popleft()
            running[worker.run.remote(job, options)] = (worker, job)
        (ended, *_), _ = ray.wait(list(running), num_returns=1)
        worker, job = running.pop(ended)
        try:
            made = ray.get(ended)
            result = replace(made, tries=made.tries + deaths[job.name])
            free.append(worker)
        except ray.exceptions.RayActorError:
            deaths[job.name] += 1
            free.append(hire[0]())
            LOG.warning("the worker of %s died; another one goes on", job.name)
            if deaths[job.name] < MOST_DEATHS:
                waiting.appendleft(job)
                continue
            words = f"its worker died {MOST_DEATHS} times, as when memory runs out; see the system's log"
            result = BatchResult(job.name, False, words, MOST_DEATHS)
        results.append(result)
        on_result(result)
    return tuple(results)


def _connect(ray: Any, address: str | None, workers: int | None) -> None:
    # Nothing is reported to anybody unless the user asks for it.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    quiet = {"include_dashboard": False} if address is None else {}
    cpus = workers if address is None else None
    try:
        ray.init(address=address or "local", num_cpus=cpus, log_to_driver=False, logging_level=logging.ERROR, **quiet)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise InputError(f"Ray cannot be reached at {address}: {' '.join(str(error).split())[:200]}") from error


def _ray() -> Any:
    try:
        return import_module("ray")
    except ImportError as error:
        raise UnsupportedError(
            "running jobs side by side, without Ray,",
            "Install it: pip install 'motionweave[ray]', or leave --workers and --ray out.",
        ) from error
