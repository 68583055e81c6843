from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from motionweave.host.catalogue import Catalogue, build_catalogue
from motionweave.host.context import default_folders, local_runtime, running_on
from motionweave.host.core import CORE_NODES
from motionweave.host.v3 import io
from motionweave.media import VideoWriter, write_audio, write_image
from motionweave.runtime import Folders, LocalRuntime
from motionweave.types import Audio, Size

FPS = Fraction(30000, 1001)


class Sampler(io.ComfyNode):
    """Widgets of every kind, with a seed control in the middle and an optional input declared first."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Sampler",
            display_name="A Sampler",
            inputs=[
                io.Float.Input("shift", default=0.5, optional=True),
                io.Int.Input("seed", default=0, min=0, max=1000, control_after_generate=True),
                io.Int.Input("steps", default=20, min=1, max=100),
                io.Combo.Input("mode", options=["fast", "good"], default="good"),
                io.String.Input("note", default=""),
                io.Boolean.Input("tiled", default=False),
                io.Custom("POINTS").Input("points", optional=True),
                io.Image.Input("image", optional=True),
            ],
            outputs=[io.Int.Output(display_name="number"), io.Image.Output(display_name="image")],
        )

    @classmethod
    def execute(cls, seed, steps, image=None, **_others):
        return io.NodeOutput(seed + steps, image)


class Show(io.ComfyNode):
    """An output node that shows what it gets."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Show",
            display_name="Show",
            inputs=[io.Int.Input("number", force_input=True)],
            is_output_node=True,
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(cls, number):
        return io.NodeOutput(ui={"text": [f"{cls.hidden.unique_id}: {number}"]})


@dataclass(frozen=True)
class Place:
    runtime: LocalRuntime
    fps: Fraction = FPS

    @property
    def folders(self) -> Folders:
        return self.runtime.folders

    @property
    def input(self) -> Path:
        return self.runtime.folders.input


@pytest.fixture
def place(tmp_path):
    """Folders with one file of each kind, and a runtime that is current during the test."""
    folders = default_folders(tmp_path / "input", tmp_path / "output", tmp_path / "temp")
    for folder in (folders.input, folders.output, folders.temp):
        folder.mkdir()
    pixels = torch.linspace(0, 1, 12 * 3 * 32 * 48).reshape(12, 3, 32, 48)
    sound = Audio(torch.sin(torch.arange(0, 4410 * 2) / 20)[None] * 0.5, 22050)
    write_image(folders.input / "picture.png", pixels[:1])
    write_audio(folders.input / "sound.wav", sound)
    with VideoWriter(folders.input / "clip.mp4", fps=FPS, size=Size(48, 32), audio=sound) as writer:
        writer.write(pixels)
    runtime = local_runtime(folders)
    with running_on(runtime):
        yield Place(runtime)


@pytest.fixture
def catalogue(place) -> Catalogue:
    return build_catalogue((*CORE_NODES, Sampler, Show))
