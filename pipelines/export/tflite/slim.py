"""What a .tflite file doesn't need, taken out of it: of a small one that is half."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from .flatbuffer import WHILE, called_graphs, opcode, pack, parse

_OF_THE_CONVERTER = b"CONVERSION_METADATA"
"""Metadata: which TensorFlow converted the file, and how."""


def slim(content: bytes) -> bytes:
    """Return the file with equal parts once, without what runs in vain, and without remarks.

    Names are kept of inputs and outputs, and of graphs that aren't parts of a loop.
    """
    model = parse(content)
    called = called_graphs(model)
    model.description = None
    for i, graph in enumerate(model.subgraphs):
        graph.name = None if i in called else graph.name
        for op in graph.operators:
            if opcode(model, op) == WHILE and _is_alone(model, op):
                _drop_idle_counters(model, graph, op)
    for i, graph in enumerate(model.subgraphs):
        moved = _drop_unused_tensors(graph)
        for each in [each for each in model.signatureDefs or [] if each.subgraphIndex == i]:
            for entry in (*each.inputs, *each.outputs):
                entry.tensorIndex = moved[entry.tensorIndex]
        kept = set() if i in called else {*graph.inputs, *graph.outputs}
        for j, tensor in enumerate(graph.tensors):
            tensor.name = re.sub(r"^\d+/\d+/", "", tensor.name.decode()) if j in kept else None
            _slim_quantization(tensor)
    _merge_buffers(model)
    return pack(model)


def _slim_quantization(tensor: Any) -> None:
    """Leave out the ranges that scales were made of, and what says nothing."""
    quantization = tensor.quantization
    if quantization is not None:
        quantization.min = quantization.max = None
        if quantization.scale is None or len(quantization.scale) == 0:
            tensor.quantization = None


def _is_alone(model: Any, op: Any) -> bool:
    """Say whether no other loop has the same body or condition."""
    ops = [each for graph in model.subgraphs for each in graph.operators if opcode(model, each) == WHILE]
    mine = {op.builtinOptions.condSubgraphIndex, op.builtinOptions.bodySubgraphIndex}
    used = [each.builtinOptions for each in ops]
    return sum(not mine.isdisjoint({each.condSubgraphIndex, each.bodySubgraphIndex}) for each in used) == 1


def _drop_idle_counters(model: Any, graph: Any, op: Any) -> None:
    """Take out of a loop what it counts and nobody reads; TensorFlow gives each one a counter of its own."""
    options = op.builtinOptions
    condition, body = (model.subgraphs[i] for i in (options.condSubgraphIndex, options.bodySubgraphIndex))
    for i in reversed(range(len(op.inputs))):
        carried, renewed = body.inputs[i], body.outputs[i]
        by = [each for each in body.operators if carried in each.inputs]
        if (
            len(by) == _readers(body, carried) == _readers(body, renewed) == 1
            and list(by[0].outputs) == [renewed]
            and _readers(condition, condition.inputs[i]) == _readers(graph, op.outputs[i]) == 0
        ):
            body.operators.remove(by[0])
            for holder in (op, condition, body):
                holder.inputs = np.delete(holder.inputs, i)
            for holder in (op, body):
                holder.outputs = np.delete(holder.outputs, i)


def _readers(graph: Any, tensor: int) -> int:
    """Return how many ops read the tensor, and how often it is an output."""
    return sum(tensor in op.inputs for op in graph.operators) + list(graph.outputs).count(tensor)


def _drop_unused_tensors(graph: Any) -> dict[int, int]:
    """Take out the tensors that nothing touches; return where the others went."""
    ops = [(op, name) for op in graph.operators for name in ("inputs", "outputs", "intermediates")]
    places = [(graph, "inputs"), (graph, "outputs"), *ops]
    places = [(holder, name) for holder, name in places if getattr(holder, name) is not None]
    used = sorted({int(tensor) for holder, name in places for tensor in getattr(holder, name)} - {-1})
    moved = {tensor: new for new, tensor in enumerate(used)} | {-1: -1}
    for holder, name in places:
        setattr(holder, name, np.array([moved[int(old)] for old in getattr(holder, name)], np.int32))
    graph.tensors = [graph.tensors[tensor] for tensor in used]
    return moved


def _merge_buffers(model: Any) -> None:
    """Leave each constant once, and none that nobody reads."""
    places: dict[bytes, int] = {}
    buffers = [schema.BufferT()]  # the first stands for no content
    for tensor in (tensor for graph in model.subgraphs for tensor in graph.tensors):
        data = model.buffers[tensor.buffer].data
        if data is None:
            tensor.buffer = 0
            continue
        key = bytes(data)
        if key not in places:
            places[key] = len(buffers)
            buffers.append(model.buffers[tensor.buffer])
        tensor.buffer = places[key]
    model.metadata = [each for each in model.metadata or [] if each.name != _OF_THE_CONVERTER] or None
    for entry in model.metadata or []:
        buffers.append(model.buffers[entry.buffer])
        entry.buffer = len(buffers) - 1
    model.buffers = buffers
