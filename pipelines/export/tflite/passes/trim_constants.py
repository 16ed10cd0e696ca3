"""Cuts float32 constants to the size of their tensor.

When the converter replaces the sum of a constant by its value, it can leave the longer data of that constant
in the buffer. ai-edge-quantizer then fails, since the data do not fit the tensor's shape.
"""

from __future__ import annotations

import math
from typing import Any

from ai_edge_litert import schema_py_generated as schema


def trim_constants(model: Any) -> None:
    """Remove the bytes of float32 constants beyond their shape; no two constants may share a buffer."""
    for tensor in (tensor for graph in model.subgraphs for tensor in graph.tensors):
        buffer = model.buffers[tensor.buffer]
        is_float32 = tensor.type == schema.TensorType.FLOAT32
        if buffer.data is not None and is_float32 and tensor.shape is not None:
            buffer.data = buffer.data[: 4 * math.prod(tensor.shape)]
