"""Stores equal constants once, and removes buffers that nothing reads."""

from __future__ import annotations

from typing import Any

from ai_edge_litert import schema_py_generated as schema


def merge_equal_buffers(model: Any) -> None:
    """Keep one buffer for each different constant, and those of the metadata; remove the others."""
    index_of: dict[bytes, int] = {}
    buffers = [schema.BufferT()]  # buffer 0 is empty by convention: tensors without a constant refer to it
    for tensor in (tensor for graph in model.subgraphs for tensor in graph.tensors):
        data = model.buffers[tensor.buffer].data
        if data is None:
            tensor.buffer = 0
            continue
        key = bytes(data)
        if key not in index_of:
            index_of[key] = len(buffers)
            buffers.append(model.buffers[tensor.buffer])
        tensor.buffer = index_of[key]
    for entry in model.metadata or ():
        buffers.append(model.buffers[entry.buffer])
        entry.buffer = len(buffers) - 1
    model.buffers = buffers
