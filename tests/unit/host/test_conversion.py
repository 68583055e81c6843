"""Canvas to API format, rule by rule."""

import json

import pytest

from motionweave.errors import WorkflowError
from motionweave.host.workflow import graph_from_json


def node(id, kind, *, inputs=(), outputs=(), values=(), mode=0, **more):
    return {
        "id": id,
        "type": kind,
        "mode": mode,
        "inputs": [dict(zip(("name", "type", "link"), each, strict=True)) for each in inputs],
        "outputs": [{"name": kind, "type": kind} for kind in outputs],
        "widgets_values": list(values) if not isinstance(values, dict) else values,
        **more,
    }


def canvas(nodes, links, **more):
    return {"last_node_id": 99, "last_link_id": 99, "nodes": nodes, "links": links, "version": 0.4, **more}


def converted(data, catalogue):
    return graph_from_json(data, "test.json", catalogue).to_prompt()


def sampler(values=(), inputs=(), **more):
    return node(1, "Sampler", inputs=inputs, outputs=("INT", "IMAGE"), values=values, **more)


def show(link, id=2):
    return node(id, "Show", inputs=[("number", "INT", link)])


def test_values_go_to_required_widgets_first_and_past_the_seeds_control(catalogue):
    prompt = converted(canvas([sampler([7, "randomize", 30, "fast", "hi", True, 0.25])], []), catalogue)
    assert prompt["1"]["inputs"] == {
        "seed": 7, "steps": 30, "mode": "fast", "note": "hi", "tiled": True, "shift": 0.25,
    }  # fmt: skip


def test_a_list_without_the_control_is_read_as_well(catalogue):
    prompt = converted(canvas([sampler([7, 30, "fast"])], []), catalogue)
    assert prompt["1"]["inputs"]["steps"] == 30
    assert prompt["1"]["inputs"]["mode"] == "fast"


def test_missing_values_at_the_end_are_at_their_defaults(catalogue):
    inputs = converted(canvas([sampler([7, "fixed"])], []), catalogue)["1"]["inputs"]
    assert (inputs["steps"], inputs["mode"], inputs["shift"]) == (20, "good", 0.5)


def test_values_by_name_are_preferred_to_values_by_place(catalogue):
    data = canvas([sampler([7, "fixed", 30], widgets_values_named={"steps": 40, "unheard_of": 1})], [])
    assert converted(data, catalogue)["1"]["inputs"]["steps"] == 40


def test_values_in_an_object_are_read_by_name(catalogue):
    assert converted(canvas([sampler({"steps": 41})], []), catalogue)["1"]["inputs"]["steps"] == 41


def test_links_are_arrays_in_one_format_and_objects_in_the_other(catalogue):
    link = {"id": 5, "origin_id": 1, "origin_slot": 0, "target_id": 2, "target_slot": 0, "type": "INT"}
    for links in ([list(link.values())], [link]):
        prompt = converted(canvas([sampler(), show(5)], links), catalogue)
        assert prompt["2"]["inputs"] == {"number": ["1", 0]}


def test_a_link_on_a_widget_overrides_its_value(catalogue):
    data = canvas(
        [node(3, "PrimitiveInt", outputs=("INT",), values=[12, "fixed"]), sampler([1], [("steps", "INT", 5)])],
        [[5, 3, 0, 1, 0, "INT"]],
    )
    prompt = converted(data, catalogue)
    assert prompt["1"]["inputs"]["steps"] == ["3", 0]
    assert prompt["3"]["inputs"] == {"value": 12}


def test_the_frontends_own_primitive_becomes_a_value(catalogue):
    data = canvas(
        [node(3, "PrimitiveNode", outputs=("INT",), values=[12, "fixed"]), sampler([1], [("steps", "INT", 5)])],
        [[5, 3, 0, 1, 0, "INT"]],
    )
    prompt = converted(data, catalogue)
    assert prompt["1"]["inputs"]["steps"] == 12
    assert set(prompt) == {"1"}


def test_notes_are_left_out_and_reroutes_are_followed(catalogue):
    data = canvas(
        [
            sampler(),
            node(3, "Reroute", inputs=[("", "*", 5)], outputs=("*",)),
            node(4, "Reroute", inputs=[("", "*", 6)], outputs=("*",)),
            node(5, "Note", values=["hello"]),
            node(6, "MarkdownNote", values=["hello"]),
            show(7),
        ],
        [[5, 1, 0, 3, 0, "*"], [6, 3, 0, 4, 0, "*"], [7, 4, 0, 2, 0, "*"]],
    )
    prompt = converted(data, catalogue)
    assert set(prompt) == {"1", "2"}
    assert prompt["2"]["inputs"] == {"number": ["1", 0]}


def test_a_muted_source_leaves_a_socket_free_and_a_widget_at_its_own_value(catalogue):
    data = canvas(
        [
            node(3, "PrimitiveInt", outputs=("INT",), values=[12], mode=2),
            sampler([1, "fixed", 33], [("steps", "INT", 5)]),
        ],
        [[5, 3, 0, 1, 0, "INT"]],
    )
    prompt = converted(data, catalogue)
    assert set(prompt) == {"1"}
    assert prompt["1"]["inputs"]["steps"] == 33


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ([("a", "IMAGE", 5)], ["3", 0]),
        ([("x", "INT", None), ("a", "IMAGE", 5)], ["3", 0]),
        ([("x", "INT", 5)], None),
        ([], None),
    ],
)
def test_a_bypassed_node_passes_on_its_first_input_of_the_outputs_type(catalogue, inputs, expected):
    data = canvas(
        [
            node(3, "LoadImage", outputs=("IMAGE", "MASK"), values=["picture.png", "image"]),
            node(4, "ImageInvert", inputs=inputs, outputs=("IMAGE",), mode=4),
            node(2, "PreviewImage", inputs=[("images", "IMAGE", 6)]),
        ],
        [[5, 3, 0, 4, 0, "IMAGE"], [6, 4, 0, 2, 0, "IMAGE"]],
    )
    prompt = converted(data, catalogue)
    assert set(prompt) == {"2", "3"}
    assert prompt["2"]["inputs"].get("images") == expected


def test_an_upload_buttons_value_is_no_input(catalogue):
    prompt = converted(canvas([node(3, "LoadImage", values=["picture.png", "image"])], []), catalogue)
    assert prompt["3"]["inputs"] == {"image": "picture.png"}


def subgraph(nodes, links, inputs=("steps",), id="def-1"):
    return {
        "id": id,
        "version": 1,
        "inputs": [{"id": name, "name": name, "type": "INT"} for name in inputs],
        "outputs": [{"id": "out", "name": "number", "type": "INT"}],
        "nodes": nodes,
        "links": links,
    }


def link(id, origin, origin_slot, target, target_slot):
    keys = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    return dict(zip(keys, (id, origin, origin_slot, target, target_slot, "INT"), strict=True))


INNER = subgraph([sampler([1, "fixed", 33], [("steps", "INT", 1)])], [link(1, -10, 0, 1, 0), link(2, 1, 0, -20, 0)])


def test_each_instance_of_a_subgraph_is_unfolded_under_its_own_prefix(catalogue):
    five = node(5, "def-1", inputs=[("steps", "INT", None)], outputs=("INT",), widgets_values_named={"steps": 50})
    six = node(6, "def-1", inputs=[("steps", "INT", 9)], outputs=("INT",))
    seven = node(7, "def-1", inputs=[("steps", "INT", None)], outputs=("INT",))
    data = canvas(
        [five, six, seven, node(8, "PrimitiveInt", outputs=("INT",), values=[60]), show(10)],
        [[9, 8, 0, 6, 0, "INT"], [10, 5, 0, 2, 0, "INT"]],
        definitions={"subgraphs": [INNER]},
    )
    prompt = converted(data, catalogue)
    assert set(prompt) == {"5:1", "6:1", "7:1", "8", "2"}
    assert [prompt[f"{id}:1"]["inputs"]["steps"] for id in (5, 6, 7)] == [50, ["8", 0], 33]
    assert prompt["2"]["inputs"] == {"number": ["5:1", 0]}


def test_promoted_widgets_of_the_older_frontend_are_read_by_their_proxies(catalogue):
    five = node(5, "def-1", inputs=[("steps", "INT", None)], outputs=("INT",), values=["fast", 51])
    five["properties"] = {"proxyWidgets": [["1", "mode"], ["-1", "steps"]]}
    prompt = converted(canvas([five], [], definitions={"subgraphs": [INNER]}), catalogue)
    assert prompt["5:1"]["inputs"]["steps"] == 51
    assert prompt["5:1"]["inputs"]["mode"] == "fast"


def test_subgraphs_nest(catalogue):
    outer = subgraph(
        [node(2, "def-1", inputs=[("steps", "INT", 1)], outputs=("INT",))],
        [link(1, -10, 0, 2, 0), link(2, 2, 0, -20, 0)],
        id="def-2",
    )
    six = node(6, "def-2", inputs=[("steps", "INT", None)], outputs=("INT",), widgets_values_named={"steps": 70})
    data = canvas([six, show(10, id=3)], [[10, 6, 0, 3, 0, "INT"]], definitions={"subgraphs": [INNER, outer]})
    prompt = converted(data, catalogue)
    assert prompt["6:2:1"]["inputs"]["steps"] == 70
    assert prompt["3"]["inputs"] == {"number": ["6:2:1", 0]}


@pytest.mark.parametrize("mode", [2, 4])
def test_a_muted_or_bypassed_subgraph_takes_its_content_with_it(catalogue, mode):
    five = node(5, "def-1", inputs=[("steps", "INT", 9)], outputs=("INT",), mode=mode)
    data = canvas(
        [five, node(8, "PrimitiveInt", outputs=("INT",), values=[60]), show(10)],
        [[9, 8, 0, 5, 0, "INT"], [10, 5, 0, 2, 0, "INT"]],
        definitions={"subgraphs": [INNER]},
    )
    prompt = converted(data, catalogue)
    assert set(prompt) == {"8", "2"}
    assert prompt["2"]["inputs"] == ({"number": ["8", 0]} if mode == 4 else {})


def test_a_subgraph_that_holds_itself_is_refused(catalogue):
    inner = subgraph([node(1, "def-1", outputs=("INT",))], [])
    data = canvas([node(5, "def-1", outputs=("INT",))], [], definitions={"subgraphs": [inner]})
    with pytest.raises(WorkflowError, match="holds itself"):
        converted(data, catalogue)


def test_reroutes_in_a_circle_are_refused(catalogue):
    data = canvas(
        [
            node(3, "Reroute", inputs=[("", "*", 6)], outputs=("*",)),
            node(4, "Reroute", inputs=[("", "*", 5)], outputs=("*",)),
            show(7),
        ],
        [[5, 3, 0, 4, 0, "*"], [6, 4, 0, 3, 0, "*"], [7, 4, 0, 2, 0, "*"]],
    )
    with pytest.raises(WorkflowError, match="circle"):
        converted(data, catalogue)


def test_a_link_that_is_not_in_the_file_names_the_input(catalogue):
    with pytest.raises(WorkflowError, match=r"'Show' \(node 2\): input 'number' .* link 5"):
        converted(canvas([sampler(), show(5)], []), catalogue)


def test_a_link_from_a_node_that_is_not_in_the_file_names_both(catalogue):
    with pytest.raises(WorkflowError, match=r"'Show' \(node 2\): input 'number' comes from node 44"):
        converted(canvas([show(5)], [[5, 44, 0, 2, 0, "INT"]]), catalogue)


def test_unknown_nodes_keep_their_kind_links_and_named_values(catalogue):
    unknown = node(3, "FarAway", inputs=[("image", "IMAGE", 5)], values={"speed": 3})
    data = canvas([sampler(), unknown], [[5, 1, 1, 3, 0, "IMAGE"]])
    assert converted(data, catalogue)["3"] == {
        "class_type": "FarAway", "inputs": {"speed": 3, "image": ["1", 1]}, "_meta": {"title": "FarAway"},
    }  # fmt: skip


def test_titles_are_the_artists_or_else_the_kinds(catalogue):
    prompt = converted(canvas([sampler(title="Mine"), node(2, "Show")], []), catalogue)
    assert [each["_meta"]["title"] for each in prompt.values()] == ["Mine", "Show"]
    assert converted(canvas([sampler()], []), catalogue)["1"]["_meta"]["title"] == "A Sampler"


def test_the_api_format_comes_back_as_it_was(catalogue):
    prompt = {
        "1": {"class_type": "Sampler", "inputs": {"seed": 1, "points": {"__value__": [1, 2]}}, "_meta": {"title": "S"}},
        "2": {"class_type": "Show", "inputs": {"number": ["1", 0]}, "_meta": {"title": "T"}},
    }
    assert converted(prompt, catalogue) == prompt
    assert graph_from_json(prompt, "x", catalogue).nodes["1"].inputs["points"] == [1, 2]


def test_what_a_client_posts_to_a_server_is_read_too(catalogue):
    prompt = {"1": {"class_type": "Sampler", "inputs": {}, "_meta": {"title": "S"}}}
    assert converted({"client_id": "x", "prompt": prompt}, catalogue) == prompt


@pytest.mark.parametrize("data", [[], {}, 5, None, {"a": 1}, {"nodes": 3}, {"1": {"inputs": {}}}])
def test_json_that_is_no_workflow_is_refused(catalogue, data):
    with pytest.raises(WorkflowError, match=r"^test.json is not a workflow"):
        converted(data, catalogue)


@pytest.mark.parametrize(
    "data",
    [
        {"nodes": [5], "links": []},
        {"nodes": [{"type": "Show"}], "links": []},
        {"nodes": [{"id": 1, "type": "Show"}], "links": [[1, 2]]},
        {"nodes": [{"id": 1, "type": "Show"}], "links": [[1, 2, "x", 3, 0, "INT"]]},
        {"nodes": [{"id": 1, "type": "Show"}, {"id": 1, "type": "Show"}], "links": []},
        {"nodes": [{"id": 1, "type": "Show", "inputs": 5}], "links": []},
        {"nodes": [{"id": 1, "type": "Show", "inputs": [5]}], "links": []},
        {"nodes": [{"id": 1, "type": "Show"}], "links": 5},
        {"nodes": [{"id": 1, "type": "Show"}], "links": [], "definitions": {"subgraphs": [5]}},
        {"nodes": [{"id": 1, "type": "Show", "properties": {"proxyWidgets": 5}}], "links": []},
        {"nodes": [{"id": 1, "type": "Note"}], "links": []},
        {"1": {"class_type": "Show", "inputs": []}},
        {"1": {"class_type": 5, "inputs": {}}},
    ],
    ids=lambda data: json.dumps(data)[:60],
)
def test_a_broken_workflow_is_refused_in_words(catalogue, data):
    with pytest.raises(WorkflowError):
        converted(data, catalogue)
