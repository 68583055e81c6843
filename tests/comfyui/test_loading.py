"""The pack, as a real ComfyUI loads it and offers it to the canvas."""

from pathlib import Path

import pytest

pytestmark = pytest.mark.comfyui

ROOT = Path(__file__).resolve().parents[2]
FOLDER = "ComfyUI-MotionWeave"
WORKFLOWS = sorted((ROOT / "workflows").glob("*.json"))


def test_the_pack_loads_without_a_word_of_trouble(server, object_info):
    assert "IMPORT FAILED" not in server.log
    assert any(line.rstrip().endswith(FOLDER) and "seconds" in line for line in server.log.splitlines())
    trouble = ("warn", "error", "exception", "traceback", "deprecat", "cannot import", "failed")
    of_the_pack = [line for line in server.log.splitlines() if "motionweave" in line.lower()]
    assert not [line for line in of_the_pack if any(word in line.lower() for word in trouble)]


def test_comfyui_offers_exactly_the_nodes_that_the_host_lists(pack_nodes, host_node_ids):
    assert host_node_ids
    assert set(pack_nodes) == set(host_node_ids)
    assert all(id.startswith("MotionWeave") for id in pack_nodes)


def test_every_input_of_every_node_has_a_tooltip(pack_nodes):
    bare = [
        f"{id}.{name}"
        for id, info in pack_nodes.items()
        for kind in ("required", "optional")
        for name, spec in info["input"].get(kind, {}).items()
        if len(spec) < 2 or not spec[1].get("tooltip")
    ]
    assert not bare


def test_every_node_has_a_place_and_a_name_for_people(pack_nodes):
    for id, info in pack_nodes.items():
        assert info["category"].startswith("MotionWeave/"), id
        assert info["display_name"], id
        assert info["description"], id


def test_every_node_has_a_help_page(server, pack_nodes):
    for id in pack_nodes:
        page = server.fetch(f"/extensions/{FOLDER}/docs/{id}.md").decode("utf-8")
        assert page.strip(), id


def test_the_templates_menu_has_every_workflow_with_its_thumbnail(server):
    assert WORKFLOWS
    assert sorted(server.get("/workflow_templates")[FOLDER]) == sorted(path.stem for path in WORKFLOWS)
    for path in WORKFLOWS:
        place = f"/api/workflow_templates/{FOLDER}/{path.stem}"
        assert server.fetch(f"{place}.json") == path.read_bytes()
        assert server.fetch(f"{place}.jpg").startswith(b"\xff\xd8\xff")


def test_the_canvas_gets_every_nodes_texts_in_every_language(server, pack_nodes):
    offered = server.get("/i18n")
    for language in (path.name for path in (ROOT / "locales").iterdir()):
        assert set(offered[language]["nodeDefs"]) >= set(pack_nodes)
        assert offered[language]["nodeDefs"]["MotionWeaveWeave"]["inputs"]["steps"]["tooltip"]
        assert "MOTIONWEAVE_CHUNKS" in offered[language]["dataTypes"]
