"""Long, controlled character video from one image.

The names below are the library's public ones; each loads its module when it is first used, so that importing this
package costs little more than nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .backbones import BACKBONES
    from .backbones.base import Backbone, Identity, Work
    from .backbones.precision import PRECISIONS, load_backbone, load_compiled
    from .backbones.svd_lora import load_lora
    from .backbones.svd_unet_weights import overlay_unet
    from .controls import CONTROLS, PoseControl, load_controlnet
    from .controls.adapters import LoadedAdapter, copy_reference_net, load_adapter, load_reference_net
    from .controls.base import Control
    from .controls.camera import CameraControl
    from .controls.controlnet import PICTURE_CHOICES
    from .controls.depth import DepthControl
    from .controls.face import FaceControl
    from .controls.face_adapter import load_face_adapter
    from .controls.light import LightControl
    from .controls.reference import ReferenceControl
    from .controls.speech import SpeechControl
    from .engine import MotionWeaveEngine
    from .errors import InputError, MotionWeaveError
    from .host.context import current_runtime
    from .host.paths import confine, next_file
    from .longform.borders import settle_borders, settle_on
    from .longform.clips import ClipRow
    from .longform.drift import DriftSettings
    from .longform.drift_chart import drift_chart
    from .longform.folder import clip_folder_state, open_clip_folder
    from .longform.joins import JOINS, Join
    from .longform.plan import BLENDS, BLENDS_IN, CONTEXTS, Blend, BlendIn, ChunkPlan, Context, Joining, plan_chunks
    from .longform.stitch import StitchOptions, stitch_chunks
    from .longform.store import ChunkStore
    from .marionette.sample import DRIVING_KINDS, DrivingKind, SampleRequest, make_sample
    from .marionette.sample_files import write_sample_clips, write_sample_keypoints
    from .media import RECIPES, Footage, FootageFrames, VideoCodec, open_footage, read_audio, read_image, recipe_of
    from .metrics.identity import FaceRecogniser, PictureRecogniser
    from .models.audio_motion_model import AudioMotionModel, load_audio_motion_model, read_motion
    from .preflight import PlannedRun, check_run
    from .request import IMAGE_ROLES, Request
    from .reroll import Reroll, WovenChunks, remake_chunk
    from .residency import HOSTED, MemoryPlan, Need, plan_memory
    from .runtime import Folders, LocalRuntime, Runtime
    from .sampling import SAMPLERS, SCHEDULES, DenoiseOptions, Guidance
    from .score import ScoreOptions, joins_of_plan, score_chart, score_video
    from .tracks.camera import CameraTrack
    from .tracks.camera_moves import CAMERA_PRESETS, CameraRequest, camera_path, parse_moves
    from .tracks.camera_preview import camera_rows, camera_sheet
    from .tracks.camera_warp import nearness_of, warp_by_camera
    from .tracks.depth import DepthMaps, DepthTrack
    from .tracks.depth_estimate import DepthRange, estimate_depth
    from .tracks.depth_models import DepthModel, load_depth_model
    from .tracks.depth_preview import depth_sheet
    from .tracks.estimators import PoseEstimator, load_pose_model, pose_models
    from .tracks.extract import extract_pose
    from .tracks.face import FaceIdentity, encode_face, face_sheet
    from .tracks.face_models import FaceModels, load_face_models
    from .tracks.face_motion import FaceMotionOptions, TalkingPose, speech_to_face_motion
    from .tracks.light import (
        LightAnimation,
        LightTrack,
        animate_light,
        light_from_panorama,
        light_track,
        scale_light,
    )
    from .tracks.light_estimate import estimate_light, estimate_light_track
    from .tracks.light_preview import preview_light
    from .tracks.light_prompt import choose_light
    from .tracks.light_setup import LIGHT_PRESETS, Lamp, LightSetup
    from .tracks.normals import surface_normals
    from .tracks.people import PersonChoice, follow_person
    from .tracks.people_preview import people_rows
    from .tracks.pose import KeypointTrack, PoseMapFile, PoseMapFrames, PoseTrack, pose_map_file, require_keypoints
    from .tracks.pose_files import pose_file_state, read_pose_file
    from .tracks.pose_keypoint import read_pose_keypoint, write_pose_keypoint
    from .tracks.pose_preview import overlay_sheet, sample_footage
    from .tracks.pose_sheet import choice_sheet, draw_range, fit_sheet, steadiness_plot, track_sheet
    from .tracks.pose_styles import POSE_STYLES
    from .tracks.preview import contact_sheet, curve_sheet, draw_curves, spread
    from .tracks.relight import relight_pictures
    from .tracks.retarget import RetargetMethod, retarget_pose
    from .tracks.smoothing import SmoothOptions, smooth_pose
    from .tracks.speech import SpeechOptions, SpeechTrack, encode_speech
    from .tracks.speech_model import SpeechModel, load_speech_model
    from .tracks.speech_preview import face_motion_sheet, speech_sheet
    from .tracks.timeline import EASINGS, Curve, Easing, constant, parse_curve
    from .train.tune import TuneRequest, prepared_datasets, train_adapter, tuning_recipes
    from .types import Audio, Progress, Size
    from .upscale.chunks import UpscaledRow, UpscaleOptions, upscale_chunks
    from .upscale.faces import FacePass
    from .upscale.model import UpscaleModel, load_upscale_model, wrap_upscale_model
    from .weights.locate import available_models, locate_model
    from .weights.present import model_is_here
    from .weights.roles import MODEL_FOLDERS

_HOMES = {
    "backbones": ("BACKBONES",),
    "backbones.base": ("Backbone", "Identity", "Work"),
    "backbones.precision": ("PRECISIONS", "load_backbone", "load_compiled"),
    "backbones.svd_lora": ("load_lora",),
    "backbones.svd_unet_weights": ("overlay_unet",),
    "controls": ("CONTROLS", "PoseControl", "load_controlnet"),
    "controls.adapters": ("LoadedAdapter", "copy_reference_net", "load_adapter", "load_reference_net"),
    "controls.base": ("Control",),
    "controls.camera": ("CameraControl",),
    "controls.controlnet": ("PICTURE_CHOICES",),
    "controls.depth": ("DepthControl",),
    "controls.face": ("FaceControl",),
    "controls.face_adapter": ("load_face_adapter",),
    "controls.light": ("LightControl",),
    "controls.reference": ("ReferenceControl",),
    "controls.speech": ("SpeechControl",),
    "engine": ("MotionWeaveEngine",),
    "errors": ("InputError", "MotionWeaveError"),
    "host.context": ("current_runtime",),
    "host.paths": ("confine", "next_file"),
    "longform.borders": ("settle_borders", "settle_on"),
    "longform.clips": ("ClipRow",),
    "longform.drift": ("DriftSettings",),
    "longform.drift_chart": ("drift_chart",),
    "longform.folder": ("clip_folder_state", "open_clip_folder"),
    "longform.joins": ("JOINS", "Join"),
    "longform.plan": (
        "BLENDS",
        "BLENDS_IN",
        "CONTEXTS",
        "Blend",
        "BlendIn",
        "ChunkPlan",
        "Context",
        "Joining",
        "plan_chunks",
    ),
    "longform.stitch": ("StitchOptions", "stitch_chunks"),
    "longform.store": ("ChunkStore",),
    "marionette.sample": ("DRIVING_KINDS", "DrivingKind", "SampleRequest", "make_sample"),
    "marionette.sample_files": ("write_sample_clips", "write_sample_keypoints"),
    "media": (
        "RECIPES",
        "Footage",
        "FootageFrames",
        "VideoCodec",
        "open_footage",
        "read_audio",
        "read_image",
        "recipe_of",
    ),
    "metrics.identity": ("FaceRecogniser", "PictureRecogniser"),
    "models.audio_motion_model": ("AudioMotionModel", "load_audio_motion_model", "read_motion"),
    "preflight": ("PlannedRun", "check_run"),
    "request": ("IMAGE_ROLES", "Request"),
    "reroll": ("Reroll", "WovenChunks", "remake_chunk"),
    "residency": ("HOSTED", "MemoryPlan", "Need", "plan_memory"),
    "runtime": ("Folders", "LocalRuntime", "Runtime"),
    "sampling": ("SAMPLERS", "SCHEDULES", "DenoiseOptions", "Guidance"),
    "score": ("ScoreOptions", "joins_of_plan", "score_chart", "score_video"),
    "tracks.camera": ("CameraTrack",),
    "tracks.camera_moves": ("CAMERA_PRESETS", "CameraRequest", "camera_path", "parse_moves"),
    "tracks.camera_preview": ("camera_rows", "camera_sheet"),
    "tracks.camera_warp": ("nearness_of", "warp_by_camera"),
    "tracks.depth": ("DepthMaps", "DepthTrack"),
    "tracks.depth_estimate": ("DepthRange", "estimate_depth"),
    "tracks.depth_models": ("DepthModel", "load_depth_model"),
    "tracks.depth_preview": ("depth_sheet",),
    "tracks.estimators": ("PoseEstimator", "load_pose_model", "pose_models"),
    "tracks.extract": ("extract_pose",),
    "tracks.face": ("FaceIdentity", "encode_face", "face_sheet"),
    "tracks.face_models": ("FaceModels", "load_face_models"),
    "tracks.face_motion": ("FaceMotionOptions", "TalkingPose", "speech_to_face_motion"),
    "tracks.light": (
        "LightAnimation",
        "LightTrack",
        "animate_light",
        "light_from_panorama",
        "light_track",
        "scale_light",
    ),
    "tracks.light_estimate": ("estimate_light", "estimate_light_track"),
    "tracks.light_preview": ("preview_light",),
    "tracks.light_prompt": ("choose_light",),
    "tracks.light_setup": ("LIGHT_PRESETS", "Lamp", "LightSetup"),
    "tracks.normals": ("surface_normals",),
    "tracks.people": ("PersonChoice", "follow_person"),
    "tracks.people_preview": ("people_rows",),
    "tracks.pose_files": ("pose_file_state", "read_pose_file"),
    "tracks.pose_sheet": ("choice_sheet", "draw_range", "fit_sheet", "steadiness_plot", "track_sheet"),
    "tracks.pose_styles": ("POSE_STYLES",),
    "tracks.relight": ("relight_pictures",),
    "tracks.pose": ("KeypointTrack", "PoseMapFile", "PoseMapFrames", "PoseTrack", "pose_map_file", "require_keypoints"),
    "tracks.pose_keypoint": ("read_pose_keypoint", "write_pose_keypoint"),
    "tracks.pose_preview": ("overlay_sheet", "sample_footage"),
    "tracks.preview": ("contact_sheet", "curve_sheet", "draw_curves", "spread"),
    "tracks.retarget": ("RetargetMethod", "retarget_pose"),
    "tracks.smoothing": ("SmoothOptions", "smooth_pose"),
    "tracks.speech": ("SpeechOptions", "SpeechTrack", "encode_speech"),
    "tracks.speech_model": ("SpeechModel", "load_speech_model"),
    "tracks.speech_preview": ("face_motion_sheet", "speech_sheet"),
    "tracks.timeline": ("EASINGS", "Curve", "Easing", "constant", "parse_curve"),
    "train.tune": ("TuneRequest", "prepared_datasets", "train_adapter", "tuning_recipes"),
    "types": ("Audio", "Progress", "Size"),
    "upscale.chunks": ("UpscaleOptions", "UpscaledRow", "upscale_chunks"),
    "upscale.faces": ("FacePass",),
    "upscale.model": ("UpscaleModel", "load_upscale_model", "wrap_upscale_model"),
    "weights.locate": ("available_models", "locate_model"),
    "weights.present": ("model_is_here",),
    "weights.roles": ("MODEL_FOLDERS",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Load a public name's module on first use."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME_OF[name]}", __name__), name)


__all__ = [
    "BACKBONES",
    "BLENDS",
    "BLENDS_IN",
    "CAMERA_PRESETS",
    "CONTEXTS",
    "CONTROLS",
    "DRIVING_KINDS",
    "EASINGS",
    "HOSTED",
    "IMAGE_ROLES",
    "JOINS",
    "LIGHT_PRESETS",
    "MODEL_FOLDERS",
    "PICTURE_CHOICES",
    "POSE_STYLES",
    "PRECISIONS",
    "RECIPES",
    "SAMPLERS",
    "SCHEDULES",
    "Audio",
    "AudioMotionModel",
    "Backbone",
    "Blend",
    "BlendIn",
    "CameraControl",
    "CameraRequest",
    "CameraTrack",
    "ChunkPlan",
    "ChunkStore",
    "ClipRow",
    "Context",
    "Control",
    "Curve",
    "DenoiseOptions",
    "DepthControl",
    "DepthMaps",
    "DepthModel",
    "DepthRange",
    "DepthTrack",
    "DriftSettings",
    "DrivingKind",
    "Easing",
    "FaceControl",
    "FaceIdentity",
    "FaceModels",
    "FaceMotionOptions",
    "FacePass",
    "FaceRecogniser",
    "Folders",
    "Footage",
    "FootageFrames",
    "Guidance",
    "Identity",
    "InputError",
    "Join",
    "Joining",
    "KeypointTrack",
    "Lamp",
    "LightAnimation",
    "LightControl",
    "LightSetup",
    "LightTrack",
    "LoadedAdapter",
    "LocalRuntime",
    "MemoryPlan",
    "MotionWeaveEngine",
    "MotionWeaveError",
    "Need",
    "PersonChoice",
    "PictureRecogniser",
    "PlannedRun",
    "PoseControl",
    "PoseEstimator",
    "PoseMapFile",
    "PoseMapFrames",
    "PoseTrack",
    "Progress",
    "ReferenceControl",
    "Request",
    "Reroll",
    "RetargetMethod",
    "Runtime",
    "SampleRequest",
    "ScoreOptions",
    "Size",
    "SmoothOptions",
    "SpeechControl",
    "SpeechModel",
    "SpeechOptions",
    "SpeechTrack",
    "StitchOptions",
    "TalkingPose",
    "TuneRequest",
    "UpscaleModel",
    "UpscaleOptions",
    "UpscaledRow",
    "VideoCodec",
    "Work",
    "WovenChunks",
    "animate_light",
    "available_models",
    "camera_path",
    "camera_rows",
    "camera_sheet",
    "check_run",
    "choice_sheet",
    "choose_light",
    "clip_folder_state",
    "confine",
    "constant",
    "contact_sheet",
    "copy_reference_net",
    "current_runtime",
    "curve_sheet",
    "depth_sheet",
    "draw_curves",
    "draw_range",
    "drift_chart",
    "encode_face",
    "encode_speech",
    "estimate_depth",
    "estimate_light",
    "estimate_light_track",
    "extract_pose",
    "face_motion_sheet",
    "face_sheet",
    "fit_sheet",
    "follow_person",
    "joins_of_plan",
    "light_from_panorama",
    "light_track",
    "load_adapter",
    "load_audio_motion_model",
    "load_backbone",
    "load_compiled",
    "load_controlnet",
    "load_depth_model",
    "load_face_adapter",
    "load_face_models",
    "load_lora",
    "load_pose_model",
    "load_reference_net",
    "load_speech_model",
    "load_upscale_model",
    "locate_model",
    "make_sample",
    "model_is_here",
    "nearness_of",
    "next_file",
    "open_clip_folder",
    "open_footage",
    "overlay_sheet",
    "overlay_unet",
    "parse_curve",
    "parse_moves",
    "people_rows",
    "plan_chunks",
    "plan_memory",
    "pose_file_state",
    "pose_map_file",
    "pose_models",
    "prepared_datasets",
    "preview_light",
    "read_audio",
    "read_image",
    "read_motion",
    "read_pose_file",
    "read_pose_keypoint",
    "recipe_of",
    "relight_pictures",
    "remake_chunk",
    "require_keypoints",
    "retarget_pose",
    "sample_footage",
    "scale_light",
    "score_chart",
    "score_video",
    "settle_borders",
    "settle_on",
    "smooth_pose",
    "speech_sheet",
    "speech_to_face_motion",
    "spread",
    "steadiness_plot",
    "stitch_chunks",
    "surface_normals",
    "track_sheet",
    "train_adapter",
    "tuning_recipes",
    "upscale_chunks",
    "warp_by_camera",
    "wrap_upscale_model",
    "write_pose_keypoint",
    "write_sample_clips",
    "write_sample_keypoints",
]
