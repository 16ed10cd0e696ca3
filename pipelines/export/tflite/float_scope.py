"""Finds the ops that layers want in float32 in files of every precision.

One example is the spectrogram, whose values span ten powers of ten. Layers compute such values in the name
scope `layers.IN_FLOAT`, which the converter keeps in the names of tensors.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..._layers import layers

_SCOPE = f"/{layers.IN_FLOAT}/".encode()


def has_float_scope(content: bytes) -> bool:
    """Return whether a .tflite file, as the converter wrote it, has ops in the scope."""
    return _SCOPE in content


def ops_in_float_scope(graph: Any) -> Iterator[Any]:
    """Yield the ops of a subgraph that are in the scope.

    The converter gives each output of the subgraph a new name, without the scope. So an op that computes an
    output from a tensor in the scope counts as in the scope too.
    """
    in_scope: set[int] = set()
    outputs = set(graph.outputs)
    for op in graph.operators:
        names = [graph.tensors[tensor].name for tensor in op.outputs]
        is_last = not in_scope.isdisjoint(op.inputs) and not outputs.isdisjoint(op.outputs)
        if is_last or any(_SCOPE in name for name in names):
            in_scope.update(op.outputs)
            yield op
