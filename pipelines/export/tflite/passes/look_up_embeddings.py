"""Replaces GATHER by EMBEDDING_LOOKUP where it picks rows of a constant table.

Of the two, only EMBEDDING_LOOKUP reads a table of four bits. It takes a list of numbers, so a RESHAPE makes
one of them, and another one brings the rows into the shape that GATHER gives.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from ..flatbuffer import add_constant, opcode, operator_code

_BUILTIN, _TYPES = schema.BuiltinOperator, schema.TensorType


def look_up_embeddings(model: Any) -> None:
    """Replace every GATHER of rows of an even width from a float32 table; `model` is changed in place.

    LiteRT reads rows of an odd width wrongly: two numbers share a byte, and it takes each row to begin
    with a new one.
    """
    for graph in model.subgraphs:
        for op in list(graph.operators):
            if opcode(model, op) == _BUILTIN.GATHER and _is_lookup(model, graph, op):
                _replace(model, graph, op)


def _is_lookup(model: Any, graph: Any, op: Any) -> bool:
    table, rows = (graph.tensors[each] for each in op.inputs)
    data, made = model.buffers[table.buffer].data, graph.tensors[op.outputs[0]]
    is_table = data is not None and len(table.shape) == 2 and table.shape[1] % 2 == 0
    known = all(tensor.shapeSignature is None or min(tensor.shapeSignature) > 0 for tensor in (rows, made))
    types = (table.type, rows.type) == (_TYPES.FLOAT32, _TYPES.INT32)
    return is_table and known and types and not (op.builtinOptions.axis or op.builtinOptions.batchDims)


def _replace(model: Any, graph: Any, op: Any) -> None:
    """Put the RESHAPE in front of a GATHER and behind it, and make it an EMBEDDING_LOOKUP."""
    (table, rows), (made,) = op.inputs, op.outputs
    count = int(np.prod(graph.tensors[rows].shape))
    width = int(graph.tensors[table].shape[1])
    flat_rows = _like(graph, rows, [count], b"rows")
    flat = _like(graph, made, [count, width], b"embeddings")
    place = graph.operators.index(op)
    graph.operators.insert(place, _reshape(model, graph, rows, flat_rows))
    graph.operators.insert(place + 2, _reshape(model, graph, flat, made))
    op.opcodeIndex = operator_code(model, _BUILTIN.EMBEDDING_LOOKUP, 4)
    op.builtinOptions, op.builtinOptionsType = None, schema.BuiltinOptions.NONE
    op.inputs, op.outputs = [flat_rows, table], [flat]


def _like(graph: Any, tensor: int, shape: list[int], name: bytes) -> int:
    """Add a tensor with the type of another one, and return its index."""
    made = copy.copy(graph.tensors[tensor])
    made.shape, made.shapeSignature, made.buffer = shape, None, 0
    made.name = graph.tensors[tensor].name + b"/" + name
    graph.tensors.append(made)
    return len(graph.tensors) - 1


def _reshape(model: Any, graph: Any, given: int, made: int) -> Any:
    op = schema.OperatorT()
    op.opcodeIndex = operator_code(model, _BUILTIN.RESHAPE, 1)
    op.builtinOptionsType, op.builtinOptions = schema.BuiltinOptions.ReshapeOptions, schema.ReshapeOptionsT()
    op.builtinOptions.newShape = list(graph.tensors[made].shape)
    shape = np.array(graph.tensors[made].shape, np.int32)
    op.inputs, op.outputs = [given, add_constant(model, graph, shape, _TYPES.INT32)], [made]
    return op
