"""From chunks to the finished video: clips from elsewhere, larger pictures, one file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from comfy_api.latest import InputImpl, io, ui

from ..motionweave import (
    JOINS,
    RECIPES,
    Size,
    StitchOptions,
    UpscaleOptions,
    available_models,
    clip_folder_state,
    confine,
    load_upscale_model,
    locate_model,
    next_file,
    open_clip_folder,
    recipe_of,
    stitch_chunks,
    upscale_chunks,
    wrap_upscale_model,
    write_sample_clips,
)
from .convert import audio_from_socket
from .faces import AS_THEY_COME, face_models, face_pass
from .runtime import folders, runtime
from .sockets import ChunksSocket, IdentityModelsSocket

if TYPE_CHECKING:
    from pathlib import Path

    from ..motionweave import ClipRow, FaceModels, Join, VideoCodec

SAMPLE = "sample"
CONNECTED = "the connected one"
HANDED_ON = ("h264", "h265", "h265-10bit", "av1", "av1-10bit")
"""Codecs that Save Video copies as they are."""


class LoadClips(io.ComfyNode):
    """Take clips from elsewhere."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveLoadClips",
            display_name="Load Clips",
            category="MotionWeave/load",
            description="Takes the videos of a folder for chunks, so that clips from elsewhere can be upscaled, "
            "stitched and measured.",
            inputs=[
                io.String.Input("folder", default="", tooltip="A folder below ComfyUI's input folder, such as "
                                "clips/dance. Its videos come in the order of their names, clip2 before clip10."),
                io.Combo.Input("place", options=["input", "output", SAMPLE], default="input",
                               tooltip="Which of ComfyUI's folders it lies in; 'sample' draws three clips that share 4 "
                               "frames, to try, whatever the folder."),
                io.Int.Input("overlap", default=0, min=0, max=4096,
                             tooltip="Frames at each clip's beginning that the clip before ends with; Stitch Chunks "
                             "fades over them. 0 where clips follow one another without a shared frame."),
                io.Boolean.Input("conform", default=False,
                                 tooltip="Bring clips of another size or rate to those of the first, with black bars "
                                 "and with frames held or left out. Off: the odd one is an error."),
            ],
            outputs=[
                ChunksSocket.Output(display_name="chunks", tooltip="Goes to Upscale Chunks or Stitch Chunks."),
                io.Int.Output(display_name="frames", tooltip="Frames of the joined video."),
                io.Float.Output(display_name="fps", tooltip="Frames per second."),
            ],
        )  # fmt: skip

    @classmethod
    def fingerprint_inputs(cls, folder: str, place: str, **_: Any) -> str:
        """Look at the folder again when something in it has changed."""
        return SAMPLE if place == SAMPLE else clip_folder_state(_clips(folder, place))

    @classmethod
    def execute(cls, folder: str, place: str, overlap: int, conform: bool) -> io.NodeOutput:
        row = open_clip_folder(_clips(folder, place), overlap, conform)
        return io.NodeOutput(row, sum(clip.frame_count for clip in row.clips()), float(row.fps))


def _clips(folder: str, place: str) -> Path:
    here = folders()
    if place == SAMPLE:
        return write_sample_clips(here.temp / "motionweave")
    return confine(getattr(here, place), folder)


class UpscaleChunks(io.ComfyNode):
    """Make chunks larger."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveUpscaleChunks",
            display_name="Upscale Chunks",
            category="MotionWeave/weave",
            description="Makes every chunk larger, frame by frame, and keeps the result on disk. Queue it again after "
            "a crash or a change: only what is missing, or would differ, is made.",
            inputs=[
                ChunksSocket.Input("chunks", tooltip="From Weave or Load Clips."),
                io.Combo.Input("model", options=[*available_models("upscaler", folders()), CONNECTED],
                               tooltip="Upscalers of the ESRGAN family and others that spandrel knows, in ComfyUI's "
                               "models/upscale_models."),
                io.Int.Input("factor", default=0, min=0, max=16,
                             tooltip="How many times larger; 0 for what the model makes. More than that takes several "
                             "passes, less is scaled down afterwards."),
                io.Int.Input("width", default=0, min=0, max=16384,
                             tooltip="Width to end with, together with height; 0 for the factor's."),
                io.Int.Input("height", default=0, min=0, max=16384,
                             tooltip="Height to end with, together with width; 0 for the factor's."),
                io.Int.Input("tile", default=512, min=0, max=8192, step=32,
                             tooltip="Side of the tiles that the model sees, in pixels of the chunks; smaller ones "
                             "take less memory, and no border shows. 0 for whole pictures."),
                io.Int.Input("batch", default=4, min=1, max=256,
                             tooltip="Frames that the model sees together: faster where memory allows it."),
                io.UpscaleModel.Input("upscale_model", optional=True,
                                      tooltip="From ComfyUI's Load Upscale Model; counts in place of 'model'."),
                IdentityModelsSocket.Input("identity_models", optional=True,
                                           tooltip="From Load Identity Models: finds the faces that face_model makes "
                                           "anew."),
                io.Combo.Input("face_model", options=[AS_THEY_COME, *face_models()], default=AS_THEY_COME,
                               optional=True,
                               tooltip="Makes faces anew: GFPGAN, RestoreFormer or CodeFormer in ComfyUI's "
                               "models/facerestore_models, or any upscaler. It is shown each face upright, and blended "
                               "in with a soft edge."),
                io.Float.Input("face_strength", default=0.7, min=0.0, max=1.0, step=0.05, optional=True,
                               tooltip="How much of the restored face is blended in. Less keeps more of who it is; 0 "
                               "leaves faces as they come."),
            ],
            outputs=[ChunksSocket.Output(display_name="chunks", tooltip="Goes to Stitch Chunks.")],
        )  # fmt: skip

    @classmethod
    def execute(
        cls,
        chunks: ClipRow,
        model: str,
        factor: int,
        width: int,
        height: int,
        tile: int,
        batch: int,
        upscale_model: Any = None,
        identity_models: FaceModels | None = None,
        face_model: str = AS_THEY_COME,
        face_strength: float = 0.7,
    ) -> io.NodeOutput:
        here = runtime()
        if upscale_model is not None:
            net = wrap_upscale_model(upscale_model)
        else:
            net = load_upscale_model(locate_model("upscaler", model, here.folders))
        faces = face_pass(identity_models, face_model, face_strength)
        options = UpscaleOptions(factor, Size(width, height) if width and height else None, tile, batch, faces)
        row = upscale_chunks(chunks, net, here.folders.runs / chunks.name / "upscaled", here, options)
        return io.NodeOutput(row, ui={"motionweave_upscaled": [{"size": str(row.size), "reused": row.reused}]})


class StitchChunks(io.ComfyNode):
    """Join the chunks."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveStitchChunks",
            display_name="Stitch Chunks",
            category="MotionWeave/weave",
            description="Joins the chunks into one video, frame by frame, with the sound cut to its exact length.",
            inputs=[
                ChunksSocket.Input("chunks", tooltip="From Weave, Upscale Chunks or Load Clips."),
                io.Audio.Input("audio", optional=True,
                               tooltip="The sound; cut, or followed by silence, to the video's length."),
                io.Combo.Input("join", options=list(JOINS), default="auto", optional=True,
                               tooltip="auto as planned; cut; cross-fade over the frames that neighbours share; "
                               "colour-matched takes a jump of colour off the later chunk and gives it back gently."),
                io.Combo.Input("codec", options=list(RECIPES), default="h264", optional=True,
                               tooltip="h264 plays everywhere; h265 and av1 are smaller; prores for editing programs; "
                               "ffv1 loses nothing; gif and webp have no sound."),
                io.Int.Input("quality", default=-1, min=-1, max=100, optional=True,
                             tooltip="From 0 (small) to 100 (best), on every codec; -1 for the codec's usual. ffv1, "
                             "prores and gif have nothing to choose."),
                io.String.Input("save_as", default="", optional=True,
                                tooltip="Save right into ComfyUI's output folder under this name, such as "
                                "video/dance. Empty: for Save Video, except codecs that it does not take (prores, "
                                "ffv1, gif, webp), which are saved as motionweave/<run>."),
            ],
            outputs=[io.Video.Output(display_name="video", tooltip="Goes to Save Video, which copies it as it is.")],
            hidden=[io.Hidden.unique_id],
            is_output_node=True,
        )  # fmt: skip

    @classmethod
    def execute(
        cls,
        chunks: ClipRow,
        audio: dict[str, Any] | None = None,
        join: Join = "auto",
        codec: VideoCodec = "h264",
        quality: int = -1,
        save_as: str = "",
    ) -> io.NodeOutput:
        here, recipe = runtime(), recipe_of(codec)
        path, shown = _target(cls, chunks, codec, save_as)
        options = StitchOptions(join, codec, None if quality < 0 else quality, _tags(cls) if shown else {})
        sound = audio_from_socket(audio) if recipe.sound_codec else None
        stitch_chunks(chunks, path, sound, options, here.report)
        return io.NodeOutput(InputImpl.VideoFromFile(str(path)), ui=shown)


def _target(node: Any, chunks: ClipRow, codec: str, save_as: str) -> tuple[Path, dict[str, Any] | None]:
    """Say where the file goes, and what the canvas shows of it if that is the output folder."""
    here, suffix = folders(), recipe_of(codec).suffix
    if save_as or codec not in HANDED_ON:
        path = next_file(here.output, save_as or f"motionweave/{chunks.name}", suffix)
        subfolder = path.parent.relative_to(here.output.resolve()).as_posix()
        saved = ui.SavedResult(path.name, "" if subfolder == "." else subfolder, io.FolderType.output)
        return path, ui.PreviewVideo([saved]).as_dict()
    folder = here.temp / "motionweave"
    folder.mkdir(parents=True, exist_ok=True)
    # Inside a subgraph ids have colons, which Windows refuses in file names.
    place = str(node.hidden.unique_id).replace(":", "-")
    return folder / f"{chunks.name}-{place}{suffix}", None


def _tags(node: Any) -> dict[str, str]:
    """Give the workflow, as ComfyUI writes it into the files that it saves."""
    found = {**(node.hidden.extra_pnginfo or {}), "prompt": node.hidden.prompt}
    return {name: json.dumps(value) for name, value in found.items() if value is not None}


NODES = [LoadClips, UpscaleChunks, StitchChunks]
