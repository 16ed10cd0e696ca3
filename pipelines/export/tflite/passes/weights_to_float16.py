"""Stores the weights of a float32 model in float16, which halves them.

A DEQUANTIZE op in front of each weight turns it back into float32 at run time, so that the
model computes in float32. The converter's own float16 mode can't leave out single constants; here the ops
in the scope `layers.IN_FLOAT` (spectrograms) keep float32 constants, since their offsets and filters are
too small for float16. Files of four bits are to be small above all, so their matrices are stored in float16
there, too, wherever float16 holds them well enough.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from ..flatbuffer import constant, opcode, operator_code
from ..float_scope import ops_in_float_scope

_MIN_VALUES = 16  # a smaller constant saves less than its DEQUANTIZE op takes
_LARGE = 256  # values: below this, files of four bits keep float32
_ERROR = 2.0**-11  # the largest error, as a share of the largest number
_OF_MATRICES = (
    schema.BuiltinOperator.FULLY_CONNECTED,
    schema.BuiltinOperator.BATCH_MATMUL,
    schema.BuiltinOperator.GATHER,
)
_DEQUANTIZE_VERSION = 3  # the first that reads float16


def weights_to_float16(model: Any) -> None:
    """Store float32 constants of 16 values or more in float16."""
    code = operator_code(model, schema.BuiltinOperator.DEQUANTIZE, _DEQUANTIZE_VERSION)
    for graph in model.subgraphs:
        in_scope = {tensor for op in ops_in_float_scope(graph) for tensor in op.inputs}
        read = {tensor for op in graph.operators for tensor in op.inputs} - in_scope
        for index in sorted(read):
            if index >= 0 and _is_weight(model, graph.tensors[index]):
                graph.operators.insert(0, _dequantize(model, graph, index, code))


def matrices_to_float16(model: Any) -> None:
    """Store float32 matrices and tables of 256 values or more in float16, if no number is off by too much.

    Other constants stay: the rounded window of a spectrogram would hide quiet bands beside loud ones, and
    XNNPACK adds biases to products with integer weights only if they are constant.
    """
    code = operator_code(model, schema.BuiltinOperator.DEQUANTIZE, _DEQUANTIZE_VERSION)
    for graph in model.subgraphs:
        readers = [op for op in graph.operators if opcode(model, op) in _OF_MATRICES]
        read = {tensor for op in readers for tensor in op.inputs[:2]}
        for index in sorted(read):
            if _is_large(model, graph.tensors[index]):
                graph.operators.insert(0, _dequantize(model, graph, index, code))


def _is_large(model: Any, tensor: Any) -> bool:
    if not _is_weight(model, tensor) or len(model.buffers[tensor.buffer].data) < 4 * _LARGE:
        return False
    values = constant(model, tensor)
    with np.errstate(over="ignore"):
        error = np.abs(values - values.astype(np.float16))
    return bool(error.max() <= _ERROR * np.abs(values).max())


def _is_weight(model: Any, tensor: Any) -> bool:
    data = model.buffers[tensor.buffer].data
    is_float32 = tensor.type == schema.TensorType.FLOAT32
    return data is not None and is_float32 and len(data) >= 4 * _MIN_VALUES


def _dequantize(model: Any, graph: Any, index: int, code: int) -> Any:
    """Move a tensor's constant to a new float16 tensor; return the op that computes the old one from it."""
    tensor = graph.tensors[index]
    half = np.asarray(model.buffers[tensor.buffer].data).view(np.float32).astype(np.float16)
    model.buffers.append(schema.BufferT(data=half.view(np.uint8)))
    graph.tensors.append(copy.copy(tensor))
    graph.tensors[-1].type = schema.TensorType.FLOAT16
    graph.tensors[-1].buffer, tensor.buffer = len(model.buffers) - 1, 0
    return schema.OperatorT(opcodeIndex=code, inputs=[len(graph.tensors) - 1], outputs=[index])
