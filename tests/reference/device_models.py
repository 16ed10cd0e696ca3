"""Tiny .tflite models to test the runtime with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

from pipelines.export.tflite.clean_up import clean_up
from pipelines.export.tflite.flatbuffer import opcode, pack, parse
from pipelines.export.tflite.quantize import quantize

STEPS, FEATURES, UNITS, CLASSES = 5, 3, 8, 2
START = 0.25
"""Of the state of `step`."""
_rng = np.random.default_rng(0)
KERNEL, RECURRENT, DENSE = (
    (0.4 * _rng.normal(size=shape)).astype(np.float32)  # small enough for errors not to grow
    for shape in ((FEATURES, UNITS), (UNITS, UNITS), (UNITS, CLASSES))
)


def next_state(x: Any, h: Any, np: Any = np) -> Any:
    """Return the state after one step; by numpy, or by `tf`."""
    return np.tanh(x @ KERNEL + h @ RECURRENT)


def probabilities(h: np.ndarray) -> np.ndarray:
    """Return softmax(h DENSE)."""
    powers = np.exp(h @ DENSE)
    return powers / powers.sum(axis=-1, keepdims=True)


class _Loop(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec((1, STEPS, FEATURES), name="features")])
    def serve(self, features: tf.Tensor) -> dict[str, tf.Tensor]:
        x = tf.transpose(features, (1, 0, 2))

        def body(t: tf.Tensor, h: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return t + 1, next_state(tf.gather(x, t), h, tf)

        _, h = tf.while_loop(lambda t, h: t < STEPS, body, (tf.constant(0), tf.zeros((1, UNITS))))
        return {"probabilities": tf.nn.softmax(h @ DENSE)}


class _Step(tf.Module):
    """States: float32 `rnn_h`, int32 `clock_count`, and int8 `line_last`, the last 3 inputs."""

    @tf.function(input_signature=[])
    def init(self) -> dict[str, tf.Tensor]:
        return {
            "rnn_h": tf.zeros((1, UNITS)) + START,
            "clock_count": tf.zeros((1, 1), tf.int32),
            "line_last": tf.zeros((1, 3), tf.int8),
        }

    @tf.function(
        input_signature=[
            tf.TensorSpec((1, 1, FEATURES), name="features"),
            tf.TensorSpec((1, UNITS), name="rnn_h"),
            tf.TensorSpec((1, 1), tf.int32, name="clock_count"),
            tf.TensorSpec((1, 3), tf.int8, name="line_last"),
        ]
    )
    def step(
        self, features: tf.Tensor, rnn_h: tf.Tensor, clock_count: tf.Tensor, line_last: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        h = next_state(features[:, 0], rnn_h, tf)
        last = tf.concat([line_last[:, 1:], tf.cast(features[:, 0, :1], tf.int8)], 1)
        states = {"rnn_h": h, "clock_count": clock_count + 1, "line_last": last}
        return {"probabilities": tf.nn.softmax(h @ DENSE)[:, None], **states}


class _AnyLength(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec((1, None, FEATURES), name="features")])
    def serve(self, features: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"sum": tf.reduce_sum(features, 1), "double": 2 * features}


def _converted(module: tf.Module, keys: list[str], folder: Path) -> bytes:
    """Convert functions of a module; each becomes a signature."""
    tf.saved_model.save(module, str(folder), signatures={key: getattr(module, key) for key in keys})
    return tf.lite.TFLiteConverter.from_saved_model(str(folder), signature_keys=keys).convert()


def _examples(shapes: dict[str, tuple[int, ...]]) -> Iterator[dict[str, np.ndarray]]:
    rng = np.random.default_rng(1)
    for _ in range(32):
        yield {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def loop(folder: Path) -> bytes:
    """Return `serve`: features (1, 5, 3) -> probabilities (1, 2), by a WHILE loop."""
    return _converted(_Loop(), ["serve"], folder)


def loop_int8(folder: Path, precision: str = "int8") -> bytes:
    """Return `loop` in integers, float in and out."""
    return quantize(loop(folder), precision, list(_examples({"features": (1, STEPS, FEATURES)})))


def integer_border(folder: Path, precision: str = "int8") -> bytes:
    """Return `loop_int8` without the ops that quantize its input and dequantize its output."""
    model = parse(loop_int8(folder, precision))
    graph, signature = model.subgraphs[0], model.signatureDefs[0]
    first, last = graph.operators[0], graph.operators[-1]
    codes = [opcode(model, op) for op in (first, last)]
    assert codes == [schema.BuiltinOperator.QUANTIZE, schema.BuiltinOperator.DEQUANTIZE]
    graph.operators = graph.operators[1:-1]
    graph.inputs, graph.outputs = [first.outputs[0]], [last.inputs[0]]
    signature.inputs[0].tensorIndex, signature.outputs[0].tensorIndex = first.outputs[0], last.inputs[0]
    return pack(model)


def step(folder: Path) -> bytes:
    """Return `init` and `step` (see `_Step`); the int8 state has a scale, as a quantized one would."""
    model = parse(_converted(_Step(), ["init", "step"], folder))
    clean_up(model)
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            if tensor.type == schema.TensorType.INT8:
                tensor.quantization = schema.QuantizationParametersT()
                tensor.quantization.scale, tensor.quantization.zeroPoint = [0.5], [3]
    return pack(model)


def any_length(folder: Path) -> bytes:
    """Return `serve`: features (1, any, 3) -> sum (1, 3), double (1, any, 3)."""
    return _converted(_AnyLength(), ["serve"], folder)
