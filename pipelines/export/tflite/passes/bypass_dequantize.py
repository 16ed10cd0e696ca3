"""Connects integer ops to integer tensors directly.

ai-edge-quantizer sometimes leaves a DEQUANTIZE op in front of an op whose output is integer. The
interpreter refuses such an op, since its input is float32.
"""

from __future__ import annotations

from typing import Any

from ai_edge_litert import schema_py_generated as schema

from ..flatbuffer import opcode

_INTEGERS = (schema.TensorType.INT8, schema.TensorType.INT16)
_QUANTIZE, _DEQUANTIZE = schema.BuiltinOperator.QUANTIZE, schema.BuiltinOperator.DEQUANTIZE


def bypass_dequantize(model: Any) -> None:
    """Make every op with an integer output, except QUANTIZE, read the integer input of a DEQUANTIZE op."""
    for graph in model.subgraphs:
        integer_of = {
            op.outputs[0]: op.inputs[0] for op in graph.operators if opcode(model, op) == _DEQUANTIZE
        }
        for op in graph.operators:
            has_integer_output = graph.tensors[op.outputs[0]].type in _INTEGERS
            if opcode(model, op) != _QUANTIZE and has_integer_output:
                op.inputs = [integer_of.get(tensor, tensor) for tensor in op.inputs]
