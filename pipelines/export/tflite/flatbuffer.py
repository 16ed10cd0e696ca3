"""Reads a .tflite file into objects of the schema, and writes them back."""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from .sharing_builder import SharingBuilder

WHILE = schema.BuiltinOperator.WHILE
_LAST_DEPRECATED = schema.BuiltinOperator.PLACEHOLDER_FOR_GREATER_OP_CODES
IDENTIFIER = b"TFL3"
"""Bytes 4 to 7 of every .tflite file."""

_TYPES = {
    schema.TensorType.FLOAT32: np.float32,
    schema.TensorType.INT8: np.int8,
    schema.TensorType.INT32: np.int32,
    schema.TensorType.INT64: np.int64,
}

# The fields in which an op (WHILE, IF, CALL_ONCE) names the subgraphs that it calls.
CALLED_FIELDS = (
    "condSubgraphIndex",
    "bodySubgraphIndex",
    "thenSubgraphIndex",
    "elseSubgraphIndex",
    "initSubgraphIndex",
)


def parse(content: bytes) -> Any:
    """Return the `schema.ModelT` of a .tflite file.

    Large files keep their constants after the flatbuffer; they are read into the model's buffers.
    """
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    for buffer in model.buffers:
        if buffer.offset > 1:
            buffer.data = np.frombuffer(content, np.uint8, buffer.size, buffer.offset)
            buffer.offset = buffer.size = 0
    return model


def pack(model: Any) -> bytes:
    """Return the .tflite file of a `schema.ModelT`.

    Parts with equal content are written once. Every buffer starts at a multiple of 16 bytes.
    """
    builder = SharingBuilder()
    builder.Finish(model.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())


def opcode(model: Any, op: Any) -> int:
    """Return the `schema.BuiltinOperator` number of an op."""
    return model.operatorCodes[op.opcodeIndex].builtinCode


def operator_code(model: Any, builtin: int, version: int) -> int:
    """Return the index of a builtin operator's code; it is added, with `version`, if the model lacks it.

    An existing code keeps its version: LiteRT runs all versions of an op with the same kernel.
    """
    for index, code in enumerate(model.operatorCodes):
        if code.builtinCode == builtin:
            return index
    code = schema.OperatorCodeT()
    code.builtinCode, code.deprecatedBuiltinCode = builtin, min(builtin, _LAST_DEPRECATED)
    code.version = version
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def constant(model: Any, tensor: Any) -> np.ndarray:
    """Return the values of a constant; none if the tensor isn't constant."""
    data = model.buffers[tensor.buffer].data
    if data is None:
        return np.zeros(0, _TYPES[tensor.type])
    return np.asarray(data, np.uint8).view(_TYPES[tensor.type]).reshape(tensor.shape)


def set_constant(model: Any, tensor: Any, values: np.ndarray) -> None:
    """Give a tensor these values, in its own type and in a buffer of its own."""
    data = np.ascontiguousarray(values, _TYPES[tensor.type]).reshape(-1).view(np.uint8)
    model.buffers.append(schema.BufferT(data=data))
    tensor.buffer = len(model.buffers) - 1


def add_constant(model: Any, graph: Any, values: np.ndarray, kind: int) -> int:
    """Add a constant to a subgraph, and return the index of its tensor.

    Args:
        model: the `schema.ModelT` of the subgraph.
        graph: the subgraph.
        values: the content, in the type that `kind` stands for.
        kind: one of `schema.TensorType`.
    """
    buffer, tensor = schema.BufferT(), schema.TensorT()
    buffer.data = values.ravel().view(np.uint8)
    model.buffers.append(buffer)
    tensor.shape, tensor.type = list(values.shape), kind
    tensor.name, tensor.buffer = b"constant", len(model.buffers) - 1
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def called_by(op: Any) -> list[int]:
    """Return the indices of the subgraphs that an op calls, such as the condition and body of a loop."""
    return [getattr(op.builtinOptions, field) for field in CALLED_FIELDS if hasattr(op.builtinOptions, field)]


def called_subgraphs(model: Any) -> set[int]:
    """Return the indices of all subgraphs that some op calls."""
    return {index for graph in model.subgraphs for op in graph.operators or () for index in called_by(op)}
