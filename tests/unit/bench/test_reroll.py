"""The benchmark of re-rolled chunks, end to end on the smallest real networks."""

from itertools import pairwise

from motionweave.bench.longform import Bench
from motionweave.bench.reroll import CHUNKS, REROLLED, _measured


def test_the_joins_of_what_was_made_again_are_measured_before_and_after(tiny_backbone, tiny_controlnet, tmp_path):
    bench = Bench(tiny_backbone, tiny_controlnet, CHUNKS * tiny_backbone.facts.chunk_frames, tmp_path)
    kept = []
    old, new, change = _measured(bench, 0, lambda *told: kept.append(told))
    assert len(old) == len(new) == 2 * len(REROLLED)
    assert all(ratio > 0 for ratio in old + new)
    assert old != new and change > 1
    (index, after, before), *others = kept
    assert index == 0 and not others
    assert after.shape == before.shape and not after.equal(before)
    assert float(after.min()) >= 0 and float(after.max()) <= 1


def test_no_two_neighbours_are_made_again():
    assert all(later - chunk > 1 for chunk, later in pairwise(REROLLED))
    assert 6 in REROLLED and max(REROLLED) < CHUNKS - 1, "chunk 7, and none whose end nothing holds"
