from typing import Any

import pytest

from motionweave.errors import WorkflowError
from motionweave.host.catalogue import Catalogue, build_catalogue
from motionweave.host.graph import Graph, Link
from motionweave.host.v3 import io
from motionweave.host.workflow import graph_from_json

INNER, OUTER = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"


def kind(id: str, inputs: list[io.Input], outputs: list[Any]) -> type[io.ComfyNode]:
    schema = io.Schema(id, inputs=inputs, outputs=outputs)
    return type(id, (io.ComfyNode,), {"define_schema": classmethod(lambda _: schema)})


CATALOGUE: Catalogue = build_catalogue(
    [
        kind("Load", [io.String.Input("name")], [io.Image.Output()]),
        kind("Count", [io.Int.Input("value")], [io.Int.Output()]),
        kind("Blur", [io.Image.Input("image"), io.Int.Input("radius", default=1)], [io.Image.Output()]),
        kind("Save", [io.Image.Input("images")], []),
    ]
)


def socket(name: str, type: str = "IMAGE", link: int | None = None, widget: bool = False) -> dict[str, Any]:
    return {"name": name, "type": type, "link": link} | ({"widget": {"name": name}} if widget else {})


def wire(id: int, origin: int, origin_slot: int, target: int, target_slot: int, type: str = "IMAGE") -> dict[str, Any]:
    ends = {"origin_id": origin, "origin_slot": origin_slot, "target_id": target, "target_slot": target_slot}
    return {"id": id, "type": type, **ends}


BLUR = {
    "id": 2,
    "type": "Blur",
    "inputs": [socket("image", link=1), socket("radius", "INT", 2, widget=True)],
    "outputs": [socket("IMAGE")],
    "widgets_values": [3],
}

SOFTEN = {
    "id": INNER,
    "version": 1,
    "name": "Soften",
    "inputs": [{"name": "picture", "type": "IMAGE"}, {"name": "amount", "type": "INT"}],
    "outputs": [{"name": "result", "type": "IMAGE"}],
    "nodes": [BLUR],
    "links": [wire(1, -10, 0, 2, 0), wire(2, -10, 1, 2, 1, "INT"), wire(3, 2, 0, -20, 0)],
}

LOAD = {"id": 1, "type": "Load", "outputs": [socket("IMAGE")], "widgets_values": ["a.png"]}


def save(id: int, link: int) -> dict[str, Any]:
    return {"id": id, "type": "Save", "inputs": [socket("images", link=link)]}


def instance(
    id: int, type: str = INNER, image: int | None = 1, amount: int | None = None, **more: Any
) -> dict[str, Any]:
    inputs = [socket("picture", link=image), socket("amount", "INT", amount, widget=True)]
    return {"id": id, "type": type, "inputs": inputs, "outputs": [socket("result")], **more}


def canvas(nodes: list[Any], links: list[Any], subgraphs: list[Any] | None = None) -> Graph:
    data = {"nodes": nodes, "links": links, "definitions": {"subgraphs": subgraphs or [SOFTEN]}}
    return graph_from_json(data, "x.json", CATALOGUE)


LINKS = [[1, 1, 0, 5, 0, "IMAGE"], [2, 5, 0, 9, 0, "IMAGE"]]


def radius(**more: Any) -> Any:
    return canvas([LOAD, instance(5, **more), save(9, 2)], LINKS).nodes["5:2"].inputs["radius"]


def test_a_subgraph_is_unfolded_with_its_own_id_in_front():
    made = canvas([LOAD, instance(5), save(9, 2)], LINKS)
    assert set(made.nodes) == {"1", "5:2", "9"}
    assert made.nodes["5:2"].inputs["image"] == Link("1", 0)
    assert made.nodes["9"].inputs["images"] == Link("5:2", 0)


def test_each_instance_of_one_definition_gets_its_own_nodes_and_values():
    first, second = instance(5, widgets_values=[7]), instance(6, image=2, widgets_values=[8])
    links = [[1, 1, 0, 5, 0, "IMAGE"], [2, 5, 0, 6, 0, "IMAGE"], [3, 6, 0, 9, 0, "IMAGE"]]
    made = canvas([LOAD, first, second, save(9, 3)], links)
    assert made.nodes["6:2"].inputs == {"image": Link("5:2", 0), "radius": 8}
    assert made.nodes["5:2"].inputs == {"image": Link("1", 0), "radius": 7}


def test_an_inner_value_stands_where_the_instance_says_nothing():
    assert radius() == 3


@pytest.mark.parametrize(
    "kept",
    [
        {"widgets_values": [7]},
        {"widgets_values": [6], "widgets_values_named": {"amount": 7}},
        {"widgets_values": [7], "properties": {"proxyWidgets": [["-1", "amount"]]}},
        {"widgets_values": [7], "properties": {"proxyWidgets": [["2", "radius"]]}},
    ],
)
def test_a_promoted_value_wins_over_the_inner_one(kept):
    assert radius(**kept) == 7


def test_a_wire_from_outside_wins_over_a_promoted_value():
    count = {"id": 3, "type": "Count", "outputs": [socket("INT", "INT")], "widgets_values": [4]}
    links = [*LINKS, [3, 3, 0, 5, 1, "INT"]]
    made = canvas([LOAD, count, instance(5, amount=3, widgets_values=[7]), save(9, 2)], links)
    assert made.nodes["5:2"].inputs["radius"] == Link("3", 0)


def test_a_primitive_outside_reaches_a_widget_inside():
    primitive = {"id": 3, "type": "PrimitiveNode", "outputs": [socket("INT", "INT")], "widgets_values": [4, "fixed"]}
    links = [*LINKS, [3, 3, 0, 5, 1, "INT"]]
    made = canvas([LOAD, primitive, instance(5, amount=3, widgets_values=[7]), save(9, 2)], links)
    assert made.nodes["5:2"].inputs["radius"] == 4


NEST = {
    "id": OUTER,
    "name": "Nest",
    "inputs": [{"name": "picture", "type": "IMAGE"}, {"name": "amount", "type": "INT"}],
    "outputs": [{"name": "result", "type": "IMAGE"}],
    "nodes": [instance(5, image=1, amount=2)],
    "links": [wire(1, -10, 0, 5, 0), wire(2, -10, 1, 5, 1, "INT"), wire(3, 5, 0, -20, 0)],
}


def test_subgraphs_within_subgraphs_are_unfolded_all_the_way():
    links = [[1, 1, 0, 6, 0, "IMAGE"], [2, 6, 0, 9, 0, "IMAGE"]]
    made = canvas([LOAD, instance(6, OUTER, widgets_values=[7]), save(9, 2)], links, [SOFTEN, NEST])
    assert set(made.nodes) == {"1", "6:5:2", "9"}
    assert made.nodes["6:5:2"].inputs == {"image": Link("1", 0), "radius": 7}
    assert made.nodes["9"].inputs["images"] == Link("6:5:2", 0)


def test_a_muted_subgraph_takes_its_content_with_it():
    made = canvas([LOAD, instance(5, mode=2), save(9, 2)], LINKS)
    assert set(made.nodes) == {"1", "9"}
    assert "images" not in made.nodes["9"].inputs


def test_a_bypassed_subgraph_passes_on_what_comes_into_it():
    made = canvas([LOAD, instance(5, mode=4), save(9, 2)], LINKS)
    assert set(made.nodes) == {"1", "9"}
    assert made.nodes["9"].inputs["images"] == Link("1", 0)


def test_a_node_bypassed_inside_a_subgraph_is_passed():
    bypassed = {**SOFTEN, "nodes": [{**BLUR, "mode": 4}]}
    made = canvas([LOAD, instance(5), save(9, 2)], LINKS, [bypassed])
    assert made.nodes["9"].inputs["images"] == Link("1", 0)


def test_an_input_wired_straight_to_an_output_connects_outside_to_outside():
    straight = {**SOFTEN, "nodes": [], "links": [wire(1, -10, 0, -20, 0)]}
    made = canvas([LOAD, instance(5), save(9, 2)], LINKS, [straight])
    assert made.nodes["9"].inputs["images"] == Link("1", 0)


def test_a_subgraph_that_holds_itself_is_refused():
    endless = {**SOFTEN, "nodes": [instance(4)], "links": [wire(3, 4, 0, -20, 0)]}
    with pytest.raises(WorkflowError, match="itself"):
        canvas([LOAD, instance(5), save(9, 2)], LINKS, [endless])
