"""IMAGE batches as PNG series, with the workflow inside as ComfyUI writes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from .paths import next_file


def save_images(images: Tensor, folder: Path, prefix: str, tags: Mapping[str, Any]) -> list[Path]:
    """Write each picture of a batch as a PNG.

    Args:
        images: (B, H, W, C) float in [0, 1], with one, three or four channels.
        folder: The output or temp folder.
        prefix: As in a workflow; ``%width%``, ``%height%`` and ``%batch_num%`` are filled in.
        tags: Written as JSON into the PNG's text chunks, such as ``prompt`` and ``workflow``.

    Returns:
        The files, in order.

    Raises:
        InputError: If the prefix leads out of the folder.
        MediaError: If a file cannot be written.
    """
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    from ..media.files import whole_file

    text = PngInfo()
    for key, value in tags.items():
        text.add_text(key, json.dumps(value))
    paths: list[Path] = []
    for index, image in enumerate(images):
        height, width = image.shape[:2]
        filled = prefix.replace("%width%", str(width)).replace("%height%", str(height))
        pixels = (image * 255).clamp(0, 255).byte().cpu().numpy()  # H W C
        path = next_file(folder, filled.replace("%batch_num%", str(index)), ".png")
        with whole_file(path) as partial:
            Image.fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels).save(
                partial, format="PNG", pnginfo=text, compress_level=4
            )
        paths.append(path)
    return paths
