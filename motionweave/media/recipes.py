"""How each codec is written, as data: encoder, container, pixels, sound, colour, quality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ..errors import InputError, UnsupportedError

VideoCodec = Literal["h264", "h265", "h265-10bit", "av1", "av1-10bit", "prores", "prores-4444", "ffv1", "gif", "webp"]
"""``h264`` for people, ``ffv1`` for later steps (the very bits of 8-bit RGB), ``prores`` for editing programs."""


@dataclass(frozen=True)
class Scale:
    """A codec's own measure of quality."""

    option: str
    """The encoder's option."""
    best: int
    """Its value where nothing visible is lost."""
    worst: int
    """Its value at the other end."""
    usual: int
    """Its value if nobody says otherwise."""

    def at(self, quality: int) -> int:
        """Give the value for a quality from 0 (worst) to 100 (best).

        Raises:
            InputError: If it lies outside.
        """
        if not 0 <= quality <= 100:
            raise InputError(f"quality is {quality}; expected 0 (worst) to 100 (best)")
        return round(self.worst + (self.best - self.worst) * quality / 100)


@dataclass(frozen=True)
class Recipe:
    """How one codec is written."""

    title: str
    """What a person reads."""
    encoder: str
    """FFmpeg's name of the encoder."""
    container: str
    """FFmpeg's name of the file format."""
    suffix: str
    """The file's ending."""
    pixel_format: str
    """What the encoder is given."""
    sound_codec: str = ""
    """FFmpeg's name of the sound codec; empty where the file holds no sound."""
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    """What the encoder is told besides."""
    scale: Scale | None = None
    """Its measure of quality; None where there is nothing to choose."""
    tag: str = ""
    """Four letters by which players know the codec, where the container's own choice is not the best."""
    even: tuple[int, int] = (1, 1)
    """What width and height must be multiples of."""
    fastest: int | None = None
    """Frames per second beyond which players no longer keep the time."""

    @property
    def is_mp4(self) -> bool:
        """Whether the container is of the mp4 family."""
        return self.container in ("mp4", "mov")


_CRF = Scale("crf", 0, 51, 18)
# x264's macroblock tree gives other bytes each time on some processors, even for the same frames on one thread.
_H264 = {"x264-params": "mbtree=0"}
_H265 = {"preset": "medium", "x265-params": "log-level=error"}
_AV1 = {"preset": "8"}
_AV1_CRF = Scale("crf", 1, 63, 26)

RECIPES: Mapping[str, Recipe] = {
    "h264": Recipe("H.264 (mp4)", "libx264", "mp4", ".mp4", "yuv420p", "aac", _H264, _CRF, even=(2, 2)),
    "h265": Recipe(
        "H.265 (mp4)", "libx265", "mp4", ".mp4", "yuv420p", "aac", _H265, Scale("crf", 0, 51, 20), "hvc1", (2, 2)
    ),
    "h265-10bit": Recipe(
        "H.265 10 bit", "libx265", "mp4", ".mp4", "yuv420p10le", "aac", _H265, Scale("crf", 0, 51, 20), "hvc1", (2, 2)
    ),
    "av1": Recipe("AV1 (mp4)", "libsvtav1", "mp4", ".mp4", "yuv420p", "aac", _AV1, _AV1_CRF, even=(2, 2)),
    "av1-10bit": Recipe("AV1 10 bit", "libsvtav1", "mp4", ".mp4", "yuv420p10le", "aac", _AV1, _AV1_CRF, even=(2, 2)),
    # Profiles by their numbers: PyAV 14's FFmpeg does not know their names.
    "prores": Recipe(
        "ProRes 422 HQ", "prores_ks", "mov", ".mov", "yuv422p10le", "pcm_s24le", {"profile": "3"}, even=(2, 1)
    ),
    "prores-4444": Recipe(
        "ProRes 4444", "prores_ks", "mov", ".mov", "yuv444p10le", "pcm_s24le", {"profile": "4"}
    ),
    # Every FFV1 frame is a key frame, so that a damaged one costs itself only.
    "ffv1": Recipe("FFV1 lossless", "ffv1", "matroska", ".mkv", "bgr0", "pcm_f32le", {"level": "3", "g": "1"}),
    "gif": Recipe("GIF", "gif", "gif", ".gif", "pal8", fastest=50),
    "webp": Recipe(
        "Animated WEBP", "libwebp_anim", "webp", ".webp", "bgra", scale=Scale("quality", 100, 0, 85)
    ),
}  # fmt: skip
"""By codec. H.265 and AV1 have their eight bits as well, because not every player has the ten."""


def recipe_of(codec: str) -> Recipe:
    """Give a codec's recipe.

    Raises:
        InputError: If there is none.
        UnsupportedError: If this PyAV was built without its encoder; the message names what is there.
    """
    recipe = RECIPES.get(codec)
    if recipe is None:
        raise InputError(f"codec is '{codec}'; expected one of {', '.join(RECIPES)}")
    if not has_encoder(recipe.encoder):
        there = ", ".join(name for name, each in RECIPES.items() if has_encoder(each.encoder))
        raise UnsupportedError(
            f"writing {codec} (FFmpeg's {recipe.encoder})",
            f"The installed PyAV can write {there}; choose one of these, or install PyAV's own wheel: pip install av",
        )
    return recipe


def has_encoder(name: str) -> bool:
    """Say whether the installed PyAV has an encoder."""
    import av
    from av.codec.codec import UnknownCodecError

    try:
        av.Codec(name, "w")
    except UnknownCodecError:
        return False
    return True
