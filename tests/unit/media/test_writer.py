from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest
import torch

from motionweave.errors import InputError, MediaError, ShapeError
from motionweave.media import VideoWriter, probe_video, read_audio, read_clip, read_metadata
from motionweave.types import Audio, Size

NTSC = Fraction(30000, 1001)
COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (200, 100, 50), (30, 180, 220)]


def noise(frame_count: int, height: int, width: int) -> torch.Tensor:
    return torch.randint(0, 256, (frame_count, 3, height, width), dtype=torch.uint8)


@pytest.mark.parametrize("size", [Size(64, 48), Size(33, 17), Size(8, 6)])
@pytest.mark.parametrize("fps", [NTSC, Fraction(25), Fraction(60000, 1001)])
def test_ffv1_gives_back_the_very_same_bits_and_rate(tmp_path: Path, size: Size, fps: Fraction) -> None:
    frames = noise(6, size.height, size.width)
    with VideoWriter(tmp_path / "a.mkv", fps=fps, size=size, codec="ffv1") as writer:
        writer.write(frames[:2])
        writer.write(frames[2:].to(torch.float32) / 255)
        assert writer.frame_count == 6
    assert torch.equal(read_clip(tmp_path / "a.mkv"), frames)
    info = probe_video(tmp_path / "a.mkv")
    assert (info.fps, info.frame_count, info.size, info.codec) == (fps, 6, size, "ffv1")


def test_h264_colours_come_back_within_three_levels_and_are_tagged(tmp_path: Path) -> None:
    frame = torch.zeros(1, 3, 32, 32 * len(COLOURS))
    for index, colour in enumerate(COLOURS):
        frame[0, :, :, 32 * index : 32 * index + 32] = torch.tensor(colour).view(3, 1, 1) / 255
    with VideoWriter(tmp_path / "a.mp4", fps=NTSC, size=Size(frame.shape[3], 32), crf=10) as writer:
        writer.write(frame.expand(5, -1, -1, -1))
    clip = read_clip(tmp_path / "a.mp4").to(torch.int32)
    for index, colour in enumerate(COLOURS):
        assert (clip[:, :, 16, 32 * index + 16] - torch.tensor(colour)).abs().max() <= 3
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        assert (stream.pix_fmt, context.color_range, context.colorspace) == ("yuv420p", 1, 1)
        assert (context.color_primaries, context.color_trc) == (1, 1)
    info = probe_video(tmp_path / "a.mp4")
    assert (info.fps, info.frame_count, info.start_s, info.full_range) == (NTSC, 5, 0, False)


def test_mp4_can_begin_to_play_before_it_is_loaded(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4", fps=NTSC, size=Size(32, 32)) as writer:
        writer.write(torch.rand(3, 3, 32, 32))
    data = (tmp_path / "a.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize(("codec", "name", "key"), [("h264", "a.mp4", "workflow"), ("ffv1", "a.mkv", "WORKFLOW")])
def test_metadata_is_kept(tmp_path: Path, codec: str, name: str, key: str) -> None:
    recipe = '{"nodes": ["é", 1]}'
    with VideoWriter(
        tmp_path / name,
        fps=NTSC,
        size=Size(32, 32),
        codec=codec,
        metadata={"workflow": recipe},  # type: ignore[arg-type]
    ) as writer:
        writer.write(torch.rand(1, 3, 32, 32))
    assert read_metadata(tmp_path / name)[key] == recipe


@pytest.mark.parametrize("rate", [48000, 44100, 16000, 37800])
def test_sound_of_a_minute_stays_in_place_to_the_sample(tmp_path: Path, rate: int) -> None:
    frame_count = 1798
    waveform = torch.zeros(2, rate * 60)
    moments = [Fraction(1, 20), Fraction(30), Fraction(599, 10)]
    for moment in moments:
        waveform[:, round(moment * rate)] = 0.9
    black = torch.zeros(1, 3, 16, 16)
    with VideoWriter(tmp_path / "a.mp4", fps=NTSC, size=Size(16, 16), audio=Audio(waveform, rate)) as writer:
        for _ in range(frame_count):
            writer.write(black)
    audio = read_audio(tmp_path / "a.mp4")
    assert audio is not None
    assert audio.waveform.shape == (2, round(frame_count * audio.sample_rate / NTSC))
    for moment in moments:
        near = round(moment * audio.sample_rate) - 400
        peak = near + int(audio.waveform[0, near : near + 800].abs().argmax())
        assert abs(Fraction(peak, audio.sample_rate) - moment) <= Fraction(1, audio.sample_rate)


@pytest.mark.parametrize("seconds", [0, 1, 5])
def test_sound_is_cut_or_followed_by_silence_to_the_picture(tmp_path: Path, seconds: int) -> None:
    audio = Audio(torch.rand(1, 22050 * seconds) - 0.5, 22050)
    for name, codec in (("a.mp4", "h264"), ("a.mkv", "ffv1")):
        with VideoWriter(tmp_path / name, fps=NTSC, size=Size(16, 16), codec=codec, audio=audio) as writer:  # type: ignore[arg-type]
            writer.write(torch.zeros(77, 3, 16, 16))
        back = read_audio(tmp_path / name)
        assert back is not None and back.waveform.shape == (1, round(77 * 22050 / NTSC))
    there = min(audio.waveform.shape[1], back.waveform.shape[1])
    assert torch.equal(back.waveform[:, :there], audio.waveform[:, :there])
    assert back.waveform[:, there:].abs().sum() == 0


def test_exception_leaves_nothing_behind_and_an_older_file_alone(tmp_path: Path) -> None:
    target = tmp_path / "a.mp4"
    target.write_bytes(b"older")
    with pytest.raises(RuntimeError, match="stop"), VideoWriter(target, fps=NTSC, size=Size(16, 16)) as writer:
        writer.write(torch.zeros(3, 3, 16, 16))
        raise RuntimeError("stop")
    assert list(tmp_path.iterdir()) == [target]
    assert target.read_bytes() == b"older"


def test_not_a_single_frame_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="not a single frame"):  # noqa: SIM117
        with VideoWriter(tmp_path / "a.mp4", fps=NTSC, size=Size(16, 16)):
            pass
    assert list(tmp_path.iterdir()) == []


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="does not exist"):
        VideoWriter(tmp_path / "nowhere" / "a.mp4", fps=NTSC, size=Size(16, 16)).__enter__()


def test_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MediaError, match="cannot be written"):
        VideoWriter(tmp_path / "file" / "a.mkv", fps=NTSC, size=Size(16, 16), codec="ffv1").__enter__()


@pytest.mark.parametrize(("codec", "name"), [("h264", "a.mp4"), ("ffv1", "a.mkv")])
def test_disk_that_takes_no_more_is_told_and_leaves_nothing(tmp_path: Path, codec: str, name: str) -> None:
    resource = pytest.importorskip("resource", reason="only POSIX systems can limit a file's size")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(MediaError, match="cannot be written"):  # noqa: SIM117
            with VideoWriter(tmp_path / name, fps=NTSC, size=Size(128, 128), codec=codec, crf=0) as writer:  # type: ignore[arg-type]
                for _ in range(20):
                    writer.write(noise(1, 128, 128))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []


def test_odd_sizes_are_refused_for_h264_with_advice(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="even"):
        VideoWriter(tmp_path / "a.mp4", fps=NTSC, size=Size(33, 32))


@pytest.mark.parametrize(
    ("name", "change"),
    [("a.mkv", {}), ("a.mp4", {"fps": Fraction(0)}), ("a.mp4", {"crf": 90}), ("a.mp4", {"codec": "vp9"})],
)
def test_values_out_of_range_are_refused_before_anything_is_written(
    tmp_path: Path, name: str, change: dict[str, object]
) -> None:
    with pytest.raises(InputError):
        VideoWriter(tmp_path / name, **{"fps": NTSC, "size": Size(32, 32), **change})  # type: ignore[arg-type]


def test_wrong_frames_are_refused(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4", fps=NTSC, size=Size(32, 16)) as writer:
        writer.write(torch.zeros(1, 3, 16, 32))
        with pytest.raises(ShapeError):
            writer.write(torch.zeros(1, 3, 32, 16))
        with pytest.raises(InputError, match="NaN"):
            writer.write(torch.full((1, 3, 16, 32), float("nan")))
        with pytest.raises(InputError, match="int64"):
            writer.write(torch.zeros(1, 3, 16, 32, dtype=torch.int64))
    assert probe_video(tmp_path / "a.mp4").frame_count == 1
    with pytest.raises(InputError, match="not open"):
        writer.write(torch.zeros(1, 3, 16, 32))


def test_sound_with_a_strange_number_of_channels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="11 channels"):
        VideoWriter(tmp_path / "a.mp4", fps=NTSC, size=Size(32, 16), audio=Audio(torch.zeros(11, 10), 48000))


@pytest.mark.parametrize("codec", ["h264", "ffv1"])
def test_the_same_frames_give_the_same_bytes(tmp_path: Path, codec: str) -> None:
    y, x = torch.meshgrid(torch.arange(320), torch.arange(320), indexing="ij")
    waves = [torch.sin(x / 17 + y / 29 + i / 3) + torch.sin((x - 160).square() / 900 - i / 5) for i in range(16)]
    frames = ((torch.stack(waves)[:, None].expand(-1, 3, -1, -1) + 2) / 4).contiguous()
    suffix, written = ("mp4" if codec == "h264" else "mkv"), set()
    for index in range(4):
        path = tmp_path / f"{index}.{suffix}"
        with VideoWriter(path, fps=NTSC, size=Size(320, 320), codec=codec, crf=12) as writer:  # type: ignore[arg-type]
            writer.write(frames)
        written.add(path.read_bytes())
    assert len(written) == 1
