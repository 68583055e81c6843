import json
from fractions import Fraction

import pytest
import torch

from motionweave.controls.camera import CameraControl
from motionweave.controls.light import LightControl
from motionweave.longform.drift import DriftSettings
from motionweave.longform.drift_chart import drift_chart
from motionweave.longform.drift_log import DriftLog, Likeness, settings_for
from motionweave.longform.drift_rows import FILE
from motionweave.longform.plan import ChunkPlan
from motionweave.longform.store import ChunkStore
from motionweave.marionette import FIRST_EVALUATION_SEED, clip_times, make_world, render_clip
from motionweave.metrics.colour import colour_of
from motionweave.types import Size

FPS, SIZE = Fraction(12), Size(64, 64)
PLAN = ChunkPlan(frame_count=48, fps=FPS, chunk_frames=8, overlap=2, shortest=8)


class Anybody:
    name = "anybody"

    def __init__(self):
        self.looks = 0

    def embed(self, picture):
        self.looks += 1
        return torch.nn.functional.normalize(picture.mean((1, 2)), dim=0)


@pytest.fixture(scope="module")
def drifting():
    frames = render_clip(make_world(FIRST_EVALUATION_SEED), clip_times(48, FPS), FPS, SIZE).frames
    way = torch.linspace(0, 1, 48).view(-1, 1, 1, 1)
    return frames * (1 + way * torch.tensor([0.1, -0.05, -0.1]).view(3, 1, 1))


@pytest.fixture
def store(tmp_path, drifting):
    made = ChunkStore.open(tmp_path / "run", PLAN, SIZE)
    for window in PLAN.windows():
        save(made, window.index, drifting)
    return made


def save(store, index, frames):
    window = PLAN.windows()[index]
    lead = min(2, window.context)
    shown = frames[window.new_start - lead : window.stop]
    return store.save(index, "key", shown.clamp(0, 1), torch.zeros(len(shown), 4, 8, 8), 0.0, lead)


def see_all(log, store):
    return [log.see(store.records()[index]) for index in range(len(PLAN))]


def test_rows_tell_what_the_new_frames_of_each_chunk_look_like(store, drifting):
    rows = see_all(DriftLog(store, DriftSettings()), store)
    assert [row.frames for row in rows] == [8] * 6
    shown = (drifting[8:16].clamp(0, 1) * 255).round().byte()
    lab = torch.tensor([colour_of(frame).mean for frame in shown]).mean(0)
    assert rows[1].lab == pytest.approx(tuple(lab.tolist()), abs=0.01)
    assert rows[0].seam is None
    assert all(0.5 < row.seam < 2 for row in rows[1:])
    assert rows[0].identity is None


def test_a_chunk_that_is_reused_is_not_measured_again_and_one_made_anew_is(store, drifting):
    who = Anybody()
    likeness = Likeness(who, who.embed(drifting[0]))
    first = see_all(DriftLog(store, DriftSettings(), likeness), store)
    looked = who.looks
    assert see_all(DriftLog(store, DriftSettings(), likeness), store) == first
    assert who.looks == looked
    save(store, 2, drifting * 0.8)
    again = see_all(DriftLog(store, DriftSettings(), likeness), store)
    assert [old == new for old, new in zip(first, again, strict=True)] == [True, True, False, False, True, True]
    assert again[3].seam > 1.5 * first[3].seam
    assert again[3].lab == first[3].lab


def test_clips_are_corrected_as_the_log_says_and_stay_as_they_were_made_on_disk(store):
    def shift():
        frames = list(store.frames())
        ends = [torch.tensor([colour_of(frame).mean for frame in part]).mean(0) for part in (frames[:8], frames[-8:])]
        return float((ends[1] - ends[0]).norm()), frames

    bytes_before = [clip.path.read_bytes() for clip in store.clips()]
    see_all(DriftLog(store, DriftSettings()), store)
    plain, made = shift()
    see_all(DriftLog(store, DriftSettings(1.0, 0.5)), store)
    pulled, _ = shift()
    assert pulled < 0.5 * plain
    assert [clip.path.read_bytes() for clip in store.clips()] == bytes_before
    see_all(DriftLog(store, DriftSettings(0.0)), store)
    assert all(torch.equal(*pair) for pair in zip(made, store.frames(), strict=True))


def test_a_chunk_that_was_made_again_is_looked_at_before_clips_are_corrected(store, drifting):
    see_all(DriftLog(store, DriftSettings(1.0, 0.0)), store)
    before = store.clips()[5].correction
    save(store, 5, drifting * 0.9)
    assert abs(store.clips()[5].correction.knots[-1].shift[0] - before.knots[-1].shift[0]) > 0.005


def test_a_damaged_log_is_measured_anew(store):
    log = store.folder / FILE
    see_all(DriftLog(store, DriftSettings()), store)
    whole = json.loads(log.read_text())
    log.write_text(log.read_text()[:-40])
    assert store.clips()[0].correction is None
    see_all(DriftLog(store, DriftSettings()), store)
    assert json.loads(log.read_text()) == whole


def test_colours_are_left_alone_while_light_or_camera_change_them():
    asked = DriftSettings(1.0, 2.0)
    assert settings_for(asked, ()) == asked
    for control in (object.__new__(LightControl), object.__new__(CameraControl)):
        assert settings_for(asked, (control,)) == DriftSettings(0.0, 2.0)


def test_settings_outside_their_range_are_refused():
    for wrong in ((1.5, 1.0), (-0.1, 1.0), (0.5, -1.0)):
        with pytest.raises(ValueError, match="drift correction"):
            DriftSettings(*wrong)


def test_a_run_is_drawn_as_a_chart_also_with_a_single_chunk(store):
    rows = see_all(DriftLog(store, DriftSettings()), store)
    assert drift_chart(rows, 12.0).shape[-1] == 900
    assert drift_chart(rows[:1], 12.0).shape[-2] < drift_chart(rows, 12.0).shape[-2]
