from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest
import torch
from PIL import Image

from motionweave.errors import InputError, UnsupportedError
from motionweave.media import RECIPES, Recipe, VideoWriter, probe_video, read_audio, read_clip, read_metadata, recipe_of
from motionweave.media.recipes import Scale
from motionweave.types import Audio, Size

NTSC = Fraction(30000, 1001)
SIZE = Size(96, 64)
VIDEOS = tuple(name for name, recipe in RECIPES.items() if recipe.sound_codec)
NAMED_BY = {"h264": "h264", "h265": "hevc", "av1": "av1", "prores": "prores", "ffv1": "ffv1"}
NEAR = {"prores": 2.0, "ffv1": 0.1}


def ramp(frame_count: int) -> torch.Tensor:
    y, x = torch.meshgrid(torch.arange(SIZE.height) / SIZE.height, torch.arange(SIZE.width) / SIZE.width, indexing="ij")
    moving = [torch.stack([x, y, (x + y + index / frame_count) / 3]) for index in range(frame_count)]
    return (torch.stack(moving) * 255).round().to(torch.uint8)


def there(codec: str) -> str:
    try:
        recipe_of(codec)
    except UnsupportedError as error:
        pytest.skip(str(error))
    return codec


@pytest.mark.parametrize("codec", VIDEOS)
def test_every_codec_gives_back_its_frames_rate_size_colours_and_sound(tmp_path: Path, codec: str) -> None:
    path, frames = tmp_path / f"a{RECIPES[there(codec)].suffix}", ramp(9)
    sound = Audio(torch.rand(2, 48000) - 0.5, 48000)
    with VideoWriter(path, fps=NTSC, size=SIZE, codec=codec, audio=sound) as writer:  # type: ignore[arg-type]
        writer.write(frames)
    info, audio = probe_video(path), read_audio(path)
    family = codec.split("-")[0]
    assert (info.fps, info.frame_count, info.size, info.codec) == (NTSC, 9, SIZE, NAMED_BY[family])
    assert audio is not None and audio.waveform.shape == (2, round(9 * 48000 / NTSC))
    error = (read_clip(path).float() - frames.float()).abs().mean()
    assert error <= NEAR.get(family, 4.0)


@pytest.mark.parametrize("codec", [name for name in VIDEOS if name != "ffv1"])
def test_colours_are_tagged_as_they_were_converted(tmp_path: Path, codec: str) -> None:
    path = tmp_path / f"a{RECIPES[there(codec)].suffix}"
    with VideoWriter(path, fps=NTSC, size=SIZE, codec=codec) as writer:  # type: ignore[arg-type]
        writer.write(ramp(2))
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        assert (context.colorspace, context.color_primaries, context.color_trc) == (1, 1, 1)
        # ProRes in QuickTime has no place for a range; it is limited by definition, which FFmpeg before 8 does not say.
        assert context.color_range in ((0, 1) if codec.startswith("prores") else (1,))
        assert context.pix_fmt[:7] == RECIPES[codec].pixel_format[:7]
        assert context.codec_tag == {"h265": "hvc1", "h265-10bit": "hvc1"}.get(codec, context.codec_tag)


@pytest.mark.parametrize("codec", ["h265", "av1", "prores", "gif"])
def test_the_same_frames_give_the_same_bytes_on_any_number_of_threads(tmp_path: Path, codec: str) -> None:
    written = set()
    for index in range(2):
        path = tmp_path / f"{index}{RECIPES[there(codec)].suffix}"
        with VideoWriter(path, fps=Fraction(25), size=SIZE, codec=codec) as writer:  # type: ignore[arg-type]
            writer.write(ramp(6))
        written.add(path.read_bytes())
    assert len(written) == 1


def test_gif_keeps_the_time_repeats_for_ever_and_dithers_a_gradient_into_its_own_palette(tmp_path: Path) -> None:
    frames = ramp(9)
    with VideoWriter(tmp_path / "a.gif", fps=Fraction(30), size=SIZE, codec="gif") as writer:
        writer.write(frames)
    with Image.open(tmp_path / "a.gif") as gif:
        assert (gif.n_frames, gif.size, gif.info["loop"]) == (9, (96, 64), 0)
        length = 0
        for index in range(gif.n_frames):
            gif.seek(index)
            length += gif.info["duration"]
    assert abs(length - 300) <= 20
    back = read_clip(tmp_path / "a.gif").float()
    assert (back - frames.float()).abs().mean() <= 6
    assert (back.mean((-1, -2)) - frames.float().mean((-1, -2))).abs().max() <= 2


def test_animated_webp_holds_every_frame_and_its_quality_counts(tmp_path: Path) -> None:
    there("webp")
    sizes = []
    for crf in (20, 90):
        path, frames = tmp_path / f"{crf}.webp", torch.stack([ramp(1)[0].roll(12 * step, -1) for step in range(5)])
        with VideoWriter(path, fps=Fraction(20), size=SIZE, codec="webp", crf=crf) as writer:
            writer.write(frames)
        sizes.append(path.stat().st_size)
        with Image.open(path) as webp:
            assert (webp.n_frames, webp.size, webp.info["loop"]) == (5, (96, 64), 0)
            webp.seek(4)
            shown = torch.tensor(list(webp.convert("RGB").tobytes()), dtype=torch.float32).view(64, 96, 3)
        assert (shown.permute(2, 0, 1) - frames[4].float()).abs().mean() <= 8
    assert sizes[0] < sizes[1]


def test_tags_travel_in_a_quicktime_file_too(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mov", fps=NTSC, size=SIZE, codec="prores", metadata={"workflow": "{}"}) as writer:
        writer.write(ramp(1))
    assert read_metadata(tmp_path / "a.mov")["workflow"] == "{}"


def test_one_scale_of_quality_reaches_every_codecs_own() -> None:
    assert [Scale("crf", 0, 51, 18).at(quality) for quality in (0, 65, 100)] == [51, 18, 0]
    assert [Scale("quality", 100, 0, 85).at(quality) for quality in (0, 85, 100)] == [0, 85, 100]
    with pytest.raises(InputError, match="0 \\(worst\\) to 100"):
        Scale("crf", 0, 51, 18).at(101)


@pytest.mark.parametrize(
    ("codec", "change", "words"),
    [
        ("gif", {"fps": Fraction(60)}, "50 frames per second"),
        ("gif", {"audio": Audio(torch.zeros(1, 10), 48000)}, "holds no sound"),
        ("prores", {"size": Size(33, 32)}, "even"),
        ("av1", {"crf": 64}, "1 \\(best\\) to 63"),
    ],
)
def test_what_a_codec_cannot_do_is_said_before_anything_is_written(
    tmp_path: Path, codec: str, change: dict[str, object], words: str
) -> None:
    path = tmp_path / f"a{RECIPES[there(codec)].suffix}"
    with pytest.raises(InputError, match=words):
        VideoWriter(path, **{"fps": NTSC, "size": SIZE, "codec": codec, **change})  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_an_encoder_that_is_not_there_is_told_with_those_that_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RECIPES, "h265", Recipe("H.265", "libx265_elsewhere", "mp4", ".mp4", "yuv420p"))  # type: ignore[arg-type]
    with pytest.raises(UnsupportedError, match=r"libx265_elsewhere.*can write h264.*ffv1"):
        recipe_of("h265")
