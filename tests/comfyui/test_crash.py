"""ComfyUI is killed in the middle of a run; started again, the same workflow is queued again and finishes."""

import json
import os
import signal
import time
import urllib.error
import urllib.request

import pytest

pytestmark = [
    pytest.mark.comfyui,
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "killpg"), reason="killing a group of processes is done the Unix way"),
]

FRAMES, RUN, LIMIT_S = 40, "killed", 600


def shortened(prompt: dict, run_name: str) -> dict:
    """A video of five chunks in a run of its own."""
    changes = {"MotionWeavePlanChunks": {"frames": FRAMES}, "MotionWeaveWeave": {"run_name": run_name, "steps": 4}}
    return {
        id: {**node, "inputs": {**node["inputs"], **changes.get(node["class_type"], {})}} for id, node in prompt.items()
    }


def queue(server, prompt: dict) -> None:
    request = urllib.request.Request(server.url + "/prompt", json.dumps({"prompt": prompt}).encode())
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            assert json.load(reply)["node_errors"] == {}
    except urllib.error.HTTPError as error:
        pytest.fail(error.read().decode())


def chunks_made(folder) -> int:
    journal = folder / "journal.jsonl"
    return journal.read_text().count('"index"') if journal.is_file() else 0


def wait_for(condition, server, what: str) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen:\n{server.log[-4000:]}"
        time.sleep(0.02)


def rows_of(server, events: list[dict]) -> list[dict]:
    queued = next(event["data"] for event in events if event["type"] == "queued")
    history = server.get(f"/history/{queued['body']['prompt_id']}")
    (run,) = history.values()
    assert run["status"]["status_str"] == "success", server.log[-4000:]
    return next(ui["motionweave"] for ui in run["outputs"].values() if "motionweave" in ui)


def test_killing_comfyui_in_the_middle_and_queueing_again_finishes(start_server, tmp_path, quickstart_prompt):
    runs = tmp_path / "output" / "motionweave"
    with start_server() as (server, process):
        queue(server, shortened(quickstart_prompt, RUN))
        wait_for(lambda: chunks_made(runs / RUN) >= 2, server, "a second chunk")
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(60)
    made = chunks_made(runs / RUN)
    with start_server() as (server, _):
        rows = rows_of(server, server.watch(shortened(quickstart_prompt, RUN)))
        assert [row["reused"] for row in rows] == [True] * made + [False] * (len(rows) - made)
        assert made < len(rows)
        rows_of(server, server.watch(shortened(quickstart_prompt, "whole")))
    files = {name: {path.name: path.read_bytes() for path in (runs / name).glob("chunk-*")} for name in (RUN, "whole")}
    assert files[RUN] == files["whole"]
    assert list((runs / RUN).glob(".*.part")) == []
