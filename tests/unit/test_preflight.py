"""What preflight says of a run, held against what the run then is."""

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from spandrel.architectures.Compact import Compact

from motionweave.bench.memory import watch_memory
from motionweave.controls import PoseControl
from motionweave.engine import MotionWeaveEngine
from motionweave.errors import InputError
from motionweave.longform.disk import CLIP_SHARE
from motionweave.longform.plan import plan_chunks
from motionweave.longform.stitch import stitch_chunks
from motionweave.preflight import PlannedRun, check_run
from motionweave.preflight import cost as costs
from motionweave.preflight.cost import run_bytes
from motionweave.residency import GIB
from motionweave.runtime import Folders, LocalRuntime
from motionweave.sampling import DenoiseOptions, Guidance
from motionweave.tracks.keypoints import Person
from motionweave.tracks.pose import KeypointTrack, PoseMapFrames
from motionweave.types import Audio, Size
from motionweave.upscale.faces import FacePass
from motionweave.upscale.model import load_upscale_model

FPS, SIZE = Fraction(7), Size(32, 32)


@dataclass
class Nobody:
    """A finder of faces that finds none, and counts the pictures that it looked at."""

    digest: str = "nobody"
    pictures: int = 0

    def find_points(self, picture):
        del picture
        self.pictures += 1
        return np.zeros((0, 5, 2))


@dataclass(frozen=True)
class Card(LocalRuntime):
    """A graphics card with as much free as is said; the trial stays on the processor."""

    free: float = 0.0

    def _free_bytes(self, modules):
        del modules
        return int(self.free * GIB)


@pytest.fixture
def here(tmp_path):
    return LocalRuntime(Folders(tmp_path / "input", tmp_path / "output", tmp_path / "temp"))


@pytest.fixture
def planned(tiny_backbone, tiny_controlnet, tmp_path):
    with torch.inference_mode():
        identity = tiny_backbone.encode_image(torch.full((1, 3, 32, 32), 0.4), SIZE, 0.0, 0)
    maps = PoseMapFrames(torch.rand(20, 3, 32, 32, generator=torch.Generator().manual_seed(3)), FPS)
    return PlannedRun(
        tiny_backbone, identity, (PoseControl(tiny_controlnet, maps),), plan_chunks(tiny_backbone.facts, 20, FPS),
        DenoiseOptions(2, Guidance(1.0)), tmp_path / "run",
    )  # fmt: skip


def sound(seconds, rate=48000):
    return Audio(torch.zeros(1, round(seconds * rate)), rate)


def looked_at(run, here, level, measure=False):
    with torch.inference_mode():
        report = check_run(run, here, measure)
    return {each.what: each for each in report.findings if each.level == level}


def figure(scale=1.0, shift=0.0):
    """A standing person, larger or elsewhere."""
    body = torch.tensor(
        [[50, 20], [50, 30], [42, 30], [40, 42], [39, 52], [58, 30], [60, 42], [61, 52], [45, 55], [45, 70], [45, 85],
         [55, 55], [55, 70], [55, 85], [48, 18], [52, 18], [46, 19], [54, 19]], dtype=torch.float32,
    )  # fmt: skip
    points = torch.cat([body * scale + shift, torch.ones(18, 1)], -1).numpy()
    none = torch.zeros(0, 3).numpy()
    return Person(points, none, none, none)


def people(person, count=20):
    return KeypointTrack(((person,),) * count, Size(100, 100), FPS)


def test_a_run_that_fits_passes_with_a_line_for_everything_that_was_looked_at(planned, here):
    with torch.inference_mode():
        report = check_run(replace(planned, audio=sound(20 / 7)), here, measure=False)
    assert report.stops == ()
    assert {each.what for each in report.findings} >= {"pose length", "sound", "memory", "disk", "time"}
    assert str(report).splitlines()[0] == "preflight: nothing would fail"
    report.refuse()


def test_every_track_that_is_too_short_is_named_with_the_frames_that_it_allows(planned, here, tiny_controlnet):
    short = PoseControl(tiny_controlnet, PoseMapFrames(torch.zeros(12, 3, 32, 32), FPS))
    run = replace(planned, controls=(short, *planned.controls, short))
    with torch.inference_mode():
        report = check_run(run, here)
    assert [each.what for each in report.stops] == ["pose length", "pose length"]
    assert "at most 12 frames" in report.stops[0].change
    with pytest.raises(InputError, match=r"2 things would fail.*\(1\) pose length.*\(2\) pose length"):
        report.refuse()
    assert not planned.folder.exists()


def test_settings_that_a_run_refuses_are_a_stop_here(planned, here):
    run = replace(planned, options=DenoiseOptions(2, Guidance(2.0, 1.0)))
    assert "guidance ramp" in looked_at(run, here, "stop")["settings"].why


@pytest.mark.parametrize(
    ("seconds", "says"), [(1.0, "silence follows"), (9.0, "the rest is cut off"), (0.0, "no samples")]
)
def test_a_sound_of_another_length_is_told(planned, here, seconds, says):
    level = "note" if seconds else "stop"
    assert says in looked_at(replace(planned, audio=sound(seconds)), here, level)["sound"].why


def test_a_sample_rate_that_videos_cannot_hold_is_told(planned, here):
    run = replace(planned, audio=sound(20 / 7, 37800))
    assert "resampled to 48000" in looked_at(run, here, "note")["sample rate"].why


@pytest.mark.parametrize(("fps", "says"), [(4, "held"), (25, "left out")])
def test_a_driving_video_of_another_rate_is_told(planned, here, tiny_controlnet, fps, says):
    control = PoseControl(tiny_controlnet, PoseMapFrames(torch.zeros(fps * 3, 3, 32, 32), Fraction(fps)))
    assert says in looked_at(replace(planned, controls=(control,)), here, "note")["pose rate"].why


@pytest.mark.parametrize("person", [figure(0.5, 20), figure(1, 60)])
def test_a_driving_figure_of_another_size_or_place_is_told(planned, here, tiny_controlnet, person):
    run = replace(planned, controls=(PoseControl(tiny_controlnet, people(person)),), reference_pose=people(figure(), 1))
    assert "Retarget Pose" in looked_at(run, here, "note")["pose and reference"].change


def test_a_driving_figure_like_the_reference_is_fine(planned, here, tiny_controlnet):
    run = replace(
        planned, controls=(PoseControl(tiny_controlnet, people(figure())),), reference_pose=people(figure(), 1)
    )
    assert "pose and reference" in looked_at(run, here, "ok")


def test_a_film_in_which_nobody_is_seen_for_long_is_told(planned, here, tiny_controlnet):
    track = replace(people(figure()), frames=((figure(),),) * 10 + ((),) * 10)
    run = replace(planned, controls=(PoseControl(tiny_controlnet, track),))
    assert "50%" in looked_at(run, here, "note")["pose"].why


def test_a_card_that_is_too_small_in_every_way_is_a_stop_and_a_large_one_is_not(planned, here, monkeypatch):
    cards = [Card(here.folders, torch.device("meta"), free=free) for free in (1e-4, 24)]
    assert "make the picture smaller" in looked_at(planned, cards[0], "stop")["graphics memory"].change
    assert "graphics memory" in looked_at(planned, cards[1], "ok")


def test_odd_sides_of_the_finished_video_are_a_stop(planned, here):
    odd = replace(planned, identity=replace(planned.identity, size=Size(33, 32)))
    assert "33x32" in looked_at(odd, here, "stop")["size"].why


def test_enlarging_takes_time_memory_and_disk(planned, here, tmp_path):
    net = Compact(num_feat=8, num_conv=2, upscale=2)
    save_file(net.state_dict(), tmp_path / "compact.safetensors")
    larger = replace(planned, upscale=2, upscaler=load_upscale_model(tmp_path / "compact.safetensors"))
    with torch.inference_mode():
        plain, enlarged = check_run(planned, here, measure=False), check_run(larger, here)
    pixels = 20 * 3 * 64 * 64
    assert enlarged.cost.disk_bytes - plain.cost.disk_bytes > CLIP_SHARE * pixels
    assert "to enlarge" in str(enlarged)


def test_faces_that_are_made_anew_count(planned, here, tmp_path):
    for name, scale in (("twice", 2), ("faces", 1)):
        save_file(Compact(num_feat=8, num_conv=2, upscale=scale).state_dict(), tmp_path / f"{name}.safetensors")
    twice, restorer = (load_upscale_model(tmp_path / f"{name}.safetensors") for name in ("twice", "faces"))
    finder = Nobody()
    plain = replace(planned, upscale=2, upscaler=twice)
    run = replace(plain, faces=FacePass(finder, restorer, 1.0))
    (before,), (need,) = (costs._enlarging(each) for each in (plain, run))
    assert need.modules == (twice.net, restorer.net) and need.working_bytes > before.working_bytes
    with torch.inference_mode():
        assert "to enlarge" in str(check_run(run, here))
    assert finder.pictures > 0


def test_a_disk_that_is_too_small_is_a_stop_that_says_how_much_to_free(planned, here, monkeypatch):
    usage = type("Usage", (), {"free": 100})
    monkeypatch.setattr(costs.shutil, "disk_usage", lambda _: usage)
    assert looked_at(planned, here, "stop")["disk"].change.startswith("free ")


def run_for_real(planned, here):
    engine = MotionWeaveEngine(planned.request(planned.controls), here)
    with torch.inference_mode():
        records = [made.record for made in engine.generate()]
    return engine, records


def test_disk_that_was_predicted_is_what_a_run_takes_within_a_half(planned, here, tmp_path):
    predicted = run_bytes(planned)
    engine, _ = run_for_real(planned, here)
    stitch_chunks(engine.store, tmp_path / "video.mp4")
    taken = sum(path.stat().st_size for path in planned.folder.rglob("*")) + 2 * (tmp_path / "video.mp4").stat().st_size
    assert 0.5 * taken <= predicted <= 2 * taken


def test_what_lies_there_already_takes_no_more_disk_and_tells_the_time(planned, here):
    with torch.inference_mode():
        before = check_run(planned, here, measure=False)
    run_for_real(planned, here)
    with torch.inference_mode():
        after = check_run(planned, here, measure=False)
    assert before.cost.seconds is None
    assert after.cost.seconds == 0
    assert after.cost.disk_bytes < before.cost.disk_bytes / 2


def test_time_that_was_measured_on_one_window_is_that_of_the_run_within_a_factor_of_three(planned, here):
    run = replace(planned, options=DenoiseOptions(8, Guidance(1.0)))
    with torch.inference_mode():
        predicted = check_run(run, here).cost.seconds
    _, records = run_for_real(run, here)
    taken = sum(record.seconds for record in records)
    assert taken / 3 <= predicted <= taken * 3
    assert list(here.folders.temp.iterdir()) == []


def test_memory_that_was_predicted_is_what_the_process_holds_within_a_quarter(planned, here):
    with torch.inference_mode():
        predicted = check_run(planned, here, measure=False).cost.ram_bytes
    with watch_memory() as seen:
        run_for_real(planned, here)
    assert 0.75 * seen.peak_bytes <= predicted <= 1.33 * seen.peak_bytes
