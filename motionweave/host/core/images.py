"""Core nodes for pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ...errors import InputError, MediaError
from ...media.files import check_readable
from ...media.image import IMAGE_FORMATS
from ..context import current_runtime
from ..paths import list_files, locate
from ..pictures import save_images
from ..v3 import io, ui
from ..v3.ui import saved
from .tags import workflow_tags


class LoadImage(io.ComfyNode):
    """Read a picture from the input folder."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node."""
        options = list_files(current_runtime().folders.input, (*IMAGE_FORMATS, ".gif"))
        return io.Schema(
            node_id="LoadImage",
            display_name="Load Image",
            category="image",
            inputs=[io.Combo.Input("image", options=options, upload=io.UploadType.image)],
            outputs=[io.Image.Output(display_name="IMAGE"), io.Mask.Output(display_name="MASK")],
        )

    @classmethod
    def execute(cls, image: str) -> io.NodeOutput:
        """Read the picture."""
        return io.NodeOutput(*read_pictures(locate(current_runtime().folders, image)))


def read_pictures(path: Path) -> tuple[Tensor, Tensor]:
    """Read an image file as ComfyUI does: upright, colours as they are below any transparency, every frame of it.

    Args:
        path: The file.

    Returns:
        Pictures (B, H, W, 3) in [0, 1], and masks (B, H, W) that are 1 where the picture is transparent, or one of
        64 x 64 zeros.

    Raises:
        MediaError: If the file is no image.
    """
    from PIL import Image, ImageSequence, UnidentifiedImageError

    pictures: list[Tensor] = []
    masks: list[Tensor] = []
    try:
        with Image.open(check_readable(path)) as image:
            for frame in ImageSequence.Iterator(image):
                picture, mask = _picture(frame)
                if not pictures or picture.shape == pictures[0].shape:
                    pictures.append(picture)
                    masks.append(mask)
    except UnidentifiedImageError as error:
        raise MediaError(path, "is not an image that can be opened; a video belongs in Load Video") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise MediaError(path, f"cannot be read as an image: {error}") from error
    return torch.stack(pictures), torch.stack(masks)


def _picture(frame: Any) -> tuple[Tensor, Tensor]:
    import numpy
    from PIL import ImageOps

    frame = ImageOps.exif_transpose(frame)
    if frame.mode.startswith("I"):
        frame = frame.point(lambda value: value * (1 / 255))
    picture = torch.from_numpy(numpy.array(frame.convert("RGB"))).to(torch.float32) / 255
    mask = torch.zeros(64, 64)
    if frame.has_transparency_data:
        alpha = numpy.array(frame.convert("RGBA").getchannel("A"))
        mask = 1 - torch.from_numpy(alpha).to(torch.float32) / 255
    return picture, mask


class SaveImage(io.ComfyNode):
    """Write pictures to the output folder."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node."""
        return io.Schema(
            node_id="SaveImage",
            display_name="Save Image",
            category="image",
            inputs=[io.Image.Input("images"), io.String.Input("filename_prefix", default="ComfyUI")],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, images: Tensor, filename_prefix: str) -> io.NodeOutput:
        """Write the pictures."""
        folder = current_runtime().folders.output
        paths = save_images(images, folder, filename_prefix, workflow_tags(cls.hidden))
        return io.NodeOutput(ui=ui.SavedImages([saved(path, folder, io.FolderType.output) for path in paths]))


class PreviewImage(io.ComfyNode):
    """Write pictures to the temp folder."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node."""
        return io.Schema(
            node_id="PreviewImage",
            display_name="Preview Image",
            category="image",
            inputs=[io.Image.Input("images")],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, images: Tensor) -> io.NodeOutput:
        """Write the pictures."""
        return io.NodeOutput(ui=ui.PreviewImage(images, cls=cls))


class GetImageSize(io.ComfyNode):
    """Say how large a batch of pictures is."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node."""
        return io.Schema(
            node_id="GetImageSize",
            display_name="Get Image Size",
            category="image",
            inputs=[io.Image.Input("image")],
            outputs=[io.Int.Output(display_name=name) for name in ("width", "height", "batch_size")],
        )

    @classmethod
    def execute(cls, image: Tensor) -> io.NodeOutput:
        """Read the shape."""
        return io.NodeOutput(image.shape[2], image.shape[1], image.shape[0])


class ImageScaleBy(io.ComfyNode):
    """Make pictures larger or smaller."""

    METHODS = ("nearest-exact", "bilinear", "area", "bicubic", "lanczos")

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Describe the node."""
        return io.Schema(
            node_id="ImageScaleBy",
            display_name="Upscale Image By",
            category="image/upscaling",
            inputs=[
                io.Image.Input("image"),
                io.Combo.Input("upscale_method", options=list(cls.METHODS)),
                io.Float.Input("scale_by", default=1.0, min=0.01, max=8.0, step=0.01),
            ],
            outputs=[io.Image.Output(display_name="IMAGE")],
        )

    @classmethod
    def execute(cls, image: Tensor, upscale_method: str, scale_by: float) -> io.NodeOutput:
        """Resize each picture."""
        height, width = round(image.shape[1] * scale_by), round(image.shape[2] * scale_by)
        if min(height, width) < 1:
            raise InputError(f"scaling by {scale_by} leaves {width}x{height} pixels; choose a larger factor")
        if upscale_method == "lanczos":
            return io.NodeOutput(torch.stack([_lanczos(picture, width, height) for picture in image]))
        pixels = functional.interpolate(image.movedim(-1, 1), size=(height, width), mode=upscale_method)
        return io.NodeOutput(pixels.movedim(1, -1))  # B H W C


def _lanczos(picture: Tensor, width: int, height: int) -> Tensor:
    import numpy
    from PIL import Image

    source = Image.fromarray((picture * 255).clamp(0, 255).byte().cpu().numpy())
    resized = source.resize((width, height), Image.Resampling.LANCZOS)
    return torch.from_numpy(numpy.array(resized)).to(picture) / 255


NODES: tuple[type[io.ComfyNode], ...] = (LoadImage, SaveImage, PreviewImage, GetImageSize, ImageScaleBy)
