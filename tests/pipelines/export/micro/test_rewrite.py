"""Operators that TFLite Micro lacks become others with the same answers, in LiteRT and in TFLite Micro."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from pipelines.export.micro import interpreter as micro_interpreter
from pipelines.export.micro.write import write_micro
from pipelines.export.tflite.audit import list_ops


def _select(x: Any) -> Any:
    return tf.raw_ops.Select(condition=x < 0, x=x + 6, y=x)


ROWS = tf.constant(np.arange(12).reshape(6, 2), tf.float32)
"""Of a table without a row for most numbers: nothing else may be looked up."""
CASES: dict[str, tuple[Callable[[Any], Any], tuple[int, ...], Any, str]] = {
    "select": (_select, (1, 6), tf.int32, "SELECT"),
    "select of numbers": (_select, (1, 6), tf.float32, "SELECT"),
    "tile": (lambda x: tf.tile(x[:, None], [1, 4, 1]), (1, 6), tf.float32, "TILE"),
    "tile of rows": (lambda x: tf.tile(x, [1, 3, 2]), (1, 2, 3), tf.float32, "TILE"),
    "any": (lambda x: tf.cast(tf.reduce_any(x > 0, -1), tf.float32), (1, 4, 2), tf.float32, "REDUCE_ANY"),
    "unpack": (
        lambda x: tf.add_n([tf.cast(each, tf.float32) for each in tf.unstack(x > 0, axis=1)]),
        (1, 3, 2),
        tf.float32,
        "UNPACK",
    ),
    "row": (lambda x: tf.cast(tf.gather(ROWS, _select(x)), tf.int32), (1, 6), tf.int32, "SELECT"),
    "slice": (lambda x: x[:, 1], (1, 3, 2, 2, 2), tf.float32, "STRIDED_SLICE"),
    "slice from the end": (lambda x: x[:, 0:-1:2, :, :, -1], (1, 4, 2, 3, 2), tf.float32, "STRIDED_SLICE"),
}
"""What it computes, the shape and type of its input, and the operator that TFLite Micro lacks."""


def _file(name: str) -> bytes:
    compute, shape, kind, lacking = CASES[name]
    spec = tf.TensorSpec(shape, kind, name="x")
    traced = tf.function(lambda x: compute(x) + tf.cast(1, kind), [spec]).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([traced])
    content = converter.convert()
    assert any(op.startswith(lacking) for op in list_ops(content)), "the converter writes another operator"
    return content


@pytest.mark.parametrize("name", CASES)
def test_answers_stay(name: str, tmp_path: Path) -> None:
    compute, shape, kind, lacking = CASES[name]
    micro = write_micro(_file(name), tmp_path, "tiny", allow_float=True)
    rng = np.random.default_rng(0)
    x = rng.integers(-5, 6, shape).astype(kind.as_numpy_dtype)
    expected = compute(tf.constant(x)) + tf.cast(1, kind)
    interpreter = Interpreter(model_content=micro.content)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    np.testing.assert_array_equal(
        interpreter.get_tensor(interpreter.get_output_details()[0]["index"]), expected
    )
    assert lacking in ("STRIDED_SLICE", "UNPACK") or lacking not in micro.ops
    if find_spec("tflite_micro") is not None:
        answer = micro_interpreter.run(micro.content, {"0": x}).get_output(0)
        np.testing.assert_array_equal(answer, expected)
