"""Backends that run a trained model, and exporters that write it to one file."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from attrxfer.plugin.hookspecs import hookimpl

if TYPE_CHECKING:
    from attrxfer.plugin.registry import Registry


@hookimpl
def register_components(registry: Registry) -> None:
    if find_spec("torch") is not None:  # a backend runs a bundle's networks, which are torch modules
        _register_backends(registry)
    registry.exporter(
        "onnx", "attrxfer_backends.onnx:OnnxExporter", summary="an ONNX file, .onnx (extra export)", licence="MIT"
    )
    registry.exporter(
        "openvino",
        "attrxfer_backends.openvino:OpenVinoExporter",
        summary="OpenVINO's network and weights in one file, .ov (extra openvino)",
        licence="Apache-2.0",
    )
    registry.exporter(
        "openvino_bf16",
        "attrxfer_backends.openvino:OpenVinoHalfExporter",
        summary="the same, run in bfloat16 where the processor computes in it natively",
        licence="Apache-2.0",
    )
    registry.exporter(
        "onnx_int8",
        "attrxfer_backends.int8:Int8Exporter",
        summary="an ONNX file with convolutions in 8 bits, .onnx (extra export); takes sample images to measure value ranges",
        licence="MIT",
    )


def _register_backends(registry: Registry) -> None:
    registry.backend(
        "torch", "attrxfer_backends.eager:Eager", summary="torch, batch norm folded, channels last", licence="BSD-3-Clause"
    )
    registry.backend(
        "compile",
        "attrxfer_backends.eager:Compiled",
        summary="torch.compile; takes a C++ compiler, and a minute to start",
        licence="BSD-3-Clause",
    )
    registry.backend(
        "bf16",
        "attrxfer_backends.eager:HalfPrecision",
        summary="torch in bfloat16, where the processor computes in it natively",
        licence="BSD-3-Clause",
    )
    registry.backend("onnx", "attrxfer_backends.onnx:OnnxRuntime", summary="ONNX Runtime (extra export)", licence="MIT")
    registry.backend(
        "openvino", "attrxfer_backends.openvino:OpenVino", summary="OpenVINO (extra openvino)", licence="Apache-2.0"
    )
    registry.backend(
        "openvino_bf16",
        "attrxfer_backends.openvino:OpenVinoHalf",
        summary="OpenVINO in bfloat16, where the processor computes in it natively (extra openvino)",
        licence="Apache-2.0",
    )
