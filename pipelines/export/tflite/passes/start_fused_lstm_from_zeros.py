"""Makes TFLite's own LSTM start from a state of zeros in every call.

The operation keeps its state in variable tensors, which live on from call to call: the second answer of an
interpreter would start from the end of the first one, unless the caller resets the variables. FILL writes
them anew in each call; RESHAPE and CONCATENATION of a constant are computed once, when the file is loaded.
"""

from __future__ import annotations

from typing import Any

from ai_edge_litert import schema_py_generated as schema

from ..flatbuffer import opcode
from .fill import fill

_STATES = (18, 19)
"""The inputs of the operation that hold the output and the cell state of the last call."""


def start_fused_lstm_from_zeros(model: Any) -> None:
    """Write zeros into the state tensors before each fused LSTM; `model` is changed in place."""
    for graph in model.subgraphs:
        operators = []
        for op in graph.operators or ():
            if opcode(model, op) == schema.BuiltinOperator.UNIDIRECTIONAL_SEQUENCE_LSTM:
                operators += [_zeros_into(model, graph, int(op.inputs[position])) for position in _STATES]
            operators.append(op)
        graph.operators = operators


def _zeros_into(model: Any, graph: Any, state: int) -> Any:
    """Return an op that fills a state tensor with zeros, as its scale and zero point say."""
    tensor = graph.tensors[state]
    zero_points = getattr(tensor.quantization, "zeroPoint", None)
    zero = 0 if zero_points is None or len(zero_points) == 0 else int(zero_points[0])
    return fill(model, graph, state, zero)
