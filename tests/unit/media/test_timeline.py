from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionweave.media.timeline import build_timeline, even_timeline, exact_rate, held_frame_index

RATES = st.sampled_from(
    [Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(30), Fraction(60000, 1001)]
)


@given(index=st.integers(0, 40_000), output_fps=RATES, input_fps=RATES, frame_count=st.integers(1, 300))
def test_held_frame_is_the_one_whose_interval_contains_the_moment(
    index: int, output_fps: Fraction, input_fps: Fraction, frame_count: int
) -> None:
    times_s = even_timeline(frame_count, input_fps).times_s
    held = held_frame_index(index, output_fps, times_s)
    assert held == min(index * input_fps // output_fps, frame_count - 1)
    assert times_s[held] <= index / output_fps


@given(frame_count=st.integers(1, 500), fps=RATES)
def test_a_rate_read_at_itself_gives_every_frame_once(frame_count: int, fps: Fraction) -> None:
    timeline = even_timeline(frame_count, fps)
    assert timeline.count_at(fps) == frame_count
    assert [held_frame_index(i, fps, timeline.times_s) for i in range(frame_count)] == list(range(frame_count))


@given(frame_count=st.integers(2, 400), fps=RATES, start=st.integers(0, 10**6))
def test_milliseconds_of_matroska_become_exact_times_again(frame_count: int, fps: Fraction, start: int) -> None:
    ticks = [start + round(index / fps * 1000) for index in range(frame_count)]
    timeline = build_timeline(ticks, Fraction(1, 1000), [fps], last_duration=33)
    assert timeline.fps == fps
    assert timeline.times_s == tuple(index / fps for index in range(frame_count))


@given(steps=st.lists(st.integers(1, 5000), min_size=1, max_size=200), fps=RATES)
def test_times_never_fall_whatever_the_rate_does(steps: list[int], fps: Fraction) -> None:
    ticks = [sum(steps[:index]) for index in range(len(steps) + 1)]
    timeline = build_timeline(ticks, Fraction(1, 1000), [fps])
    assert all(a <= b for a, b in zip(timeline.times_s, timeline.times_s[1:], strict=False))


def test_ten_minutes_of_resampling_end_on_the_right_frame() -> None:
    source = even_timeline(18_000, Fraction(30))
    last = source.count_at(Fraction(24000, 1001)) - 1
    assert last == 14385
    assert held_frame_index(last, Fraction(24000, 1001), source.times_s) == 17_999


def test_order_of_packets_does_not_matter() -> None:
    timeline = build_timeline([0, 3, 1, 2], Fraction(1, 25), [Fraction(25)])
    assert timeline.ticks == (0, 1, 2, 3)
    assert timeline.index_of(2) == 2


def test_varying_rate_keeps_its_own_times_and_tells_the_mean() -> None:
    timeline = build_timeline([0, 100, 150, 400], Fraction(1, 1000), [Fraction(30)], last_duration=200)
    assert timeline.times_s == (0, Fraction(1, 10), Fraction(3, 20), Fraction(2, 5))
    assert timeline.fps == Fraction(3) / Fraction(2, 5)
    assert timeline.duration_s == Fraction(3, 5)


def test_wrong_rate_in_the_header_is_replaced_by_what_the_frames_show() -> None:
    ticks = [round(index * 1001 / 30) for index in range(90)]
    assert build_timeline(ticks, Fraction(1, 1000), [Fraction(1000)]).fps == Fraction(30000, 1001)


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        (Fraction(19001, 317), Fraction(60000, 1001)),
        (Fraction(30), Fraction(30)),
        (Fraction(2997, 100), Fraction(30000, 1001)),
        (Fraction(12345, 1000), Fraction(12345, 1000)),
    ],
)
def test_rounded_rates_become_the_standard_ones(told: Fraction, meant: Fraction) -> None:
    assert exact_rate(told) == meant
