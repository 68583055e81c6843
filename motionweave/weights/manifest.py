"""Every model as data: what it is for, where it comes from, and what may be done with it.

The list itself is ``models_manifest.json`` in the pack's folder. What nobody has confirmed is absent there rather than
guessed: an exact size or a checksum is given only where it was read from the file itself.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from ..errors import InputError

PACK_ROOT = Path(__file__).resolve().parents[2]
"""The folder that holds the manifest, the workflows and the bundled models."""

MANIFEST_PATH = PACK_ROOT / "models_manifest.json"
"""The manifest that comes with the pack."""


def is_inside(value: str) -> bool:
    """Say whether a path stays inside the folder it is joined to, on every system."""
    parts = PurePosixPath(value).parts
    return bool(parts) and not (value.startswith("/") or ".." in parts or any(sign in value for sign in "\\:\0"))


def _stay_inside(value: str) -> str:
    """Refuse a path that is absolute, climbs out of its folder, or means different things on different systems."""
    if not is_inside(value):
        raise ValueError("expected a relative path with forward slashes that stays inside its folder")
    return value


RelativePath = Annotated[str, AfterValidator(_stay_inside)]
"""A path with forward slashes that cannot leave the folder it is joined to."""

Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+([._-][a-z0-9]+)*$")]
"""A stable name that is safe in file names, workflows and command lines."""

_STRICT = ConfigDict(frozen=True, extra="forbid", strict=True)


class ModelFile(BaseModel):
    """One file of a model."""

    model_config = _STRICT

    path: RelativePath
    """Where it lies in the repository, and below the model's folder once downloaded."""
    size_bytes: int | None = Field(default=None, gt=0)
    """Exact size, or None if it was never confirmed."""
    approx_bytes: int | None = Field(default=None, gt=0)
    """Size as a page shows it, rounded to three figures; good for planning a download, not for verifying one."""
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """Checksum in lower-case hexadecimal, or None if it is not known."""


class ModelEntry(BaseModel):
    """One model."""

    model_config = _STRICT

    id: Slug
    """Stable name, written into workflows and messages."""
    role: Slug
    """What it is used as, such as ``backbone`` or ``controlnet``."""
    title: str = Field(min_length=1)
    """What a person reads."""
    repo: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$")
    """``owner/name`` on the model hub; None for a model that is only bundled."""
    revision: str | None = Field(default=None, min_length=1)
    """Commit or tag in `repo`; None for its main branch."""
    page: str | None = Field(default=None, pattern=r"^https://[^\s]+$")
    """Where its publisher offers it, for a model that is on no hub and has to be fetched by hand."""
    files: tuple[ModelFile, ...] = ()
    """What to fetch from `repo` or `page`; empty for a model that is only bundled, which is its whole folder."""
    single_files: tuple[RelativePath, ...] = ()
    """Names of the files by which it is known where it lies as a single file."""
    bundled: RelativePath | None = None
    """Folder of the copy that comes with the pack, below the pack's own folder."""
    licence: str | None = Field(min_length=1)
    """The licence's name as its publisher gives it, or None if none is stated."""
    licence_note: str
    """What a user should know before using it, in a sentence or two."""
    comfy_folder: Slug
    """ComfyUI's model folder in which it is looked for."""
    node: str = ""
    """Display name of the node that loads it."""
    verified: Literal["layout only", "images seen"] = "layout only"
    """Whether pictures made with these very weights were looked at, or only files of their names and shapes loaded."""
    verified_by: str = ""
    """How, in a sentence."""

    @model_validator(mode="after")
    def _has_a_source(self) -> ModelEntry:
        """Refuse a model that cannot be had from anywhere."""
        if self.repo is None and self.page is None and self.bundled is None:
            raise ValueError("expected a 'repo', a 'page' or a 'bundled' folder")
        if (self.repo is None and self.page is None) != (not self.files):
            raise ValueError("expected 'files' exactly where there is a 'repo' or a 'page' to fetch them from")
        return self

    @property
    def bundled_path(self) -> Path | None:
        """Where the bundled copy lies on this machine, whether or not it is there."""
        return None if self.bundled is None else PACK_ROOT / self.bundled

    @property
    def download_bytes(self) -> int | None:
        """Bytes to fetch, as exactly as they are known; None if any large file's size is unknown."""
        sizes = [file.size_bytes or file.approx_bytes for file in self.files if not file.path.endswith(".json")]
        known = [size for size in sizes if size is not None]
        return sum(known) if sizes and len(known) == len(sizes) else None


class Manifest(BaseModel):
    """All models that the pack knows, in the order in which they are offered."""

    model_config = _STRICT

    models: tuple[ModelEntry, ...]
    """The entries; ids are unique."""

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Manifest:
        """Refuse two models of one name."""
        ids = self.ids()
        repeated = sorted({id for id in ids if ids.count(id) > 1})
        if repeated:
            raise ValueError(f"these ids stand there more than once: {', '.join(repeated)}")
        return self

    def ids(self) -> tuple[str, ...]:
        """Ids in order."""
        return tuple(model.id for model in self.models)

    def get(self, id: str) -> ModelEntry:
        """Give the model of that id.

        Raises:
            InputError: If there is none; the message lists those there are.
        """
        for model in self.models:
            if model.id == id:
                return model
        raise InputError(f"there is no model '{id}' in the manifest; known are {', '.join(self.ids())}")

    def with_role(self, role: str) -> tuple[ModelEntry, ...]:
        """Give every model that is used as `role`, in order; an empty tuple if there is none."""
        return tuple(model for model in self.models if model.role == role)


def load_manifest(path: Path = MANIFEST_PATH) -> Manifest:
    """Read the manifest.

    Args:
        path: The JSON file.

    Returns:
        The checked manifest.

    Raises:
        InputError: If the file cannot be read, or an entry is not what it should be; the message names the first one.
    """
    try:
        return _checked(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the model manifest {path} cannot be read ({error}); put the pack's own file back") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"]) or "the file"
        raise InputError(f"the model manifest {path.name} is wrong at {place}: {first['msg']}") from error


@lru_cache(maxsize=1)  # Every list of models on the canvas asks again.
def _checked(text: str) -> Manifest:
    return Manifest.model_validate_json(text)
