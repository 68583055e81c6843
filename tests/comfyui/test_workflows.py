"""Every workflow of the Templates menu on a real ComfyUI: it finishes, saves what it promises, and shows pictures."""

from pathlib import Path

import pytest

pytestmark = [pytest.mark.comfyui, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted(path for path in (ROOT / "workflows").glob("*.json") if path.stem != "quickstart")
FROM_TEXT = ROOT / "workflows" / "from-text.json"
"""Needs a Stable Diffusion checkpoint, which nothing here brings."""
TRACK_SOCKETS = {"POSE", "DEPTH", "SPEECH", "LIGHT", "CAMERA", "CURVE"}


def files_of(ui: dict) -> list[dict]:
    told = [each for all in ui.values() if isinstance(all, list) for each in all]
    return [each for each in told if isinstance(each, dict) and "filename" in each]


@pytest.mark.parametrize("workflow", [path for path in WORKFLOWS if path != FROM_TEXT], ids=lambda path: path.stem)
def test_a_template_runs_as_it_opens_and_every_track_shows_a_picture(server, pack_nodes, workflow, request):
    from motionweave.host import read_prompt

    if workflow.stem == "minute" and not request.config.getoption("--minute"):
        pytest.skip("1800 frames take half an hour; run with --minute")
    prompt = read_prompt(workflow)
    events = server.watch(prompt)
    queued = next(event["data"] for event in events if event["type"] == "queued")
    assert queued["body"].get("node_errors") == {}
    errors = [event["data"] for event in events if event["type"] == "execution_error"]
    assert errors == []
    outputs = server.get(f"/history/{queued['body']['prompt_id']}")[queued["body"]["prompt_id"]]["outputs"]
    saved = [file for ui in outputs.values() for file in files_of(ui) if file.get("type") == "output"]
    assert saved
    for file in saved:
        assert (server.base / "output" / file["subfolder"] / file["filename"]).stat().st_size > 0
    # What an earlier workflow made already is not made again; older cores then do not repeat its picture.
    cached = {id for event in events if event["type"] == "execution_cached" for id in event["data"]["nodes"]}
    makers = [
        id
        for id, node in prompt.items()
        if any(
            f"MOTIONWEAVE_{kind}" in pack_nodes.get(node["class_type"], {}).get("output", []) for kind in TRACK_SOCKETS
        )
    ]
    pictured = [id for id in makers if any(file["filename"].endswith(".png") for file in files_of(outputs.get(id, {})))]
    assert set(makers) - cached <= set(pictured)


def test_from_text_lacks_nothing_but_its_checkpoint(server):
    from motionweave.host import read_prompt
    from motionweave.host.object_info import catalogue_from_info

    prompt = read_prompt(FROM_TEXT, catalogue_from_info(server.get("/object_info")))
    (refused,) = [event["data"] for event in server.watch(prompt) if event["type"] == "queued"]
    assert refused["status"] == 400
    wrong = {
        (node["class_type"], error["extra_info"]["input_name"])
        for node in refused["body"]["node_errors"].values()
        for error in node["errors"]
    }
    assert wrong == {("CheckpointLoaderSimple", "ckpt_name")}
