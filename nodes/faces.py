"""Who makes faces anew: a choice that Upscale Chunks and Preflight offer alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..motionweave import FacePass, InputError, available_models, load_upscale_model, locate_model
from .runtime import folders

if TYPE_CHECKING:
    from ..motionweave import FaceModels

AS_THEY_COME = "none"


def face_models() -> list[str]:
    """List what makes faces anew: restorers first, then upscalers."""
    here = folders()
    return list(dict.fromkeys([*available_models("face_restorer", here), *available_models("upscaler", here)]))


def face_pass(finder: FaceModels | None, name: str, strength: float) -> FacePass | None:
    """Load what was chosen; None where faces are left as they come."""
    if name == AS_THEY_COME or strength == 0:
        return None
    if finder is None:
        raise InputError(
            f"{name} is to make faces anew, but nothing finds them; connect Load Identity Models to identity_models, "
            f"or set face_model to {AS_THEY_COME}"
        )
    role = "face_restorer" if name in available_models("face_restorer", folders()) else "upscaler"
    return FacePass(finder, load_upscale_model(locate_model(role, name, folders())), strength)
