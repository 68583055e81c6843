import json
from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from motionweave.errors import InputError
from motionweave.longform.clips import Clip, MadeRow
from motionweave.marionette import FIRST_EVALUATION_SEED, clip_times, make_world, render_clip
from motionweave.media import FootageFrames, VideoWriter
from motionweave.metrics.seam import Join
from motionweave.metrics.strip_chart import Line, Strip, draw_strips
from motionweave.score import ScoreOptions, joins_of, score_chart, score_video
from motionweave.types import Size

FPS, SIZE = Fraction(12), Size(64, 64)
QUICK = ScoreOptions(temporal=False, identity_every=4)


class MeanColour:
    """Takes a picture's mean colour for who it is: what a recogniser has to be asked, and nothing more."""

    name = "mean colour"

    def embed(self, picture):
        mean = picture.mean((1, 2))
        return None if float(mean.max()) < 0.05 else mean / mean.norm()


@pytest.fixture(scope="module")
def frames():
    world = make_world(FIRST_EVALUATION_SEED + 2)
    return render_clip(world, clip_times(24, FPS), FPS, SIZE).frames


def score(frames, **given):
    return score_video(FootageFrames(frames, FPS), options=QUICK, **given)


def test_a_flawless_clip_meets_every_threshold(frames):
    found = score(frames, reference=frames[:1], recogniser=MeanColour(), joins=[Join(8), Join(16)])
    assert found.verdicts == {"seam_ratio": True, "identity_end_over_start": True, "lab_shift": True}
    assert found.figures["lab_from_reference"] < 2
    assert len(found.frames) == 24


def test_a_clip_whose_colours_drift_and_jump_misses_them(frames):
    step = torch.linspace(0, 1, 3)[torch.arange(24) // 8].view(24, 1, 1, 1)
    tint = step * torch.tensor([0.4, -0.3, 0]).view(3, 1, 1)
    found = score((frames + tint).clamp(0, 1), reference=frames[:1], recogniser=MeanColour(), joins=[Join(8), Join(16)])
    assert found.verdicts == {"seam_ratio": False, "identity_end_over_start": False, "lab_shift": False}
    assert found.figures["a_per_1000"] > 100
    assert found.figures["identity_per_1000"] < -1
    assert any("misses its threshold" in line for line in found.lines())


def test_what_cannot_be_measured_is_none_and_has_no_verdict(frames):
    found = score(frames)
    told = {name for name, value in found.figures.items() if value is None}
    missing = {"temporal_score", "seam_ratio", "worst_seam_ratio", "identity_mean", "identity_end_over_start"}
    assert told == {*missing, "identity_per_1000"}
    assert found.verdicts == {"lab_shift": True}


def test_without_a_reference_identity_is_held_against_the_first_second(frames):
    found = score(frames, recogniser=MeanColour())
    seen = [index for index, row in enumerate(found.frames) if row.identity is not None]
    assert seen == [0, 4, 8, 12, 16, 20]
    assert found.figures["identity_mean"] > 0.99
    assert found.identity_by == "mean colour"


def test_frames_that_show_nobody_are_left_out_and_a_reference_that_does_is_refused(frames):
    dark = frames.clone()
    dark[4] = 0
    assert score(dark, recogniser=MeanColour()).frames[4].identity is None
    with pytest.raises(InputError, match="nobody in the reference"):
        score(frames, reference=frames[:1] * 0, recogniser=MeanColour())


def test_joins_outside_the_video_are_refused(frames):
    with pytest.raises(InputError, match="join at frame 24"):
        score(frames, joins=[Join(24)])
    with pytest.raises(InputError, match="join at frame 2 "):
        score(frames, joins=[Join(2, fade=3)])


def test_chunks_are_scored_as_they_are_joined_and_as_their_corrections_leave_them(frames, tmp_path):
    clips: list[Clip] = []
    for index, lead in enumerate((0, 2, 2)):
        path = tmp_path / f"{index}.mkv"
        with VideoWriter(path, fps=FPS, size=SIZE, codec="ffv1") as writer:
            writer.write(frames[8 * index - lead : 8 * index + 8])
        clips.append(Clip(path, 8, lead, (lambda frame, _: frame // 2) if index == 2 else None))
    row = MadeRow(tuple(clips), FPS, SIZE, "row", "cut")
    assert joins_of(replace(row, seam="linear")) == (Join(8, 2), Join(16, 2))
    assert joins_of(replace(row, seam="replace")) == (Join(6), Join(14))
    found = score_video(row, options=QUICK)
    assert found.joins == (Join(8), Join(16))
    whole = score((frames * 255).round() / 255, joins=found.joins)
    assert found.frames[:16] == whole.frames[:16]
    assert found.frames[20].colour.mean[0] < 0.7 * whole.frames[20].colour.mean[0]
    assert found.seams.worst_frame == 16


def test_the_json_holds_figures_verdicts_and_joins_and_frames_when_asked(frames):
    found = score(frames, joins=[Join(12)])
    told = json.loads(found.to_json())
    assert told["figures"] == found.figures
    assert told["joins"] == [{"frame": 12, "fade": 0, "ratio": found.seams.ratio}]
    assert "measures" not in told
    assert len(json.loads(found.to_json(each_frame=True))["measures"]) == 24


def test_progress_is_told_and_may_end_the_work(frames):
    def stop(progress):
        if progress.step == 16:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score_video(FootageFrames(frames, FPS), options=QUICK, on_progress=stop)


def test_the_chart_grows_with_what_was_measured(frames):
    plain = score_chart(score(frames))
    full = score_chart(score(frames, recogniser=MeanColour(), joins=[Join(8), Join(16)]))
    assert plain.shape[-1] == full.shape[-1] == 900
    assert full.shape[-2] > plain.shape[-2]
    assert 0 <= float(full.min()) <= float(full.max()) <= 1


def test_a_chart_shows_curves_borders_and_limits_where_they_belong():
    def drawn(**more):
        strip = Strip("x", [Line("", [0.0, 10.0], [0.0, 1.0])], **more)
        return draw_strips([strip, Strip("nothing", [Line("", [], [])])], 10.0, more.pop("borders", ()))

    plain, limited = drawn(), drawn(limits=(0.5,))
    changed = (plain != limited).any(1)[0]
    rows = changed.any(1).nonzero().flatten()
    assert len(rows) == 1
    assert abs(int(rows[0]) - plain.shape[-2] // 2) < 20
    assert torch.equal(drawn(limits=(50.0,)), plain)
