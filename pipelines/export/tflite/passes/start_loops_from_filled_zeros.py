"""Lets loops start from zeros that are written when the file runs, and not stored in it.

A loop that collects its outputs starts from an array of zeros: 4 bytes for each unit and step, in the file.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from ..flatbuffer import WHILE, opcode
from .fill import DTYPES, fill

SMALLEST = 4096
"""Arrays of fewer bytes stay in the file: the operation takes about 300 bytes itself."""


def start_loops_from_filled_zeros(model: Any) -> None:
    """Replace large constant zeros that enter a loop by FILL; `model` is changed in place."""
    for graph in model.subgraphs:
        operators = []
        for op in graph.operators or ():
            if opcode(model, op) == WHILE:
                inputs = list(op.inputs)
                for position, tensor in enumerate(inputs):
                    if _is_zeros(model, graph.tensors[tensor]):
                        inputs[position] = _written_anew(graph, tensor)
                        operators.append(fill(model, graph, inputs[position], 0))
                op.inputs = inputs
            operators.append(op)
        graph.operators = operators


def _is_zeros(model: Any, tensor: Any) -> bool:
    data = model.buffers[tensor.buffer].data
    if data is None or len(data) < SMALLEST or tensor.type not in DTYPES:
        return False
    return not np.any(data)


def _written_anew(graph: Any, tensor: int) -> int:
    """Add a copy of a tensor without its content, and return its index."""
    new = copy.copy(graph.tensors[tensor])
    new.name, new.buffer = new.name + b"/zeros", 0
    graph.tensors.append(new)
    return len(graph.tensors) - 1
