"""Light tracks, and pictures under another light."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from comfy_api.latest import io, ui
from torch import Tensor

from ..motionweave import (
    EASINGS,
    LIGHT_PRESETS,
    Lamp,
    LightAnimation,
    LightSetup,
    Size,
    animate_light,
    choose_light,
    constant,
    estimate_light,
    estimate_light_track,
    light_from_panorama,
    light_track,
    preview_light,
    relight_pictures,
    scale_light,
    surface_normals,
)
from .convert import footage_from, image_from_pixels, pixels_from_image
from .sockets import CurveSocket, DepthSocket, LightSocket

if TYPE_CHECKING:
    from ..motionweave import Curve, DepthTrack, LightTrack

HELD, FOLLOWED = "one light for the clip", "follow it over time"


def _shown(cls: type[io.ComfyNode], light: LightTrack) -> io.NodeOutput:
    return io.NodeOutput(light, ui=ui.PreviewImage(image_from_pixels(preview_light(light)), cls=cls))


def _depth(depth: Tensor | DepthTrack | None) -> Tensor | DepthTrack | None:
    """Turn depth pictures into pixels and leave a track as it is."""
    return pixels_from_image(depth) if isinstance(depth, Tensor) else depth


class Light(io.ComfyNode):
    """Set up a light."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveLight",
            display_name="Light (SH)",
            category="MotionWeave/tracks",
            description="Sets up a light: in plain words, by name, or from a key light, a fill and ambient light.",
            inputs=[
                io.Combo.Input("preset", options=["custom", *LIGHT_PRESETS], default="studio",
                               tooltip="A set-up by name; 'custom' takes azimuth to colour below."),
                io.String.Input("prompt", default="", multiline=True,
                                tooltip="The light in plain words, used instead of the preset: 'golden hour from the "
                                "left, soft' or 'hard white key from above right, dim blue fill'."),
                io.Float.Input("strength", default=1.0, min=0.0, max=10.0, step=0.05,
                               tooltip="Multiplies all of it."),
                io.Float.Input("azimuth", default=35.0, min=-180.0, max=180.0, step=1.0,
                               tooltip="Custom key light: degrees around the character, 0 from the viewer, 90 from "
                               "the picture's right, -90 from its left, 180 from behind."),
                io.Float.Input("elevation", default=35.0, min=-90.0, max=90.0, step=1.0,
                               tooltip="Custom key light: degrees above the horizon."),
                io.Float.Input("key", default=0.9, min=0.0, max=10.0, step=0.05,
                               tooltip="Custom: strength of the key light; 1 makes white that faces it white."),
                io.Float.Input("fill", default=0.25, min=0.0, max=10.0, step=0.05,
                               tooltip="Custom: strength of a soft light from the other side."),
                io.Float.Input("ambient", default=0.2, min=0.0, max=10.0, step=0.05,
                               tooltip="Custom: strength of the light from everywhere."),
                io.String.Input("colour", default="5600K",
                                tooltip="Custom: colour of the key light, as #ffb46b or as a temperature, 3200K."),
            ],
            outputs=[LightSocket.Output(display_name="light", tooltip="A light that does not change.")],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, preset: str, prompt: str, strength: float, azimuth: float, elevation: float, key: float, fill: float,
        ambient: float, colour: str,
    ) -> io.NodeOutput:  # fmt: skip
        side = 45.0 if azimuth < 0 else -45.0
        custom = LightSetup((Lamp(azimuth, elevation, key, colour), Lamp(side, 10.0, fill, softness=0.8)), ambient)
        chosen = light_track(choose_light(preset, prompt, custom).coefficients())
        return _shown(cls, scale_light(chosen, constant(strength)))


class LightFromEnvironment(io.ComfyNode):
    """Take the light of a panorama."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveLightFromEnvironment",
            display_name="Light from Environment",
            category="MotionWeave/tracks",
            description="Takes the light of an equirectangular panorama.",
            inputs=[
                io.Image.Input("panorama", tooltip="Twice as wide as high. Its middle is behind the character, its "
                               "left and right borders meet at the viewer. A batch is a light over time at 24 fps."),
                io.Float.Input("stops", default=0.0, min=-10.0, max=10.0, step=0.25,
                               tooltip="Brightness: each stop doubles it."),
                io.Float.Input("turn", default=0.0, min=-360.0, max=360.0, step=1.0,
                               tooltip="Degrees to turn the surroundings, from the viewer toward the picture's right."),
            ],
            outputs=[LightSocket.Output(display_name="light", tooltip="The light that falls from all around.")],
        )  # fmt: skip

    @classmethod
    def execute(cls, panorama: Tensor, stops: float, turn: float) -> io.NodeOutput:
        return _shown(cls, light_from_panorama(pixels_from_image(panorama), stops, turn))


class EstimateLight(io.ComfyNode):
    """Read the light of a picture or clip."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveEstimateLight",
            display_name="Estimate Light",
            category="MotionWeave/tracks",
            description="Reads the light of a picture or clip from how its surfaces are lit. It needs to know which "
            "way they face: connect depth or normals.",
            inputs=[
                io.Combo.Input("mode", options=[HELD, FOLLOWED], default=HELD,
                               tooltip="One light from all frames together, or a light for each frame, steadied."),
                io.Float.Input("smooth_seconds", default=0.5, min=0.0, max=10.0, step=0.1,
                               tooltip="When following: seconds over which the light is steadied."),
                io.Float.Input("relief", default=2.0, min=1.05, max=20.0, step=0.05,
                               tooltip="For depth: how many times as far as white black is; more carves deeper."),
                io.Float.Input("fps", default=24.0, min=0.1, max=240.0, step=0.01,
                               tooltip="Frames per second of the images; a video's own rate is used instead."),
                io.Image.Input("images", optional=True, tooltip="A picture, or the frames of a clip."),
                io.Video.Input("video", optional=True, tooltip="A clip, if there are no images."),
                io.MultiType.Input("depth", types=[DepthSocket, io.Image], optional=True,
                                   tooltip="Depth from Estimate Depth, or another pack's depth pictures, near white. "
                                   "One for all frames, or one for each."),
                io.Image.Input("normals", optional=True, tooltip="Normal maps instead of depth: red right, green up, "
                               "blue toward the viewer."),
                io.Mask.Input("mask", optional=True, tooltip="Where to look; everywhere if not connected."),
            ],
            outputs=[LightSocket.Output(display_name="light", tooltip="The light, white overall.")],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, mode: str, smooth_seconds: float, relief: float, fps: float, images: Tensor | None = None,
        video: Any = None, depth: Tensor | DepthTrack | None = None, normals: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> io.NodeOutput:  # fmt: skip
        footage = footage_from(video, images, fps)
        maps = None if normals is None else pixels_from_image(normals)
        facing = surface_normals(_depth(depth), maps, footage.size, relief)
        if mode == HELD:
            return _shown(cls, estimate_light(footage, facing, mask))
        return _shown(cls, estimate_light_track(footage, facing, mask, smooth_seconds))


class AnimateLight(io.ComfyNode):
    """Move a light."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveAnimateLight",
            display_name="Animate Light",
            category="MotionWeave/tracks",
            description="Blends from one light to another, turns it around the character, changes its strength.",
            inputs=[
                LightSocket.Input("start", tooltip="The light at the start."),
                io.Float.Input("seconds", default=4.0, min=0.1, max=3600.0, step=0.1, tooltip="Length."),
                io.Float.Input("fps", default=24.0, min=0.1, max=240.0, step=0.01, tooltip="Frames per second."),
                io.Combo.Input("easing", options=list(EASINGS), default="ease",
                               tooltip="How the blend begins and ends. The turn is steady."),
                io.Float.Input("turn", default=0.0, min=-36000.0, max=36000.0, step=15.0,
                               tooltip="Degrees around the character over the whole length, from the viewer toward "
                               "the picture's right; 360 is a turntable that loops."),
                LightSocket.Input("end", optional=True, tooltip="The light at the end; the start's if not connected."),
                CurveSocket.Input("strength", optional=True, tooltip="Strength over seconds, from Timeline; 1 if not "
                                  "connected."),
            ],
            outputs=[LightSocket.Output(display_name="light", tooltip="The light over time.")],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, start: LightTrack, seconds: float, fps: float, easing: Any, turn: float, end: LightTrack | None = None,
        strength: Curve | None = None,
    ) -> io.NodeOutput:  # fmt: skip
        animation = LightAnimation(seconds, easing, turn, Fraction(fps).limit_denominator(1001))
        moving = animate_light(start, start.window(0, 1) if end is None else end, animation)
        return _shown(cls, moving if strength is None else scale_light(moving, strength))


class Relight(io.ComfyNode):
    """Show pictures under another light."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MotionWeaveRelight",
            display_name="Relight",
            category="MotionWeave/tracks",
            description="Shows a picture or clip under another light, without any model: each pixel times the new "
            "light's shading over the old one's. No cast shadows, no gloss.",
            inputs=[
                io.Image.Input("images", tooltip="A picture, or frames."),
                io.MultiType.Input("depth", types=[DepthSocket, io.Image],
                                   tooltip="Their depth from Estimate Depth, or another pack's depth pictures, near "
                                   "white, at the same size. One for all, or one for each."),
                LightSocket.Input("light", tooltip="The light to show them under. One picture under a light over time "
                                  "becomes a clip of its frames."),
                io.Float.Input("strength", default=1.0, min=0.0, max=2.0, step=0.05,
                               tooltip="0 changes nothing, 1 relights, above overdoes it."),
                io.Float.Input("relief", default=2.0, min=1.05, max=20.0, step=0.05,
                               tooltip="How many times as far as white black is; more carves deeper."),
                LightSocket.Input("original", optional=True, tooltip="The light that is in the pictures; estimated "
                                  "from them if not connected."),
            ],
            outputs=[io.Image.Output(display_name="images", tooltip="The relit pictures.")],
        )  # fmt: skip

    @classmethod
    def execute(
        cls, images: Tensor, depth: Tensor | DepthTrack, light: LightTrack, strength: float, relief: float,
        original: LightTrack | None = None,
    ) -> io.NodeOutput:  # fmt: skip
        frames = pixels_from_image(images)
        facing = surface_normals(_depth(depth), None, Size(frames.shape[-1], frames.shape[-2]), relief)
        return io.NodeOutput(image_from_pixels(relight_pictures(frames, facing, light, original, strength)))


NODES = [Light, LightFromEnvironment, EstimateLight, AnimateLight, Relight]
