from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from spandrel import ModelLoader

from motionweave.errors import InputError
from motionweave.media import read_clip
from motionweave.types import Progress, Size, float_pixels
from motionweave.upscale.chunks import UpscaleOptions, upscale_chunks
from motionweave.upscale.model import load_upscale_model, wrap_upscale_model
from motionweave.upscale.tiles import upscale_tiled


class InterruptedHereError(Exception):
    pass


@dataclass(frozen=True)
class Darker:
    share: float

    def __call__(self, frame: torch.Tensor, place: int) -> torch.Tensor:  # noqa: ARG002 - as it is called
        return (frame * self.share).to(torch.uint8)


def test_a_compact_safetensors_file_and_a_published_pickle_load_with_their_scale(compact: Path, esrgan: Path) -> None:
    assert (load_upscale_model(compact).scale, load_upscale_model(esrgan).scale) == (2, 4)
    assert load_upscale_model(esrgan)(torch.rand(1, 3, 9, 7)).shape == (1, 3, 36, 28)


def test_comfyuis_own_model_object_gives_the_same_pictures(compact: Path) -> None:
    mine, theirs = load_upscale_model(compact), wrap_upscale_model(ModelLoader().load_from_file(compact))
    pictures = torch.rand(2, 3, 12, 10)
    assert torch.equal(mine(pictures), theirs(pictures))
    assert theirs.digest == wrap_upscale_model(ModelLoader().load_from_file(compact)).digest
    with pytest.raises(InputError, match="expected what ComfyUI's Load Upscale Model gives"):
        wrap_upscale_model({"weights": 1})


def test_files_that_hold_no_upscaler_are_refused_in_words(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"x.weight": torch.zeros(2, 2)}, tmp_path / "other.safetensors")
    with pytest.raises(InputError, match="no upscaler that spandrel knows"):
        load_upscale_model(tmp_path / "other.safetensors")
    (tmp_path / "bad.pth").write_bytes(pickle.dumps({"run": print}))
    with pytest.raises(InputError, match="could run code"):
        load_upscale_model(tmp_path / "bad.pth")


def test_weights_count_one_everywhere_so_that_tiles_change_nothing_where_no_border_is_seen() -> None:
    def nearest(pictures: torch.Tensor) -> torch.Tensor:
        return pictures.repeat_interleave(2, -1).repeat_interleave(2, -2)

    for height, width, tile in ((65, 33, 32), (100, 131, 40), (32, 200, 64), (64, 64, 32)):
        pictures = torch.rand(1, 3, height, width)
        assert torch.allclose(upscale_tiled(nearest, pictures, 2, tile), nearest(pictures), atol=1e-6)


def test_a_tiled_picture_differs_from_the_whole_by_less_than_a_level(compact: Path, esrgan: Path) -> None:
    pictures = torch.rand(1, 3, 80, 112)
    for path in (compact, esrgan):
        model = load_upscale_model(path)
        whole, tiled = (upscale_tiled(model, pictures, model.scale, tile) for tile in (0, 32))
        assert (whole - tiled).abs().max() < 1 / 255


def test_a_tile_that_would_be_all_overlap_is_refused() -> None:
    with pytest.raises(InputError, match="at least 32"):
        upscale_tiled(lambda each: each, torch.rand(1, 3, 64, 64), 1, 8)


def test_clips_come_out_larger_with_their_leads_and_the_networks_own_pixels(
    compact: Path, row: Callable[..., Any], runtime: Callable[..., Any], tmp_path: Path
) -> None:
    source, model = row([(5, 0), (4, 2)]), load_upscale_model(compact)
    told: list[Progress] = []
    made = upscale_chunks(source, model, tmp_path / "up", runtime(told.append), UpscaleOptions(batch=2))
    assert (made.size, made.fps, made.seam, made.name) == (Size(48, 32), source.fps, "linear", "row 48x32")
    assert [(clip.frame_count, clip.lead) for clip in made.clips()] == [(5, 0), (4, 2)]
    for before, after in zip(source.clips(), made.clips(), strict=True):
        expected = (model(float_pixels(read_clip(before.path))) * 255).round()
        assert (read_clip(after.path).float() - expected).abs().max() <= 1
    assert [(each.chunk, each.step, each.step_count) for each in told] == [
        (0, 2, 5), (0, 4, 5), (0, 5, 5), (1, 2, 6), (1, 4, 6), (1, 6, 6),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "size"),
    [
        (UpscaleOptions(factor=4), Size(96, 64)),
        (UpscaleOptions(factor=3), Size(72, 48)),
        (UpscaleOptions(size=Size(50, 34)), Size(50, 34)),
        (UpscaleOptions(factor=1), Size(24, 16)),
    ],
)
def test_factor_and_size_are_reached_with_as_many_passes_as_it_takes(
    compact: Path, row: Callable[..., Any], runtime: Callable[..., Any], tmp_path: Path, options: Any, size: Size
) -> None:
    made = upscale_chunks(row([(2, 0)]), load_upscale_model(compact), tmp_path / "up", runtime(), options)
    assert made.size == size
    assert read_clip(made.clips()[0].path).shape[-2:] == (size.height, size.width)


def test_what_is_there_is_not_made_again_and_what_changed_is(
    compact: Path, row: Callable[..., Any], runtime: Callable[..., Any], tmp_path: Path
) -> None:
    folder, model = tmp_path / "up", load_upscale_model(compact)
    source = row([(3, 0), (3, 1)])
    first = upscale_chunks(source, model, folder, runtime())
    stamps = [clip.path.stat().st_mtime_ns for clip in first.clips()]
    again = upscale_chunks(source, model, folder, runtime(), UpscaleOptions(batch=1))
    assert again.reused == 2 and [clip.path.stat().st_mtime_ns for clip in again.clips()] == stamps
    source.clips()[1].path.write_bytes(source.clips()[0].path.read_bytes())
    changed = upscale_chunks(source, model, folder, runtime())
    assert changed.reused == 1 and changed.clips()[0] == first.clips()[0] and changed.clips()[1] != first.clips()[1]
    assert upscale_chunks(source, model, folder, runtime(), UpscaleOptions(factor=3)).reused == 0
    assert sorted(len(list(each.iterdir())) for each in folder.iterdir()) == [2, 2]


def test_what_is_done_to_frames_as_they_are_read_counts_as_part_of_the_clip(
    compact: Path, row: Callable[..., Any], runtime: Callable[..., Any], tmp_path: Path
) -> None:
    source, model, folder = row([(2, 0)]), load_upscale_model(compact), tmp_path / "up"
    plain = upscale_chunks(source, model, folder, runtime()).clips()[0]
    level = float(read_clip(plain.path).float().mean())
    (clip,) = source.clips()
    for share, reused in ((0.5, 0), (0.5, 1), (0.4, 0)):
        corrected = replace(source, made=(replace(clip, correction=Darker(share)),))
        made = upscale_chunks(corrected, model, folder, runtime())
        assert made.reused == reused
        assert float(read_clip(made.clips()[0].path).float().mean()) < level - 10


def test_an_interrupt_keeps_whole_clips_and_leaves_no_half_one(
    compact: Path, row: Callable[..., Any], runtime: Callable[..., Any], tmp_path: Path
) -> None:
    def stop(progress: Progress) -> None:
        if progress.chunk == 1:
            raise InterruptedHereError

    source, model, folder = row([(3, 0), (9, 0)]), load_upscale_model(compact), tmp_path / "up"
    with pytest.raises(InterruptedHereError):
        upscale_chunks(source, model, folder, runtime(stop), UpscaleOptions(batch=2))
    assert [path.name.split("-")[1] for path in folder.rglob("*") if path.is_file()] == ["00000"]
    assert upscale_chunks(source, model, folder, runtime()).reused == 1


def test_a_size_that_is_smaller_is_refused(
    compact: Path, row: Callable[..., Any], runtime: Callable[..., Any], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="not smaller"):
        upscale_chunks(
            row([(1, 0)]), load_upscale_model(compact), tmp_path, runtime(), UpscaleOptions(size=Size(16, 16))
        )
    with pytest.raises(InputError, match="at least 1 frame"):
        UpscaleOptions(batch=0)
