"""A dataset made ready for training: every film read once, cut into clips, filtered and listed."""

from __future__ import annotations

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from pydantic import Field

from ..errors import InputError, MediaError
from ..longform.lock import held
from ..media import read_image
from ..media.files import whole_file
from ..media.geometry import place
from ..runtime import Runtime
from ..types import Size, float_pixels
from ..weights.tensor_files import read_tensors
from .cameras import keep_camera
from .choose import Filters, Shot, choose_shots
from .entries import METADATA, Entry, Problem, write_entries
from .extract import Shape, Source, Tools, extract_film, film_key
from .film import Film
from .layouts import PREPARED, read_layout
from .lights import estimate_lights, keep_light, unlit

logger = logging.getLogger(__name__)

REPORT = "report.json"


class PreparedClip(Entry):
    """One clip that training may see."""

    film: str
    """Folder of what was read of its film, below ``prepared/films``."""
    portrait: str | None = None
    """What was read of `image`, below ``prepared/portraits``."""
    light_kept: str | None = None
    """What was read of `light`, or estimated, below ``prepared/lights``."""
    camera_kept: str | None = None
    """What was read of `camera`, below ``prepared/cameras``."""
    start: int = Field(ge=0)
    """First frame of the film."""
    stop: int = Field(gt=0)
    """One past the last."""
    motion: float
    """Mean optical flow, in picture heights a second."""
    one_person: float
    """Share of the frames with exactly one person."""
    face: float
    """Share of the frames in which a face is seen."""


@dataclass
class PrepareReport:
    """What came of a dataset."""

    clips: list[PreparedClip] = field(default_factory=list[PreparedClip])
    """What training may see."""
    problems: list[Problem] = field(default_factory=list[Problem])
    """Files and entries that are left out."""
    refused: list[Problem] = field(default_factory=list[Problem])
    """Shots that filters left out."""
    unlit: list[Problem] = field(default_factory=list[Problem])
    """Clips that stay without a light, because none could be estimated."""
    reasons: Counter[str] = field(default_factory=Counter[str])
    """How many shots each filter left out."""
    films: int = 0
    """Films that are ready."""
    read_now: int = 0
    """How many of them had to be read; the others were ready from before."""
    frames: int = 0
    """Frames of all clips."""

    def lines(self) -> tuple[str, ...]:
        """Give it for people, what is wrong first."""
        told = [f"left out: {problem.line()}" for problem in (*self.problems, *self.refused)]
        told += [f"without light: {problem.line()}" for problem in self.unlit]
        held_out = sum(clip.split == "test" for clip in self.clips)
        told.append(f"{self.films} films ready, {self.read_now} of them read now; {len(self.problems)} left out")
        shots = ", ".join(f"{count} {reason}" for reason, count in sorted(self.reasons.items()))
        told.append(f"{sum(self.reasons.values())} shots left out{f': {shots}' if shots else ''}")
        told.append(f"{len(self.clips)} clips of {self.frames} frames, {held_out} of them held out")
        lit, seen = (sum(bool(getattr(clip, name)) for clip in self.clips) for name in ("light_kept", "camera_kept"))
        if lit or seen:
            told.append(f"{lit} clips have a light, {seen} a camera")
        return tuple(told)

    def to_json(self) -> str:
        """Give it for programs."""
        told = {
            "films": self.films,
            "read_now": self.read_now,
            "clips": len(self.clips),
            "frames": self.frames,
            "left_out": [vars(problem) for problem in self.problems],
            "without_light": [vars(problem) for problem in self.unlit],
            "shots_left_out": [vars(problem) for problem in self.refused],
            "reasons": dict(self.reasons),
        }
        return json.dumps(told, indent=1)


@dataclass(frozen=True)
class Preparation:
    """How to prepare."""

    tools: Tools
    """What reads the films."""
    shape: Shape
    """How they are read."""
    filters: Filters = field(default_factory=Filters)
    """Which shots are taken."""
    layout: str = "auto"
    """How the dataset lies on disk."""
    estimates_light: bool = False
    """Whether to estimate the light of clips that come without a light file; takes depth."""

    def __post_init__(self) -> None:
        """Check that lights can be estimated."""
        if self.estimates_light and self.tools.depth is None:
            raise InputError("light is read from how surfaces are lit, so it takes depth; name a depth model, too")


def prepare(folder: Path, how: Preparation, runtime: Runtime) -> PrepareReport:
    """Read every film that is not read yet, and list the clips.

    Everything that is written lies in ``prepared/`` of the dataset: ``films/``, a folder each, named by its content and
    by what read it; ``metadata.json``, one entry a clip; ``report.json``. Films that are ready are not read again, so a
    call that was stopped goes on, and other filters take no time. The dataset itself is never changed.

    Args:
        folder: The dataset.
        how: What reads it, and which clips are wanted.
        runtime: Told of the progress; gives the device.

    Returns:
        What came of it; broken films and wrong entries are in it, not raised.

    Raises:
        InputError: If the folder holds no dataset.
        MediaError: If another process prepares it, or it cannot be written.
    """
    entries, problems = read_layout(folder, how.layout)
    report = PrepareReport(problems=list(problems))
    prepared = folder / PREPARED
    for name in ("films", "portraits"):
        (prepared / name).mkdir(parents=True, exist_ok=True)
    with held(prepared):
        for index, entry in enumerate(entries):
            logger.info("%d of %d: %s", index + 1, len(entries), entry.file)
            try:
                clips = list(_clips_of(folder, entry, how, runtime, report))
            except (MediaError, InputError) as error:
                report.problems.append(Problem(entry.file, _reason(error)))
                logger.warning("%s is left out: %s", entry.file, report.problems[-1].reason)
                continue
            report.films += 1
            report.clips += clips
        report.frames = sum(clip.stop - clip.start for clip in report.clips)
        write_entries(prepared / METADATA, report.clips)
        with whole_file(prepared / REPORT) as partial:
            partial.write_text(report.to_json() + "\n", encoding="utf-8")
    return report


def _reason(error: MediaError | InputError) -> str:
    return str(error).removeprefix(f"{error.path.name}: ") if isinstance(error, MediaError) else str(error)


def _clips_of(
    folder: Path, entry: Entry, how: Preparation, runtime: Runtime, report: PrepareReport
) -> Iterator[PreparedClip]:
    source = Source(folder / entry.file)
    key = film_key(source, how.tools, how.shape)
    read = folder / PREPARED / "films" / key
    # What is wrong with the picture is told before minutes are spent on the film.
    portrait = None if entry.image is None else _portrait(folder, entry.image, how, runtime)
    report.read_now += extract_film(source, how.tools, how.shape, runtime, read)
    film = Film(read)
    lit = None if entry.light is None else keep_light(folder, entry.light, film)
    seen = None if entry.camera is None else keep_camera(folder, entry.camera, film)
    shots = list(_taken(entry, film, how, report))
    lights = dict.fromkeys([shot.start for shot in shots], lit)
    if lit is None and how.estimates_light:
        found = estimate_lights(folder, source, how.shape, film, shots)
        report.unlit += unlit(entry.file, shots, found)
        lights |= found
    told = entry.model_dump(include=set(Entry.model_fields))
    for shot in shots:
        yield PreparedClip(
            **told,
            film=key,
            portrait=portrait,
            light_kept=lights[shot.start],
            camera_kept=seen,
            start=shot.start,
            stop=shot.stop,
            motion=shot.motion,
            one_person=shot.one_person,
            face=shot.face,
        )


def _taken(entry: Entry, film: Film, how: Preparation, report: PrepareReport) -> Iterator[Shot]:
    """Give the shots that become clips, and tell of the others."""
    for shot in choose_shots(film, how.filters):
        if not shot.refused:
            yield shot
            continue
        report.reasons[shot.refused] += 1
        frames = f"{entry.file} frames {shot.start}-{shot.stop - 1}"
        report.refused.append(Problem(frames, f"{shot.refused} ({shot.detail})"))


def _portrait(folder: Path, image: str, how: Preparation, runtime: Runtime) -> str:
    """Encode a picture of the character, unless that was done; give its file's name."""
    from safetensors.torch import save_file

    backbone, size = how.tools.backbone, how.shape.size
    if not (folder / image).is_file():
        raise InputError(f"'{image}' is no picture, but a folder")
    content = hashlib.sha256((folder / image).read_bytes()).hexdigest()
    name = hashlib.sha256(f"{content} {backbone.digest} {size}".encode()).hexdigest()[:24] + ".safetensors"
    path = folder / PREPARED / "portraits" / name
    if path.is_file():
        return name
    picture = (read_image(folder / image)[0] * 255).round().to(torch.uint8)
    fitted = place(picture, Size(picture.shape[-1], picture.shape[-2]), size, how.shape.fit)
    with torch.inference_mode(), runtime.resident((backbone.vae, backbone.vision)):
        pixels = float_pixels(fitted[None])
        tensors = {"latents": backbone.encode_clip(pixels).cpu(), "token": backbone.embed(pixels)}
    with whole_file(path) as partial:
        save_file(tensors, partial)
    return name


def read_portrait(folder: Path, name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Give what was read of a picture: latents (4, h, w) of unit deviation, and the token (1, D)."""
    tensors = read_tensors(folder / PREPARED / "portraits" / name)
    return tensors["latents"][0], tensors["token"]
