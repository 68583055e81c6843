"""Whether a model that a workflow names is here, asked before anything runs."""

from __future__ import annotations

from ..errors import MotionWeaveError
from ..runtime import Folders
from .locate import available_models, locate_model
from .manifest import load_manifest


def model_is_here(roles: tuple[str, ...], name: str | None, folders: Folders) -> bool | str:
    """Say whether a model is on this machine, as a node's `validate_inputs` says it.

    Args:
        roles: Keys of `ROLES` that the node takes.
        name: The model; None where it is not known yet, because it comes from a link.
        folders: The host's.

    Returns:
        True, or what is missing: its size and licence, where to get it and where to put it.
    """
    if name is None or any(name in available_models(role, folders) for role in roles):
        return True
    manifest = load_manifest()
    listed = manifest.get(name).role if name in manifest.ids() else roles[0]
    try:
        locate_model(listed if listed in roles else roles[0], name, folders)
    except MotionWeaveError as error:
        return str(error)
    return True
