"""Gives filters of tiny weights a scale at which their bias fits into 32 bits.

A bias is an integer in steps of the product of two scales, that of the inputs and that of the filter.
ai-edge-quantizer takes the filter's scale from its largest weight. If all of its weights are almost zero, as
a training with a penalty leaves them, the bias would be a larger number than 32 bits hold, and is cut off or
changes its sign. With a wider scale such weights become zero, which is what they almost are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from ..flatbuffer import constant, opcode, set_constant

_BUILTIN = schema.BuiltinOperator
_WITH_BIAS = (_BUILTIN.FULLY_CONNECTED, _BUILTIN.CONV_2D, _BUILTIN.DEPTHWISE_CONV_2D)
_LARGEST = 2.0**28
"""The largest integer for a bias; the sum of products must fit into 32 bits, too."""
_INTEGERS = (schema.TensorType.INT8, schema.TensorType.INT16)


def widen_small_filters(model: Any, float_model: Any) -> None:
    """Quantise small filters and their biases anew; `model` is changed in place.

    Args:
        model: the quantised model, with the tensor names of `float_model`.
        float_model: the model before quantisation.
    """
    exact = {tensor.name: tensor for graph in float_model.subgraphs for tensor in graph.tensors}
    for graph in model.subgraphs:
        readers: dict[int, list[tuple[Any, Any]]] = {}
        for op in graph.operators:
            if opcode(model, op) in _WITH_BIAS and len(op.inputs) > 2 and op.inputs[2] >= 0:
                given, filters, bias = (graph.tensors[each] for each in op.inputs[:3])
                before = exact.get(bias.name)
                if filters.type == schema.TensorType.INT8 and given.type in _INTEGERS and before is not None:
                    values = constant(float_model, before) / np.float64(given.quantization.scale[0])
                    readers.setdefault(op.inputs[1], []).append((bias, values))
        for filters, biases in readers.items():
            _widen(model, graph.tensors[filters], biases)


def _widen(model: Any, filters: Any, biases: Sequence[tuple[Any, np.ndarray]]) -> None:
    """Widen the scales of filters, and write every bias for them.

    Args:
        filters: the tensor of weights, with one scale for each filter or one for all.
        biases: each bias tensor, with its exact values as shares of the scale of its inputs.
    """
    old = np.asarray(filters.quantization.scale, np.float64)
    needed = np.max([np.abs(values) for _, values in biases], axis=0) / _LARGEST
    new = np.maximum(old, needed if len(old) > 1 else needed.max())
    if np.array_equal(old, new):
        return
    axes = [1] * len(filters.shape)
    axes[filters.quantization.quantizedDimension if len(old) > 1 else 0] = len(old)
    set_constant(model, filters, np.round(constant(model, filters) * (old / new).reshape(axes)))
    filters.quantization.scale = new.astype(np.float32)
    for bias, values in biases:
        scales = np.asarray(bias.quantization.scale, np.float64) / old
        set_constant(model, bias, np.round(values / new))
        bias.quantization.scale = (scales * new).astype(np.float32)
