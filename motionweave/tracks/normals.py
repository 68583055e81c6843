"""Which way surfaces face, read from their depth."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import InputError
from ..types import Size, check_shape
from .depth import DepthFile, DepthTrack

FOCAL = 2.0
"""Focal length over the picture's height where nobody says: a portrait lens, as Marionette's."""
FARTHEST = 2.0
"""How many times as far as white black is, where depth does not say."""

EVEN = 0.25
"""Squared slope below which both sides of a pixel count alike."""
STEP, EVENING = 3 / 255, 12
"""Steps of a depth picture up to about this size are evened out, in so many rounds; more would flatten limbs."""


def depth_from_nearness(nearness: Tensor, farthest: float = FARTHEST) -> Tensor:
    """Turn a depth picture (near is white) into depth.

    Depth networks give an inverse depth of unknown scale and offset, so one number has to be assumed.

    Args:
        nearness: (F, H, W) in [0, 1], 1 nearest: an inverse depth.
        farthest: How many times as far as white black is, above 1; more carves deeper.

    Returns:
        (F, H, W), 1 where nearest.

    Raises:
        InputError: If `farthest` is not above 1.
    """
    check_shape("nearness", nearness, "F H W")
    if farthest <= 1:
        raise InputError(f"black is {farthest:g} times as far as white; expected more than 1")
    return 1 / (1 / farthest + nearness.clamp(0, 1) * (1 - 1 / farthest))


def normals_from_depth(depth: Tensor, focal: float = FOCAL) -> Tensor:
    """Give the direction that each pixel's surface faces.

    Differences to both neighbours are blended by how small they are, so that the edge of a body takes its slope from
    the body and not from the jump to what is behind.

    Args:
        depth: (F, H, W) along the viewing axis, above 0; any unit.
        focal: Focal length over the picture's height.

    Returns:
        (F, 3, H, W) float32 unit normals toward the viewer's side; x right, y up, z toward the viewer.

    Raises:
        InputError: If a depth is not above 0 and finite, or the focal length is not above 0.

    Source: the blend is that of weighted essentially non-oscillatory schemes (Jiang and Shu 1996, eq. 2.16), with the
    difference itself as the measure of roughness.
    """
    sizes = check_shape("depth", depth, "F H W")
    if focal <= 0:
        raise InputError(f"a focal length of {focal:g} was given; expected one above 0")
    if not bool((torch.isfinite(depth) & (depth > 0)).all()):
        raise InputError("depth holds values that are not above 0 and finite; expected distances along the view")
    height, width = sizes["H"], sizes["W"]
    pitch = focal * height
    depth = depth.float()
    across = (torch.arange(width, device=depth.device) + 0.5 - width / 2) / pitch
    down = (torch.arange(height, device=depth.device)[:, None] + 0.5 - height / 2) / pitch
    # The change of log depth over the size of a pixel's step at that depth: 1 is a slope of 45 degrees.
    slope_x, slope_y = _slope(depth.log() * pitch, -1), _slope(depth.log() * pitch, -2)
    # A surface of depth Z(u, v), v downward, seen through a pinhole has the normal (Z_u, -Z_v, Z + u Z_u + v Z_v).
    normal = torch.stack([slope_x, -slope_y, 1 + across * slope_x + down * slope_y], 1)  # F 3 H W
    return normal / normal.norm(dim=1, keepdim=True)


def _slope(values: Tensor, axis: int) -> Tensor:
    """Give the difference per pixel along an axis, from the smoother side at each pixel."""
    if values.shape[axis] < 2:
        return torch.zeros_like(values)
    step = values.diff(dim=axis)
    first, last = step.narrow(axis, 0, 1), step.narrow(axis, step.shape[axis] - 1, 1)
    ahead, behind = torch.cat([step, last], axis), torch.cat([first, step], axis)
    trust_ahead, trust_behind = (EVEN + ahead.square()).pow(-2), (EVEN + behind.square()).pow(-2)
    return (ahead * trust_ahead + behind * trust_behind) / (trust_ahead + trust_behind)


def normals_from_nearness(nearness: Tensor, farthest: float = FARTHEST, focal: float = FOCAL) -> Tensor:
    """Give the normals of a depth picture, as depth nodes draw it.

    The steps of 8-bit pictures would be cliffs to `normals_from_depth`, so they are evened out first.

    Args:
        nearness: (F, 3, H, W) in [0, 1], near is white.
        farthest: How many times as far as white black is.
        focal: Focal length over the picture's height.

    Returns:
        (F, 3, H, W) unit normals.
    """
    check_shape("depth picture", nearness, "F 3 H W")
    frames = (depth_from_nearness(_evened(frame.float().mean(0)[None]), farthest) for frame in nearness)
    return torch.cat([normals_from_depth(frame, focal) for frame in frames])


def normals_from_picture(picture: Tensor) -> Tensor:
    """Read a normal map: red is right, green is up, blue is toward the viewer, and 0.5 is none of it.

    Args:
        picture: (F, 3, H, W) in [0, 1].

    Returns:
        (F, 3, H, W) unit normals.

    Raises:
        InputError: If most of it faces away from the viewer, as no normal map does.
    """
    check_shape("normal map", picture, "F 3 H W")
    direction = picture.float() * 2 - 1
    if float((direction[:, 2] < 0).float().mean()) > 0.5:
        raise InputError("most of the normal map faces away from the viewer; expected red right, green up, blue near")
    return direction / direction.norm(dim=1, keepdim=True).clamp(min=1e-6)


def normals_from_track(depth: DepthTrack, size: Size, farthest: float = FARTHEST) -> Tensor:
    """Give the normals of a depth track at the size of its footage.

    They are taken where depth was estimated and then enlarged, because enlarged depth has facets.

    Args:
        depth: The track; metres are used where it knows them.
        size: The pictures' size, of the footage's shape.
        farthest: How many times as far as white black is, where it does not.

    Returns:
        (F, 3, H, W) unit normals.

    Raises:
        InputError: If the track belongs to pictures of another shape.
    """
    canvas = depth.canvas
    if abs(canvas.width * size.height - canvas.height * size.width) > max(size.width, size.height) * 2:
        raise InputError(f"the depth belongs to pictures of {canvas}, but those to light are {size}; estimate it anew")
    if isinstance(depth, DepthFile) and depth.metric:
        distance = depth.metres()
    else:
        distance = depth_from_nearness(_evened(depth.nearness()), farthest)
    # Networks ripple beside silhouettes; the mean over neighbours takes out what no surface has.
    coarse = F.avg_pool2d(F.pad(normals_from_depth(distance), (2, 2, 2, 2), mode="replicate"), 5, 1)
    fine = F.interpolate(coarse, (size.height, size.width), mode="bilinear", antialias=True)
    return fine / fine.norm(dim=1, keepdim=True).clamp(min=1e-6)


def surface_normals(
    depth: Tensor | DepthTrack | None, normals: Tensor | None, size: Size, farthest: float = FARTHEST
) -> Tensor:
    """Give normals from depth (a track or a picture) or from a normal map, whichever of the two there is.

    Raises:
        InputError: If there is neither or both.
    """
    if (depth is None) == (normals is None):
        raise InputError("light needs to know which way surfaces face: connect either depth or normals, not both")
    if normals is not None:
        return normals_from_picture(normals)
    assert depth is not None
    if isinstance(depth, Tensor):
        return normals_from_nearness(depth, farthest)
    return normals_from_track(depth, size, farthest)


def _evened(nearness: Tensor) -> Tensor:
    """Even out steps of a few 8-bit levels and keep larger ones, (F, H, W).

    Source: Perona and Malik, "Scale-Space and Edge Detection Using Anisotropic Diffusion" (1990), eq. 7, with a
    conduction of 1 or 0, which does not sharpen ramps as their smooth ones do.
    """
    for _ in range(EVENING):
        change = torch.zeros_like(nearness)
        for axis in (-1, -2):
            step = nearness.diff(dim=axis)
            flow = torch.where(step.abs() < STEP, step, 0.0)
            length = nearness.shape[axis]
            change.narrow(axis, 0, length - 1).add_(flow)
            change.narrow(axis, 1, length - 1).sub_(flow)
        nearness = nearness + 0.24 * change
    return nearness
