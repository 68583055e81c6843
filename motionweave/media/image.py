"""Still images in and out with Pillow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..errors import InputError, MediaError
from ..types import check_shape
from .colour import to_bytes
from .container import find_video, is_still, open_media
from .files import check_readable, whole_file

if TYPE_CHECKING:
    from PIL.Image import Image

IMAGE_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".bmp": "BMP", ".tiff": "TIFF"}
"""Pillow's format for each file ending that can be written."""


def read_image(path: Path | str) -> Tensor:
    """Read a still image upright; of an animated one, the first picture.

    EXIF orientation is applied. What is transparent is laid over white, which is what viewers show and what a reference
    image is usually cut out on. 16-bit grey keeps its depth.

    Args:
        path: The image.

    Returns:
        (1, 3, H, W) float32 in [0, 1].

    Raises:
        MediaError: If the file is missing, a folder, empty, a video, or no image that Pillow knows.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    path = check_readable(path)
    try:
        with Image.open(path) as image:
            return _pixels(ImageOps.exif_transpose(image))
    except UnidentifiedImageError as error:
        raise MediaError(path, _what_instead(path)) from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise MediaError(path, f"cannot be read as an image: {error}") from error


def write_image(path: Path | str, image: Tensor) -> None:
    """Write a still image; the file appears only when it is complete.

    Args:
        path: The file; its ending says the format (png, jpg, webp, bmp, tiff).
        image: (1, 3, H, W) float in [0, 1] or uint8.

    Raises:
        InputError: If the ending is unknown, or the image is not finite.
        ShapeError: If there is more or less than one image.
        MediaError: If the file cannot be written.
    """
    from PIL import Image

    path = Path(path)
    check_shape("image", image, "1 3 H W")
    kind = IMAGE_FORMATS.get(path.suffix.lower())
    if kind is None:
        raise InputError(f"{path.name}: images are written as {', '.join(IMAGE_FORMATS)}; use one of these endings")
    pixels = to_bytes(image[0]).permute(1, 2, 0).numpy()  # 3 H W -> H W 3
    with whole_file(path) as partial:
        Image.fromarray(pixels).save(partial, format=kind, quality=95)


def _pixels(image: Image) -> Tensor:
    """Convert a Pillow image to (1, 3, H, W) float32."""
    import numpy
    from PIL import Image as PillowImage

    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers of no set range; save it with 8 or 16 bits")
    if image.mode.startswith("I"):
        grey = torch.from_numpy(numpy.asarray(image).astype("float32")) / 65535
        return grey.clamp(0, 1).expand(1, 3, -1, -1).clone()
    if image.has_transparency_data:
        white = PillowImage.new("RGBA", image.size, "white")
        image = PillowImage.alpha_composite(white, image.convert("RGBA"))
    array = numpy.array(image.convert("RGB"))
    return torch.from_numpy(array).permute(2, 0, 1)[None].to(torch.float32) / 255  # H W 3 -> 1 3 H W


def _what_instead(path: Path) -> str:
    """Say what a file is that Pillow does not know."""
    try:
        with open_media(path) as container:
            if find_video(container) is not None and not is_still(container):
                return "is a video; load it as a video"
            if container.streams.audio:
                return "is a sound file; expected an image"
    except MediaError:
        return "is not an image that can be opened; it may be of another kind, or cut off"
    return "is an image of a kind that cannot be opened; save it as PNG or JPEG"
