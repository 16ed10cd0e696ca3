"""Makes a separate model of one subgraph and the subgraphs that it calls.

TFLite Micro runs the first subgraph of a file, and LiteRT shows the inner tensors of the first one only.
"""

from __future__ import annotations

import copy
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from ..flatbuffer import CALLED_FIELDS, called_by


def extract_subgraph(model: Any, index: int) -> Any:
    """Return a model whose first subgraph is `index`, followed by those that it calls.

    The given model is not changed; the new one shares its tensors and buffers. Its signatures are those of
    the subgraph `index`. Buffers that it does not use are empty, so that their indices stay.
    """
    order = [index]
    for each in order:
        ops = model.subgraphs[each].operators or ()
        order += dict.fromkeys(called for op in ops for called in called_by(op) if called not in order)
    new_index = {old: new for new, old in enumerate(order)}
    extracted = copy.copy(model)
    extracted.subgraphs = [_renumbered(model.subgraphs[old], new_index) for old in order]
    extracted.signatureDefs = [
        copy.copy(each) for each in model.signatureDefs or () if each.subgraphIndex == index
    ]
    for signature in extracted.signatureDefs:
        signature.subgraphIndex = 0
    used = {tensor.buffer for graph in extracted.subgraphs for tensor in graph.tensors}
    used |= {entry.buffer for entry in model.metadata or ()}
    extracted.buffers = [buffer if i in used else schema.BufferT() for i, buffer in enumerate(model.buffers)]
    return extracted


def _renumbered(graph: Any, new_index: dict[int, int]) -> Any:
    """Return a copy of a subgraph whose ops call subgraphs by their new indices."""
    graph = copy.copy(graph)
    graph.operators = [copy.copy(op) for op in graph.operators or ()]
    for op in graph.operators:
        op.builtinOptions = copy.copy(op.builtinOptions)
        for field in CALLED_FIELDS:
            if hasattr(op.builtinOptions, field):
                setattr(op.builtinOptions, field, new_index[getattr(op.builtinOptions, field)])
    return graph
