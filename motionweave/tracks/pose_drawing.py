"""Pose maps: people's keypoints as the picture that pose ControlNets were trained on.

Limb order, colours and sizes follow OpenPose as DWPose and controlnet_aux draw it (limbs as filled ellipses of half
width 4 at 60 % brightness, joints as discs of radius 4, hands as lines of width 2 by hue with blue discs, faces as
white discs of radius 3). Those sizes belong to pictures of about 512 pixels: smaller ones are drawn large and reduced
by area, so that a skeleton thins out evenly where a one-pixel line would break. Other looks are in `pose_styles`.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..types import Size
from .keypoints import VISIBLE_ABOVE, Person
from .pose_styles import OPENPOSE, PoseStyle

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

LIMBS = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13), (1, 0),
    (0, 14), (14, 16), (0, 15), (15, 17),
)  # fmt: skip
"""Pairs of body points, in the order that gives each its colour."""

COLOURS = (
    (255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0), (0, 255, 0), (0, 255, 85),
    (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255), (0, 0, 255), (85, 0, 255), (170, 0, 255), (255, 0, 255),
    (255, 0, 170), (255, 0, 85),
)  # fmt: skip

_FINGERS = tuple(
    (0 if part == 0 else 4 * finger + part, 4 * finger + part + 1) for finger in range(5) for part in range(4)
)
_FINGER_COLOURS = tuple(
    tuple(round(255 * channel) for channel in colorsys.hsv_to_rgb(edge / len(_FINGERS), 1, 1))
    for edge in range(len(_FINGERS))
)

REFERENCE_PX = 512
"""Short side of the picture for which the published line widths are meant."""


def _disc(draw: ImageDraw, centre: np.ndarray, radius: float, colour: tuple[int, ...]) -> None:
    x, y = float(centre[0]), float(centre[1])
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def _limb(draw: ImageDraw, first: np.ndarray, last: np.ndarray, half_width: float, colour: tuple[int, ...]) -> None:
    middle, half = (first + last) / 2, (last - first) / 2
    length = math.hypot(float(half[0]), float(half[1]))
    if length < 1e-3:
        return
    along, across = half / length, np.array([-half[1], half[0]]) / length
    turn = np.linspace(0, 2 * math.pi, 25)[:-1, None]
    outline = middle + np.cos(turn) * along * length + np.sin(turn) * across * half_width
    draw.polygon([(float(x), float(y)) for x, y in outline], fill=colour)


def _shade(colour: tuple[int, ...], confidence: float, style: PoseStyle) -> tuple[int, ...]:
    """Give a colour as the style draws it at a confidence."""
    if style.by_confidence:
        colour = tuple(int(channel * min(confidence, 1.0)) for channel in colour)
    return colour[::-1] if style.swapped else colour


def _draw_person(draw: ImageDraw, person: Person, scale: float, offset: tuple[float, float], style: PoseStyle) -> None:
    def placed(points: np.ndarray) -> np.ndarray:
        return points[:, :2] * scale + np.asarray(offset)

    body, sure = placed(person.body), person.body[:, 2].tolist()
    seen = person.body[:, 2] > VISIBLE_ABOVE
    for (first, last), colour in zip(LIMBS, COLOURS, strict=False):
        if seen[first] and seen[last]:
            shaded = _shade(colour, sure[first] * sure[last], style)
            _limb(draw, body[first], body[last], 4, tuple(int(0.6 * channel) for channel in shaded))
    for point, visible, confidence, colour in zip(body, seen, sure, COLOURS, strict=True):
        if visible:
            _disc(draw, point, 4, _shade(colour, confidence, style))
    for hand in (person.hand_left, person.hand_right):
        if len(hand):
            points, sure, visible = placed(hand), hand[:, 2].tolist(), hand[:, 2] > VISIBLE_ABOVE
            for (first, last), colour in zip(_FINGERS, _FINGER_COLOURS, strict=True):
                if visible[first] and visible[last]:
                    shaded = _shade(colour, sure[first] * sure[last], style)
                    draw.line([tuple(points[first]), tuple(points[last])], fill=shaded, width=2)
            for point, confidence in zip(points[visible], hand[visible, 2].tolist(), strict=True):
                _disc(draw, point, 4, _shade((0, 0, 255), confidence, style))
    if len(person.face):
        visible = person.face[:, 2] > VISIBLE_ABOVE
        for point, confidence in zip(placed(person.face)[visible], person.face[visible, 2].tolist(), strict=True):
            _disc(draw, point, 3, _shade((255, 255, 255), confidence, style))


def draw_pose(
    people: Sequence[Person],
    canvas: Size,
    size: Size,
    reference_px: int = REFERENCE_PX,
    style: PoseStyle = OPENPOSE,
) -> Tensor:
    """Draw one frame's people.

    Args:
        people: Who is there; nobody gives a black picture.
        canvas: The picture that the keypoints are pixels of. It is fitted into `size` whole, centred, on black.
        size: The picture to draw.
        reference_px: Short side at which line widths are those published; a larger number draws thinner.
        style: The look. One that says at which size it is drawn takes no notice of `reference_px`.

    Returns:
        (3, H, W) uint8.
    """
    from PIL import Image, ImageDraw

    short = min(size.width, size.height)
    reduce = max(1, math.ceil(reference_px / short)) if style.drawn_px is None else style.drawn_px / short
    width, height = int(size.width * reduce), int(size.height * reduce)
    scale = min(width / canvas.width, height / canvas.height)
    offset = ((width - canvas.width * scale) / 2, (height - canvas.height * scale) / 2)
    image = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(image)
    for person in people:
        _draw_person(draw, person, scale, offset, style)
    if style.drawn_px is None and reduce > 1:
        image = image.reduce(int(reduce))
    pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)  # 3 H W
    if style.drawn_px is not None:
        # Plain bilinear, as OpenCV's default: it skips pixels, and the networks were trained on just that.
        scaled = F.interpolate(pixels[None].float(), (size.height, size.width), mode="bilinear", align_corners=False)
        pixels = scaled[0].round().to(torch.uint8)
    return pixels.contiguous()
