"""The models that read films, by the names that a command line gives them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from ..backbones.svd import SVDBackbone, check_size
from ..backbones.svd_files import load_svd
from ..errors import InputError
from ..runtime import Folders, Runtime
from ..tracks.depth_models import load_depth_model
from ..tracks.estimators import load_pose_model
from ..types import Size
from ..weights.locate import locate_model
from .choose import Filters
from .extract import Shape, Tools
from .prepare import Preparation

DETECT_EVERY = 6
"""Frames from one look for people to the next."""


@dataclass(frozen=True)
class Readers:
    """What reads films, in words; an empty word is the default."""

    backbone: str
    """Name or folder of the backbone that is to be trained for."""
    pose: str
    """Name of the pose model."""
    depth: str = ""
    """Name of the depth model; empty for no depth."""
    size: str = ""
    """``WxH``; empty for the backbone's own."""
    fps: str = ""
    """Frames per second, such as 12 or 30000/1001; empty for each film's own."""
    light: bool = False
    """Whether to estimate the light of clips that come without a light file."""


def preparation(readers: Readers, filters: Filters, layout: str, runtime: Runtime) -> Preparation:
    """Load what a preparation needs; a model that is missing is told before any film is read.

    Args:
        readers: Names.
        filters: Which shots are taken.
        layout: How the dataset lies on disk.
        runtime: Gives folders and precision.

    Raises:
        MissingModelError: If a model is not on this machine.
        InputError: If size or frame rate cannot be read, or do not suit the backbone.
    """
    backbone = open_backbone(readers.backbone, runtime.folders)
    size = parse_size(readers.size) if readers.size else backbone.facts.size
    check_size(size, backbone.facts.spatial_multiple)
    shape = Shape(size, parse_fps(readers.fps) if readers.fps else None)
    depth = load_depth_model(readers.depth, runtime.folders, runtime.dtype) if readers.depth else None
    poses = load_pose_model(readers.pose, runtime.folders, DETECT_EVERY)
    return Preparation(Tools(backbone, poses, depth), shape, filters, layout, readers.light)


def open_backbone(name: str, folders: Folders) -> SVDBackbone:
    """Load a backbone by its name or its folder."""
    return load_svd(Path(name) if Path(name).is_dir() else locate_model("backbone", name, folders))


def parse_size(text: str) -> Size:
    """Read ``WxH``.

    Raises:
        InputError: If it is none.
    """
    found = re.fullmatch(r"(\d+)x(\d+)", text.strip().lower())
    if found is None:
        raise InputError(f"a size of '{text}' was given; expected width x height, such as 512x512")
    return Size(int(found[1]), int(found[2]))


def parse_fps(text: str) -> Fraction:
    """Read a frame rate.

    Raises:
        InputError: If it is none.
    """
    try:
        fps = Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise InputError(f"a frame rate of '{text}' was given; expected one such as 12 or 30000/1001") from error
    if fps <= 0:
        raise InputError(f"a frame rate of {text} was given; expected more than 0")
    return fps
