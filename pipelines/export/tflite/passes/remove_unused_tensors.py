"""Removes the tensors that no op, input or output uses; other passes and the converter leave many."""

from __future__ import annotations

from typing import Any

import numpy as np


def remove_unused_tensors(model: Any) -> None:
    """Remove unused tensors from every subgraph, and renumber the others, in the signatures too."""
    for i, graph in enumerate(model.subgraphs):
        new_index = _remove(graph)
        for signature in [each for each in model.signatureDefs or () if each.subgraphIndex == i]:
            for entry in (*signature.inputs, *signature.outputs):
                entry.tensorIndex = new_index[entry.tensorIndex]


def _remove(graph: Any) -> dict[int, int]:
    """Remove the unused tensors of one subgraph; return the new index of each of the others."""
    ops = [(op, name) for op in graph.operators for name in ("inputs", "outputs", "intermediates")]
    lists = [(graph, "inputs"), (graph, "outputs"), *ops]
    lists = [(holder, name) for holder, name in lists if getattr(holder, name) is not None]
    used = sorted({int(tensor) for holder, name in lists for tensor in getattr(holder, name)} - {-1})
    new_index = {tensor: new for new, tensor in enumerate(used)} | {-1: -1}  # -1: an input left out
    for holder, name in lists:
        setattr(holder, name, np.array([new_index[int(old)] for old in getattr(holder, name)], np.int32))
    graph.tensors = [graph.tensors[tensor] for tensor in used]
    return new_index
