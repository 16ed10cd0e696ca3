"""Corrects two scales that TensorFlow's converter writes for its own integer LSTM.

The operation computes its hidden value in the scale of the fifth intermediate tensor, copies the integers to
its output, and reads them again as its state in the next step: the three must have one scale. The converter
widens that of an output which another operation puts together with others, and leaves the two others.

The operation takes the tanh of its cell only where the cell's scale is 2**-15 or more, a range of at least 1,
and returns garbage otherwise. The converter writes smaller scales for cells that stay below .5.
"""

from __future__ import annotations

from typing import Any

from ai_edge_litert import schema_py_generated as schema

from ..flatbuffer import opcode

_STATE, _CELL, _HIDDEN = 18, 19, 4
"""The two states among the operation's inputs, the hidden value among its intermediate tensors."""
_SMALLEST = 2.0**-15


def scales_of_fused_lstm(model: Any) -> None:
    """Correct the scales of each fused LSTM; `model` is changed in place."""
    for graph in model.subgraphs:
        for op in graph.operators or ():
            if opcode(model, op) == schema.BuiltinOperator.UNIDIRECTIONAL_SEQUENCE_LSTM:
                quantization = graph.tensors[op.outputs[0]].quantization
                for tensor in (op.inputs[_STATE], op.intermediates[_HIDDEN]):
                    graph.tensors[tensor].quantization = quantization
                cell = graph.tensors[op.inputs[_CELL]].quantization
                cell.scale = [max(float(cell.scale[0]), _SMALLEST)]
