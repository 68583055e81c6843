"""Decoding in pieces: what fits in one piece is diffusers' own, what does not has no seam."""

import math
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from motionweave.backbones.svd_decode import Cut, decode_clip, decode_cut, encode_clip
from motionweave.marionette import FIRST_EVALUATION_SEED, clip_times, make_world, render_clip
from motionweave.types import Size

MINI = Path(__file__).parents[3] / "mini/svd/vae"


@pytest.fixture(scope="module")
def vae():
    from diffusers import AutoencoderKLTemporalDecoder

    return AutoencoderKLTemporalDecoder.from_pretrained(MINI).float().eval()


@pytest.fixture(scope="module")
def frames():
    fps = Fraction(12)
    return render_clip(make_world(FIRST_EVALUATION_SEED), clip_times(1, fps), fps, Size(128, 128)).frames


@pytest.fixture(scope="module")
def latents(vae, frames):
    with torch.no_grad():
        return encode_clip(vae, frames)


@pytest.fixture(scope="module")
def whole(vae, latents):
    with torch.no_grad():
        return decode_clip(vae, latents)


def psnr_db(first, second):
    return -10 * math.log10(float(((first - second) ** 2).mean()))


def jump(made, whole, column):
    """How much the difference to the whole picture changes from one column to the next, on average."""
    difference = made - whole
    return float((difference[..., column] - difference[..., column - 1]).abs().mean())


@pytest.mark.parametrize("tile", [0, 128])
@torch.no_grad()
def test_what_fits_in_one_piece_is_decoded_as_by_diffusers_to_the_bit(vae, latents, tile):
    expected = vae.decode(latents / vae.config.scaling_factor, num_frames=1).sample / 2 + 0.5
    assert torch.equal(decode_clip(vae, latents, tile=tile), expected.clamp(0, 1))


@torch.no_grad()
def test_tiles_come_close_to_the_whole_picture_and_show_no_seam(vae, latents, whole):
    """Attention and group norms see one tile, so some difference there is, but no line at which it jumps."""
    tiled = decode_clip(vae, latents, tile=64)
    assert psnr_db(tiled, whole) > 34
    side_by_side = torch.cat([decode_clip(vae, half) for half in latents.split(8, dim=3)], 3)
    seam = jump(side_by_side, whole, 64)
    # Tiles begin at 0, 48 and 64 and end at 64, 112 and 128.
    assert max(jump(tiled, whole, column) for column in (48, 64, 112)) < 0.5 * seam


@torch.no_grad()
def test_larger_tiles_come_closer(vae, latents, whole):
    assert psnr_db(decode_clip(vae, latents, tile=96), whole) > psnr_db(decode_clip(vae, latents, tile=64), whole) + 2


@torch.no_grad()
def test_every_piece_is_told_of_and_may_end_the_decoding(vae, latents):
    told = []
    decode_clip(vae, latents[..., :10].repeat(2, 1, 1, 1), slice_frames=1, tile=64, on_piece=told.append)
    assert told == list(range(1, 1 + 2 * 3 * 2))

    class StopError(Exception):
        pass

    def stop(done):
        told.append(done)
        raise StopError

    told.clear()
    with pytest.raises(StopError):
        decode_clip(vae, latents, tile=64, on_piece=stop)
    assert told == [1]


@torch.no_grad()
def test_encoding_some_frames_at_a_time_is_encoding_them_all(vae, frames):
    clip = torch.rand(15, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    expected = vae.encode(clip * 2 - 1).latent_dist.mode() * vae.config.scaling_factor
    torch.testing.assert_close(encode_clip(vae, clip), expected, rtol=0, atol=1e-5)


@given(total=st.integers(1, 60), length=st.integers(2, 20), data=st.data())
def test_pieces_cover_the_axis_and_share_the_overlap(total, length, data):
    overlap = data.draw(st.integers(0, length - 1))
    starts = Cut(0, length, overlap, 1).starts(total)
    assert starts[0] == 0
    assert starts[-1] + min(length, total) == total
    assert all(0 < after - before <= length - overlap for before, after in pairwise(starts))


@given(frames=st.integers(1, 9), height=st.integers(1, 9), width=st.integers(1, 9))
def test_cutting_and_joining_gives_back_what_was_cut(frames, height, width):
    """Where the decoder treats every cell alike, pieces make the whole, in order, at any scale."""
    clip = torch.rand(frames, 3, height, width)

    def enlarge(piece):
        return piece.repeat_interleave(2, 2).repeat_interleave(2, 3)

    cuts = (Cut(0, 4, 1, 1), Cut(2, 3, 1, 2), Cut(3, 5, 2, 2))
    torch.testing.assert_close(decode_cut(enlarge, clip, cuts), enlarge(clip))
