"""Drift that is put into Marionette's clips is found and taken back, and what is not drift is left alone."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import torch

from motionweave.longform.drift import ColourPull, DriftSettings, Knot, cells_of, find_pulls, fit_drift
from motionweave.marionette import FIRST_EVALUATION_SEED, clip_times, make_world, render_clip
from motionweave.metrics.colour import colour_of
from motionweave.types import Size

FPS, SIZE, CHUNK = Fraction(12), Size(64, 64), 8
FULL = DriftSettings(strength=1.0, threshold=0.5)


@pytest.fixture(scope="module", params=[0, 1])
def frames(request):
    world = make_world(FIRST_EVALUATION_SEED + request.param)
    clip = render_clip(world, clip_times(96, FPS), FPS, SIZE)
    return (clip.frames * 255).round().byte()


def drifting(frames, towards=(1.08, 0.97, 0.92), dimmer=0.0):
    way = torch.linspace(0, 1, len(frames)).view(-1, 1, 1, 1)
    tint = 1 + way * (torch.tensor(towards).view(3, 1, 1) - 1)
    return (frames.float() * tint - 255 * dimmer * way).round().clamp(0, 255).byte()


def pulls_of(frames, settings=FULL):
    chunks = frames.split(CHUNK)
    cells = [torch.stack([cells_of(frame) for frame in chunk]).mean(0).numpy() for chunk in chunks]
    return find_pulls(cells, [len(chunk) for chunk in chunks], float(FPS), settings)


def corrected(frames, pulls):
    chunks = zip(frames.split(CHUNK), pulls, strict=True)
    return torch.stack([pull(frame, place) for chunk, pull in chunks for place, frame in enumerate(chunk)])


def distance(first, second):
    pairs = [(colour_of(a).mean, colour_of(b).mean) for a, b in zip(first, second, strict=True)]
    return float(np.mean([np.linalg.norm(np.subtract(*pair)) for pair in pairs]))


def test_cells_are_means_over_the_grid_in_ycbcr():
    frame = torch.zeros(3, 16, 24, dtype=torch.uint8)
    frame[:, :8] = 255
    cells = cells_of(frame)
    assert cells.shape == (64, 3)
    assert torch.allclose(cells[:32], torch.tensor([1.0, 0, 0]), atol=1e-5)
    assert not cells[32:].any()


def test_a_fit_finds_gain_and_offset_whatever_a_third_of_the_picture_does():
    rng = np.random.default_rng(0)
    start = rng.uniform(0.2, 0.8, (64, 3))
    now = 0.4 + 0.03 + 0.9 * (start - 0.4)
    now[:20] = rng.uniform(0, 1, (20, 3))
    found = fit_drift(start, now)
    assert found.gain == pytest.approx(0.9, abs=0.02)
    at_the_middle = found.shift + (found.gain - 1) * (0.4 - found.mean)
    assert at_the_middle == pytest.approx(0.03, abs=0.005)


def test_drift_is_taken_back_to_where_the_run_began(frames):
    away = drifting(frames)
    back = corrected(away, pulls_of(away))
    last = slice(-24, None)
    assert distance(away[last], frames[last]) > 2
    assert distance(back[last], frames[last]) < 0.35 * distance(away[last], frames[last])


def test_half_the_strength_takes_back_half(frames):
    away = drifting(frames)
    whole, half = (pulls_of(away, replace(FULL, strength=share)) for share in (1.0, 0.5))
    for one, other in zip(half[-1].knots, whole[-1].knots, strict=True):
        assert one.shift == pytest.approx(0.5 * np.array(other.shift), abs=1e-5)
        assert np.array(one.gain) - 1 == pytest.approx(0.5 * (np.array(other.gain) - 1), abs=1e-5)


def test_what_moves_is_not_taken_for_drift(frames):
    assert all(pull is None for pull in pulls_of(frames, DriftSettings(1.0, 1.0)))


def test_coming_nearer_is_taken_for_drift_only_in_part():
    world = make_world(FIRST_EVALUATION_SEED + 4)
    parts = []
    for near in np.linspace(1, 0.72, 12):
        nearer = replace(world, framing=(world.framing[0] * near, world.framing[1]))
        parts.append(render_clip(nearer, clip_times(CHUNK, FPS), FPS, SIZE).frames)
    coming = (torch.cat(parts) * 255).round().byte()
    naive = np.linalg.norm(np.subtract(colour_of(coming[-1]).mean, colour_of(coming[0]).mean))
    pulls = pulls_of(coming, DriftSettings(1.0, 1.0))
    assert naive > 1
    if pulls[-1] is not None:
        assert 100 * np.linalg.norm(pulls[-1].knots[-1].shift) < 0.6 * naive


def test_the_pull_runs_on_across_joins(frames):
    away = drifting(frames)
    pulls = pulls_of(away)
    grey = torch.full((3, 4, 4), 120, dtype=torch.uint8)
    for before, after in pairwise(pulls):
        step = before(grey, CHUNK - 1).int() - after(grey, 0).int()
        assert int(step.abs().max()) <= 1
        assert torch.equal(before(grey, CHUNK - 1), after(grey, -1))


def test_below_the_threshold_nothing_is_touched_and_just_above_it_almost_nothing(frames):
    away = drifting(frames)
    units = 100 * np.linalg.norm(pulls_of(away, DriftSettings(1.0, 0.0))[-1].knots[-1].shift)
    assert all(pull is None for pull in pulls_of(away, DriftSettings(1.0, 3 * units)))
    assert all(pull is None for pull in pulls_of(away, DriftSettings(0.0, 0.0)))
    little = pulls_of(away, DriftSettings(1.0, 0.9 * units))[-1]
    assert little is None or 100 * np.linalg.norm(little.knots[-1].shift) < 0.4 * units


def test_a_pull_of_nothing_gives_the_very_frame():
    pull = ColourPull(0, (Knot(4.0, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),), (0.4, 0.0, 0.0))
    frame = torch.zeros(3, 4, 4, dtype=torch.uint8)
    assert pull(frame, 3) is frame


def test_a_pull_tells_itself_apart_and_knows_only_what_is_near(frames):
    away = drifting(frames)
    pulls = pulls_of(away)
    assert pulls == pulls_of(away)
    assert pulls != pulls_of(away, replace(FULL, strength=0.9))
    assert [len(pull.knots) for pull in pulls] == [2, 3, *[4] * 9, 3]
