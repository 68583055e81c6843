"""Files on their way: those that a workflow reads to the server, those that it made back from it."""

from __future__ import annotations

import filecmp
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import uuid4

from ..errors import InputError
from .catalogue import Catalogue
from .graph import Graph
from .paths import ANNOTATION, confine
from .server import ComfyServer


async def upload_inputs(
    server: ComfyServer, graph: Graph, catalogue: Catalogue, folder: Path
) -> tuple[Graph, list[str]]:
    """Bring the files that a workflow names to the server; one that is not in the folder is left to the server.

    A server keeps a file that it has under that name already, and stores one with other content under a new name, which
    the workflow then gets: nobody's file is written over.

    Args:
        server: Where to.
        graph: The workflow.
        catalogue: The server's kinds of nodes; says which inputs name files.
        folder: Where the files lie.

    Returns:
        The workflow with the names that the server gave, and the names of files that are not in the folder.

    Raises:
        ServerError: If the server refuses a file.
        InputError: If a name leads out of the folder.
    """
    absent: list[str] = []
    for node, input, name, is_sure in tuple(_named_files(graph, catalogue)):
        if not is_sure and not _is_file_below(folder, name):
            continue
        path = confine(folder, name)
        if not path.is_file():
            absent.append(name)
            continue
        stored = await _upload(server, path, name)
        if stored != name:
            graph = graph.with_inputs(node, {input: stored})
    return graph, absent


def _named_files(graph: Graph, catalogue: Catalogue) -> Iterator[tuple[str, str, str, bool]]:
    """Give node, input and name of each file that a workflow reads from the input folder, and whether it is one.

    A list whose value the server does not offer may name a file too, such as a pose file's.
    """
    for node in graph.nodes.values():
        spec = catalogue.get(node.kind)
        for input in () if spec is None else spec.inputs:
            value = node.inputs.get(input.id)
            may_name = input.type == "COMBO" and value not in (input.options.get("options") or ())
            if not isinstance(value, str) or not value or not (input.is_upload or may_name):
                continue
            match = ANNOTATION.match(value)
            if match is None or match["folder"] == "input":
                yield node.id, input.id, value if match is None else match["name"], input.is_upload


def _is_file_below(folder: Path, name: str) -> bool:
    try:
        return confine(folder, name).is_file()
    except InputError:
        return False


async def _upload(server: ComfyServer, path: Path, name: str) -> str:
    import aiohttp

    place = PurePosixPath(name.replace("\\", "/"))
    subfolder = "" if str(place.parent) == "." else str(place.parent)
    with path.open("rb") as file:
        form = aiohttp.FormData({"type": "input", "subfolder": subfolder})
        form.add_field("image", file, filename=place.name, content_type="application/octet-stream")
        answer = await server.post("/upload/image", form=form)
    return f"{answer.get('subfolder', '')}/{answer['name']}".lstrip("/")


async def fetch_outputs(server: ComfyServer, outputs: Mapping[str, Any], folder: Path) -> tuple[Path, ...]:
    """Fetch the files that a run's nodes saved.

    Args:
        server: Where from.
        outputs: What each node showed, as the server's history has it.
        folder: Where to; subfolders are kept.

    Returns:
        The files, in the order in which they were saved. One that is here already with the same content is kept; one
        of that name with other content stays, and the new one gets a number.

    Raises:
        InputError: If a name from the server leads out of the folder.
        ServerError: If the server does not give a file.
    """
    fetched = [await _fetch(server, query, folder) for query in _saved(outputs)]
    return tuple(fetched)


def _saved(outputs: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Give each file that was saved for good, once; previews are not."""
    seen: set[tuple[str, str]] = set()
    for shown in outputs.values():
        lists = [value for value in (shown or {}).values() if isinstance(value, list)]
        for file in (each for entries in lists for each in entries if isinstance(each, dict)):
            name, subfolder = str(file.get("filename", "")), str(file.get("subfolder", ""))
            if name and file.get("type") == "output" and (subfolder, name) not in seen:
                seen.add((subfolder, name))
                yield {"filename": name, "subfolder": subfolder, "type": "output"}


async def _fetch(server: ComfyServer, query: Mapping[str, str], folder: Path) -> Path:
    target = confine(folder, f"{query['subfolder']}/{query['filename']}".lstrip("/"))
    part = target.with_name(f".{uuid4().hex}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        await server.download(query, part)
        target = _free_name(target, part)
        part.replace(target)
    except OSError as error:
        raise InputError(f"{target} cannot be written ({error.strerror}); choose another --output-dir") from error
    finally:
        part.unlink(missing_ok=True)
    return target


def _free_name(target: Path, part: Path) -> Path:
    """Give the name itself, unless another file has it."""
    wanted, number = target, 1
    while target.exists() and not filecmp.cmp(target, part, shallow=False):
        number += 1
        target = wanted.with_stem(f"{wanted.stem} ({number})")
    return target
