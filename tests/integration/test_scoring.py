"""Scoring by name: the command and the node."""

import json
from fractions import Fraction

import pytest
import torch
from typer.testing import CliRunner

from motionweave.cli import app
from motionweave.host import load_pack
from motionweave.host.context import local_runtime, running_on
from motionweave.longform.plan import ChunkPlan
from motionweave.longform.store import ChunkStore
from motionweave.marionette import FIRST_EVALUATION_SEED, clip_times, make_world, render_clip
from motionweave.media import VideoWriter, write_image
from motionweave.runtime import Folders
from motionweave.types import Size

FPS, SIZE = Fraction(12), Size(64, 64)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A video, its reference, and the run directory that it came from."""
    folder = tmp_path_factory.mktemp("score")
    world = make_world(FIRST_EVALUATION_SEED + 3)
    frames = render_clip(world, clip_times(20, FPS), FPS, SIZE).frames
    with VideoWriter(folder / "video.mkv", fps=FPS, size=SIZE, codec="ffv1") as writer:
        writer.write(frames)
    write_image(folder / "reference.png", frames[:1])
    plan = ChunkPlan(frame_count=20, fps=FPS, chunk_frames=8, overlap=2, shortest=8)
    store = ChunkStore.open(folder / "run", plan, SIZE)
    for window in plan.windows():
        new = frames[window.new_start : window.stop]
        store.save(window.index, "key", new, torch.zeros(len(new), 4, 8, 8), 0.0)
    return folder


def score(*arguments):
    return CliRunner().invoke(app, ["score", *map(str, arguments)])


def test_the_command_prints_figures_seams_and_identity_and_draws_a_chart(made):
    run, reference, chart = made / "run", made / "reference.png", made / "chart.png"
    found = score(made / "video.mkv", "--plan", run, "--reference", reference, "--chart", chart, "--json")
    assert found.exit_code == 0, found.output
    told = json.loads(found.stdout.splitlines()[-1])
    assert [join["frame"] for join in told["joins"]] == [8, 16]
    assert told["figures"]["identity_mean"] > 0.9
    assert "Mini" in told["identity_by"]
    assert chart.is_file()


def test_the_command_says_in_one_line_what_does_not_fit(made, tmp_path):
    other = ChunkStore.open(tmp_path / "other", ChunkPlan(30, FPS, 8, 2, 8), SIZE)
    refused = score(made / "video.mkv", "--plan", other.folder)
    assert refused.exit_code == 2
    assert "20 frames, the plan 30" in refused.output
    assert score(made / "video.mkv", "--plan", made / "reference.png").exit_code == 2
    assert score(made / "video.mkv", "--identity", "nobody").exit_code == 2


def test_the_node_scores_chunks_at_their_own_joins_and_shows_chart_and_figures(made, tmp_path):
    node = load_pack()["MotionWeaveScoreVideo"]
    with running_on(local_runtime(Folders(tmp_path, tmp_path, tmp_path))):
        found = node.execute(chunks=ChunkStore.reopen(made / "run"), temporal=False)
    chart, report, told = found.result
    assert chart.shape[-1] == 3
    assert "seam_ratio" in report
    assert [join["frame"] for join in json.loads(told)["joins"]] == [8, 16]
    assert found.ui["text"] == (report,)
    assert found.ui["images"]


def test_the_node_wants_a_video_or_chunks(made):
    node = load_pack()["MotionWeaveScoreVideo"]
    with pytest.raises(ValueError, match="exactly one"):
        node.execute()
