"""Rounds weights of four bits anew, so that the outputs of their products change little.

ai-edge-quantizer rounds each weight to the nearest integer. `rounding` finds better integers and scales.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from ..flatbuffer import constant
from ..moments import Moments
from ..rounding import round_to_four_bits


def round_four_bits(model: Any, float_model: Any, moments: Moments) -> None:
    """Write the integers and scales of every tensor of four bits anew; `model` is changed in place.

    Args:
        model: the quantised model, with the tensor names of `float_model`.
        float_model: the model before quantisation.
        moments: of the inputs that weights are multiplied with; weights without an entry are rounded so that
            they change little themselves.
    """
    exact = {tensor.name: tensor for graph in float_model.subgraphs for tensor in graph.tensors}
    done: dict[tuple[bytes, int], tuple[np.ndarray, np.ndarray]] = {}
    for tensor in (tensor for graph in model.subgraphs for tensor in graph.tensors):
        if tensor.type == schema.TensorType.INT4:
            weights = constant(float_model, exact[tensor.name])
            key, count = weights.tobytes(), len(tensor.quantization.scale)
            if (key, count) not in done:  # an unrolled loop has a copy for each step
                done[key, count] = round_to_four_bits(weights.reshape(count, -1), moments.get(key))
            integers, scales = done[key, count]
            model.buffers.append(schema.BufferT(data=packed(integers)))
            tensor.buffer = len(model.buffers) - 1
            tensor.quantization.scale = scales


def packed(integers: np.ndarray) -> np.ndarray:
    """Return integers of four bits, -8 to 7, as TFLite stores them: two in a byte, the first one below."""
    flat = integers.reshape(-1).astype(np.uint8) & 15
    flat = np.append(flat, np.zeros(len(flat) % 2, np.uint8))
    return (flat[::2] | flat[1::2] << 4).astype(np.uint8)
