"""Train adapters on footage of one's own."""

from __future__ import annotations

from comfy_api.latest import io, ui

from ..motionweave import TuneRequest, available_models, prepared_datasets, train_adapter, tuning_recipes
from .convert import image_from_pixels
from .runtime import folders, make_room, runtime

AS_RECIPE = "as the recipe says"


class TrainAdapter(io.ComfyNode):
    """Train an adapter from a recipe."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        here = folders()
        return io.Schema(
            node_id="MotionWeaveTrainAdapter",
            display_name="Train Adapter",
            category="MotionWeave/train",
            description="Trains a ControlNet, a ReferenceNet, a LoRA, or an adapter for speech, light or cameras on "
            "your own clips, by a recipe, and puts it where its loader lists it. Queue it again after a stop, and it "
            "goes on.",
            is_output_node=True,
            inputs=[
                io.Combo.Input("recipe", options=list(tuning_recipes(here)),
                               tooltip="What is trained and how: the pack's recipes, and YAML files of kind 'tuning' "
                               "in ComfyUI's input folder or a folder in it."),
                io.Combo.Input("dataset", options=[AS_RECIPE, *prepared_datasets(here)], default=AS_RECIPE,
                               tooltip="What it learns from: folders in ComfyUI's input folder that 'motionweave "
                               "dataset prepare' made ready with the same backbone."),
                io.Combo.Input("backbone", options=[AS_RECIPE, *available_models("backbone", here)],
                               default=AS_RECIPE,
                               tooltip="What it is trained for. The backbone itself does not learn."),
                io.String.Input("name", default="",
                                tooltip="What to call it, in letters, digits, _ and -; empty for the recipe's name."),
                io.Int.Input("steps", default=0, min=0, max=10_000_000,
                             tooltip="Optimiser steps; 0 for the recipe's. More than before goes on from there."),
            ],
            outputs=[
                io.String.Output(display_name="name", tooltip="File or folder of the adapter in ComfyUI's models."),
                io.Image.Output(display_name="chart", tooltip="Losses and figures of samples over the steps."),
                io.Image.Output(display_name="samples", tooltip="Frames of the last sample, beside the truth, which is "
                                "left; the chart where the recipe makes no samples."),
                io.String.Output(display_name="report", tooltip="The model card: figures, and the whole recipe."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(cls, recipe: str, dataset: str, backbone: str, name: str, steps: int) -> io.NodeOutput:
        chosen, core = ("" if each == AS_RECIPE else each for each in (dataset, backbone))
        make_room()
        made = train_adapter(TuneRequest(recipe, chosen, core, name, steps), runtime())
        chart, samples = image_from_pixels(made.chart), image_from_pixels(made.samples)
        shown = ui.PreviewImage(chart, cls=cls).as_dict() | ui.PreviewText(made.report).as_dict()
        shown["images"] += ui.PreviewImage(samples, cls=cls).as_dict()["images"]
        return io.NodeOutput(made.path.name, chart, samples, made.report, ui=shown)


NODES = [TrainAdapter]
