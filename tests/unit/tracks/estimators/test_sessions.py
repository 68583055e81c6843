"""ONNX files of either published kind: free batch size, or one item at a time."""

import logging

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from motionweave.errors import MissingModelError
from motionweave.tracks.estimators.sessions import choose_providers, open_sessions, run_batched


def doubling(path, batch):
    """Write a network that doubles its input."""
    shape = [batch, 3]
    node = helper.make_node("Add", ["x", "x"], ["y"])
    graph = helper.make_graph(
        [node],
        "doubling",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, str(path))
    return path


@pytest.mark.parametrize("batch", ["N", 1, 2, 4])
def test_any_number_of_items_goes_through_any_batch_size(tmp_path, batch):
    (session,) = open_sessions(doubling(tmp_path / "net.onnx", batch))
    values = np.arange(15, dtype=np.float32).reshape(5, 3)
    (found,) = run_batched(session, values)
    np.testing.assert_array_equal(found, 2 * values)


def test_a_file_that_is_no_network_is_named(tmp_path):
    path = tmp_path / "yolox_broken.onnx"
    path.write_bytes(b"not a network")
    with pytest.raises(MissingModelError, match=r"yolox_broken\.onnx"):
        open_sessions(path)


def test_networks_that_are_used_together_say_where_they_run_once(tmp_path, caplog):
    paths = [doubling(tmp_path / name, "N") for name in ("a.onnx", "b.onnx")]
    with caplog.at_level(logging.WARNING):
        assert len(open_sessions(*paths)) == 2
    assert len(caplog.records) <= 1


def test_a_gpu_is_taken_where_the_runtime_has_one(caplog):
    with caplog.at_level(logging.WARNING):
        found = choose_providers(["CPUExecutionProvider", "CUDAExecutionProvider"], gpu_present=True)
    assert found == ["CUDAExecutionProvider", "CPUExecutionProvider"]
    assert not caplog.records


@pytest.mark.parametrize(("gpu", "advice"), [(True, "onnxruntime-gpu"), (False, "processor")])
def test_reading_on_the_processor_is_said_plainly(caplog, gpu, advice):
    with caplog.at_level(logging.WARNING):
        assert choose_providers(["AzureExecutionProvider", "CPUExecutionProvider"], gpu) == ["CPUExecutionProvider"]
    assert advice in caplog.text
