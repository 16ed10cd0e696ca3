"""The ops of a file are counted over all subgraphs; ops that aren't builtin are refused by name."""

from __future__ import annotations

import pytest
from reference.tflite_graphs import Graph, Op, Tensor, loop, model

from pipelines.errors import ExportError
from pipelines.export.tflite.audit import list_ops
from pipelines.export.tflite.flatbuffer import pack

TENSORS = [Tensor("x"), Tensor("y")]


def test_ops_are_counted_in_loop_bodies_too() -> None:
    body = Graph(TENSORS, [Op("TANH", [0], [1]), Op("TANH", [1], [1])], [0], [1])
    condition = Graph(TENSORS, [Op("LESS", [0, 0], [1])], [0], [1])
    main = Graph(TENSORS, [Op("WHILE", [0], [1], loop(1, 2)), Op("TANH", [1], [1])], [0], [1])
    assert list_ops(pack(model(main, condition, body))) == {"LESS": 1, "TANH": 3, "WHILE": 1}


@pytest.mark.parametrize("name", ["FlexTensorListReserve", "MyOwnOp", None])
def test_flex_and_custom_ops_are_refused_by_name(name: str | None) -> None:
    made = model(Graph(TENSORS, [Op("TANH", [0], [1]), Op("CUSTOM", [0], [1])], [0], [1]))
    made.operatorCodes[1].customCode = name
    with pytest.raises(ExportError, match=f"not builtin TFLite ops: custom op {name or 'without a name'}$"):
        list_ops(pack(made))
