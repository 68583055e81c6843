"""Run directories of noise, filled within limits that a process cannot take back."""

import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import torch

from motionweave.errors import MediaError
from motionweave.longform.plan import ChunkPlan
from motionweave.longform.stitch import stitch_chunks
from motionweave.longform.store import ChunkStore
from motionweave.types import Size

SIZE = Size(64, 64)
PLAN = ChunkPlan(12, Fraction(7), 4, 2, 4)


def noise(seed: int) -> torch.Tensor:
    """Frames that hardly compress: about 64 kB a chunk."""
    return torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(seed))


def fill(folder: Path, upto: int = 3) -> None:
    """Make the chunks that are missing."""
    store = ChunkStore(folder, PLAN, SIZE)
    with store.writing():
        for index in range(upto):
            if store.finished(index, "key") is None:
                store.save(index, "key", noise(index), torch.zeros(4, 4, 8, 8), 1.0)
        store.finish()


def stitch(folder: Path, video: Path) -> None:
    """Join them."""
    stitch_chunks(ChunkStore.reopen(folder), video)


def choose_the_first(folder: Path) -> None:
    """Write a line into the journal."""
    store = ChunkStore.reopen(folder)
    store.choose(store.records()[0])


def limited(size: int, told: Path, act: Callable[..., None], *arguments: object) -> None:
    """Do something while no file may grow beyond a size; write down what it was refused with."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    _told(told, act, *arguments)


def as_nobody(told: Path, act: Callable[..., None], *arguments: object) -> None:
    """Do something as a user who may not write everywhere; write down what it was refused with."""
    if os.geteuid() == 0:
        os.setuid(65534)
    _told(told, act, *arguments)


def _told(path: Path, act: Callable[..., None], *arguments: object) -> None:
    try:
        act(*arguments)
    except MediaError as error:
        path.write_text(str(error))
