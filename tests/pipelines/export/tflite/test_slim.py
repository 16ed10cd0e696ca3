"""Small files: equal parts written once, nothing that runs in vain."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given, settings
from hypothesis import strategies as st

import layers
from pipelines.export.keras.saved_model import write_saved_model
from pipelines.export.tflite.audit import list_ops
from pipelines.export.tflite.convert import convert
from pipelines.export.tflite.flatbuffer import WHILE, opcode, pack, parse
from pipelines.export.tflite.slim import slim
from pipelines.ondevice.model import Model

# Few values, so that many are equal; as bytes, numbers and text they look alike.
NUMBERS = st.lists(st.sampled_from([0, 1, 97, 2**24]), max_size=4)
CONTENTS = st.sampled_from([b"", b"a", b"aa", b"\0\0\0\0", b"\1\0\0\0", b"\0" * 16, b"a\0\0\0"])
TENSORS = st.tuples(NUMBERS, st.one_of(st.none(), CONTENTS), st.integers(0, 3), st.sampled_from([0, 2, 9]))
OPS = st.tuples(NUMBERS, NUMBERS, st.sampled_from([None, "add", "gather"]))


@given(st.lists(st.tuples(st.lists(TENSORS, max_size=6), st.lists(OPS, max_size=6)), max_size=3), CONTENTS)
@settings(max_examples=200, deadline=None)
def test_what_is_written_once_reads_as_it_was(graphs: list, content: bytes) -> None:
    model = schema.ModelT()
    model.version, model.buffers = 3, [_buffer(None), _buffer(content), _buffer(b"a"), _buffer(content)]
    model.subgraphs = [_graph(tensors, ops) for tensors, ops in graphs]
    packed = pack(model)
    assert _as_values(parse(packed)) == _as_values(model)
    assert pack(parse(packed)) == packed


def test_every_constant_begins_at_a_multiple_of_16_bytes() -> None:
    model = schema.ModelT()
    model.buffers = [_buffer(None), *(_buffer(bytes([size] * size)) for size in range(100, 140))]
    packed = pack(model)
    for size in range(100, 140):
        assert packed.index(bytes([size] * size)) % 16 == 0


def test_equal_parts_take_no_room() -> None:
    def size(copies: int) -> int:
        model = schema.ModelT()
        model.buffers = [_buffer(None), *(_buffer(b"w" * 1000) for _ in range(copies))]
        model.subgraphs = [_graph([([1, 64], b"state", 1, 0)] * copies, [([0], [0], "add")] * copies)]
        return len(pack(model))

    assert size(100) - size(1) <= 99 * 3 * 4 + 16  # where they are, three lists of 99 more


def _buffer(content: bytes | None) -> Any:
    buffer = schema.BufferT()
    buffer.data = None if content is None else np.frombuffer(content, np.uint8)
    return buffer


def _graph(tensors: list, ops: list) -> Any:
    graph = schema.SubGraphT()
    graph.tensors, graph.operators, graph.inputs, graph.outputs = [], [], [], []
    for shape, name, buffer, kind in tensors:
        tensor = schema.TensorT()
        tensor.shape, tensor.name, tensor.buffer, tensor.type = shape, name, buffer, kind
        graph.tensors.append(tensor)
    for inputs, outputs, options in ops:
        op = schema.OperatorT()
        op.inputs, op.outputs = inputs, outputs
        if options:
            op.builtinOptions = {"add": schema.AddOptionsT, "gather": schema.GatherOptionsT}[options]()
            op.builtinOptionsType = getattr(schema.BuiltinOptions, f"{options.title()}Options")
        graph.operators.append(op)
    return graph


def _as_values(part: Any) -> Any:
    """Return an object of the schema as plain values."""
    if isinstance(part, np.ndarray):
        return part.tolist()
    if isinstance(part, list):
        return [_as_values(each) for each in part]
    if hasattr(part, "__dict__"):
        return {name: _as_values(each) for name, each in vars(part).items()}
    return part


def _step(v: dict[str, tf.Tensor]) -> list[dict[str, tf.Tensor]]:
    return [{"t": v["t"] + 1, "x": v["x"] * 1.5, "twos": v["twos"] + 2, "before": v["twos"]}]


def _converted(outputs: tuple[str, ...], folder: Path) -> bytes:
    """Convert a loop of three steps that also counts by twos, and keeps what that was a step before."""

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
def test_a_loop_counts_what_is_read_only(outputs: tuple[str, ...], additions: int, tmp_path: Path) -> None:
    slimmed = slim(_converted(outputs, tmp_path))
    assert list_ops(slimmed)["ADD"] == additions
    given = np.array([2, 4], np.float32)
    wanted = {"x": given * 1.5**3, "twos": 16, "before": 14, "t": 3}
    answers = Model(slimmed)(given=given)
    assert {name: answers[name].tolist() for name in outputs} == {
        name: np.asarray(wanted[name]).tolist() for name in outputs
    }


@pytest.mark.parametrize("cell", [layers.LSTM, layers.GRU, layers.SimpleRNN])
def test_a_loop_has_one_counter_and_one_piece_for_xnnpack(cell: type, tmp_path: Path) -> None:
    """What XNNPACK doesn't take in the middle of a step costs a tenth of it."""
    inputs = keras.Input((6, 3))
    write_saved_model(keras.Model(inputs, cell(4)(inputs)), tmp_path, {"x": ((6, 3), "float32")}, ["y"])
    content = convert(tmp_path, "float32")
    assert (_counters(_convert(tmp_path)), _counters(content)) == (2, 1)
    assert list_ops(content)["LESS"] == 1
    assert "SPLIT_V" not in list_ops(content)


def test_a_body_of_two_loops_stays_as_it_is(tmp_path: Path) -> None:
    inputs = keras.Input((6, 3))
    write_saved_model(keras.Model(inputs, layers.GRU(4)(inputs)), tmp_path, {"x": ((6, 3), "float32")}, ["y"])
    model = parse(_convert(tmp_path))
    main = model.subgraphs[0]
    (again,) = (copy.copy(op) for op in main.operators if opcode(model, op) == WHILE)
    first = len(main.tensors)
    main.tensors += [copy.copy(main.tensors[tensor]) for tensor in again.outputs]
    again.outputs = list(range(first, len(main.tensors)))
    main.operators.append(again)
    content = slim(pack(model))
    assert _counters(content) == 2
    x = np.ones((1, 6, 3), np.float32)
    np.testing.assert_array_equal(Model(content)(x=x)["y"], Model(convert(tmp_path, "float32"))(x=x)["y"])


def _counters(content: bytes) -> int:
    body = parse(content).subgraphs[-1]
    return sum(body.tensors[tensor].type == schema.TensorType.INT32 for tensor in body.inputs)
