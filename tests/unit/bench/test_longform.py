"""The benchmark of long runs, end to end on the smallest real networks."""

import json
from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from motionweave.bench.longform import (
    CORRECTION,
    KEYS,
    METHODS,
    TRUTH,
    Bench,
    _joined,
    _results,
    exact_poses,
    longform,
)
from motionweave.marionette import FIRST_EVALUATION_SEED, clip_times, make_world, render_clip
from motionweave.types import Size


@pytest.fixture(scope="module")
def bench(tiny_backbone, tiny_controlnet, tmp_path_factory):
    return Bench(tiny_backbone, tiny_controlnet, 8, tmp_path_factory.mktemp("scratch"))


def test_poses_are_those_of_the_rendered_frames():
    world, size = make_world(FIRST_EVALUATION_SEED), Size(32, 32)
    clip = render_clip(world, clip_times(3, Fraction(30)), Fraction(30), size)
    track = exact_poses(world, 3, size)
    for people, points in zip(track.frames, clip.keypoints, strict=True):
        assert people[0].body[0, :2] == pytest.approx(points[0, :2].numpy(), abs=1e-3)


@pytest.mark.parametrize("name", [TRUTH, *METHODS])
def test_every_way_is_measured_with_and_without_correction_and_kept(bench, name):
    found = _results(bench, name, 0)
    assert set(found) == ({TRUTH} if name == TRUTH else {name, f"{name}_corrected"})
    for row in found.values():
        assert set(row) >= set(KEYS) - {"temporal_score"}
    kept = bench.scratch / f"{name}-8-0.json"
    kept.write_text(json.dumps({"kept": {}}))
    assert _results(bench, name, 0) == {"kept": {}}


def test_ways_that_differ_in_the_join_alone_share_a_run(bench):
    stores = [bench.made(METHODS[name], 0) for name in ("hard_cut", "cross_fade")]
    assert stores[0].folder == stores[1].folder
    row = _joined(stores[0], "cross_fade", replace(CORRECTION, threshold=0.0))
    assert row.seam == "linear" and any(clip.correction for clip in row.clips())
    assert not any(clip.correction for clip in _joined(stores[1], "hard_cut", CORRECTION).clips())


def test_the_true_video_goes_through_the_autoencoder_piece_by_piece(bench):
    truth = bench.truth(0)
    assert len(truth) == 8
    assert torch.isfinite(truth.frames).all()


def test_an_unknown_way_is_refused():
    with pytest.raises(ValueError, match="magic"):
        longform(methods=("magic",))
