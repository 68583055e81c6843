"""The plan makes every frame once, in order, whatever is asked of it."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionweave.errors import InputError
from motionweave.longform.plan import ChunkPlan


def plan(frame_count: int, chunk_frames: int, overlap: int, shortest: int = 1) -> ChunkPlan:
    return ChunkPlan(frame_count, Fraction(30), chunk_frames, overlap, shortest)


def test_the_windows_of_the_design():
    windows = plan(144, 48, 16).windows()
    assert [(window.start, window.stop) for window in windows] == [(0, 48), (32, 96), (80, 144)]
    assert [window.context for window in windows] == [0, 16, 16]


@given(
    st.integers(1, 2000),
    st.integers(1, 100).flatmap(lambda chunk: st.tuples(st.just(chunk), st.integers(0, chunk))),
    st.integers(1, 64),
)
def test_every_frame_is_made_once_and_in_order(frame_count, chunk_and_overlap, shortest):
    chunk_frames, overlap = chunk_and_overlap
    windows = plan(frame_count, chunk_frames, overlap, shortest).windows()
    made = [frame for window in windows for frame in range(window.new_start, window.stop)]
    assert made == list(range(frame_count))
    assert [window.index for window in windows] == list(range(len(windows)))
    assert windows[0].context == 0
    for window in windows[1:-1]:
        assert (window.frame_count, window.context) == (chunk_frames + overlap, overlap)
        assert window.start == window.index * chunk_frames - overlap


@given(st.integers(1, 500), st.integers(1, 40), st.integers(1, 64))
def test_the_last_window_is_moved_back_not_shortened(frame_count, chunk_frames, shortest):
    last = plan(frame_count, chunk_frames, 0, shortest).windows()[-1]
    assert last.stop == frame_count
    assert last.frame_count >= min(shortest, frame_count) or last.frame_count == chunk_frames


@pytest.mark.parametrize(
    ("numbers", "words"),
    [((0, 8, 4), "0 frames"), ((10, 0, 0), "chunks of 0"), ((10, 4, -1), "overlap"), ((10, 4, 5), "overlap of 5")],
)
def test_plans_that_cannot_be_are_refused(numbers, words):
    with pytest.raises(InputError, match=words):
        plan(*numbers)
