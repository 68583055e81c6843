"""Published datasets in the folders that their owners' downloads leave; nothing is fetched, copied or changed.

What is read of each is what its owners or its paper publish: UBC-Fashion (Zablotskaia et al., "DwNet", 2019) as
``train/*.mp4`` and ``test/*.mp4``; TikTok (Jafarian and Park, 2021) as ``NNNNN/images/*.png`` at 30 frames per second;
MSR-VTT (Xu et al., 2016) as ``*videodatainfo.json`` or ``MSRVTT_data.json`` with ``videos`` and ``sentences``; VATEX
(Wang et al., 2019) as ``vatex_*.json`` with ``videoID`` and ``enCap``. Videos of the latter two are found by their id
wherever they lie. HumanVid (Wang et al., 2024) has users fetch its videos themselves, so it is read as any folder of
videos. None of them was at hand here: the layouts are from their publications, not from a copy.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..errors import InputError
from .entries import METADATA, VIDEO_ENDINGS, Entry, Problem, Split, read_entries

Found = tuple[tuple[Entry, ...], tuple[Problem, ...]]

PREPARED = "prepared"
"""Folder below a dataset in which everything lies that was read from it."""


def read_layout(folder: Path, layout: str = "auto") -> Found:
    """List a dataset's clips.

    Args:
        folder: Where it lies.
        layout: A key of `LAYOUTS`; ``auto`` takes what the files say.

    Returns:
        Entries, in a fixed order, and what is wrong with the others.

    Raises:
        InputError: If there is no such folder or layout, or the folder holds no clips at all.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; give one that holds videos/ and, if you like, {METADATA}")
    if layout not in (*LAYOUTS, "auto"):
        raise InputError(f"there is no layout '{layout}'; known are auto, {', '.join(LAYOUTS)}")
    name = _seems(folder) if layout == "auto" else layout
    try:
        entries, problems = LAYOUTS[name](folder)
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"the descriptions in {folder} are not those of {name} ({type(error).__name__}: {error}); name its layout"
        ) from error
    if not entries and not problems:
        raise InputError(f"{folder} holds no clips (read as {name}); put videos into {folder.name}/videos")
    return entries, problems


def _seems(folder: Path) -> str:
    if (folder / METADATA).is_file() or ((folder / "videos").is_dir() and not _infos(folder)):
        return "plain"
    if _infos(folder):
        return "msr-vtt"
    if any(folder.glob("vatex*.json")):
        return "vatex"
    if any(folder.glob("*/images/*.png")):
        return "tiktok"
    return "ubc-fashion" if any(folder.glob("train/*.mp4")) else "humanvid"


def _fashion(folder: Path) -> Found:
    splits: tuple[Split, ...] = ("train", "test")
    return tuple(
        Entry(file=path.relative_to(folder).as_posix(), split=split)
        for split in splits
        for path in sorted((folder / split).glob("*.mp4"))
    ), ()


def _tiktok(folder: Path) -> Found:
    pictures = sorted(path for path in folder.glob("*/images") if any(path.glob("*.png")))
    return tuple(Entry(file=path.relative_to(folder).as_posix()) for path in pictures), ()


def _any_videos(folder: Path) -> Found:
    return tuple(Entry(file=path.relative_to(folder).as_posix()) for path in _videos(folder)), ()


def _videos(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in VIDEO_ENDINGS and PREPARED not in path.relative_to(folder).parts:
            yield path


def _infos(folder: Path) -> list[Path]:
    return [*sorted(folder.glob("*videodatainfo.json")), *sorted(folder.glob("MSRVTT_data.json"))]


def _msr_vtt(folder: Path) -> Found:
    told: dict[str, tuple[str, Split]] = {}
    for path in _infos(folder):
        data = _read(path)
        captions: dict[str, str] = {}
        for sentence in data["sentences"]:
            captions.setdefault(str(sentence["video_id"]), str(sentence["caption"]))
        for video in data["videos"]:
            id = str(video["video_id"])
            told[id] = (captions.get(id, ""), "train" if video.get("split") == "train" else "test")
    return _by_id(folder, told)


def _vatex(folder: Path) -> Found:
    told: dict[str, tuple[str, Split]] = {}
    for path in sorted(folder.glob("vatex*.json")):
        split: Split = "train" if "training" in path.name else "test"
        for video in _read(path):
            told[str(video["videoID"])] = (next(iter(video.get("enCap", ())), ""), split)
    return _by_id(folder, told)


def _by_id(folder: Path, told: dict[str, tuple[str, Split]]) -> Found:
    """Find videos by their names; many of these sets are no longer to be had whole, which is no error."""
    there = {path.stem: path.relative_to(folder).as_posix() for path in _videos(folder)}
    entries = [Entry(file=there[id], prompt=told[id][0], split=told[id][1]) for id in sorted(told) if id in there]
    lost = tuple(Problem(id, "is described, but there is no video of this name") for id in sorted(told.keys() - there))
    return tuple(entries), lost


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path} cannot be read ({error}); fetch it again") from error


LAYOUTS: dict[str, Callable[[Path], Found]] = {
    "plain": read_entries,
    "ubc-fashion": _fashion,
    "tiktok": _tiktok,
    "humanvid": _any_videos,
    "msr-vtt": _msr_vtt,
    "vatex": _vatex,
}
"""Ways in which datasets lie on disk."""
