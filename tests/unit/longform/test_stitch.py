from __future__ import annotations

import threading
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import Tensor

from motionweave.errors import InputError, MediaError
from motionweave.longform.blend import fade_weights
from motionweave.longform.clips import Clip, MadeRow, Seam
from motionweave.longform.joins import SETTLE_FRAMES, joined_frames
from motionweave.longform.stitch import StitchOptions, stitch_chunks
from motionweave.media import VideoWriter, prefetch, read_audio, read_clip
from motionweave.types import Audio, Progress, Size

FPS, SIZE = Fraction(25), Size(32, 24)


def flat(levels: Sequence[float]) -> Tensor:
    return torch.tensor(levels).round().to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 3, SIZE.height, SIZE.width)


def row_of(folder: Path, parts: Sequence[tuple[Tensor, int]], seam: Seam = "linear") -> MadeRow:
    clips = []
    for index, (frames, lead) in enumerate(parts):
        path = folder / f"{index}.mkv"
        with VideoWriter(path, fps=FPS, size=SIZE, codec="ffv1") as writer:
            writer.write(frames)
        clips.append(Clip(path, len(frames) - lead, lead))
    return MadeRow(tuple(clips), FPS, SIZE, "row", seam)


def levels(row: MadeRow, join: str = "auto") -> list[float]:
    return [float(frame.float().mean()) for frame in joined_frames(row, join)]  # type: ignore[arg-type]


def test_cut_takes_every_clips_new_frames_and_nothing_of_its_lead(tmp_path: Path) -> None:
    row = row_of(tmp_path, [(flat([1, 2, 3, 4]), 0), (flat([103, 104, 5, 6]), 2), (flat([7]), 0)])
    assert levels(row, "cut") == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("kind", ["linear", "cosine"])
def test_frames_that_two_clips_have_are_faded_by_the_published_weights(tmp_path: Path, kind: Seam) -> None:
    row = row_of(tmp_path, [(flat([50] * 6), 0), (flat([200] * 3 + [90] * 4), 3)], kind)
    faded = [round(50 + 150 * weight) for weight in fade_weights(3, kind).tolist()]
    assert levels(row) == [50, 50, 50, *faded, 90, 90, 90, 90]


def test_a_clip_whose_seam_was_blended_before_replaces_what_came(tmp_path: Path) -> None:
    row = row_of(tmp_path, [(flat([50] * 4), 0), (flat([60, 70, 80]), 2)], "replace")
    assert levels(row) == [50, 50, 60, 70, 80]


def test_a_lead_longer_than_the_clip_before_fades_over_what_is_there(tmp_path: Path) -> None:
    row = row_of(tmp_path, [(flat([40]), 0), (flat([1, 80, 90]), 2), (flat([100]), 0)])
    assert levels(row) == [60, 90, 100]


def test_colours_are_matched_at_the_join_and_go_back_gently(tmp_path: Path) -> None:
    after = 2 * SETTLE_FRAMES
    row = row_of(tmp_path, [(flat([100] * 8), 0), (flat([130] * after), 0), (flat([115] * after), 0)])
    cut, matched = levels(row, "cut"), levels(row, "colour-matched")
    assert max(abs(b - a) for a, b in pairwise(cut)) == 30
    assert max(abs(b - a) for a, b in pairwise(matched)) <= 4
    assert matched[8] - 100 <= 1 and matched[8 + SETTLE_FRAMES : 8 + after] == [130] * SETTLE_FRAMES
    assert abs(matched[8 + after] - 130) <= 1


def test_colours_are_matched_on_shared_frames_where_the_picture_itself_changes(tmp_path: Path) -> None:
    truth = [40 + 10 * index for index in range(16)]
    row = row_of(tmp_path, [(flat(truth[:8]), 0), (flat([level + 20 for level in truth[5:]]), 3)], "cut")
    assert abs(levels(row, "colour-matched")[8] - truth[8]) <= 1


def test_a_cross_fade_without_shared_frames_is_refused_with_what_to_do(tmp_path: Path) -> None:
    row = row_of(tmp_path, [(flat([1]), 0), (flat([2]), 0)], "cut")
    with pytest.raises(InputError, match="colour-matched"):
        levels(row, "cross-fade")
    with pytest.raises(InputError, match="expected one of auto, cut"):
        levels(row, "wipe")


def test_lossless_stitching_gives_the_very_frames_and_the_sound_to_the_sample(tmp_path: Path) -> None:
    frames = torch.randint(0, 256, (30, 3, SIZE.height, SIZE.width), dtype=torch.uint8)
    row = row_of(tmp_path, [(frames[:12], 0), (frames[9:20], 3), (frames[20:], 0)])
    sound = Audio(torch.rand(1, 96000) - 0.5, 48000)
    told: list[Progress] = []
    info = stitch_chunks(row, tmp_path / "all.mkv", sound, StitchOptions(codec="ffv1"), told.append)
    assert torch.equal(read_clip(tmp_path / "all.mkv"), frames)
    assert (info.frame_count, info.fps) == (30, FPS)
    audio = read_audio(tmp_path / "all.mkv")
    assert audio is not None and torch.equal(audio.waveform, sound.waveform[:, : 30 * 48000 // 25])
    assert [(each.chunk, each.chunk_count) for each in told] == [(0, 3), (1, 3), (2, 3)]


@pytest.mark.parametrize(("codec", "name"), [("gif", "a.gif"), ("webp", "a.webp"), ("prores", "a.mov")])
def test_any_codec_can_be_stitched_into(tmp_path: Path, codec: str, name: str) -> None:
    row = row_of(tmp_path, [(flat([10, 60, 110]), 0), (flat([160, 210]), 0)])
    info = stitch_chunks(row, tmp_path / name, options=StitchOptions(codec=codec))  # type: ignore[arg-type]
    assert (info.frame_count, info.size) == (5, SIZE)


def test_quality_makes_files_larger(tmp_path: Path) -> None:
    frames = torch.randint(0, 256, (10, 3, SIZE.height, SIZE.width), dtype=torch.uint8)
    row, sizes = row_of(tmp_path, [(frames, 0)]), []
    for quality in (10, 90):
        path = tmp_path / f"{quality}.mp4"
        stitch_chunks(row, path, options=StitchOptions(quality=quality))
        sizes.append(path.stat().st_size)
    assert sizes[0] < sizes[1]
    with pytest.raises(InputError, match="quality is 120"):
        StitchOptions(quality=120)


def test_an_interrupt_leaves_neither_file_nor_thread(tmp_path: Path) -> None:
    class InterruptedHereError(Exception):
        pass

    def stop(progress: Progress) -> None:
        raise InterruptedHereError

    row = row_of(tmp_path, [(flat(range(40)), 0), (flat(range(40)), 0)])
    before = set(tmp_path.iterdir())
    with pytest.raises(InterruptedHereError):
        stitch_chunks(row, tmp_path / "a.mp4", on_progress=stop)
    assert set(tmp_path.iterdir()) == before
    assert not [thread for thread in threading.enumerate() if thread.name == "motionweave-prefetch"]


def test_a_clip_that_cannot_be_read_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    row = row_of(tmp_path, [(flat(range(4)), 0), (flat(range(4)), 0)])
    row.made[1].path.write_bytes(b"not a video")
    with pytest.raises(MediaError, match=r"1\.mkv"):
        stitch_chunks(row, tmp_path / "a.mp4")
    assert not list(tmp_path.glob("*.mp4")) and not list(tmp_path.glob(".*"))


def test_work_ahead_keeps_order_waits_when_full_and_hands_errors_on() -> None:
    made: list[int] = []

    def source() -> object:
        for index in range(100):
            made.append(index)
            yield index
        raise ValueError("at the end")

    items = prefetch(source(), 3)  # type: ignore[arg-type]
    assert next(items) == 0
    assert len(made) <= 6
    seen: list[int] = []
    with pytest.raises(ValueError, match="at the end"):
        seen.extend(items)
        pytest.fail("the error was swallowed")
    assert made == list(range(100))
