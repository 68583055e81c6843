"""Fades rise from one chunk to the next, and mixing keeps what both agree on."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from motionweave.errors import InputError, ShapeError
from motionweave.longform.blend import fade_weights, mix


@settings(deadline=None)
@given(st.integers(1, 64), st.sampled_from(["linear", "cosine"]))
def test_a_fade_rises_within_its_ends_and_is_the_same_seen_from_either_side(frame_count, kind):
    weights = fade_weights(frame_count, kind)
    assert weights.shape == (frame_count,)
    assert 0 < weights[0] <= weights[-1] < 1
    assert (weights.diff() > 0).all()
    torch.testing.assert_close(weights + weights.flip(0), torch.ones(frame_count))


def test_a_fade_over_three_frames():
    torch.testing.assert_close(fade_weights(3, "linear"), torch.tensor([0.25, 0.5, 0.75]))
    torch.testing.assert_close(fade_weights(3, "cosine"), torch.tensor([0.1464466, 0.5, 0.8535534]))


def test_a_cut_shows_the_earlier_chunk_and_no_frames_need_no_weights():
    assert torch.equal(fade_weights(3, "cut"), torch.zeros(3))
    assert fade_weights(0, "linear").shape == (0,)


@pytest.mark.parametrize(("count", "kind"), [(-1, "linear"), (2, "wipe")])
def test_fades_that_nothing_knows_are_refused(count, kind):
    with pytest.raises(InputError):
        fade_weights(count, kind)


def test_the_ends_of_a_mix_are_what_was_given_bit_for_bit():
    earlier, later = torch.randn(2, 5, 3, 4, 4)
    assert torch.equal(mix(earlier, later, 0.0), earlier)
    assert torch.equal(mix(earlier, later, 1.0), later)
    assert torch.equal(mix(earlier, earlier, fade_weights(5, "cosine")), earlier)


def test_each_frame_has_its_own_weight():
    mixed = mix(torch.zeros(3, 1, 2, 2), torch.ones(3, 1, 2, 2), torch.tensor([0.0, 0.25, 1.0]))
    torch.testing.assert_close(mixed[:, 0, 0, 0], torch.tensor([0.0, 0.25, 1.0]))


def test_8_bit_pixels_are_rounded_and_equal_ones_kept():
    earlier = torch.arange(256, dtype=torch.uint8).repeat(3, 4, 1)
    assert torch.equal(mix(earlier, earlier, 1 / 3), earlier)
    dark, bright = torch.zeros(3, 2, 2, dtype=torch.uint8), torch.full((3, 2, 2), 255, dtype=torch.uint8)
    assert mix(dark, bright, 0.5).unique().tolist() == [128]


def test_frames_of_other_shapes_are_refused():
    with pytest.raises(ShapeError):
        mix(torch.zeros(3, 4, 4), torch.zeros(3, 4, 5), 0.5)
    with pytest.raises(ShapeError):
        mix(torch.zeros(3, 1, 4, 4), torch.zeros(3, 1, 4, 4), torch.zeros(2))
