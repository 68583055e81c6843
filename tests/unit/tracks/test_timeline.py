"""Curves: they are what they were said to be, at any moment and from any window."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionweave.errors import InputError
from motionweave.tracks.preview import curve_sheet
from motionweave.tracks.timeline import EASINGS, Curve, Keyframe, constant, parse_curve

numbers = st.floats(-100, 100)
curves = st.lists(
    st.tuples(st.integers(0, 400), numbers, st.sampled_from(EASINGS)), min_size=1, max_size=6, unique_by=lambda k: k[0]
).map(lambda keys: Curve(tuple(Keyframe(t / 20, v, e) for t, v, e in sorted(keys))))
rates = st.sampled_from([Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(7, 3)])


@given(curves, rates, st.integers(0, 200), st.integers(1, 80), st.integers(0, 79))
def test_a_windows_slice_is_the_wholes_slice(curve, fps, start, count, offset):
    whole = curve.sample(0, start + count + offset, fps)
    np.testing.assert_array_equal(curve.sample(start, start + count, fps), whole[start : start + count])


@given(curves)
def test_a_curve_goes_through_its_keyframes_and_stays_between_neighbours(curve):
    for key in curve.keyframes:
        assert curve.at(key.time_s) == pytest.approx(key.value)
    low, high = min(k.value for k in curve.keyframes), max(k.value for k in curve.keyframes)
    for time in np.linspace(0, 25, 40):
        assert low - 1e-9 <= curve.at(float(time)) <= high + 1e-9


@given(curves)
def test_it_holds_before_the_first_keyframe_and_after_the_last(curve):
    assert curve.at(0.0) == curve.at(curve.keyframes[0].time_s)
    assert curve.at(1e6) == curve.keyframes[-1].value


def test_easings_differ_in_between_as_their_names_say():
    def half(easing):
        return parse_curve(f"0: 0 {easing}, 2: 1").at(0.5)

    assert half("hold") == 0
    assert half("linear") == 0.25
    assert half("ease_in") < half("ease") < half("linear") < half("ease_out")


@pytest.mark.parametrize("text", ["0: 0.2, 1.5: 1 ease, 4: 0", "0:0.2;1.5:1 ease;4:0", "0: 0.2\n1.5: 1 ease\n\n4: 0\n"])
def test_keyframes_may_be_parted_by_commas_semicolons_or_lines(text):
    expected = (Keyframe(0.0, 0.2), Keyframe(1.5, 1.0, "ease"), Keyframe(4.0, 0.0))
    assert parse_curve(text).keyframes == expected


def test_a_lone_number_is_a_curve_that_does_not_change():
    assert parse_curve(" 0.7 ") == constant(0.7)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "at least one"),
        ("0: 0, 1", "seconds: value"),
        ("0: zero", "zero"),
        ("0: 0 swift", "swift"),
        ("1: 0, 0: 1", "later"),
        ("0: 0, 0: 1", "later"),
        ("-1: 0", "from 0 s"),
        ("0: nan", "finite"),
    ],
)
def test_what_cannot_be_read_is_named(text, word):
    with pytest.raises(InputError, match=word):
        parse_curve(text)


def test_the_plot_rises_where_the_curve_does():
    sheet = curve_sheet(parse_curve("0: 0, 4: 1"), 4.0)[0]
    line = (sheet[2] - sheet[0]) > 0.3  # the first line's blue
    columns = [int(np.flatnonzero(line[:, x].numpy()).mean()) for x in (100, 400, 700)]
    assert columns[0] > columns[1] > columns[2]
