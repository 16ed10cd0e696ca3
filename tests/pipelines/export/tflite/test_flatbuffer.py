"""A packed model parses to the same model; equal parts are written once, and constants are aligned."""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.export.tflite.flatbuffer import pack, parse
from pipelines.ondevice.model import Model

# Few values, so that many parts are equal; some have the same bytes as numbers, constants and names.
NUMBERS = st.lists(st.sampled_from([0, 1, 97, 2**24]), max_size=4)
CONTENTS = st.sampled_from([b"", b"a", b"aa", b"\0\0\0\0", b"\1\0\0\0", b"\0" * 16, b"a\0\0\0"])
TENSORS = st.tuples(NUMBERS, st.one_of(st.none(), CONTENTS), st.integers(0, 3), st.sampled_from([0, 2, 9]))
OPS = st.tuples(NUMBERS, NUMBERS, st.sampled_from([None, "add", "gather"]))


@given(st.lists(st.tuples(st.lists(TENSORS, max_size=6), st.lists(OPS, max_size=6)), max_size=3), CONTENTS)
@settings(max_examples=200, deadline=None)
def test_a_packed_model_parses_to_the_same_model(graphs: list, content: bytes) -> None:
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


def test_equal_parts_are_written_once() -> None:
    def size(copies: int) -> int:
        model = schema.ModelT()
        model.buffers = [_buffer(None), *(_buffer(b"w" * 1000) for _ in range(copies))]
        model.subgraphs = [_graph([([1, 64], b"state", 1, 0)] * copies, [([0], [0], "add")] * copies)]
        return len(pack(model))

    assert size(100) - size(1) <= 99 * 3 * 4 + 16  # three lists of 99 more references of 4 bytes


def test_constants_behind_the_flatbuffer_are_read_into_buffers(tiny) -> None:
    content = tiny.exported.bundle.variant_path("float32").read_bytes()
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    end, behind, held = len(content) + 64, b"", {}
    for i, buffer in enumerate(model.buffers):
        if buffer.data is not None and len(buffer.data) >= 16:
            held[i] = bytes(buffer.data)
            buffer.data, buffer.offset, buffer.size = None, end + len(behind), len(held[i])
            behind += held[i]
    outside = pack(model).ljust(end, b"\0") + behind
    assert {i: bytes(parse(outside).buffers[i].data) for i in held} == held
    packed = pack(parse(outside))
    np.testing.assert_array_equal(
        Model(packed).predict(tiny.inputs[:3]), Model(content).predict(tiny.inputs[:3])
    )


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
