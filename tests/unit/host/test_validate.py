from pathlib import Path
from typing import Any

import pytest

from motionweave.errors import InputError, WorkflowError
from motionweave.host.catalogue import Catalogue, build_catalogue
from motionweave.host.context import local_runtime, running_on
from motionweave.host.graph import graph_from_prompt
from motionweave.host.v3 import io
from motionweave.host.validate import validate
from motionweave.runtime import Folders


def kind(id: str, inputs: list[io.Input], outputs: list[Any], is_output: bool = False) -> type[io.ComfyNode]:
    schema = io.Schema(id, inputs=inputs, outputs=outputs, is_output_node=is_output)
    return type(id, (io.ComfyNode,), {"define_schema": classmethod(lambda _: schema)})


class Even(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema("Even", inputs=[io.Int.Input("value", max=10)], outputs=[], is_output_node=True)

    @classmethod
    def validate_inputs(cls, value: int) -> bool | str:
        if value < 0:
            raise InputError("the value is negative")
        return True if value % 2 == 0 else "the value is odd"


CATALOGUE: Catalogue = build_catalogue(
    [
        kind("Load", [io.Combo.Input("image", options=[], upload=io.UploadType.image)], [io.Image.Output()]),
        kind("Sound", [], [io.Audio.Output()]),
        kind("Any", [io.AnyType.Input("source")], [io.AnyType.Output()]),
        kind("Either", [io.MultiType.Input("source", [io.Image, io.Mask])], [io.Image.Output()]),
        kind(
            "Sample",
            [
                io.Image.Input("image"),
                io.Int.Input("steps", min=1, max=100),
                io.Float.Input("cfg", min=0.0, max=20.0, optional=True),
                io.Boolean.Input("tiled", optional=True),
                io.Combo.Input("sampler", options=["euler", "heun"], optional=True),
                io.String.Input("text", optional=True),
            ],
            [io.Image.Output()],
        ),
        kind("Save", [io.Image.Input("images")], [], is_output=True),
        Even,
    ]
)


@pytest.fixture(autouse=True)
def input_folder(tmp_path: Path):
    folders = Folders(tmp_path / "in", tmp_path / "out", tmp_path / "temp")
    folders.input.mkdir()
    (folders.input / "a.png").touch()
    with running_on(local_runtime(folders)):
        yield folders.input


def prompt(**changes: Any) -> dict[str, Any]:
    """Give load -> sample -> save, with some of the sampler's inputs changed; `...` takes one out."""
    inputs = {"image": ["1", 0], "steps": 20} | changes
    inputs = {name: value for name, value in inputs.items() if value is not ...}
    return {
        "1": {"class_type": "Load", "inputs": {"image": "a.png"}},
        "2": {"class_type": "Sample", "inputs": inputs, "_meta": {"title": "My Sampler"}},
        "3": {"class_type": "Save", "inputs": {"images": ["2", 0]}},
    }


def complaint(data: dict[str, Any]) -> str:
    with pytest.raises(WorkflowError) as caught:
        validate(graph_from_prompt(data), CATALOGUE)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def accept(data: dict[str, Any]) -> None:
    validate(graph_from_prompt(data), CATALOGUE)


def test_a_sound_workflow_is_accepted():
    accept(prompt(cfg=20, tiled=False, sampler="heun", text="hello"))


def test_an_unknown_node_is_named_with_what_to_do():
    said = complaint(prompt() | {"7": {"class_type": "VHS_LoadVideo", "inputs": {}, "_meta": {"title": "Driver"}}})
    for part in ("Driver", "7", "VHS_LoadVideo", "server"):
        assert part in said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"image": ...}, "IMAGE"),
        ({"steps": ...}, "INT"),
        ({"image": ["44", 0]}, "node 44"),
        ({"image": ["1", 3]}, "output 3"),
        ({"image": ["1", -1]}, "output -1"),
        ({"image": "a.png"}, "IMAGE"),
        ({"steps": 0}, "1"),
        ({"steps": 101}, "100"),
        ({"steps": "many"}, "number"),
        ({"steps": None}, "number"),
        ({"steps": 2.5}, "whole"),
        ({"steps": float("nan")}, "number"),
        ({"cfg": 20.5}, "20"),
        ({"cfg": "x"}, "number"),
        ({"tiled": "perhaps"}, "true or false"),
        ({"sampler": "hoin"}, "heun"),
        ({"text": {"a": 1}}, "text"),
    ],
)
def test_a_wrong_input_is_named_with_its_node_and_what_was_expected(changes, said):
    message = complaint(prompt(**changes))
    for part in ("My Sampler", "node 2", f"'{next(iter(changes))}'", said):
        assert part in message


def test_a_wire_of_the_wrong_type_names_both_types():
    message = complaint(prompt(image=["5", 0]) | {"5": {"class_type": "Sound", "inputs": {}}})
    for part in ("My Sampler", "node 2", "'image'", "AUDIO", "IMAGE"):
        assert part in message


@pytest.mark.parametrize("value", ["12", 12.0, 12])
def test_numbers_that_say_the_same_are_accepted(value):
    accept(prompt(steps=value))


def test_wires_of_any_type_and_of_one_of_several_types_fit():
    for middle in ("Any", "Either"):
        accept(prompt(image=["5", 0]) | {"5": {"class_type": middle, "inputs": {"source": ["1", 0]}}})
    sound = {"6": {"class_type": "Sound", "inputs": {}}}
    either = {"5": {"class_type": "Either", "inputs": {"source": ["6", 0]}}}
    assert "AUDIO" in complaint(prompt(image=["5", 0]) | either | sound)


def test_an_optional_input_may_be_left_out_but_not_wired_wrongly():
    accept(prompt(cfg=...))
    assert "cfg" in complaint(prompt(cfg=["1", 0]))


def test_inputs_that_the_node_does_not_have_are_passed_over():
    accept(prompt(audioUI=""))


def test_a_workflow_without_an_output_node_is_refused():
    data = prompt()
    del data["3"]
    assert "output node" in complaint(data)


def test_a_circle_is_named_node_by_node():
    data = prompt(image=["4", 0])
    data["4"] = {"class_type": "Sample", "inputs": {"image": ["2", 0], "steps": 1}, "_meta": {"title": "Other Sampler"}}
    message = complaint(data)
    assert "My Sampler" in message
    assert "Other Sampler" in message
    assert "node 3" not in message
    assert "circle" in complaint(prompt(image=["2", 0]))


def test_a_chain_of_thousands_of_nodes_is_walked():
    data = prompt()
    for id in range(10, 5010):
        data[str(id)] = {"class_type": "Sample", "inputs": {"image": [str(id - 1), 0], "steps": 1}}
    data["10"]["inputs"]["image"] = ["2", 0]
    data["3"]["inputs"]["images"] = ["5009", 0]
    accept(data)


def test_a_node_that_no_output_needs_may_be_unfinished():
    accept(prompt() | {"8": {"class_type": "Sample", "inputs": {}}})


def test_several_problems_are_counted():
    assert "1 more" in complaint(prompt(steps=0, cfg=99))


def test_a_file_is_judged_by_being_there_and_not_by_the_list(input_folder):
    data = prompt()
    (input_folder / "late.png").touch()
    data["1"]["inputs"]["image"] = "late.png"
    accept(data)
    data["1"]["inputs"]["image"] = "gone.png"
    assert "gone.png" in complaint(data)


@pytest.mark.parametrize("name", ["../a.png", "/etc/passwd", "C:\\a.png", "a.png [output]"])
def test_a_file_outside_its_folder_is_refused_before_anything_runs(name):
    data = prompt()
    data["1"]["inputs"]["image"] = name
    assert "node 1" in complaint(data)


@pytest.mark.parametrize(("value", "said"), [(3, "odd"), (-2, "negative")])
def test_a_node_judges_its_own_inputs(value, said):
    assert said in complaint({"1": {"class_type": "Even", "inputs": {"value": value}}})


def test_an_input_that_the_node_judges_is_not_held_against_its_range():
    accept({"1": {"class_type": "Even", "inputs": {"value": 12}}})
