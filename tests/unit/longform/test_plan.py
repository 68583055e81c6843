"""The plan makes every frame once, in order, whatever is asked of it."""

import json
from dataclasses import asdict, replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionweave.backbones.svd_facts import SVD_XT_FACTS
from motionweave.errors import InputError
from motionweave.longform.plan import ChunkPlan, Joining, plan_chunks


def plan(frame_count: int, chunk_frames: int, overlap: int, shortest: int = 1) -> ChunkPlan:
    return ChunkPlan(frame_count, Fraction(30), chunk_frames, overlap, shortest)


def test_the_windows_of_the_design():
    windows = plan(144, 48, 16).windows()
    assert [(window.start, window.stop) for window in windows] == [(0, 48), (32, 96), (80, 144)]
    assert [window.context for window in windows] == [0, 16, 16]


@settings(deadline=None)
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


@settings(deadline=None)
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


def moved(borders, frame_count=60, chunk_frames=8, overlap=4, shortest=12, **more) -> ChunkPlan:
    return ChunkPlan(frame_count, Fraction(30), chunk_frames, overlap, shortest, borders=borders, **more)


@settings(deadline=None)
@given(st.integers(1, 300), st.integers(1, 20), st.integers(0, 20), st.integers(1, 40), st.randoms())
def test_moved_borders_make_every_frame_once_within_the_window(frame_count, chunk_frames, overlap, shortest, random):
    overlap = min(overlap, chunk_frames)
    even = plan(frame_count, chunk_frames, overlap, shortest)
    borders = [window.new_start + random.randint(-2, 2) for window in even.windows()[1:]]
    try:
        moved_plan = replace(even, borders=tuple(borders))
    except InputError:
        return
    windows = moved_plan.windows()
    assert len(windows) == len(moved_plan) == len(even)
    assert [frame for window in windows for frame in range(window.new_start, window.stop)] == list(range(frame_count))
    assert [window.new_start for window in windows[1:]] == borders
    most = chunk_frames + overlap
    assert all(window.frame_count <= most for window in windows[:-1])
    assert windows[-1].frame_count <= max(most, shortest)
    assert all(window.context >= min(1, overlap) for window in windows[1:])


def test_windows_between_moved_borders_keep_the_backbones_length():
    windows = moved((9, 15), frame_count=24).windows()
    assert [(window.start, window.stop, window.context) for window in windows] == [(0, 9, 0), (3, 15, 6), (12, 24, 3)]


def test_even_borders_are_the_plan_without_any():
    assert moved(tuple(range(8, 60, 8))).windows() == moved(()).windows()


def test_a_plan_is_read_back_and_an_old_one_has_the_defaults():
    planned = moved((9, 17, 25), frame_count=30, blend="linear", fade=2)
    assert ChunkPlan.parse(json.loads(json.dumps(asdict(planned) | {"fps": str(planned.fps)}))) == planned
    old = {"frame_count": 30, "fps": "30000/1001", "chunk_frames": 8, "overlap": 4, "shortest": 12}
    assert ChunkPlan.parse(old) == ChunkPlan(30, Fraction(30000, 1001), 8, 4, 12)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"context": "woven"}, "'woven'"),
        ({"context": "fused", "reinject_every": 2}, "would change nothing"),
        ({"reinject_every": -1}, "every -1 chunks"),
        ({"blend": "linear"}, "over 0 frames"),
        ({"fade": 2}, "'cut' over 2 frames"),
        ({"blend": "cosine", "fade": 5}, "overlap of 4"),
        ({"blend": "wipe", "fade": 2}, "'wipe'"),
        ({"blend": "linear", "fade": 2, "blend_in": "latent"}, "carried over"),
        ({"blend": "linear", "fade": 2, "blend_in": "latent", "context": "fused"}, "merged at every step"),
        ({"blend": "linear", "fade": 2, "blend_in": "latent", "context": "shifted"}, "one latent"),
        ({"blend_in": "latent", "context": "independent"}, "a cut blends nothing"),
        ({"borders": (8, 8)}, "the 0 new frames"),
        ({"borders": (8, 16)}, "the 44 new frames"),
        ({"borders": (13, 20)}, "13 new frames"),
    ],
)
def test_settings_that_mean_or_change_nothing_are_refused(settings, words):
    with pytest.raises(InputError, match=words):
        moved(settings.pop("borders", ()), **settings)


@pytest.mark.parametrize(
    ("joining", "overlap", "settled"),
    [
        (Joining(), 4, ("cosine", 4)),
        (Joining(border_reach=2), 5, ("cosine", 3)),
        (Joining(fade=1), 4, ("cosine", 1)),
        (Joining(), 0, ("cut", 0)),
        (Joining(blend="cut"), 4, ("cut", 0)),
        (Joining(blend="linear"), 5, ("linear", 3)),
        (Joining(blend="linear", fade=4), 4, ("linear", 4)),
    ],
)
def test_chunks_fade_over_the_overlap_unless_something_else_is_asked_for(joining, overlap, settled):
    planned = plan_chunks(SVD_XT_FACTS, 60, Fraction(7), 12, overlap, joining)
    assert (planned.blend, planned.fade) == joining.over(overlap) == settled
