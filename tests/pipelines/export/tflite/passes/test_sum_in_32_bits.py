"""Products of 16-bit inputs: sums of 32 bits where they can't overflow, and the same answers."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

import layers
from pipelines.export.any_model import convert
from pipelines.export.tflite import quantize
from pipelines.export.tflite.flatbuffer import opcode, parse
from pipelines.export.tflite.passes.sum_in_32_bits import sum_in_32_bits
from pipelines.ondevice.model import Model

X = np.random.default_rng(0).normal(size=(20, 12, 6)).astype(np.float32)


def network() -> keras.Model:
    keras.utils.set_random_seed(1)
    return keras.Sequential([keras.Input((12, 6)), layers.LSTM(8), keras.layers.Dense(3)])


def products(model: Any) -> list[tuple[Any, Any]]:
    """Return the graph and the op of each product."""
    return [
        (graph, op)
        for graph in model.subgraphs
        for op in graph.operators
        if opcode(model, op) == schema.BuiltinOperator.FULLY_CONNECTED
    ]


def has_short_sums(content: bytes) -> set[bool]:
    return {
        op.builtinOptions.quantizedBiasType == schema.TensorType.INT32 for _, op in products(parse(content))
    }


def test_short_sums_give_the_answers_of_long_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    short = convert(network(), "int16x8", "loop", X)
    monkeypatch.setattr(quantize, "sum_in_32_bits", lambda _: None)
    long = convert(network(), "int16x8", "loop", X)
    assert has_short_sums(short) == {True}
    assert has_short_sums(long) == {False}
    assert len(short) < len(long)  # biases of 32 bits
    answers = Model(long).predict(X)
    np.testing.assert_allclose(Model(short).predict(X), answers, atol=2e-4 * np.ptp(answers))


@pytest.mark.parametrize(("precision", "execution"), [("int8", "loop"), ("int16x8", "unrolled")])
def test_other_files_stay_as_they_are(precision: str, execution: str) -> None:
    assert has_short_sums(convert(network(), precision, execution, X)) == {False}


@pytest.mark.parametrize(("columns", "short"), [(516, True), (517, False)])
def test_sums_that_may_overflow_keep_64_bits(columns: int, short: bool) -> None:
    model = parse(convert(network(), "int16x8", "loop", X))
    graph, op = products(model)[0]
    filters = graph.tensors[op.inputs[1]]
    filters.shape = [1, columns]
    model.buffers[filters.buffer].data = np.full(columns, 127, np.int8).view(np.uint8)
    op.inputs, op.builtinOptions.quantizedBiasType = op.inputs[:2], schema.TensorType.FLOAT32
    sum_in_32_bits(model)
    assert (op.builtinOptions.quantizedBiasType == schema.TensorType.INT32) == short
    assert (columns * 127 * 2**15 < 2**31) == short
