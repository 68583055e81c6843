"""The quickstart on a real ComfyUI: what the artist sees while it runs, what comes out, and how it is stopped."""

import json
import subprocess
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import av
import numpy as np
import pytest

from motionweave.media import read_metadata

pytestmark = [pytest.mark.comfyui, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
QUICKSTART = ROOT / "workflows" / "quickstart.json"
WEAVE = "MotionWeaveWeave"
RUN_LIMIT_S = 1800


def data_of(events: list[dict], kind: str) -> list[dict]:
    return [event["data"] for event in events if event["type"] == kind]


def steps_of(events: list[dict], node: str) -> list[int]:
    return [data["value"] for data in data_of(events, "progress") if data["node"] == node]


def weave_of(prompt: dict) -> str:
    return next(id for id, node in prompt.items() if node["class_type"] == WEAVE)


def reseeded(prompt: dict, seed: int) -> dict:
    """The same workflow with other noise, so that neither ComfyUI's cache nor a chunk store has any of it."""
    return {
        id: {**node, "inputs": {**node["inputs"], **({"seed": seed} if "seed" in node["inputs"] else {})}}
        for id, node in prompt.items()
    }


def history_of(server, events: list[dict]) -> dict:
    id = data_of(events, "queued")[0]["body"]["prompt_id"]
    return server.get(f"/history/{id}")[id]


def saved_videos(server, outputs: dict) -> list[Path]:
    saved = [file for ui in outputs.values() for files in ui.values() for file in files if isinstance(file, dict)]
    names = [file for file in saved if file.get("type") == "output" and file["filename"].endswith(".mp4")]
    return [server.base / "output" / file["subfolder"] / file["filename"] for file in names]


def frames_of(path: Path) -> Iterator[np.ndarray]:
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="rgb24")


def count_of_equal_frames(one: Path, other: Path) -> int:
    """Count the frames of two videos that must be the same."""
    count = 0
    for index, (expected, actual) in enumerate(zip_longest(frames_of(one), frames_of(other))):
        assert expected is not None and actual is not None, f"one video ends at frame {index}"
        assert np.array_equal(expected, actual), f"frame {index} differs"
        count += 1
    return count


def sound_of(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=-1)


@pytest.fixture(scope="module")
def finished(server, quickstart_prompt) -> list[dict]:
    return server.watch(quickstart_prompt)


def test_the_quickstart_finishes(server, finished):
    assert [data["body"].get("node_errors") for data in data_of(finished, "queued")] == [{}]
    assert data_of(finished, "execution_error") == []
    assert history_of(server, finished)["status"]["status_str"] == "success"


def test_progress_arrives_for_every_step_of_every_chunk(finished, quickstart_prompt):
    weave = weave_of(quickstart_prompt)
    values = steps_of(finished, weave)
    totals = {data["max"] for data in data_of(finished, "progress") if data["node"] == weave}
    assert len(totals) == 1
    assert values == sorted(values)
    assert values[-1] == totals.pop()
    assert len(set(values)) >= 8


def test_previews_arrive_while_it_weaves(finished, quickstart_prompt):
    weave = weave_of(quickstart_prompt)
    sizes = [data["size"] for data in data_of(finished, "preview") if data["node"] == weave]
    assert len(sizes) >= 4
    assert all(min(size) >= 16 for size in sizes)


def test_the_frames_and_the_sound_equal_those_of_an_in_process_run(server, finished, tmp_path):
    report = tmp_path / "report.json"
    command = [server.python, "-m", "motionweave", "run", str(QUICKSTART), "--input-dir", str(server.base / "input")]
    command += ["--output-dir", str(tmp_path / "output"), "--report", str(report)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=RUN_LIMIT_S)
    assert done.returncode == 0, done.stderr
    made_here = [Path(output["path"]) for output in json.loads(report.read_text(encoding="utf-8"))["outputs"]]
    made_there = saved_videos(server, history_of(server, finished)["outputs"])
    assert len(made_there) == 1
    here, there = next(path for path in made_here if path.suffix == ".mp4"), made_there[0]
    assert count_of_equal_frames(here, there) >= 96
    assert np.array_equal(sound_of(here), sound_of(there))


def test_the_prompt_inside_the_saved_video_runs_again_and_saves_the_same_frames(server, finished):
    (made,) = saved_videos(server, history_of(server, finished)["outputs"])
    prompt = json.loads(read_metadata(made)["prompt"])
    (saver,) = [node for node in prompt.values() if node["class_type"] == "SaveVideo"]
    saver["inputs"]["filename_prefix"] = "again"  # what saved that file already is not run for nothing
    events = server.watch(prompt)
    assert [data["body"].get("node_errors") for data in data_of(events, "queued")] == [{}]
    (again,) = saved_videos(server, history_of(server, events)["outputs"])
    assert again.name.startswith("again")
    assert count_of_equal_frames(made, again) >= 96


def test_an_interrupt_ends_the_run_within_one_step(server, finished, quickstart_prompt):
    prompt = reseeded(quickstart_prompt, 987_654)
    weave = weave_of(prompt)
    events = server.watch(prompt, interrupt_node=weave)
    answered = next(place for place, event in enumerate(events) if event["type"] == "interrupt_answered")
    before, after = steps_of(events[:answered], weave), steps_of(events[answered:], weave)
    total = next(data["max"] for data in data_of(events, "progress") if data["node"] == weave)
    assert max([*before, *after]) <= max(before) + 1
    assert max([*before, *after]) < total
    assert [data["node_type"] for data in data_of(events, "execution_interrupted")] == [WEAVE]
    status = history_of(server, events)["status"]
    assert status["completed"] is False
    assert status["messages"][-1][0] == "execution_interrupted"


def test_after_an_interrupt_the_next_run_works(server, finished, quickstart_prompt):
    events = server.watch(quickstart_prompt)
    assert history_of(server, events)["status"]["status_str"] == "success"
