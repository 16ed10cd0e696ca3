"""Deep stacks: residual and skip connections."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from reference.cases import BATCH, FEATURES, STEPS
from reference.parity import random_like, randomize

import layers
from layers import GRU, LSTM, Bidirectional, SimpleRNN, Stack

SAME = {"atol": 1e-6, "rtol": 0}
"""Rounding: the same float32 numbers are added, possibly in another order."""

MASK = np.array([[True, True, False, True], [True, False, False, False], [False, True, True, False]])
LAST = [3, 0, 2]
"""The last valid step of each row."""


def _inputs() -> np.ndarray:
    return random_like([(BATCH, STEPS, FEATURES)], seed=4)[0]


def _built(make: Callable[..., list[Any]], connections: str, **options: Any) -> Stack:
    stack = Stack(make(), connections=connections, **options)
    stack.build((BATCH, STEPS, FEATURES))
    randomize(stack)
    return stack


def _equal_sizes(return_sequences: bool = True) -> list[Any]:
    return [
        Bidirectional(LSTM(3, return_sequences=True)),
        GRU(6, return_sequences=True),
        SimpleRNN(6, return_sequences=return_sequences),
    ]


def _other_sizes(return_sequences: bool = True) -> list[Any]:
    return [
        LSTM(5, return_sequences=True),
        Bidirectional(GRU(3, return_sequences=True), "concat"),
        SimpleRNN(7, return_sequences=return_sequences),
    ]


def _residual(stack: Stack, x: Any, mask: Any) -> Any:
    h1 = stack.layers[0](x, mask=mask)
    h2 = stack.layers[1](h1, mask=mask) + h1
    return stack.layers[2](h2, mask=mask) + h2


def _skip(stack: Stack, x: Any, mask: Any) -> Any:
    h1 = stack.layers[0](x, mask=mask)
    h2 = stack.layers[1](tf.concat([x, h1], -1), mask=mask)
    h3 = stack.layers[2](tf.concat([x, h2], -1), mask=mask)
    return tf.concat([h1, h2, h3], -1)


CONNECTED = {"residual": (_equal_sizes, _residual, 6), "skip": (_other_sizes, _skip, 5 + 6 + 7)}


@pytest.mark.parametrize("mask", [None, MASK], ids=["no mask", "mask"])
@pytest.mark.parametrize("connections", CONNECTED)
def test_computes_its_equations(connections: str, mask: Any) -> None:
    make, equations, size = CONNECTED[connections]
    stack = _built(make, connections)
    outputs = stack(_inputs(), mask=mask)
    assert outputs.shape == stack.compute_output_shape((BATCH, STEPS, FEATURES)) == (BATCH, STEPS, size)
    expected = equations(stack, tf.constant(_inputs()), mask)
    np.testing.assert_allclose(outputs, expected, **SAME)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("connections", CONNECTED)
def test_last_output_is_that_of_the_last_valid_step(connections: str, masked: bool) -> None:
    make, equations, size = CONNECTED[connections]
    whole, last = _built(make, connections), _built(lambda: make(False), connections)
    mask, steps = (tf.constant(MASK), LAST) if masked else (None, [STEPS - 1] * BATCH)
    expected = equations(whole, tf.constant(_inputs()), mask).numpy()[range(BATCH), steps]
    outputs = last(_inputs(), mask=mask)
    assert last.compute_output_shape((BATCH, STEPS, FEATURES)) == (BATCH, size)
    np.testing.assert_allclose(outputs, expected, **SAME)


def test_plain_is_the_default() -> None:
    assert Stack([GRU(5)]).connections == "plain"


def test_dropout_leaves_the_residual_path_alone() -> None:
    """Upper layers that output zeros leave the output of the bottom layer, in training too."""
    stack = _built(_equal_sizes, "residual", dropout=0.5, seed=1)
    for layer in stack.layers[1:]:
        layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
    expected = stack.layers[0](_inputs())
    np.testing.assert_allclose(stack(_inputs(), training=True), expected, **SAME)


def test_dropout_leaves_the_inputs_alone() -> None:
    """The top layer sums its inputs, so it returns x where the layer below returns zeros."""
    x = np.ones((BATCH, STEPS, FEATURES), np.float32)
    stack = Stack(
        [GRU(5, return_sequences=True), SimpleRNN(1, "linear", return_sequences=True)],
        dropout=0.5,
        connections="skip",
    )
    stack.build(x.shape)
    kernel = np.concatenate([np.ones((FEATURES, 1)), np.zeros((5, 1))])
    stack.layers[1].set_weights([kernel, np.zeros((1, 1)), np.zeros(1)])
    outputs = stack(x, training=True)
    np.testing.assert_allclose(outputs[..., 5:], np.full((BATCH, STEPS, 1), FEATURES), **SAME)


@pytest.mark.parametrize("connections", CONNECTED)
def test_gradient_reaches_the_bottom_of_a_deep_stack(connections: str) -> None:
    """In twelve layers of small weights the gradient vanishes with plain connections."""

    def gradient(connections: str) -> float:
        keras.utils.set_random_seed(3)
        small = keras.initializers.RandomNormal(stddev=0.1)
        deep = [
            SimpleRNN(5, kernel_initializer=small, recurrent_initializer=small, return_sequences=True)
            for _ in range(12)
        ]
        stack = Stack(deep, connections=connections)
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.sin(stack(_inputs(), training=True) + 0.3))
        return float(tf.norm(tape.gradient(loss, stack.layers[0].cell.kernel.value)))

    assert gradient(connections) > 100 * gradient("plain")


@pytest.mark.parametrize("connections", CONNECTED)
def test_mask_goes_on_to_the_next_layer(connections: str) -> None:
    make, *_ = CONNECTED[connections]
    words = keras.Input((None,), dtype="int32")
    embedded = keras.layers.Embedding(7, FEATURES, mask_zero=True)(words)
    deep = Stack(make(), connections=connections)(embedded)
    model = keras.Model(words, layers.AdditiveAttentionPooling(4)(deep))
    randomize(model)
    np.testing.assert_allclose(model(np.array([[3, 4, 5, 0, 0]])), model(np.array([[3, 4, 5]])), **SAME)


@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("connections", CONNECTED)
def test_precision(connections: str, return_sequences: bool) -> None:
    make, *_ = CONNECTED[connections]
    full = _built(lambda: make(return_sequences), connections)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        stack = _built(lambda: make(return_sequences), connections)
    finally:
        keras.config.set_dtype_policy("float32")
    outputs = stack(_inputs(), mask=MASK, training=True)
    assert outputs.dtype == stack.compute_dtype
    expected = full(_inputs(), mask=MASK)
    np.testing.assert_allclose(tf.cast(outputs, "float32"), expected, atol=0.1, rtol=0)


@pytest.mark.parametrize("connections", CONNECTED)
def test_converts_to_builtin_ops_and_computes_the_same(connections: str, tmp_path: Path) -> None:
    make, *_ = CONNECTED[connections]
    stack = _built(lambda: make(False), connections)
    x, mask = _inputs()[:1], MASK[:1]
    specs = {"x": tf.TensorSpec(x.shape, name="x"), "mask": tf.TensorSpec(mask.shape, tf.bool, "mask")}
    archive = keras.export.ExportArchive()
    archive.track(stack)
    with layers.execution("loop"):
        archive.add_endpoint("serve", lambda given: {"y": stack(given["x"], mask=given["mask"])}, [specs])
        archive.write_out(str(tmp_path), verbose=False)
    content = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path), signature_keys=["serve"]).convert()
    run = Interpreter(model_content=content).get_signature_runner("serve")  # knows builtin ops only
    np.testing.assert_allclose(run(x=x, mask=mask)["y"], stack(x, mask=mask), **SAME)


def _sequences(*sizes: int, **options: Any) -> list[Any]:
    return [GRU(size, return_sequences=True, name=f"gru_{size}", **options) for size in sizes]


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "unknown connections": (
        lambda: Stack(_sequences(5, 6), connections="dense", name="deep"),
        r"deep: connections: expected one of \('plain', 'residual', 'skip'\), got 'dense'",
    ),
    "residual of one layer": (
        lambda: Stack(_sequences(5), connections="residual", name="deep"),
        "deep: connections='residual': expected two layers or more, got 1",
    ),
    "skip of one layer": (
        lambda: Stack(_sequences(5), connections="skip", name="deep"),
        "deep: connections='skip': expected two layers or more, got 1",
    ),
    "residual of other sizes": (
        lambda: Stack(_sequences(5, 6, 7), connections="residual", name="deep"),
        r"deep: connections='residual': expected layers of one output size, got \[5, 6, 7\]",
    ),
    "backwards": (
        lambda: Stack(_sequences(5, 6, go_backwards=True), connections="skip", name="deep"),
        r"deep: connections='skip': layers\[0\] \(gru_5\): expected go_backwards=False",
    ),
    "backwards inside": (
        lambda: Stack([Bidirectional(*_sequences(5, go_backwards=True)), *_sequences(6)], connections="skip"),
        r"layers\[0\] \(bidirectional\): expected go_backwards=False",
    ),
    "a list at the top": (
        lambda: Stack([*_sequences(5), Bidirectional(GRU(5), None)], connections="skip", name="deep"),
        "deep: connections='skip': expected one output of the top layer, got merge_mode=None",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused(what: str) -> None:
    act, message = REFUSED[what]
    with pytest.raises(ValueError, match=message):
        act()
