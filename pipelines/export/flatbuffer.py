"""A .tflite file as objects, and back."""

from __future__ import annotations

import copy
import math
import re
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

WHILE = schema.BuiltinOperator.WHILE
DEQUANTIZE = schema.BuiltinOperator.DEQUANTIZE
_IDENTIFIER = b"TFL3"
_ALIGNMENT = 16  # of every buffer, as the model's schema asks


def parse(content: bytes) -> Any:
    """Return the `schema.ModelT` of a file, constants that stand behind the model among its buffers."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    for buffer in model.buffers:
        if buffer.offset > 1:  # so ai-edge-quantizer writes large files
            buffer.data = np.frombuffer(content, np.uint8, buffer.size, buffer.offset)
            buffer.offset = buffer.size = 0
    return model


def pack(model: Any) -> bytes:
    """Return the file of a `schema.ModelT`, with every buffer at a multiple of 16 bytes."""
    builder = _AlignedBuilder(1024)
    builder.Finish(model.Pack(builder), _IDENTIFIER)
    return bytes(builder.Output())


class _AlignedBuilder(flatbuffers.Builder):
    """The builder, which leaves out the schema's alignment of byte vectors: weights ended up anywhere."""

    def StartVector(self, elem_size: int, num_elems: int, alignment: int) -> Any:  # noqa: N802, its name
        return super().StartVector(elem_size, num_elems, _ALIGNMENT if elem_size == 1 else alignment)


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


def _sets_a_state(model: Any, graph: Any, op: Any) -> bool:
    """Say whether an op fills a state of TFLite's LSTM with zeros, as in float16; it starts so anyway."""
    return opcode(model, op) == DEQUANTIZE and graph.tensors[op.outputs[0]].isVariable


def _slim_quantization(tensor: Any) -> None:
    """Leave out the ranges that scales were made of, and what says nothing."""
    quantization = tensor.quantization
    if quantization is not None:
        quantization.min = quantization.max = None
        if quantization.scale is None or len(quantization.scale) == 0:
            tensor.quantization = None


def _trim(buffer: Any, tensor: Any) -> None:
    """Cut off what the converter leaves behind a constant that it has summed up."""
    if buffer.data is not None and tensor.type == schema.TensorType.FLOAT32 and tensor.shape is not None:
        buffer.data = buffer.data[: 4 * math.prod(tensor.shape)]


def slim(content: bytes) -> bytes:
    """Return the file with equal constants once and no names but those of inputs and outputs.

    Of a small file the names are half.
    """
    model = parse(content)
    called = called_graphs(model)
    places: dict[bytes, int] = {}
    buffers = [schema.BufferT()]  # the first stands for no content
    for i, graph in enumerate(model.subgraphs):
        graph.operators = [op for op in graph.operators if not _sets_a_state(model, graph, op)]
        kept = set() if i in called else {*graph.inputs, *graph.outputs}
        for j, tensor in enumerate(graph.tensors):
            tensor.name = re.sub(r"^\d+/\d+/", "", tensor.name.decode()) if j in kept else None
            _slim_quantization(tensor)
            data = model.buffers[tensor.buffer].data
            if data is None:
                tensor.buffer = 0
                continue
            key = bytes(data)
            if key not in places:
                places[key] = len(buffers)
                buffers.append(model.buffers[tensor.buffer])
            tensor.buffer = places[key]
    for entry in model.metadata or []:
        buffers.append(model.buffers[entry.buffer])
        entry.buffer = len(buffers) - 1
    model.buffers = buffers
    return pack(model)
