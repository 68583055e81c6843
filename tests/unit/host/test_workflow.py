import json
from pathlib import Path
from typing import Any

import pytest

from motionweave.errors import InputError, WorkflowError
from motionweave.host.catalogue import Catalogue, build_catalogue
from motionweave.host.graph import Graph, Link
from motionweave.host.v3 import io
from motionweave.host.workflow import apply_overrides, graph_from_json, read_workflow


class Make(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            "Make",
            display_name="Make Things",
            inputs=[
                io.Int.Input("seed"),
                io.Float.Input("strength"),
                io.Boolean.Input("loop"),
                io.Combo.Input("mode", options=["one", "two"]),
                io.String.Input("text"),
                io.Custom("CURVE").Input("curve", optional=True),
            ],
            outputs=[io.Image.Output(display_name="IMAGE")],
        )


class Keep(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema("Keep", inputs=[io.Image.Input("images")], is_output_node=True)


CATALOGUE: Catalogue = build_catalogue([Make, Keep])

API: dict[str, Any] = {
    "1": {
        "class_type": "Make",
        "inputs": {"seed": 3, "curve": {"__value__": [1, 2]}},
        "_meta": {"title": "v1.5 maker"},
    },
    "2": {"class_type": "Keep", "inputs": {"images": ["1", 0]}},
}


def graph(data: Any = None) -> Graph:
    return graph_from_json(API if data is None else data, "x.json", CATALOGUE)


def test_the_api_format_is_taken_as_it_is():
    made = graph()
    assert made.nodes["1"].inputs == {"seed": 3, "curve": [1, 2]}
    assert made.nodes["2"].inputs == {"images": Link("1", 0)}


def test_the_body_of_a_post_is_taken_for_its_prompt():
    assert graph({"prompt": API, "client_id": "x"}) == graph()


def test_the_api_format_comes_back_as_a_server_takes_it():
    prompt = graph().to_prompt()
    assert prompt["1"]["inputs"] == {"seed": 3, "curve": {"__value__": [1, 2]}}
    assert prompt["2"]["inputs"] == {"images": ["1", 0]}
    assert prompt["1"]["_meta"] == {"title": "v1.5 maker"}
    assert graph_from_json(json.loads(json.dumps(prompt)), "x.json", CATALOGUE) == graph()


def test_a_list_that_only_looks_like_a_link_survives_the_round_there_and_back():
    made = graph().with_inputs("1", {"curve": ["2", 0]})
    assert graph(made.to_prompt()).nodes["1"].inputs["curve"] == ["2", 0]


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(WorkflowError, match="nowhere"):
        read_workflow(tmp_path / "nowhere.json", CATALOGUE)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00", b"[]", b"{}", b'"x"', b'{"a": 1}', b'{"nodes": 3}'])
def test_a_file_that_is_no_workflow_is_refused_with_one_line(tmp_path: Path, content):
    path = tmp_path / "bad.json"
    path.write_bytes(content)
    with pytest.raises(WorkflowError, match=r"bad\.json") as caught:
        read_workflow(path, CATALOGUE)
    assert "\n" not in str(caught.value)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path):
    path = tmp_path / "marked.json"
    path.write_text(json.dumps(API), encoding="utf-8-sig")
    assert read_workflow(path, CATALOGUE) == graph()


def test_a_workflow_without_a_running_node_is_refused():
    with pytest.raises(WorkflowError, match="no node"):
        graph({"nodes": [{"id": 1, "type": "Note", "widgets_values": ["hi"]}], "links": []})


@pytest.mark.parametrize("broken", [{"class_type": 3, "inputs": {}}, {"class_type": "Make", "inputs": []}])
def test_a_broken_api_node_is_named(broken):
    with pytest.raises(WorkflowError, match="node 7"):
        graph({"7": broken})


def override(*texts: str, data: Any = None) -> dict[str, Any]:
    return dict(apply_overrides(graph(data), texts, CATALOGUE).nodes["1"].inputs)


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("1.seed=12", "seed", 12),
        ("1.strength=0.5", "strength", 0.5),
        ("1.strength=2", "strength", 2.0),
        ("1.loop=true", "loop", True),
        ("1.loop=0", "loop", False),
        ("1.mode=two", "mode", "two"),
        ("1.text=a=b, c.d", "text", "a=b, c.d"),
        ("1.text=", "text", ""),
        ("1.text=12", "text", "12"),
        ('1.curve={"0": 1}', "curve", {"0": 1}),
        ("v1.5 maker.seed=4", "seed", 4),
    ],
)
def test_a_value_is_set_by_id_or_title_in_the_type_of_its_input(text, name, value):
    changed = override(text)[name]
    assert changed == value
    assert type(changed) is type(value)


def test_setting_a_value_leaves_the_graph_it_came_from_alone():
    before = graph()
    apply_overrides(before, ["1.seed=99"], CATALOGUE)
    assert before == graph()


def test_the_last_of_two_values_for_one_input_wins():
    assert override("1.seed=1", "1.seed=2")["seed"] == 2


def test_the_canvas_workflow_is_not_kept_where_it_would_no_longer_be_true():
    canvas = {"nodes": [{"id": 1, "type": "Make", "widgets_values": [5]}], "links": []}
    assert graph(canvas).canvas == canvas
    assert apply_overrides(graph(canvas), ["1.seed=6"], CATALOGUE).canvas is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1.seed", "NODE.INPUT=VALUE"),
        ("9.seed=1", "v1.5 maker"),
        ("1.colour=1", "strength"),
        ("1.seed=many", "INT"),
        ("1.strength=x", "FLOAT"),
        ("1.loop=perhaps", "BOOLEAN"),
        ("1.curve={", "JSON"),
    ],
)
def test_a_value_that_cannot_be_set_is_refused_with_what_would_do(text, said):
    with pytest.raises(InputError) as caught:
        override(text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_title_of_two_nodes_is_refused_with_both_ids():
    both = {id: {"class_type": "Make", "inputs": {}, "_meta": {"title": "Twin"}} for id in ("1", "4")}
    with pytest.raises(InputError, match=r"1.*4"):
        override("Twin.seed=1", data=both)
    assert override("1.seed=1", data=both)["seed"] == 1
