"""Which ops stay float32: those in the scope of spectrograms, and those that read or write masks."""

from __future__ import annotations

import re
from typing import Any

from ai_edge_quantizer import qtyping
from reference.tflite_graphs import BOOL, Graph, Op, Tensor, loop, model

from layers import IN_FLOAT
from pipelines.export.tflite.flatbuffer import pack
from pipelines.export.tflite.float_scope import has_float_scope, ops_in_float_scope
from pipelines.export.tflite.keep_in_float import keep_in_float
from pipelines.export.tflite.passes.unique_names import unique_names

ALL = qtyping.TFLOperationName.ALL_SUPPORTED


def kept(made: Any, ranges: dict[str, tuple[float, float]]) -> set[str]:
    """Return the names of outputs that rules for all kinds of ops match."""
    patterns = [pattern for pattern, op in keep_in_float(made, ranges) if op == ALL]
    outputs = {
        graph.tensors[op.outputs[0]].name.decode() for graph in made.subgraphs for op in graph.operators
    }
    return {name for name in outputs if any(re.match(pattern, name) for pattern in patterns)}


def test_masks_and_their_readers_stay_in_float() -> None:
    tensors = [Tensor("keep", BOOL), *(Tensor(name) for name in ("x", "low", "masked", "softmax", "other"))]
    chain = [Op("SELECT_V2", [0, 1, 2], [3]), Op("SOFTMAX", [3], [4]), Op("TANH", [4], [5])]
    made = model(Graph(tensors, chain, [0, 1, 2], [5]))
    unique_names(made)
    assert kept(made, {"0/3/masked": (-1e9, 3.0)}) == {"0/3/masked", "0/4/softmax"}
    assert kept(made, {"0/3/masked": (-4.0, 3.0)}) == set()
    assert kept(made, {}) == set()


def test_softplus_stays_in_float() -> None:
    tensors = [Tensor("x"), Tensor("gate/Softplus"), Tensor("gate/Softsign")]
    made = model(Graph(tensors, [Op("EXP", [0], [1]), Op("TANH", [0], [2])], [0], [1, 2]))
    unique_names(made)
    assert kept(made, {}) == {"0/1/gate/Softplus"}


def test_the_float_scope_reaches_the_output_that_is_computed_from_it() -> None:
    tensors = [Tensor("x"), Tensor(f"mel/{IN_FLOAT}/log"), Tensor("features"), Tensor("hidden"), Tensor("y")]
    chain = [Op("LOG", [0], [1]), Op("MUL", [1, 1], [2]), Op("TANH", [1], [3]), Op("TANH", [3], [4])]
    made = model(Graph(tensors, chain, [0], [2, 4]))
    (graph,) = made.subgraphs
    assert [list(op.outputs) for op in ops_in_float_scope(graph)] == [[1], [2]]
    assert has_float_scope(pack(made))
    unique_names(made)
    assert kept(made, {}) == {f"0/1/mel/{IN_FLOAT}/log", "0/2/features"}
    assert not has_float_scope(pack(model(Graph(tensors[2:], chain[3:], [0], [1]))))


def test_only_products_are_integers_in_loops() -> None:
    cell = Graph([Tensor("h"), Tensor("row")], [Op("GATHER", [0], [1])], [0], [1])
    main = Graph([Tensor("x"), Tensor("y")], [Op("WHILE", [0], [1], loop(1, 2))], [0], [1])
    for made, loops in ((model(cell), False), (model(main, cell, cell), True)):
        unique_names(made)
        rules = keep_in_float(made, {})
        for op in (qtyping.TFLOperationName.GATHER, qtyping.TFLOperationName.MUL):
            patterns = [pattern for pattern, each in rules if each == op]
            assert len(patterns) == loops
            for pattern in patterns:
                assert re.match(pattern, "2/1/row")
                assert not re.match(pattern, "0/1/row")
                assert not re.match(pattern, "12/1/row")
        assert qtyping.TFLOperationName.FULLY_CONNECTED not in [op for _, op in rules]
