"""Tiny upscalers of random weights, and a row of clips."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from spandrel.architectures.Compact import Compact
from spandrel.architectures.ESRGAN import ESRGAN
from spandrel.architectures.RestoreFormer import RestoreFormer

from motionweave.longform.clips import Clip, MadeRow
from motionweave.media import VideoWriter
from motionweave.runtime import Folders, LocalRuntime
from motionweave.types import Progress, Size

SMALL = Size(24, 16)


@pytest.fixture
def compact(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    net = Compact(num_feat=8, num_conv=2, upscale=2)
    save_file(net.state_dict(), tmp_path / "compact.safetensors")
    return tmp_path / "compact.safetensors"


@pytest.fixture
def esrgan(tmp_path: Path) -> Path:
    """A .pth as it is published: the older layout of pickles, the weights below `params_ema`."""
    torch.manual_seed(0)
    net = ESRGAN(num_filters=8, num_blocks=1, scale=4)
    torch.save({"params_ema": net.state_dict()}, tmp_path / "esrgan.pth", _use_new_zipfile_serialization=False)
    return tmp_path / "esrgan.pth"


@pytest.fixture
def row(tmp_path: Path) -> Callable[..., MadeRow]:
    """A maker of rows: new frames and lead of each clip, size."""

    def make(parts: list[tuple[int, int]], size: Size = SMALL) -> MadeRow:
        clips = []
        for index, (count, lead) in enumerate(parts):
            path = tmp_path / f"clip{index}.mkv"
            with VideoWriter(path, fps=Fraction(24), size=size, codec="ffv1") as writer:
                writer.write(torch.rand(lead + count, 3, size.height, size.width))
            clips.append(Clip(path, count, lead))
        return MadeRow(tuple(clips), Fraction(24), size, "row")

    return make


@pytest.fixture
def runtime(tmp_path: Path) -> Callable[..., LocalRuntime]:
    """A maker of runtimes on the processor."""

    def make(on_progress: Callable[[Progress], None] | None = None) -> LocalRuntime:
        places = Folders(tmp_path / "input", tmp_path / "output", tmp_path / "temp")
        return LocalRuntime(places, on_progress=on_progress)

    return make


@pytest.fixture
def restorer(tmp_path: Path) -> Path:
    """A face restorer, RestoreFormer as published but narrow."""
    torch.manual_seed(0)
    net = RestoreFormer(n_embed=8, embed_dim=32, ch=32, ch_mult=(1, 1, 1, 1, 1, 1), num_res_blocks=1, z_channels=32,
                        double_z=False, head_size=8)  # fmt: skip
    save_file(net.state_dict(), tmp_path / "restorer.safetensors")
    return tmp_path / "restorer.safetensors"
