"""A .tflite file as objects, and back."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from .sharing_builder import SharingBuilder

WHILE = schema.BuiltinOperator.WHILE
_IDENTIFIER = b"TFL3"


def parse(content: bytes) -> Any:
    """Return the `schema.ModelT` of a file, constants that stand behind the model among its buffers."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    for buffer in model.buffers:
        if buffer.offset > 1:  # so ai-edge-quantizer writes large files
            buffer.data = np.frombuffer(content, np.uint8, buffer.size, buffer.offset)
            buffer.offset = buffer.size = 0
    return model


def pack(model: Any) -> bytes:
    """Return the file of a `schema.ModelT`: equal parts once, every buffer at a multiple of 16 bytes."""
    builder = SharingBuilder()
    builder.Finish(model.Pack(builder), _IDENTIFIER)
    return bytes(builder.Output())


def opcode(model: Any, op: Any) -> int:
    """Return the builtin operator of an op."""
    return model.operatorCodes[op.opcodeIndex].builtinCode


def called_graphs(model: Any, index: int | None = None) -> set[int]:
    """Return the conditions and bodies of all loops, or of those in one graph."""
    graphs = model.subgraphs if index is None else [model.subgraphs[index]]
    options = [op.builtinOptions for graph in graphs for op in graph.operators if opcode(model, op) == WHILE]
    return {index for each in options for index in (each.condSubgraphIndex, each.bodySubgraphIndex)}


def spread(content: bytes) -> bytes:
    """Return the file with a name of its own for every tensor, and a buffer of its own for every constant.

    Names begin with the number of the graph: GRAPH/TENSOR/NAME.
    """
    model = parse(content)
    taken: set[int] = set()
    for i, graph in enumerate(model.subgraphs):
        for j, tensor in enumerate(graph.tensors):
            tensor.name = f"{i}/{j}/{tensor.name.decode()}".encode()
            if tensor.buffer in taken and model.buffers[tensor.buffer].data is not None:
                model.buffers.append(copy.copy(model.buffers[tensor.buffer]))
                tensor.buffer = len(model.buffers) - 1
            taken.add(tensor.buffer)
            _trim(model.buffers[tensor.buffer], tensor)
    return pack(model)


def _trim(buffer: Any, tensor: Any) -> None:
    """Cut off what the converter leaves behind a constant that it has summed up."""
    if buffer.data is not None and tensor.type == schema.TensorType.FLOAT32 and tensor.shape is not None:
        buffer.data = buffer.data[: 4 * math.prod(tensor.shape)]
