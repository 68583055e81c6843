from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from known_faces import KnownFaces, face_at, numbered
from safetensors.torch import save_file
from spandrel import ImageModelDescriptor
from spandrel.architectures.Compact import Compact
from spandrel.architectures.GFPGAN import GFPGAN, GFPGANArch

from motionweave.errors import InputError
from motionweave.longform.clips import Clip, MadeRow
from motionweave.marionette.sample import draw_reference
from motionweave.media import VideoWriter, read_clip
from motionweave.tracks.face_models import load_face_models
from motionweave.types import Progress, Size
from motionweave.upscale.chunks import UpscaleOptions, upscale_chunks
from motionweave.upscale.face_places import FacePlace, follow_faces, place_of
from motionweave.upscale.faces import FacePass, cut_out, restore_faces
from motionweave.upscale.model import FACE_SIDE, UpscaleModel, load_upscale_model
from motionweave.weights.identify import is_kind
from motionweave.weights.manifest import PACK_ROOT

NOBODY = KnownFaces(())
SIZE = Size(96, 80)


def place(x: float, y: float, side: float, tilt: float = 0.0, weight: float = 1.0) -> FacePlace:
    return FacePlace(*place_of(face_at(x, y, side, tilt)), weight, side)


@pytest.fixture
def doubler(tmp_path: Path) -> UpscaleModel:
    """A network that only repeats pixels: its weights are zero, and what it adds to is its enlarged input."""
    net = Compact(num_feat=8, num_conv=1, upscale=2)
    save_file({name: torch.zeros_like(value) for name, value in net.state_dict().items()}, tmp_path / "two.safetensors")
    return load_upscale_model(tmp_path / "two.safetensors")


@pytest.fixture
def waves() -> torch.Tensor:
    """A smooth picture, (1, 3, 240, 320), the same nowhere."""
    y, x = torch.meshgrid(torch.linspace(0, 1, 240), torch.linspace(0, 1, 320), indexing="ij")
    return torch.stack([x, y, 0.5 + 0.5 * torch.sin(9 * x + 14 * y)])[None]


@pytest.mark.parametrize("tilt", [0.0, 0.5, -1.2])
def test_a_face_that_comes_back_unchanged_lies_where_it_was(
    doubler: UpscaleModel, waves: torch.Tensor, tilt: float
) -> None:
    larger = F.interpolate(waves, (480, 640), mode="bicubic").clamp(0, 1)
    made = restore_faces(larger, waves, [[place(150, 120, 90, tilt)]], FacePass(NOBODY, doubler, 1.0))
    assert 0 < (made - larger).abs().max() < 0.02
    apart = restore_faces(larger, waves, [[place(150, 120, 90, tilt + 0.1)]], FacePass(NOBODY, doubler, 1.0))
    assert (apart - larger).abs().max() < 0.02


def test_a_crop_shows_the_face_upright_and_smooth(waves: torch.Tensor) -> None:
    crop = cut_out(waves[0], place(150, 120, 90, np.pi / 2), 64)
    assert crop.shape == (3, 64, 64)
    # Turned by a quarter: to the right in the crop is down in the picture, and down in it is to the left.
    steps = crop[:, 32, 63] - crop[:, 32, 0], crop[:, 63, 32] - crop[:, 0, 32]
    assert steps[0][1] == pytest.approx(90 / 240, abs=0.01) and steps[1][0] == pytest.approx(-90 / 320, abs=0.01)
    chess = ((torch.arange(240)[:, None] + torch.arange(320)) % 2).float().expand(3, 240, 320)
    assert cut_out(chess, place(150, 120, 128), 64).std() < 0.02


def test_nothing_but_the_inside_of_a_crop_changes_and_strength_and_weight_say_how_much(
    compact: Path, waves: torch.Tensor
) -> None:
    net = load_upscale_model(compact)
    larger = F.interpolate(waves, (480, 640), mode="bicubic").clamp(0, 1)
    whole, half, fading = (
        restore_faces(larger, waves, [[place(150, 120, 90, 0.0, weight)]], FacePass(NOBODY, net, strength)) - larger
        for weight, strength in ((1.0, 1.0), (1.0, 0.5), (0.25, 1.0))
    )
    outside = torch.ones_like(larger, dtype=torch.bool)
    outside[..., 150:331, 209:391] = False
    assert not whole[outside].any() and whole[..., 240, 300].abs().min() > 1e-3
    assert torch.allclose(half, whole / 2, atol=1e-6) and torch.allclose(fading, whole / 4, atol=1e-6)
    rows = whole[0, :, 150:331].abs().amax((0, 2))
    assert max(rows[0], rows[-1]) < 0.01 * rows.max()


def test_frames_without_a_face_are_handed_on_and_none_is_written_into(compact: Path) -> None:
    net = FacePass(NOBODY, load_upscale_model(compact), 1.0)
    frames = torch.rand(2, 3, 80, 96)
    larger = F.interpolate(frames, (160, 192))
    before = larger.clone()
    assert restore_faces(larger, frames, [[], []], net) is larger
    made = restore_faces(larger, frames, [[], [place(48, 40, 50)]], net)
    assert torch.equal(larger, before) and torch.equal(made[0], larger[0]) and not torch.equal(made[1], larger[1])


def test_a_face_at_the_border_is_restored_as_far_as_it_is_seen_and_one_beyond_it_is_left(
    compact: Path, waves: torch.Tensor
) -> None:
    net = FacePass(NOBODY, load_upscale_model(compact), 1.0)
    larger = F.interpolate(waves, (480, 640))
    made = restore_faces(larger, waves, [[place(0, 0, 90), place(-200, 120, 90)]], net)
    assert (made[..., 0, 0] != larger[..., 0, 0]).any() and torch.equal(made[..., 100:, :], larger[..., 100:, :])


def test_light_and_complexion_stay_the_frames(doubler: UpscaleModel, waves: torch.Tensor) -> None:
    net = doubler.net
    with torch.no_grad():
        dict(net.named_parameters())["body.4.bias"].fill_(-0.3)
    larger = F.interpolate(0.4 + 0.5 * waves, (480, 640))
    assert doubler(0.4 + 0.5 * waves).mean() < larger.mean() - 0.2
    made = restore_faces(larger, 0.4 + 0.5 * waves, [[place(150, 120, 90)]], FacePass(NOBODY, doubler, 1.0))
    assert (made - larger).abs().max() < 0.02


def test_a_restorer_is_told_from_upscalers_and_sees_pixels_as_it_was_trained_on(restorer: Path, compact: Path) -> None:
    net = load_upscale_model(restorer)
    assert net.restores_faces and not load_upscale_model(compact).restores_faces
    assert is_kind(restorer, "face-restorer") and not is_kind(compact, "face-restorer")
    crop = torch.rand(1, 3, 64, 64)
    # RestoreFormer is the one whose range spandrel's own call minds.
    assert torch.allclose(net(crop), net.descriptor(crop), atol=1e-6)


def test_gfpgan_sees_minus_one_to_one_and_its_noise_is_the_same_in_every_frame() -> None:
    torch.manual_seed(0)
    net = GFPGAN(out_size=32, channel_multiplier=1, narrow=0.125).eval()
    for name, value in net.named_parameters():
        if "style_conv" in name and value.shape == (1,):  # how loud the noise is
            value.data.fill_(1.0)
    descriptor = ImageModelDescriptor(
        net, net.state_dict(), architecture=GFPGANArch(), purpose="FaceSR", tags=[], supports_half=False,
        supports_bfloat16=True, scale=1, input_channels=3, output_channels=3, call_fn=lambda model, x: model(x)[0],
    )  # fmt: skip
    model, crop = UpscaleModel(descriptor, "digest", "GFPGAN"), torch.rand(1, 3, 32, 32)
    assert not torch.equal(descriptor(crop), descriptor(crop))
    assert torch.equal(model(crop), model(crop))
    with torch.inference_mode():
        bare = net(2 * crop - 1, randomize_noise=False)[0]
    assert torch.allclose(model(crop), (bare / 2 + 0.5).clamp(0, 1), atol=1e-6)


def test_a_face_restorer_is_shown_512_pixels_and_other_networks_about_the_faces_own(
    restorer: Path, compact: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sides = list[int]()
    called = UpscaleModel.__call__

    def look(model: UpscaleModel, frames: torch.Tensor) -> torch.Tensor:
        sides.append(frames.shape[-1])
        return called(model, frames)

    monkeypatch.setattr(UpscaleModel, "__call__", look)
    frames = torch.rand(1, 3, 240, 320)
    for path, side in ((restorer, 90), (compact, 90), (compact, 64), (compact, 2000)):
        restore_faces(frames, frames, [[place(150, 120, side)]], FacePass(NOBODY, load_upscale_model(path)))
    assert sides == [FACE_SIDE, 128, 64, FACE_SIDE]


@pytest.fixture
def clips(tmp_path: Path) -> tuple[MadeRow, KnownFaces]:
    """Two clips of noise, and the faces of their frames: the first clip has one from its fourth frame on."""
    made = []
    for index, count in enumerate((8, 2)):
        path = tmp_path / f"clip{index}.mkv"
        with VideoWriter(path, fps=Fraction(24), size=SIZE, codec="ffv1") as writer:
            frames = numbered(8, SIZE)[:count]
            writer.write(frames)
        made.append(Clip(path, count))
    faces = tuple(() if frame < 3 else (face_at(50, 40, 40),) for frame in range(8))
    return MadeRow(tuple(made), Fraction(24), SIZE, "row"), KnownFaces(faces)


def test_clips_have_their_faces_made_anew_and_all_else_to_the_byte(
    clips: tuple[MadeRow, KnownFaces], compact: Path, esrgan: Path, runtime: Callable[..., Any], tmp_path: Path
) -> None:
    row, finder = clips
    net, told = load_upscale_model(compact), list[Progress]()
    options = UpscaleOptions(batch=3, faces=FacePass(finder, load_upscale_model(esrgan), 1.0))
    plain = upscale_chunks(row, net, tmp_path / "up", runtime())
    made = upscale_chunks(row, net, tmp_path / "up", runtime(told.append), options)
    (before, after), (other, same) = (
        [read_clip(each.clips()[index].path) for each in (plain, made)] for index in (0, 1)
    )
    assert torch.equal(other, same) and torch.equal(before[:3], after[:3])
    assert all((before[frame] != after[frame]).any() for frame in range(3, 8))
    assert torch.equal(before[..., :30], after[..., :30])
    assert [(each.chunk, each.step, each.step_count) for each in told] == [
        *((0, step, 16) for step in (*range(1, 9), 11, 14, 16)), *((1, step, 4) for step in (1, 2, 4)),
    ]  # fmt: skip


def test_faces_are_part_of_what_decides_whether_a_clip_is_made_again(
    clips: tuple[MadeRow, KnownFaces], compact: Path, esrgan: Path, runtime: Callable[..., Any], tmp_path: Path
) -> None:
    row, finder = clips
    row = replace(row, made=row.made[1:] * 2)
    net, folder = load_upscale_model(compact), tmp_path / "up"
    first = FacePass(finder, load_upscale_model(esrgan))
    assert upscale_chunks(row, net, folder, runtime(), UpscaleOptions(faces=first)).reused == 0
    assert upscale_chunks(row, net, folder, runtime(), UpscaleOptions(faces=first)).reused == 2
    assert upscale_chunks(row, net, folder, runtime()).reused == 0
    for other in (
        replace(first, strength=0.5), replace(first, net=net), replace(first, finder=replace(finder, digest="other")),
    ):  # fmt: skip
        assert upscale_chunks(row, net, folder, runtime(), UpscaleOptions(faces=other)).reused == 0
    assert upscale_chunks(row, net, folder, runtime()).reused == 2


def test_a_face_restorer_restores_the_faces_of_a_clip_and_is_no_upscaler(
    clips: tuple[MadeRow, KnownFaces], compact: Path, restorer: Path, runtime: Callable[..., Any], tmp_path: Path
) -> None:
    row, finder = clips
    faces = FacePass(replace(finder, faces=((face_at(50, 40, 40),),)), load_upscale_model(restorer))
    row = replace(row, made=(replace(row.made[0], frame_count=1, fps=row.fps),))
    net, folder = load_upscale_model(compact), tmp_path / "up"
    (made,) = upscale_chunks(row, net, folder, runtime(), UpscaleOptions(faces=faces)).clips()
    (plain,) = upscale_chunks(row, net, folder, runtime()).clips()
    assert (read_clip(made.path) != read_clip(plain.path)).any()
    with pytest.raises(InputError, match="restores faces and nothing else"):
        upscale_chunks(row, load_upscale_model(restorer), tmp_path / "up", runtime())
    with pytest.raises(InputError, match="more than 0, at most 1"):
        replace(faces, strength=0.0)


def test_mini_finds_a_marionettes_face_in_a_clip_and_makes_it_anew(runtime: Callable[..., Any], tmp_path: Path) -> None:
    pytest.importorskip("insightface", reason="InsightFace is not installed")
    size = Size(192, 192)
    with VideoWriter(tmp_path / "clip.mkv", fps=Fraction(12), size=size, codec="ffv1") as writer:
        for motion in range(3):
            writer.write(draw_reference(1_000_004, size, 1_000_021, motion / 12))
    row = MadeRow((Clip(tmp_path / "clip.mkv", 3),), Fraction(12), size, "row")
    finder, net = load_face_models(PACK_ROOT / "mini/face"), load_upscale_model(PACK_ROOT / "mini/upscaler")
    faces = FacePass(finder, net, 1.0)
    assert follow_faces(row.made[0].frames(), finder, row.fps, list[int]().append)[0]
    (plain,) = upscale_chunks(row, net, tmp_path / "up", runtime()).clips()
    (made,) = upscale_chunks(row, net, tmp_path / "up", runtime(), UpscaleOptions(faces=faces)).clips()
    before, after = read_clip(plain.path), read_clip(made.path)
    changed = (before != after).any(1)
    assert changed.flatten(1).any(1).all() and changed.float().mean() < 0.2
