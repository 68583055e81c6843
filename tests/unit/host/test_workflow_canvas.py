from typing import Any

import pytest

from motionweave.errors import WorkflowError
from motionweave.host.catalogue import Catalogue, build_catalogue
from motionweave.host.graph import Graph, Link
from motionweave.host.v3 import io
from motionweave.host.workflow import graph_from_json


def kind(id: str, inputs: list[io.Input], outputs: list[Any], is_output: bool = False) -> type[io.ComfyNode]:
    schema = io.Schema(id, inputs=inputs, outputs=outputs, is_output_node=is_output)
    return type(id, (io.ComfyNode,), {"define_schema": classmethod(lambda _: schema)})


CATALOGUE: Catalogue = build_catalogue(
    [
        kind("Load", [io.Combo.Input("image", options=[], upload=io.UploadType.image)], [io.Image.Output()]),
        kind("Invert", [io.Image.Input("image")], [io.Image.Output()]),
        kind(
            "Sample",
            [
                io.Image.Input("image", optional=True),
                io.Int.Input("seed", control_after_generate=True),
                io.Int.Input("steps", default=20),
                io.Float.Input("cfg", default=8.0),
                io.Combo.Input("sampler", options=["euler", "heun"]),
                io.Float.Input("wired", force_input=True, optional=True),
                io.Float.Input("denoise", default=1.0, optional=True),
            ],
            [io.Image.Output(), io.Int.Output()],
        ),
        kind("Parts", [io.Video.Input("video")], [io.Image.Output(), io.Audio.Output(), io.Float.Output()]),
        kind("Steps", [io.Int.Input("value")], [io.Int.Output()]),
        kind("Save", [io.Image.Input("images"), io.String.Input("prefix", default="x")], [], is_output=True),
    ]
)


def socket(name: str, type: str = "IMAGE", link: int | None = None, widget: bool = False) -> dict[str, Any]:
    return {"name": name, "type": type, "link": link} | ({"widget": {"name": name}} if widget else {})


def node(id: int, type: str, inputs: Any = (), outputs: str = "IMAGE", **more: Any) -> dict[str, Any]:
    sockets = [{"name": each, "type": each} for each in outputs.split()]
    return {"id": id, "type": type, "inputs": list(inputs), "outputs": sockets, **more}


def canvas(nodes: list[dict[str, Any]], links: list[Any]) -> Graph:
    return graph_from_json({"version": 0.4, "nodes": nodes, "links": links}, "x.json", CATALOGUE)


LOAD = node(1, "Load", widgets_values=["a.png", "image"])


def save(link: int | None) -> dict[str, Any]:
    return node(9, "Save", [socket("images", link=link)], outputs="", widgets_values=["out"])


def sample(values: Any, inputs: Any = (), **more: Any) -> dict[str, Any]:
    (made,) = [node(2, "Sample", inputs, "IMAGE INT", widgets_values=values, **more)]
    return dict(canvas([made], []).nodes["2"].inputs)


# Widget values


def test_values_are_taken_past_the_control_below_a_seed_and_sockets_take_none():
    found = sample([7, "randomize", 30, 6.5, "heun", 0.4])
    assert found == {"seed": 7, "steps": 30, "cfg": 6.5, "sampler": "heun", "denoise": 0.4}


@pytest.mark.parametrize("control", ["fixed", "increment", "decrement", "randomize"])
def test_every_control_is_passed_over(control):
    assert sample([7, control, 30, 6.5, "heun", 0.4])["steps"] == 30


def test_a_seed_without_a_control_beside_it_shifts_nothing():
    assert sample([7, 30, 6.5, "heun", 0.4])["denoise"] == 0.4


def test_a_short_list_leaves_later_widgets_at_their_defaults():
    assert sample([7, "fixed"]) == {"seed": 7, "steps": 20, "cfg": 8.0, "sampler": "euler", "denoise": 1.0}


def test_a_hole_in_the_list_leaves_that_widget_at_its_default():
    assert sample([7, "fixed", None, 6.5, "heun"])["steps"] == 20


def test_values_by_name_win_over_values_by_place():
    assert sample([7, "fixed", 30, 6.5, "heun"], widgets_values_named={"steps": 31})["steps"] == 31


def test_values_may_be_an_object():
    assert sample({"seed": 5, "sampler": "heun", "not_an_input": 1})["seed"] == 5
    assert "not_an_input" not in sample({"seed": 5, "not_an_input": 1})


def test_the_extra_value_of_an_upload_button_is_left_out():
    assert canvas([LOAD], []).nodes["1"].inputs == {"image": "a.png"}


@pytest.mark.parametrize(
    ("type", "values", "name"),
    [
        ("LoadImage", ["a.png", "image"], "image"),
        ("LoadVideo", ["v.mp4", "image"], "file"),
        ("LoadAudio", ["s.wav", None, ""], "audio"),
        ("LoadAudio", ["s.wav", ""], "audio"),
    ],
)
def test_core_loaders_read_every_shape_that_a_canvas_saved(type, values, name):
    from motionweave.host.core import CORE_NODES

    data = {"nodes": [node(1, type, widgets_values=values)], "links": []}
    made = graph_from_json(data, "x.json", build_catalogue(CORE_NODES))
    assert made.nodes["1"].inputs == {name: values[0]}


# Wires


@pytest.mark.parametrize("as_object", [False, True])
def test_links_may_be_lists_or_objects(as_object):
    keys = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    link: Any = [1, 1, 0, 9, 0, "IMAGE"]
    made = canvas([LOAD, save(1)], [dict(zip(keys, link, strict=True)) if as_object else link])
    assert made.nodes["9"].inputs["images"] == Link("1", 0)


def test_a_wire_is_found_by_its_id_where_its_slot_number_is_out_of_date():
    made = canvas([LOAD, save(1)], [[1, 1, 0, 9, 5, "IMAGE"]])
    assert made.nodes["9"].inputs == {"images": Link("1", 0), "prefix": "out"}


def test_node_ids_may_be_text():
    load = {**LOAD, "id": "load"}
    assert canvas([load, save(1)], [[1, "load", 0, 9, 0, "IMAGE"]]).nodes["9"].inputs["images"] == Link("load", 0)


def test_a_wire_into_a_widget_wins_over_its_value():
    steps = node(3, "Steps", outputs="INT", widgets_values=[12])
    two = node(2, "Sample", [socket("steps", "INT", 1, widget=True)], widgets_values=[7, "fixed", 30, 6.5, "heun"])
    assert canvas([steps, two], [[1, 3, 0, 2, 0, "INT"]]).nodes["2"].inputs["steps"] == Link("3", 0)


@pytest.mark.parametrize("links", [[], [[1, 44, 0, 9, 0, "IMAGE"]]])
def test_a_wire_whose_other_end_is_gone_names_the_node_and_the_input(links):
    with pytest.raises(WorkflowError, match=r"node 9.*images"):
        canvas([save(1)], links)


# Nodes that only help the artist


def test_notes_are_left_out():
    notes = [node(5, "Note", widgets_values=["hi"]), node(6, "MarkdownNote", widgets_values=["# hi"])]
    assert set(canvas([LOAD, *notes], []).nodes) == {"1"}


def test_reroutes_are_followed_one_through_another():
    first, second = node(3, "Reroute", [socket("", "*", 1)]), node(4, "Reroute", [socket("", "*", 2)])
    links = [[1, 1, 0, 3, 0, "IMAGE"], [2, 3, 0, 4, 0, "*"], [3, 4, 0, 9, 0, "IMAGE"]]
    made = canvas([LOAD, first, second, save(3)], links)
    assert set(made.nodes) == {"1", "9"}
    assert made.nodes["9"].inputs["images"] == Link("1", 0)


def test_a_reroute_with_nothing_behind_it_connects_nothing():
    made = canvas([node(3, "Reroute", [socket("", "*")]), save(1)], [[1, 3, 0, 9, 0, "*"]])
    assert "images" not in made.nodes["9"].inputs


def test_reroutes_in_a_circle_are_refused():
    first, second = node(3, "Reroute", [socket("", "*", 2)]), node(4, "Reroute", [socket("", "*", 1)])
    links = [[1, 3, 0, 4, 0, "*"], [2, 4, 0, 3, 0, "*"], [3, 3, 0, 9, 0, "*"]]
    with pytest.raises(WorkflowError, match="circle"):
        canvas([first, second, save(3)], links)


def test_a_primitive_writes_its_value_into_every_widget_it_is_wired_to():
    primitive = node(3, "PrimitiveNode", outputs="INT", widgets_values=[5, "randomize"])
    both = [node(id, "Sample", [socket("steps", "INT", id, widget=True)], widgets_values=[7, "fixed"]) for id in (4, 5)]
    made = canvas([primitive, *both], [[4, 3, 0, 4, 0, "INT"], [5, 3, 0, 5, 0, "INT"]])
    assert set(made.nodes) == {"4", "5"}
    assert [made.nodes[id].inputs["steps"] for id in ("4", "5")] == [5, 5]


# Muted and bypassed nodes


def test_a_muted_node_and_the_wires_from_it_are_left_out():
    made = canvas([{**LOAD, "mode": 2}, save(1)], [[1, 1, 0, 9, 0, "IMAGE"]])
    assert set(made.nodes) == {"9"}
    assert "images" not in made.nodes["9"].inputs


def test_a_widget_keeps_its_own_value_where_its_source_is_muted():
    steps = node(3, "Steps", outputs="INT", mode=2, widgets_values=[12])
    two = node(2, "Sample", [socket("steps", "INT", 1, widget=True)], widgets_values=[7, "fixed", 30])
    assert canvas([steps, two], [[1, 3, 0, 2, 0, "INT"]]).nodes["2"].inputs["steps"] == 30


def test_a_bypassed_node_passes_on_the_input_of_the_same_type():
    invert = node(2, "Invert", [socket("image", link=1)], mode=4)
    made = canvas([LOAD, invert, save(2)], [[1, 1, 0, 2, 0, "IMAGE"], [2, 2, 0, 9, 0, "IMAGE"]])
    assert set(made.nodes) == {"1", "9"}
    assert made.nodes["9"].inputs["images"] == Link("1", 0)


def test_a_bypassed_node_without_an_input_of_that_type_connects_nothing():
    parts = node(2, "Parts", [socket("video", "VIDEO")], "IMAGE AUDIO FLOAT", mode=4)
    assert "images" not in canvas([parts, save(1)], [[1, 2, 0, 9, 0, "IMAGE"]]).nodes["9"].inputs


def test_a_bypassed_node_passes_on_the_input_in_the_place_of_the_output_before_another_of_its_type():
    other = node(3, "Load", widgets_values=["b.png"])
    two = node(4, "Blend", [socket("first", link=1), socket("second", link=2)], "IMAGE IMAGE", mode=4)
    links = [[1, 1, 0, 4, 0, "IMAGE"], [2, 3, 0, 4, 1, "IMAGE"], [3, 4, 1, 9, 0, "IMAGE"]]
    assert canvas([LOAD, other, two, save(3)], links).nodes["9"].inputs["images"] == Link("3", 0)


def test_bypassed_nodes_in_a_row_are_all_passed():
    chain = [node(id, "Invert", [socket("image", link=id - 1)], mode=4) for id in (2, 3, 4)]
    links = [[1, 1, 0, 2, 0, "IMAGE"], [2, 2, 0, 3, 0, "IMAGE"], [3, 3, 0, 4, 0, "IMAGE"], [4, 4, 0, 9, 0, "IMAGE"]]
    assert canvas([LOAD, *chain, save(4)], links).nodes["9"].inputs["images"] == Link("1", 0)


# What is not known


def test_an_unknown_node_keeps_what_its_json_tells():
    made = canvas([node(5, "Other", [socket("amount", "INT", widget=True)], widgets_values=[3])], []).nodes["5"]
    assert (made.kind, made.inputs) == ("Other", {"amount": 3})


@pytest.mark.parametrize(
    ("nodes", "links"),
    [
        ([{"type": "Load"}], []),
        ([{"id": 1}], []),
        (["x"], []),
        ([LOAD, LOAD], []),
        ([LOAD], [[1, 2]]),
        ([LOAD], ["x"]),
        ([LOAD], [[1, 1, "a", 9, 0]]),
    ],
)
def test_a_broken_canvas_is_refused_with_one_line(nodes, links):
    with pytest.raises(WorkflowError) as caught:
        canvas(nodes, links)
    assert "\n" not in str(caught.value)
