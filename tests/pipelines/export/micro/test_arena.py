"""Working memory: the plan counts what is needed at the same time, and TFLite Micro measures more."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from hypothesis import given
from hypothesis import strategies as st
from reference.micro_models import FEATURES, UNITS, macros

from pipelines.errors import ExportError
from pipelines.export.micro import interpreter as micro_interpreter
from pipelines.export.micro import write as micro_module
from pipelines.export.micro.arena import Lifetime, lifetimes, measure_arena, packed_size, plan_arena
from pipelines.export.micro.write import write_micro
from pipelines.export.tflite.flatbuffer import parse

needs_tflite_micro = pytest.mark.skipif(
    find_spec("tflite_micro") is None, reason="tflite-micro is not installed"
)


def test_the_plan_of_a_chain_is_its_largest_pair(content: bytes, tmp_path: Path) -> None:
    """Dense 8 -> 12, tanh 12 -> 12, Dense 12 -> 4: two tensors of 12 are alive at most."""
    micro = write_micro(content, tmp_path, "tiny")
    width = {"int8": 1, "int16": 2}[next(iter(_dtypes(content)))]
    assert micro.tensors_bytes == 2 * -(-UNITS * width // 16) * 16
    found = lifetimes(parse(micro.content))
    assert sorted(found, key=lambda one: one.first) == [
        Lifetime(FEATURES * width, 0, 0),
        Lifetime(UNITS * width, 0, 1),
        Lifetime(UNITS * width, 1, 2),
        Lifetime(4 * width, 2, 3),
        Lifetime(4 * width, 3, 4),
    ]


def _dtypes(content: bytes) -> set[str]:
    details = Interpreter(model_content=content).get_signature_runner().get_input_details()
    return {np.dtype(detail["dtype"]).name for detail in details.values()}


@given(
    st.lists(st.tuples(st.integers(1, 200), st.integers(0, 8), st.integers(0, 5)), min_size=1, max_size=12)
)
def test_a_packing_is_between_the_most_alive_and_their_sum(tensors: list[tuple[int, int, int]]) -> None:
    alive = [Lifetime(size, first, first + length) for size, first, length in tensors]
    rounded = {one: -(-one.size // 16) * 16 for one in alive}
    most = max(sum(rounded[one] for one in alive if one.first <= now <= one.last) for now in range(14))
    assert most <= packed_size(alive) <= sum(rounded[one] for one in alive)


def test_a_loops_tensors_live_beside_those_around_it() -> None:
    function = tf.function(
        lambda x: tf.while_loop(lambda i, h: i < 3, lambda i, h: (i + 1, tf.tanh(h) * 2.0), (0, x))[1],
        input_signature=[tf.TensorSpec((1, 64))],
    ).get_concrete_function()
    model = parse(tf.lite.TFLiteConverter.from_concrete_functions([function]).convert())
    assert len(model.subgraphs) > 1
    outer = [one for one in lifetimes(model) if one.size == 256]
    (at,) = (
        i
        for i, op in enumerate(model.subgraphs[0].operators)
        if hasattr(op.builtinOptions, "bodySubgraphIndex")
    )
    spans = [one for one in outer if one.first <= at]
    assert len(outer) >= 5  # x, the loop's result, and in the body h, tanh of it and twice that
    assert plan_arena(model) >= 256 * 4
    assert any(one.last - one.first >= 3 for one in spans)  # held while the body runs


@needs_tflite_micro
def test_the_measured_arena_is_enough_and_more_than_the_plan(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(micro_module, "measure_arena", measure_arena)
    micro = write_micro(content, tmp_path, "tiny")
    assert micro.arena_bytes is not None
    assert micro.arena_bytes > micro.tensors_bytes
    assert int(macros(micro)["ARENA_BYTES"]) == micro.arena_bytes
    micro_interpreter.run(micro.content, {}, micro.arena_bytes)


@needs_tflite_micro
def test_what_tflite_micro_does_not_load_is_refused(unsupported: bytes) -> None:
    with pytest.raises(ExportError, match=r"TFLite Micro does not run it: .*SIGN"):
        measure_arena(unsupported)


def test_without_tflite_micro_nothing_is_said_to_be_measured(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(micro_module, "measure_arena", measure_arena)
    monkeypatch.setattr("pipelines.export.micro.arena.importlib.util.find_spec", lambda name: None)
    micro = write_micro(content, tmp_path, "tiny")
    assert micro.arena_bytes is None
    assert "ARENA_BYTES" not in macros(micro)
    assert "was not measured" in (micro.folder / "tiny.h").read_text()
