"""Gives every constant a buffer of its own.

Tensors that share a float32 constant may need it in integers of different scales.
"""

from __future__ import annotations

import copy
from typing import Any


def duplicate_shared_buffers(model: Any) -> None:
    """Copy each buffer that several tensors share; `merge_equal_buffers` undoes this."""
    taken: set[int] = set()
    for tensor in (tensor for graph in model.subgraphs for tensor in graph.tensors):
        if tensor.buffer in taken and model.buffers[tensor.buffer].data is not None:
            model.buffers.append(copy.copy(model.buffers[tensor.buffer]))
            tensor.buffer = len(model.buffers) - 1
        taken.add(tensor.buffer)
