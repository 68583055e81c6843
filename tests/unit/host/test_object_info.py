"""Conversion by what a server says about its nodes; expected values are those of the canvas's own "Export (API)"."""

import re
from datetime import date

import pytest

from motionweave.host.object_info import catalogue_from_info
from motionweave.host.texts import choose
from motionweave.host.workflow import graph_from_json

# As ComfyUI 0.33.0 describes them, shortened.
CODEC = {
    "codec": [
        "COMFY_DYNAMICCOMBO_V3",
        {"options": [{"key": "auto", "inputs": {"required": {}}}, {"key": "h264", "inputs": {"required": {
            "crf": ["FLOAT", {"default": 23.0}], "mask": ["MASK", {}]}}}]},
    ]
}  # fmt: skip
INFO = {
    "KSampler": {
        "input": {
            "required": {
                "model": ["MODEL", {}],
                "cfg": ["FLOAT", {"default": 8.0}],
                "seed": ["INT", {"default": 0, "control_after_generate": True}],
                "sampler_name": [["euler", "heun"], {}],
                "scheduler": ["COMBO", {"options": ["simple", "karras"]}],
                "wired": ["FLOAT", {"forceInput": True}],
            },
            "optional": {"denoise": ["FLOAT", {"default": 1.0}], "plain": ["INT", {}], "note": ["STRING", {}]},
        },
        "input_order": {"required": ["model", "seed", "cfg", "sampler_name", "scheduler", "wired"]},
        "output": ["LATENT"],
        "display_name": "KSampler",
    },
    "SaveVideo": {
        "input": {
            "required": {
                "video": ["VIDEO", {}],
                "filename_prefix": ["STRING", {"default": "video/ComfyUI"}],
                "format": [
                    "COMFY_DYNAMICCOMBO_V3",
                    {"options": [{"key": "auto", "inputs": {"required": CODEC}}, {"key": "mp4", "inputs": {
                        "required": CODEC}}]},
                ],
            },
            "optional": {"codec": ["COMBO", {"default": "auto", "options": ["auto"]}]},
        },
        "output": [],
        "output_node": True,
    },
    "Text": {
        "input": {"required": {"text": ["STRING", {"multiline": True, "dynamicPrompts": True}]}},
        "output": ["STRING"],
    },
    "Curve": {"input": {"required": {"panel": ["A_PANEL", {}], "n": ["INT", {"default": 1}]}}, "output": []},
    "CustomCombo": {"input": {"required": {"choice": ["COMBO", {"options": []}]}}, "output": ["STRING", "INT"]},
    "Load3D": {
        "input": {
            "required": {
                "model_file": ["COMBO", {"options": ["none"]}],
                "image": ["LOAD_3D", {}],
                "width": ["INT", {"default": 1024}],
                "height": ["INT", {"default": 1024}],
            }
        },
        "output": ["IMAGE"],
    },
    "ImageCompare": {
        "input": {
            "required": {"compare_view": ["IMAGECOMPARE", {"socketless": True}]},
            "optional": {"image_a": ["IMAGE", {}], "note": ["STRING", {}]},
        },
        "output": [],
    },
    "Broken": "no entry",
}  # fmt: skip
CATALOGUE = catalogue_from_info(INFO)


def converted(*nodes, links=(), **more):
    data = {"nodes": list(nodes), "links": list(links), **more}
    return {id: node["inputs"] for id, node in graph_from_json(data, "x", CATALOGUE).to_prompt().items()}


def inputs(kind, values, sockets=(), **more):
    return converted({"id": 1, "type": kind, "widgets_values": values, "inputs": list(sockets), **more})["1"]


def test_widgets_stand_in_the_servers_order_with_the_seeds_control_between():
    assert inputs("KSampler", [7, "randomize", 6.5, "heun", "karras", 0.5]) == {
        "seed": 7, "cfg": 6.5, "sampler_name": "heun", "scheduler": "karras", "denoise": 0.5, "plain": 0, "note": "",
    }  # fmt: skip


def test_missing_values_are_what_a_new_node_has():
    found = inputs("KSampler", [])
    assert found["sampler_name"] == "euler"
    assert found["scheduler"] == "simple"
    assert (found["seed"], found["plain"], found["note"]) == (0, 0, "")


def test_a_choice_brings_the_widgets_that_stand_behind_it():
    assert inputs("SaveVideo", ["v/x", "mp4", "h264", 30, "auto"]) == {
        "filename_prefix": "v/x", "format": "mp4", "format.codec": "h264", "format.codec.crf": 30, "codec": "auto",
    }  # fmt: skip


def test_values_of_an_older_node_still_fit_a_choice():
    assert inputs("SaveVideo", ["v/x", "auto", "auto"]) == {
        "filename_prefix": "v/x", "format": "auto", "format.codec": "auto", "codec": "auto",
    }  # fmt: skip


def test_values_by_name_reach_what_a_choice_brought():
    named = {"format": "mp4", "format.codec": "h264", "format.codec.crf": 18}
    found = inputs("SaveVideo", ["v/x", "auto", "auto"], widgets_values_named=named)
    assert (found["format"], found["format.codec"], found["format.codec.crf"]) == ("mp4", "h264", 18)


def test_a_packs_own_widget_is_known_by_its_socket():
    socket = {"name": "panel", "type": "A_PANEL", "link": None, "widget": {"name": "panel"}}
    assert inputs("Curve", [{"k": [1, 2]}, 3], [socket]) == {"panel": {"k": [1, 2]}, "n": 3}
    assert inputs("Curve", [3]) == {"n": 3}


def test_an_artists_own_list_sends_its_options_too():
    found = inputs("CustomCombo", ["b", 1, "a", "b", ""])
    assert found == {"choice": "b", "index": 1, "option1": "a", "option2": "b", "option3": ""}


def test_a_value_that_is_a_list_is_wrapped_so_that_it_is_no_link():
    socket = {"name": "panel", "type": "A_PANEL", "link": None, "widget": {"name": "panel"}}
    assert inputs("Curve", [["1", 0], 3], [socket])["panel"] == {"__value__": ["1", 0]}


def test_buttons_above_a_view_of_3d_are_no_values():
    found = inputs("Load3D", ["toy.glb", "upload3dmodel", "uploadExtraResources", "clear", "", 640, 480])
    assert found == {"model_file": "toy.glb", "image": "", "width": 640, "height": 480}


def test_what_only_shows_is_sent_as_it_is_new_and_has_no_place_among_the_values():
    assert inputs("ImageCompare", ["hi"]) == {"compare_view": {"__value__": ["", ""]}, "note": "hi"}


def test_kinds_that_are_not_described_are_unknown():
    assert "Broken" not in CATALOGUE


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        (r"{a|a} \{x|y\} {c{d|d}|cd} /* c */ b // d", "a {x|y} cd  b "),
        ("http://x", "http:"),
        ("{only}", "only"),
        ("{open|open", "open"),
        ("a } b | c", "a } b | c"),
        ("", ""),
    ],
)
def test_choices_and_comments_are_gone_when_a_text_is_sent(text, sent):
    assert choose(text) == sent


def test_only_texts_with_choices_are_changed():
    assert inputs("Text", ["a // b"]) == {"text": "a "}
    assert inputs("KSampler", [7, "fixed", 6.5, "heun", "karras", 0.5, 1, "{a|b}"])["note"] == "{a|b}"


def test_file_names_get_the_date_and_other_nodes_values():
    sampler = {"id": 2, "type": "KSampler", "title": "Mine", "widgets_values": [7, "fixed", 6.5, "he/un"]}
    name = "%date:yyyy-MM-dd%/%KSampler.seed%_%Nope.x%_%Mine.cfg%_%Mine.sampler_name%"
    saved = converted({"id": 1, "type": "SaveVideo", "widgets_values": [name]}, sampler)["1"]["filename_prefix"]
    assert saved == f"{date.today():%Y-%m-%d}/7_%Nope.x%_6.5_he_un"
    short = converted({"id": 1, "type": "SaveVideo", "widgets_values": ["%date:yy.M.d_hhmmss%"]})["1"][
        "filename_prefix"
    ]
    assert re.fullmatch(r"\d\d\.\d{1,2}\.\d{1,2}_\d{6}", short)


def subgraph(instance_values, instance_inputs=(), **instance):
    """A subgraph with a text (a labelled widget) and a number that two inner nodes take."""
    inner = [
        {"id": 5, "type": "Text", "inputs": [
            {"name": "text", "type": "STRING", "link": 1, "widget": {"name": "text"}}], "widgets_values": ["inner"]},
        {"id": 6, "type": "Curve", "inputs": [
            {"name": "n", "type": "INT", "link": 2, "widget": {"name": "n"}}], "widgets_values": [4]},
        {"id": 7, "type": "Curve", "inputs": [{"name": "panel", "type": "*", "link": 3}], "widgets_values": [9]},
    ]  # fmt: skip
    links = [
        {"id": 1, "origin_id": -10, "origin_slot": 1, "target_id": 5, "target_slot": 0, "type": "STRING"},
        {"id": 2, "origin_id": -10, "origin_slot": 0, "target_id": 6, "target_slot": 0, "type": "INT"},
        {"id": 3, "origin_id": -10, "origin_slot": 0, "target_id": 7, "target_slot": 0, "type": "*"},
    ]
    names = [{"name": "n", "type": "INT"}, {"name": "text", "type": "STRING"}]
    definition = {"id": "uuid", "nodes": inner, "links": links, "inputs": names}
    outer = {"id": 1, "type": "uuid", "inputs": list(instance_inputs), "widgets_values": instance_values, **instance}
    return converted(outer, definitions={"subgraphs": [definition]})


def test_a_subgraphs_values_stand_in_the_order_of_its_inputs_even_where_the_export_left_sockets_out():
    labelled = {"name": "text", "label": "prompt", "type": "STRING", "link": None, "widget": {"name": "text"}}
    found = subgraph([8, "outer"], [labelled])
    assert found["1:5"] == {"text": "outer"}
    assert found["1:6"] == {"n": 8}


def test_what_a_subgraphs_widget_says_reaches_every_socket_behind_it():
    assert subgraph([8, "outer"])["1:7"] == {"n": 9, "panel": 8}
    assert subgraph([])["1:7"] == {"n": 9, "panel": 4}
