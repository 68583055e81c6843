"""Every workflow of the Templates menu: it can be read, explains itself, has a small picture, and runs as it opens."""

import json
from pathlib import Path

import pytest
from PIL import Image

from motionweave.host import load_pack, read_prompt
from motionweave.host.run import RunOptions, run_workflow
from motionweave.runtime import Folders

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / "workflows").glob("*.json"))
LARGEST_THUMBNAIL_BYTES = 40_000
SHORTER = {
    "MotionWeaveSampleInputs": "seconds=0.5",
    "MotionWeaveAnimateLight": "seconds=0.5",
    "MotionWeaveCameraPath": "seconds=0.5",
    "MotionWeaveWeave": "steps=2",
}
"""What makes a run quick without making it another one."""

each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


@each_workflow
def test_every_node_of_ours_is_known_and_every_picture_is_small(path):
    prompt = read_prompt(path)
    known = load_pack()
    ours = {node["class_type"] for node in prompt.values() if node["class_type"].startswith("MotionWeave")}
    assert ours
    assert ours <= set(known)
    picture = path.with_suffix(".jpg")
    assert picture.stat().st_size <= LARGEST_THUMBNAIL_BYTES
    assert Image.open(picture).format == "JPEG"


@each_workflow
def test_a_note_on_the_canvas_says_what_it_shows(path):
    nodes = json.loads(path.read_text(encoding="utf-8"))["nodes"]
    notes = [node["widgets_values"][0] for node in nodes if node["type"] == "MarkdownNote"]
    assert any(len(note) > 100 for note in notes)


@pytest.mark.slow
@each_workflow
def test_it_runs_and_saves_something(path, tmp_path):
    """As it opens, only shorter."""
    nodes = {id: SHORTER.get(node["class_type"]) for id, node in read_prompt(path).items()}
    overrides = [f"{id}.{value}" for id, value in nodes.items() if value]
    folders = Folders(tmp_path / "input", tmp_path / "output", tmp_path / "temp")
    report = run_workflow(path, RunOptions(folders, tuple(overrides)))
    assert report.outputs
    assert all(Path(output.path).stat().st_size for output in report.outputs)
