"""An ONNX network for tests."""

from __future__ import annotations

from pathlib import Path


def write_onnx(path: Path, channels: int = 3) -> Path:
    """A network (N, channels, 8, 8) -> (N, 4 * channels): the mean of each channel in each quarter."""
    import onnx
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("AveragePool", ["images"], ["means"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Flatten", ["means"], ["embedding"], axis=1),
    ]
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", channels, 8, 8])
    embedding = helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 4 * channels])
    graph = helper.make_graph(nodes, "means", [images], [embedding])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path
