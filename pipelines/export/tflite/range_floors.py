"""Widens ranges that are too narrow for TFLite's integer arithmetic.

The difference of two equal tensors is nothing but rounding, and a tensor of zeros has no range at all. Scales
made from such ranges are so small that LiteRT ends the process (see `ondevice/scale_rules.py`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from .calibration import Ranges
from .flatbuffer import opcode

_Op = schema.BuiltinOperator
_SHARE = 2.0**-13
"""The narrowest range of a sum, as a share of what it is made of. In float32 a sum is known to 2^-23."""
_LOGITS = 1e-3
"""The narrowest range of the inputs of a softmax: smaller differences hardly change it."""
_OF_ZEROS = 1.0
"""The range of products that are always 0, which integers hold exactly in any range."""


def with_floors(model: Any, ranges: Ranges) -> Ranges:
    """Return the ranges, with those of sums, squared differences, products and softmax wide enough.

    Args:
        model: a `schema.ModelT` in float32, whose tensors have unique names.
        ranges: by the name of the tensor.
    """
    wide = dict(ranges)
    for graph in model.subgraphs:
        for op in graph.operators or ():
            kind = opcode(model, op)
            if kind in (_Op.ADD, _Op.SUB, _Op.SQUARED_DIFFERENCE):
                largest = max(_largest(model, graph.tensors[each], wide) for each in op.inputs)
                largest = largest**2 if kind == _Op.SQUARED_DIFFERENCE else largest
                _widen(wide, graph.tensors[op.outputs[0]], _SHARE * largest)
            elif kind == _Op.SOFTMAX:
                _widen(wide, graph.tensors[op.inputs[0]], _LOGITS)
            elif kind == _Op.FULLY_CONNECTED and _largest(model, graph.tensors[op.outputs[0]], wide) == 0:
                _widen(wide, graph.tensors[op.outputs[0]], _OF_ZEROS)
    return wide


def _largest(model: Any, tensor: Any, ranges: Ranges) -> float:
    """Return the largest absolute value of a tensor that is measured or constant; 0 of any other one."""
    name, data = tensor.name.decode(), model.buffers[tensor.buffer].data
    if name in ranges:
        return max(abs(bound) for bound in ranges[name])
    if tensor.type == schema.TensorType.FLOAT32 and data is not None and len(data):
        return float(np.abs(np.frombuffer(bytes(data), np.float32)).max())
    return 0.0


def _widen(ranges: Ranges, tensor: Any, least: float) -> None:
    name = tensor.name.decode()
    low, high = ranges.get(name, (0.0, 0.0))
    if name in ranges and max(-low, high) < least:
        ranges[name] = (min(low, -least), max(high, least))
