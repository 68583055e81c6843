"""From a trained torch network to an ONNX file with the published contract's names and free batch size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

HALVED_FROM = 256
"""Weights of at least this many numbers are stored in half precision; computing stays in float32."""


def export_onnx(
    module: nn.Module, path: Path, shape: tuple[int, ...], inputs: tuple[str, ...], outputs: tuple[str, ...]
) -> Path:
    """Write a network of one input.

    Args:
        module: Trained; it is put into evaluation mode.
        path: The .onnx to write.
        shape: An input's shape; its first axis is left free.
        inputs: Name of the input.
        outputs: Names of the outputs.

    Returns:
        The path.
    """
    import onnx

    path.parent.mkdir(parents=True, exist_ok=True)
    batch = torch.export.Dim("batch", min=1, max=4096)
    # Tracing with one item would take the batch for a constant.
    example = torch.zeros((2, *shape[1:]))
    program: Any = torch.onnx.export(
        module.eval().float(),
        (example,),
        dynamo=True,
        input_names=list(inputs),
        output_names=list(outputs),
        dynamic_shapes=({0: batch},),
        verbose=False,
    )
    model = program.model_proto
    halve_weights(model)
    forget_traces(model)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


def halve_weights(model: Any) -> None:
    """Store large weights in half precision, each followed by a cast that the runtime folds away when it loads.

    Args:
        model: An ONNX model, which is changed.
    """
    from onnx import TensorProto, helper, numpy_helper

    casts: list[Any] = []
    for weight in model.graph.initializer:
        values = numpy_helper.to_array(weight)
        if weight.data_type != TensorProto.FLOAT or values.size < HALVED_FROM:
            continue
        name = weight.name
        weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*casts, *nodes])


def forget_traces(model: Any) -> None:
    """Take out what the exporter notes of each node: source lines, with the paths of the machine that it ran on."""
    for holder in (model.graph, *model.functions):
        for each in (holder, *holder.node):
            del each.metadata_props[:]
        for node in holder.node:
            node.doc_string = ""
