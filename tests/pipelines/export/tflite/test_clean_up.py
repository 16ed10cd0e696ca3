"""Cleaning up removes what nothing reads, and answers stay the same."""

from __future__ import annotations

import copy
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

import layers
from pipelines.export.keras.saved_model import write_saved_model
from pipelines.export.tflite.audit import list_ops
from pipelines.export.tflite.clean_up import clean_up
from pipelines.export.tflite.convert import convert
from pipelines.export.tflite.flatbuffer import WHILE, opcode, pack, parse
from pipelines.ondevice.model import Model


def _step(v: dict[str, tf.Tensor]) -> list[dict[str, tf.Tensor]]:
    return [{"t": v["t"] + 1, "x": v["x"] * 1.5, "twos": v["twos"] + 2, "before": v["twos"]}]


def _converted(outputs: tuple[str, ...], folder: Path) -> bytes:
    """Convert a loop of three steps that also counts in twos, and keeps the count of the step before."""

    @tf.function(input_signature=[tf.TensorSpec([2], name="given")])
    def serve(given: tf.Tensor) -> dict[str, tf.Tensor]:
        start = {"t": tf.constant(0), "x": given, "twos": tf.constant(10), "before": tf.constant(0)}
        last = tf.while_loop(lambda v: v["t"] < 3, _step, [start])[0]
        return {name: last[name] for name in outputs}

    tf.saved_model.save(tf.Module(), str(folder), signatures={"serve": serve})
    return _convert(folder)


def _convert(folder: Path) -> bytes:
    return tf.lite.TFLiteConverter.from_saved_model(str(folder), signature_keys=["serve"]).convert()


@pytest.mark.parametrize(
    ("outputs", "additions"),
    [(("x",), 1), (("x", "twos"), 2), (("x", "before"), 2), (("t", "x", "twos", "before"), 2)],
)
def test_loop_variables_that_nothing_reads_are_removed(
    outputs: tuple[str, ...], additions: int, tmp_path: Path
) -> None:
    cleaned = _cleaned_up(_converted(outputs, tmp_path))
    assert list_ops(cleaned)["ADD"] == additions
    given = np.array([2, 4], np.float32)
    wanted = {"x": given * 1.5**3, "twos": 16, "before": 14, "t": 3}
    answers = Model(cleaned)(given=given)
    assert {name: answers[name].tolist() for name in outputs} == {
        name: np.asarray(wanted[name]).tolist() for name in outputs
    }


@pytest.mark.parametrize("cell", [layers.LSTM, layers.GRU, layers.SimpleRNN])
def test_a_recurrent_layer_has_one_counter_and_no_op_that_xnnpack_lacks(cell: type, tmp_path: Path) -> None:
    """An op that XNNPACK lacks, in the middle of a step, costs a tenth of the step's time."""
    inputs = keras.Input((6, 3))
    write_saved_model(keras.Model(inputs, cell(4)(inputs)), tmp_path, {"x": ((6, 3), "float32")}, ["y"])
    content = convert(tmp_path, "float32")
    assert (_counters(_convert(tmp_path)), _counters(content)) == (2, 1)
    assert list_ops(content)["LESS"] == 1
    assert "SPLIT_V" not in list_ops(content)


def test_a_body_that_two_loops_share_stays_as_it_is(tmp_path: Path) -> None:
    inputs = keras.Input((6, 3))
    write_saved_model(keras.Model(inputs, layers.GRU(4)(inputs)), tmp_path, {"x": ((6, 3), "float32")}, ["y"])
    model = parse(_convert(tmp_path))
    main = model.subgraphs[0]
    (again,) = (copy.copy(op) for op in main.operators if opcode(model, op) == WHILE)
    first = len(main.tensors)
    main.tensors += [copy.copy(main.tensors[tensor]) for tensor in again.outputs]
    again.outputs = list(range(first, len(main.tensors)))
    main.operators.append(again)
    clean_up(model)
    content = pack(model)
    assert _counters(content) == 2
    x = np.ones((1, 6, 3), np.float32)
    np.testing.assert_array_equal(Model(content)(x=x)["y"], Model(convert(tmp_path, "float32"))(x=x)["y"])


def _counters(content: bytes) -> int:
    body = parse(content).subgraphs[-1]
    return sum(body.tensors[tensor].type == schema.TensorType.INT32 for tensor in body.inputs)


def _cleaned_up(content: bytes) -> bytes:
    model = parse(content)
    clean_up(model)
    return pack(model)
