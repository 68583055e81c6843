"""Inputs to try the pack with, and the place to put your own in their stead."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from comfy_api.latest import InputImpl, io

from ..motionweave import DRIVING_KINDS, SampleRequest, confine, make_sample, read_audio, read_image
from .convert import audio_to_socket, image_from_pixels
from .runtime import folders

if TYPE_CHECKING:
    from ..motionweave import DrivingKind

SAMPLE = "sample"
IMAGES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
VIDEOS = (".mp4", ".mkv", ".webm", ".mov", ".avi", ".gif")
SOUNDS = (".wav", ".mp3", ".flac", ".ogg", ".m4a", ".opus", *VIDEOS)
MOST_FILES = 500
"""Files that a list offers; others can be given by name."""


def _files(endings: tuple[str, ...]) -> list[str]:
    """List the samples first, then the files of the input folder and its folders."""
    base = folders().input
    found = (path for path in base.rglob("*") if path.suffix.lower() in endings) if base.is_dir() else ()
    names = sorted(path.relative_to(base).as_posix() for path, _ in zip(found, range(MOST_FILES)))  # noqa: B905
    return [SAMPLE, *names]


class SampleInputs(io.ComfyNode):
    """Give a reference, a driving video and a sound: samples, or files of your own."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveSampleInputs",
            display_name="Sample Inputs",
            category="MotionWeave/load",
            description="Draws a reference image, a driving video of somebody else moving and a voice, so that a "
            "workflow runs as it opens. Choose files of your own instead, one by one.",
            inputs=[
                io.Combo.Input("reference", options=_files(IMAGES), default=SAMPLE,
                               tooltip="The character: 'sample' draws one, else an image in ComfyUI's input folder."),
                io.Combo.Input("driving_video", options=_files(VIDEOS), default=SAMPLE,
                               tooltip="The motion: 'sample' draws a video, else one in the input folder: of somebody "
                               "moving for Extract Pose, or of OpenPose or DWPose maps for Pose from Pose Maps."),
                io.Combo.Input("sound", options=_files(SOUNDS), default=SAMPLE,
                               tooltip="The sound: 'sample' makes a voice, else a sound or video file in the input "
                               "folder."),
                io.Int.Input("character", default=1_000_004, min=0, max=2**31 - 1,
                             tooltip="Which sample character. Mini never saw those from 1,000,000 up."),
                io.Int.Input("motion", default=1_000_021, min=0, max=2**31 - 1,
                             tooltip="Which sample motion and voice."),
                io.Float.Input("seconds", default=4.0, min=0.1, max=600.0, step=0.1,
                               tooltip="Length of the sample motion and voice."),
                io.Int.Input("fps", default=24, min=1, max=120, tooltip="Frames per second of the sample motion."),
                io.Combo.Input("driving", options=list(DRIVING_KINDS), default=DRIVING_KINDS[0], optional=True,
                               tooltip="What the sample driving video shows: 'footage' of another marionette, or 'pose "
                               "maps' of the character itself."),
                io.Float.Input("reference_second", default=-1.0, min=-1.0, max=600.0, step=0.1, optional=True,
                               tooltip="The sample reference shows the character in this second of the sample motion; "
                               "-1 for one at ease, facing the viewer. Good for a second picture of the same one."),
            ],
            outputs=[
                io.Image.Output(display_name="reference", tooltip="The character."),
                io.Video.Output(display_name="driving_video", tooltip="The motion."),
                io.Audio.Output(display_name="sound", tooltip="The sound."),
            ],
        )  # fmt: skip

    @classmethod
    def validate_inputs(cls, reference: str, driving_video: str, sound: str) -> bool | str:
        """Judge by the files that are there now, wherever the names came from."""
        for name in (reference, driving_video, sound):
            if name not in (None, SAMPLE):  # None: the name comes from a link
                try:
                    confine(folders().input, name)
                except ValueError as error:
                    return str(error)
        return True

    @classmethod
    def execute(
        cls,
        reference: str,
        driving_video: str,
        sound: str,
        character: int,
        motion: int,
        seconds: float,
        fps: int,
        driving: DrivingKind = "footage",
        reference_second: float = -1.0,
    ) -> io.NodeOutput:
        here = folders()

        def own(name: str) -> Path | None:
            return None if name == SAMPLE else confine(here.input, name)

        moment = None if reference_second < 0 else reference_second
        request = SampleRequest(character, motion, seconds, Fraction(fps), driving, moment)
        sample = make_sample(here.temp / "motionweave", request)
        image, video, file = own(reference), own(driving_video), own(sound)
        picture = sample.reference if image is None else read_image(image)
        heard = sample.sound if file is None else read_audio(file)
        return io.NodeOutput(
            image_from_pixels(picture),
            InputImpl.VideoFromFile(str(video or sample.driving)),
            None if heard is None else audio_to_socket(heard),
        )


NODES = [SampleInputs]
