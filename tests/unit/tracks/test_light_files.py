"""Lights as JSON: there and back, and what is no light."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from motionweave.errors import InputError
from motionweave.tracks.light import light_track
from motionweave.tracks.light_files import read_light, write_light


def test_a_light_is_read_as_it_was_written():
    track = light_track(np.random.default_rng(0).normal(size=(3, 9, 3)), Fraction(30000, 1001))
    again = read_light(write_light(track))
    assert again.fps == track.fps
    torch.testing.assert_close(again.coefficients, track.coefficients, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "7", '{"fps": "24"}', '{"fps": "0/0", "light": []}', '{"fps": "24", "light": [[1, 2]]}',
     '{"fps": "24", "light": [[1], [1, 2]]}', '{"fps": "24", "light": []}', '{"fps": "24", "light": "bright"}',
     f'{{"fps": "24", "light": [{[[float("nan")] * 3] * 9}]}}'],
)  # fmt: skip
def test_what_is_no_light_is_refused(text):
    with pytest.raises(InputError):
        read_light(text)
