"""Graphs that run: order, lists, hidden values, errors, what is kept and what is reported."""

import json
import weakref
from dataclasses import replace

import pytest
import torch

from motionweave.errors import InputError, MediaError, MotionWeaveError
from motionweave.host.catalogue import build_catalogue
from motionweave.host.context import current_runtime
from motionweave.host.core import CORE_NODES
from motionweave.host.graph import graph_from_prompt
from motionweave.host.run import run_graph
from motionweave.host.v3 import io
from motionweave.runtime import Folders
from motionweave.types import Progress

EXPECTED = {"1": {"class_type": "Probe", "inputs": {"value": 5}, "_meta": {"title": "The probe"}}}


def run(place, nodes, prompt, **options):
    return run_graph(graph_from_prompt(prompt), build_catalogue((*CORE_NODES, *nodes)), place.runtime, **options)


def probe(execute, *, outputs=(), **schema):
    """A node of one input whose `execute` is the given function."""

    class Probe(io.ComfyNode):
        @classmethod
        def define_schema(cls):
            options = {"node_id": "Probe", "inputs": [io.AnyType.Input("value", optional=True)], "is_output_node": True}
            return io.Schema(**{**options, "outputs": list(outputs), **schema})

    Probe.execute = classmethod(execute)
    return Probe


def gives(returned):
    """An `execute` that returns always the same."""

    def execute(cls, value=None):
        return returned

    return execute


def one(value=None, **more):
    return {"1": {"class_type": "Probe", "inputs": {} if value is None else {"value": value}, **more}}


def through(source):
    """The value that a Probe gives, shown by PreviewAny."""
    return {**source, "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}}}


def test_a_picture_goes_in_and_comes_out_with_its_workflow(place):
    prompt = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "picture.png"}, "_meta": {"title": "Reference"}},
        "2": {"class_type": "ImageScaleBy", "inputs": {"image": ["1", 0], "upscale_method": "area", "scale_by": 2.0}},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "a/b"}},
    }
    report = run(place, [], prompt)
    from PIL import Image

    assert [output.path for output in report.outputs] == [str((place.folders.output / "a" / "b_00001_.png").resolve())]
    assert (report.outputs[0].frames, report.outputs[0].size) == (1, (96, 64))
    with Image.open(report.outputs[0].path) as image:
        assert json.loads(image.info["prompt"])["1"]["inputs"] == {"image": "picture.png"}
        assert "workflow" not in image.info


def test_only_what_an_output_needs_runs_and_each_node_once(place):
    ran = []

    def execute(cls, value=None):
        ran.append(cls.hidden.unique_id)
        return io.NodeOutput(value)

    node = probe(
        execute, outputs=[io.AnyType.Output(display_name="any")], is_output_node=False, hidden=[io.Hidden.unique_id]
    )
    prompt = {
        "9": {"class_type": "PreviewAny", "inputs": {"source": ["b", 0]}},
        "8": {"class_type": "PreviewAny", "inputs": {"source": ["a", 0]}},
        "a": {"class_type": "Probe", "inputs": {"value": 1}},
        "b": {"class_type": "Probe", "inputs": {"value": ["a", 0]}},
        "unused": {"class_type": "Probe", "inputs": {"value": ["b", 0]}},
    }
    assert run(place, [node], prompt).texts == ("1", "1")
    assert ran == ["a", "b"]


def test_a_value_is_let_go_after_its_last_use(place):
    seen = []

    class Thing:
        pass

    def make(cls, value=None):
        thing = Thing()
        seen.append(weakref.ref(thing))
        return io.NodeOutput(thing)

    class After(io.ComfyNode):
        @classmethod
        def define_schema(cls):
            return io.Schema(node_id="After", inputs=[io.AnyType.Input("value")], is_output_node=True)

        @classmethod
        def execute(cls, value):
            return io.NodeOutput(ui={value: [seen[0]() is None]})

    node = probe(make, outputs=[io.AnyType.Output(display_name="any")], is_output_node=False)
    prompt = through(one())
    prompt["3"] = {"class_type": "After", "inputs": {"value": "text"}}
    assert run(place, [node, After], prompt).texts[-1] == "True"


def test_hidden_values_are_supplied_and_the_class_is_locked(place):
    seen = {}

    def execute(cls, value=None):
        seen.update(id=cls.hidden.unique_id, prompt=cls.hidden.prompt, extra=cls.hidden.extra_pnginfo)
        seen["unasked"] = cls.hidden.dynprompt
        cls.left_behind = 1

    node = probe(execute, hidden=[io.Hidden.unique_id])
    with pytest.raises(
        MotionWeaveError, match="Cannot modify class attribute 'left_behind' on locked class 'ProbeClone'"
    ):
        run(place, [node], one(5))
    assert (seen["id"], seen["extra"], seen["unasked"]) == ("1", None, None)
    assert seen["prompt"]["1"]["inputs"] == {"value": 5}
    assert not hasattr(node, "left_behind")


def test_async_nodes_are_awaited_and_all_run_in_inference_mode(place):
    async def execute(cls, value=None):
        return io.NodeOutput(torch.is_inference_mode_enabled())

    node = probe(execute, outputs=[io.AnyType.Output(display_name="any")])
    assert run(place, [node], through(one())).texts == ("True",)


@pytest.mark.parametrize("returned", [(3,), {"result": (3,)}, io.NodeOutput(3)])
def test_a_node_may_return_what_comfyui_takes(place, returned):
    node = probe(gives(returned), outputs=[io.Int.Output(display_name="number")])
    assert run(place, [node], through(one())).texts == ("3",)


def test_each_item_of_a_list_goes_on_by_itself(place):
    node = probe(
        gives(io.NodeOutput([1, 2, 3])),
        outputs=[io.AnyType.Output(display_name="l", is_output_list=True)],
    )
    assert run(place, [node], through(one())).texts == ("1", "2", "3")


def test_a_node_that_takes_lists_gets_them_whole(place):
    class Sum(io.ComfyNode):
        @classmethod
        def define_schema(cls):
            return io.Schema(
                node_id="Sum", inputs=[io.AnyType.Input("values")], is_input_list=True, is_output_node=True
            )

        @classmethod
        def execute(cls, values):
            return io.NodeOutput(ui={"text": [sum(values)]})

    node = probe(
        gives(io.NodeOutput([1, 2, 3])),
        outputs=[io.AnyType.Output(display_name="l", is_output_list=True)],
        is_output_node=False,
    )
    prompt = {**one(), "2": {"class_type": "Sum", "inputs": {"values": ["1", 0]}}}
    assert run(place, [node, Sum], prompt).texts == ("6",)


def failing(error):
    def execute(cls, value=None):
        raise error

    return probe(execute)


def test_a_refusal_stays_one_and_names_the_node(place):
    with pytest.raises(InputError, match=r"^'The probe' \(node 1\): too dark$") as refused:
        run(place, [failing(InputError("too dark"))], EXPECTED)
    assert isinstance(refused.value.__cause__, InputError)


def test_any_other_error_names_the_node_and_keeps_its_cause(place):
    with pytest.raises(MotionWeaveError, match=r"^'The probe' \(node 1\) failed: KeyError: 'x'$") as failed:
        run(place, [failing(KeyError("x"))], EXPECTED)
    assert isinstance(failed.value.__cause__, KeyError)
    with pytest.raises(MotionWeaveError, match=r"^'The probe' \(node 1\): a\.mp4: is broken$") as failed:
        run(place, [failing(MediaError("a.mp4", "is broken"))], EXPECTED)
    assert not isinstance(failed.value, InputError)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("no room"), KeyboardInterrupt()])
def test_running_out_of_memory_and_stopping_pass_as_they_are(place, error):
    with pytest.raises(type(error)) as passed:
        run(place, [failing(error)], EXPECTED)
    assert passed.value is error


def test_blocking_ends_the_run_with_its_reason(place):
    node = probe(gives(io.NodeOutput(block_execution="nobody in the picture")))
    with pytest.raises(InputError, match="nobody in the picture"):
        run(place, [node], EXPECTED)


def test_too_few_values_are_the_nodes_mistake(place):
    node = probe(gives(io.NodeOutput(1)), outputs=[io.Int.Output("a"), io.Int.Output("b")])
    with pytest.raises(MotionWeaveError, match="returned 1 values, and its schema has 2 outputs"):
        run(place, [node], EXPECTED)


def test_nodes_reach_the_runtime_of_the_run(place):
    heard, begun = [], []
    runtime = replace(place.runtime, on_progress=heard.append)
    step = Progress("denoise", 0, 2, 1, 4)

    def execute(cls, value=None):
        current_runtime().report(step)
        return io.NodeOutput(ui={"text": [str(current_runtime().folders.output)]})

    report = run_graph(graph_from_prompt(EXPECTED), build_catalogue([probe(execute)]), runtime, begun.append)
    assert heard == [step]
    assert begun == ["The probe"]
    assert report.texts == (str(place.folders.output),)


def test_the_report_has_chunks_outputs_and_memory_as_json(place):
    rows = [
        {"chunk": 0, "key": "a", "seconds": 1.5, "reused": True},
        {"chunk": 1, "key": "b", "seconds": 2.0, "reused": False},
    ]
    node = probe(gives(io.NodeOutput(ui={"motionweave": rows})))
    prompt = {
        **one(),
        "2": {"class_type": "LoadVideo", "inputs": {"file": "clip.mp4"}},
        "3": {
            "class_type": "SaveVideo",
            "inputs": {"video": ["2", 0], "filename_prefix": "v", "format": "auto", "codec": "auto"},
        },
    }
    report = run(place, [node], prompt)
    data = json.loads(report.to_json())
    assert report.reused_chunks == data["reused_chunks"] == 1
    assert data["chunks"] == rows
    assert data["peak_rss_mb"] > 1
    (output,) = data["outputs"]
    assert (output["frames"], output["fps"], output["size"]) == (12, "30000/1001", [48, 32])
    assert output["audio_s"] == pytest.approx(12 * 1001 / 30000, abs=1e-4)


def test_a_folder_that_cannot_be_written_is_refused_before_anything_runs(place, tmp_path):
    (tmp_path / "taken").touch()
    folders = Folders(place.folders.input, tmp_path / "taken" / "output", place.folders.temp)
    with pytest.raises(InputError, match="cannot be written"):
        run_graph(
            graph_from_prompt(one()), build_catalogue([failing(KeyError())]), replace(place.runtime, folders=folders)
        )
