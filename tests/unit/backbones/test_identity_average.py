"""Several references of one character: drawn from the first, known by all."""

import pytest
import torch

from motionweave.errors import ShapeError
from motionweave.types import Size

SIZE = Size(32, 32)


@pytest.fixture(scope="module")
def pictures():
    return torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def encode(backbone, pictures):
    return backbone.encode_image(pictures, SIZE, 0.02, 5)


def test_one_picture_is_encoded_bit_for_bit_as_ever(tiny_backbone, pictures):
    one = encode(tiny_backbone, pictures[:1])
    assert torch.equal(one.tokens, tiny_backbone._token(pictures[:1]))
    assert torch.equal(one.tokens, encode(tiny_backbone, pictures[:1].clone()).tokens)


def test_the_first_picture_is_drawn_from_and_all_say_who_it_is(tiny_backbone, pictures):
    one, three = encode(tiny_backbone, pictures[:1]), encode(tiny_backbone, pictures)
    assert torch.equal(one.image_latents, three.image_latents)
    assert three.tokens.shape == one.tokens.shape
    assert not torch.equal(one.tokens, three.tokens)
    assert one.digest != three.digest


def test_the_average_is_one_in_direction_and_in_length(tiny_backbone, pictures):
    each = torch.cat([encode(tiny_backbone, picture[None]).tokens for picture in pictures])
    average = encode(tiny_backbone, pictures).tokens
    assert float(average.norm()) == pytest.approx(float(each.norm(dim=-1).mean()), rel=1e-5)
    direction = torch.nn.functional.normalize(torch.nn.functional.normalize(each, dim=-1).mean(0, keepdim=True), dim=-1)
    assert torch.allclose(average / average.norm(), direction, atol=1e-6)


def test_the_same_picture_three_times_is_that_picture(tiny_backbone, pictures):
    one, thrice = encode(tiny_backbone, pictures[:1]), encode(tiny_backbone, pictures[:1].repeat(3, 1, 1, 1))
    assert torch.allclose(one.tokens, thrice.tokens, rtol=1e-5)


def test_what_is_no_batch_of_pictures_is_refused(tiny_backbone, pictures):
    with pytest.raises(ShapeError):
        encode(tiny_backbone, pictures[0])


def test_white_that_went_a_little_past_1_stays_white_when_it_is_resized(tiny_backbone):
    white = torch.ones(1, 3, 48, 48)
    with torch.no_grad():
        exact, beyond = (tiny_backbone.encode_image(each, Size(32, 32), 0.0, 0) for each in (white, white * 1.01))
    torch.testing.assert_close(beyond.image_latents, exact.image_latents)
