from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest
import torch

from motionweave.errors import InputError
from motionweave.media.geometry import (
    Orientation,
    fitted_size,
    orientation_from_matrix,
    place,
    resize,
    square_size,
)
from motionweave.types import Size

CORNERS = torch.tensor([[1, 2, 3], [4, 5, 6]], dtype=torch.uint8).expand(3, 2, 3)


@pytest.mark.parametrize(
    ("matrix", "rotation", "expected"),
    [
        ((1, 0, 0, 0, 1, 0, 0, 0, 1), 0, [[1, 2, 3], [4, 5, 6]]),
        ((0, 1, 0, -1, 0, 0, 0, 0, 1), 90, [[4, 1], [5, 2], [6, 3]]),
        ((-1, 0, 0, 0, -1, 0, 0, 0, 1), 180, [[6, 5, 4], [3, 2, 1]]),
        ((0, -1, 0, 1, 0, 0, 0, 0, 1), 270, [[3, 6], [2, 5], [1, 4]]),
        ((-1, 0, 0, 0, 1, 0, 0, 0, 1), 0, [[3, 2, 1], [6, 5, 4]]),
    ],
)
def test_display_matrix_turns_the_picture(matrix: tuple[int, ...], rotation: int, expected: list[list[int]]) -> None:
    orientation = orientation_from_matrix(matrix)
    assert orientation is not None
    assert orientation.rotation == rotation
    assert orientation.apply(CORNERS)[0].tolist() == expected


def test_turning_by_anything_but_quarters_is_not_understood() -> None:
    assert orientation_from_matrix((46341, 46341, 0, -46341, 46341, 0, 0, 0, 1)) is None


@pytest.mark.parametrize("flags", list(product((False, True), repeat=3)))
def test_size_turns_with_the_picture(flags: tuple[bool, bool, bool]) -> None:
    orientation = Orientation(*flags)
    size = orientation.apply_to_size(Size(3, 2))
    assert tuple(orientation.apply(CORNERS).shape) == (3, size.height, size.width)


def test_square_pixels_keep_the_height() -> None:
    assert square_size(Size(512, 480), Fraction(15, 16)) == Size(480, 480)


def test_contain_stays_inside_and_cover_fills() -> None:
    assert fitted_size(Size(200, 100), Size(64, 64), "contain") == Size(64, 32)
    assert fitted_size(Size(200, 100), Size(64, 64), "cover") == Size(128, 64)
    assert fitted_size(Size(200, 100), Size(64, 64), "stretch") == Size(64, 64)


def test_contain_pads_with_black_and_cover_crops_the_middle() -> None:
    frame = torch.full((3, 20, 40), 200, dtype=torch.uint8)
    frame[:, :, :10] = 0
    padded = place(frame, Size(40, 20), Size(40, 40), "contain")
    assert padded[:, :10].max() == 0 and padded[:, 30:].max() == 0 and padded[0, 20, 30] == 200
    assert torch.equal(place(frame, Size(40, 20), Size(20, 20), "cover"), frame[:, :, 10:30])


def test_unknown_fit_is_refused() -> None:
    with pytest.raises(InputError, match="contain, cover or stretch"):
        fitted_size(Size(2, 2), Size(2, 2), "squeeze")  # type: ignore[arg-type]


def test_shrinking_fine_stripes_gives_grey_not_stripes() -> None:
    stripes = torch.zeros(3, 64, 64, dtype=torch.uint8)
    stripes[:, :, ::2] = 255
    small = resize(stripes, Size(16, 16)).float()[:, 2:-2, 2:-2]
    assert float(small.std()) < 4 and 110 < float(small.mean()) < 145
