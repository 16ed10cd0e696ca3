"""Removes loop variables that nothing reads.

TensorFlow gives every loop a step counter in addition to the layer's own counter. The body adds 1 to it at
each step, and nothing reads it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..flatbuffer import WHILE, called_by, opcode


def remove_idle_loop_variables(model: Any) -> None:
    """Remove each loop variable that only its own update in the body reads.

    Loops that share their condition or body with another loop stay as they are.
    """
    loops = [(graph, op) for graph in model.subgraphs for op in graph.operators if opcode(model, op) == WHILE]
    for graph, op in loops:
        if sum(not set(called_by(op)).isdisjoint(called_by(other)) for _, other in loops) == 1:
            _remove(model, graph, op)


def _remove(model: Any, graph: Any, op: Any) -> None:
    options = op.builtinOptions
    condition, body = (model.subgraphs[i] for i in (options.condSubgraphIndex, options.bodySubgraphIndex))
    for i in reversed(range(len(op.inputs))):
        before, after = body.inputs[i], body.outputs[i]
        readers = [each for each in body.operators if before in each.inputs]
        if (
            len(readers) == _reads(body, before) == _reads(body, after) == 1
            and list(readers[0].outputs) == [after]
            and _reads(condition, condition.inputs[i]) == _reads(graph, op.outputs[i]) == 0
        ):
            body.operators.remove(readers[0])
            for holder in (op, condition, body):
                holder.inputs = np.delete(holder.inputs, i)
            for holder in (op, body):
                holder.outputs = np.delete(holder.outputs, i)


def _reads(graph: Any, tensor: int) -> int:
    """Return how many ops read the tensor, plus how often it is an output of the graph."""
    return sum(tensor in op.inputs for op in graph.operators) + list(graph.outputs).count(tensor)
