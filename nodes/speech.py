"""Speech tracks, and poses that speak."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from comfy_api.latest import io, ui

from ..motionweave import (
    FaceMotionOptions,
    SpeechOptions,
    encode_speech,
    face_motion_sheet,
    read_motion,
    require_keypoints,
    speech_sheet,
    speech_to_face_motion,
)
from .convert import image_from_pixels, sound_from_socket
from .runtime import runtime
from .sockets import AudioMotionSocket, PoseSocket, SpeechModelSocket, SpeechSocket

if TYPE_CHECKING:
    from ..motionweave import AudioMotionModel, PoseTrack, SpeechModel


class EncodeSpeech(io.ComfyNode):
    """Listen to a voice."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveEncodeSpeech",
            display_name="Encode Speech",
            category="MotionWeave/tracks",
            description="Listens to a sound with a speech model and gives its features on the video's clock. The "
            "result is kept on disk, so the same sound is encoded only once.",
            inputs=[
                SpeechModelSocket.Input("speech_model", tooltip="From Load Speech Model."),
                io.Audio.Input("audio", tooltip="The voice, however long; stereo and any sample rate will do."),
                io.Float.Input("fps", default=24.0, min=0.1, max=240.0, step=0.01,
                               tooltip="Frames per second of the video that will be made."),
                io.Float.Input("attention_seconds", default=0.0, min=0.0, max=600.0, step=1.0, optional=True,
                               tooltip="How far the model listens to either side of a moment; 0: to the whole sound. "
                               "Minutes of sound are encoded much faster with 15."),
            ],
            outputs=[
                SpeechSocket.Output(display_name="speech", tooltip="Features of every layer for each frame."),
                io.Int.Output(display_name="frames", tooltip="Frames of the track: as many as begin while the sound "
                              "lasts."),
            ],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, speech_model: SpeechModel, audio: dict[str, Any], fps: float, attention_seconds: float = 0.0
    ) -> io.NodeOutput:
        sound, clock = sound_from_socket(audio), Fraction(fps).limit_denominator(1001)
        options = SpeechOptions(attention_s=attention_seconds or None)
        track = encode_speech(sound, speech_model, clock, runtime(), options)
        sheet = image_from_pixels(speech_sheet(sound, track))
        return io.NodeOutput(track, len(track), ui=ui.PreviewImage(sheet, cls=cls))


class SpeechToFaceMotion(io.ComfyNode):
    """Let a pose track speak."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveSpeechToFaceMotion",
            display_name="Speech to Face Motion",
            category="MotionWeave/tracks",
            description="Opens the mouth of a pose track as loud as the voice is and moves its head a little, so that "
            "any model that follows poses speaks. It needs no trained model, and takes one that reads mouths.",
            inputs=[
                io.Audio.Input("audio", tooltip="The voice; it begins with the first frame."),
                PoseSocket.Input("pose", tooltip="Who speaks: a track of keypoints, or the pose of a single picture, "
                                 "which is held for as long as the sound lasts."),
                io.Float.Input("mouth", default=1.0, min=0.0, max=3.0, step=0.05,
                               tooltip="How wide the mouth opens; 0 leaves the mouth of the pose as it is."),
                io.Float.Input("head", default=1.0, min=0.0, max=3.0, step=0.05,
                               tooltip="How much the head moves with the voice; 0 leaves it as it is."),
                io.Int.Input("seed", default=0, min=0, max=2**31 - 1, control_after_generate=False,
                             tooltip="Draws how the head drifts."),
                AudioMotionSocket.Input("motion_model", optional=True,
                                        tooltip="From Load Audio Motion Model: reads the mouth in place of the "
                                        "loudness. Without it the voice's loudness opens the mouth."),
            ],
            outputs=[PoseSocket.Output(display_name="pose", tooltip="The same people on the same clock, one of them "
                                       "speaking.")],
        )  # fmt: skip

    @classmethod
    def execute(
        cls,
        audio: dict[str, Any],
        pose: PoseTrack,
        mouth: float,
        head: float,
        seed: int,
        motion_model: AudioMotionModel | None = None,
    ) -> io.NodeOutput:
        options, sound = FaceMotionOptions(mouth, head, seed), sound_from_socket(audio)
        told = None if motion_model is None else read_motion(sound, motion_model, runtime())
        talking = speech_to_face_motion(sound, require_keypoints(pose), options, told)
        sheet = image_from_pixels(face_motion_sheet(talking))
        return io.NodeOutput(talking.track, ui=ui.PreviewImage(sheet, cls=cls))


NODES = [EncodeSpeech, SpeechToFaceMotion]
