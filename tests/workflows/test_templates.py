"""Every workflow of the Templates menu: it can be read, explains itself, has a small picture, and runs as it opens."""

import json
import re
from itertools import combinations
from pathlib import Path

import pytest
from PIL import Image

from motionweave.host import load_pack, read_prompt
from motionweave.host.object_info import catalogue_from_info
from motionweave.host.run import RunOptions, known_nodes, run_workflow
from motionweave.runtime import Folders

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / "workflows").glob("*.json"))
LARGEST_THUMBNAIL_BYTES = 40_000
NEEDS_A_CHECKPOINT = "from-text"
"""Draws its reference with ComfyUI's own nodes, which run in ComfyUI and with a file that does not come with it."""
LONG_S = 1.5
"""A workflow with more than this many seconds is run for half a second: that makes it quick, and not another one."""

each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


@pytest.fixture(scope="module")
def known():
    """Nodes of the pack and of the host, and those of ComfyUI that only a server runs, as it describes them."""
    core = json.loads(Path(__file__).with_name("core_nodes.json").read_text(encoding="utf-8"))
    return catalogue_from_info(core) | dict(known_nodes())


def canvas_of(path):
    return json.loads(path.read_text(encoding="utf-8"))


def fits(given, wanted):
    """Say whether the canvas would let an output into an input."""
    return wanted in ("*", given) or given == "*" or bool({*given.split(",")} & {*wanted.split(",")})


@each_workflow
def test_every_node_of_ours_is_known_and_every_picture_is_small(path, known):
    prompt = read_prompt(path, known)
    ours = {node["class_type"] for node in prompt.values() if node["class_type"].startswith("MotionWeave")}
    assert ours
    assert ours <= set(load_pack())
    picture = path.with_suffix(".jpg")
    assert picture.stat().st_size <= LARGEST_THUMBNAIL_BYTES
    assert Image.open(picture).format == "JPEG"


@each_workflow
def test_a_note_on_the_canvas_says_what_it_shows(path):
    notes = [node["widgets_values"][0] for node in canvas_of(path)["nodes"] if node["type"] == "MarkdownNote"]
    assert any(len(note) > 100 for note in notes)


@each_workflow
def test_every_input_that_must_be_connected_is_and_takes_what_it_gets(path, known):
    prompt = read_prompt(path, known)
    for id, node in prompt.items():
        for each in known[node["class_type"]].inputs:
            value = node["inputs"].get(each.id)
            assert value is not None or each.optional, f"{id} {node['class_type']}.{each.id} is open"
            if isinstance(value, list):
                source = known[prompt[value[0]]["class_type"]].outputs[value[1]]
                assert fits(source.type, each.type), f"{id} {node['class_type']}.{each.id}: {source.type}"


@each_workflow
def test_both_ends_of_every_link_know_of_it(path):
    canvas = canvas_of(path)
    nodes = {node["id"]: node for node in canvas["nodes"]}
    for id, source, slot, target, place, _ in canvas["links"]:
        assert id in nodes[source]["outputs"][slot]["links"]
        assert nodes[target]["inputs"][place]["link"] == id
    told = [each["link"] for node in nodes.values() for each in node["inputs"] if each["link"] is not None]
    assert sorted(told) == sorted(link[0] for link in canvas["links"])


@each_workflow
def test_no_node_lies_on_another(path):
    boxes = [(node["type"], *node["pos"], *node["size"]) for node in canvas_of(path)["nodes"]]
    for (name, x, y, width, height), (other, x2, y2, width2, height2) in combinations(boxes, 2):
        apart = x + width <= x2 or x2 + width2 <= x or y + height <= y2 or y2 + height2 <= y
        assert apart, f"{name} and {other}"


def test_every_node_of_the_pack_stands_in_a_template():
    shown = {node["type"] for path in WORKFLOWS for node in canvas_of(path)["nodes"]}
    assert set(load_pack()) - shown == set()


def test_every_help_page_names_a_template_in_which_its_node_stands():
    stands = {(node["type"], path.stem) for path in WORKFLOWS for node in canvas_of(path)["nodes"]}
    for page in (ROOT / "web" / "docs").glob("*.md"):
        named = re.search(r"^Template: `([a-z-]+)`", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert named, page.name
        assert (page.stem, named[1]) in stands, page.name


def test_the_page_of_templates_lists_each_once():
    page = (ROOT / "docs" / "templates.md").read_text(encoding="utf-8")
    listed = [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")]
    assert sorted(listed) == sorted(path.stem for path in WORKFLOWS)


@pytest.mark.slow
@each_workflow
def test_it_runs_and_saves_something(path, tmp_path):
    """As it opens, only shorter."""
    if path.stem == NEEDS_A_CHECKPOINT:
        pytest.skip("needs a Stable Diffusion checkpoint and ComfyUI's own nodes")
    overrides = []
    for id, node in read_prompt(path).items():
        overrides += [f"{id}.seconds=0.5"] if node["inputs"].get("seconds", 0) > LONG_S else []
        overrides += [f"{id}.steps=2"] if node["class_type"] == "MotionWeaveWeave" else []
    folders = Folders(tmp_path / "input", tmp_path / "output", tmp_path / "temp")
    report = run_workflow(path, RunOptions(folders, tuple(overrides)))
    assert report.outputs
    assert all(Path(output.path).stat().st_size for output in report.outputs)
