"""Writes an operator that fills a tensor with one number in every call."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from ..flatbuffer import add_constant, operator_code

DTYPES = {schema.TensorType.FLOAT32: "f4", schema.TensorType.INT16: "i2", schema.TensorType.INT8: "i1"}
"""The types that can be filled."""


def fill(model: Any, graph: Any, tensor: int, number: int) -> Any:
    """Return an op that fills a tensor of the graph; its constants are added to the graph.

    Args:
        model: a `schema.ModelT`.
        graph: the subgraph of the tensor.
        tensor: its index; its shape is known, its type one of DTYPES.
        number: as the tensor stores it.
    """
    filled = graph.tensors[tensor]
    value = add_constant(model, graph, np.array(number, DTYPES[filled.type]), filled.type)
    graph.tensors[value].quantization = copy.copy(filled.quantization)
    shape = np.array(filled.shape, np.int32)
    op = schema.OperatorT()
    op.opcodeIndex = operator_code(model, schema.BuiltinOperator.FILL, 3)
    op.builtinOptionsType = schema.BuiltinOptions.FillOptions
    op.builtinOptions = schema.FillOptionsT()
    op.inputs, op.outputs = [add_constant(model, graph, shape, schema.TensorType.INT32), value], [tensor]
    return op
