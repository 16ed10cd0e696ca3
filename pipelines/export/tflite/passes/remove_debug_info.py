"""Removes what an interpreter never reads: names of inner tensors, calibration ranges, the converter's notes.

In a small file these take more room than the weights.
"""

from __future__ import annotations

from typing import Any

from ..flatbuffer import called_subgraphs
from .unique_names import original_name

_CONVERTER_METADATA = b"CONVERSION_METADATA"
"""The metadata entry that says which TensorFlow converted the file, and with which options."""


def remove_debug_info(model: Any) -> None:
    """Remove the description, inner names, calibration ranges and the converter's metadata.

    Inputs, outputs and subgraphs keep their names, except in subgraphs that an op calls (loop bodies).
    """
    model.description = None
    model.metadata = [each for each in model.metadata or () if each.name != _CONVERTER_METADATA] or None
    called = called_subgraphs(model)
    for i, graph in enumerate(model.subgraphs):
        graph.name = None if i in called else graph.name
        named = set() if i in called else {*graph.inputs, *graph.outputs}
        for j, tensor in enumerate(graph.tensors):
            tensor.name = original_name(tensor.name) if j in named else None
            _remove_ranges(tensor)


def _remove_ranges(tensor: Any) -> None:
    """Remove the minimum and maximum that the scale was computed from, and quantisation without a scale."""
    quantization = tensor.quantization
    if quantization is not None:
        quantization.min = quantization.max = None
        if quantization.scale is None or len(quantization.scale) == 0:
            tensor.quantization = None
