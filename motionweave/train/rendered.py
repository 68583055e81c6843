"""Training data that is made once, kept in memory-mapped files, and read from there at random."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ..errors import InputError
from ..marionette import FIRST_EVALUATION_SEED
from .recipe import ViewsRecipe

logger = logging.getLogger(__name__)

KINDS = {".u8": np.uint8, ".f16": np.float16, ".f32": np.float32}
"""What the numbers in a file are, by its ending."""
PROCESSES = 2
"""How many render at once."""

Made = TypeVar("Made")


def training_seeds(count: int, first: int = 0) -> range:
    """Give seeds to train on.

    Raises:
        InputError: If some of them are kept for evaluation.
    """
    if first + count > FIRST_EVALUATION_SEED:
        raise InputError(
            f"training seeds {first} to {first + count - 1} reach into the evaluation range; keep them below "
            f"{FIRST_EVALUATION_SEED}"
        )
    return range(first, first + count)


def rendered(render: Callable[[int], Made], seeds: range) -> Iterator[Made]:
    """Render every seed in other processes, beginning when the first is asked for."""
    # Forked processes would inherit locks of the threads that networks run on.
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        yield from pool.map(render, seeds, chunksize=4)


def kept(
    folder: Path, count: int, files: Mapping[str, tuple[int, ...]], made: Iterable[Sequence[Any]]
) -> tuple[np.ndarray, ...]:
    """Open arrays that lie in a folder, filling them if that was not finished before.

    Args:
        folder: Where they lie; its name says all that they depend on.
        count: Rows of each array.
        files: Shape of a row, by the file's name, whose ending says the kind.
        made: Some rows of every array at a time, in order; read only if the arrays have to be filled.

    Returns:
        An array for each file, (count, ...), to be read only.
    """
    folder.mkdir(parents=True, exist_ok=True)
    done = folder / "done.json"
    mode = "r" if done.is_file() else "w+"
    arrays = tuple(
        np.memmap(folder / name, KINDS[Path(name).suffix], mode, shape=(count, *shape)) for name, shape in files.items()
    )
    if mode == "w+":
        _fill(arrays, made, folder.name)
        done.write_text(json.dumps({"count": count, **files}))
    return arrays


def _fill(arrays: Sequence[np.ndarray], made: Iterable[Sequence[Any]], name: str) -> None:
    stop, count = 0, len(arrays[0])
    for part in made:
        start, stop = stop, stop + len(part[0])
        for array, rows in zip(arrays, part, strict=True):
            array[start:stop] = rows
        if 10 * start // count < 10 * stop // count:
            logger.info("%s: made %d of %d", name, stop, count)
    assert stop == count


def kept_views(
    folder: Path,
    name: str,
    recipe: ViewsRecipe,
    render: Callable[..., Sequence[np.ndarray]],
    files: Mapping[str, tuple[int, ...]],
) -> tuple[np.ndarray, ...]:
    """Open pictures of characters and what is known of them, rendering them if that was not finished before.

    Args:
        folder: In which they have a folder of their own.
        name: Beginning of that one's name; the recipe says the rest.
        recipe: What to render.
        render: Takes a seed and, by name, `views` and `size`; gives pictures (V, 3, S, S) uint8, then V rows for each
            file.
        files: Shapes of what is known of a picture, as in `kept`.

    Returns:
        Pictures (N, 3, S, S), and an array for each file.

    Raises:
        InputError: If seeds kept for evaluation would be rendered.
    """
    characters, views, size = recipe.characters, recipe.views, recipe.size
    return kept(
        folder / f"{name}-{characters}x{views}-{size}",
        characters * views,
        {"pictures.u8": (3, size, size), **files},
        rendered(partial(render, views=views, size=size), training_seeds(characters)),
    )
