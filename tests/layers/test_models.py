"""The layers inside Keras models: symbolic states, masks, precision, unknown shapes."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference.cases import BATCH, CASES, FEATURES, SEQUENCES, STATEFUL, STEPS
from reference.parity import random_like, randomize

from layers import (
    GRU,
    LSTM,
    AdditiveAttentionPooling,
    Bidirectional,
    LSTMCell,
    MaskedMaxPooling,
    Recurrent,
    Stack,
    execution,
)

SAME = {"atol": 3e-6, "rtol": 0}


def _inputs() -> np.ndarray:
    return random_like([(BATCH, STEPS, FEATURES)], seed=4)[0]


@pytest.mark.parametrize("name", STATEFUL)
def test_symbolic_initial_state(name: str) -> None:
    sizes = STATEFUL[name].states
    x, states = keras.Input((None, FEATURES)), [keras.Input((size,)) for size in sizes]
    layer = STATEFUL[name].make(return_sequences=True, return_state=True)
    results = layer(x, initial_state=states)
    model = keras.Model([x, *states], results)
    randomize(layer)
    values = random_like([(BATCH, size) for size in sizes], seed=5)
    expected = layer(_inputs(), initial_state=values)
    for symbolic, result, wanted in zip(results, model([_inputs(), *values]), expected, strict=True):
        assert symbolic.shape[-1] == wanted.shape[-1]
        np.testing.assert_allclose(result, wanted, **SAME)


@pytest.mark.parametrize("with_state", [False, True])
def test_mask_of_an_embedding_arrives(with_state: bool) -> None:
    words = keras.Input((None,), dtype="int32")
    embedding, layer = keras.layers.Embedding(7, FEATURES, mask_zero=True), GRU(5)
    states = [keras.Input((5,))] if with_state else []
    embedded = embedding(words)
    model = keras.Model([words, *states], layer(embedded, initial_state=states or None))
    randomize(layer)
    values = [np.full((2, 5), 0.3, np.float32)] * len(states)
    long = model([np.array([[3, 4, 0, 0], [0, 0, 3, 4]]), *values])
    short = model([np.array([[3, 4], [3, 4]]), *values])
    np.testing.assert_allclose(long, short, **SAME)


@pytest.mark.parametrize("make", [
    lambda: GRU(5, return_sequences=True),
    lambda: Bidirectional(LSTM(5, return_sequences=True)),
    lambda: Stack([GRU(5, return_sequences=True), GRU(6, return_sequences=True)]),
], ids=["GRU", "Bidirectional", "Stack"])  # fmt: skip
def test_mask_goes_on_to_the_next_layer(make: Any) -> None:
    words = keras.Input((None,), dtype="int32")
    embedded = keras.layers.Embedding(7, FEATURES, mask_zero=True)(words)
    pooled, attention = AdditiveAttentionPooling(4, return_weights=True)(make()(embedded))
    model = keras.Model(words, [pooled, attention])
    long_pooled, attention = model(np.array([[3, 4, 5, 0, 0]]))
    np.testing.assert_array_equal(attention[:, 3:], 0.0)
    np.testing.assert_allclose(tf.reduce_sum(attention, 1), 1.0, **SAME)
    np.testing.assert_allclose(long_pooled, model(np.array([[3, 4, 5]]))[0], **SAME)


def test_pooling_of_nothing_but_padding() -> None:
    for dtype in ("float32", "float16"):
        layer = AdditiveAttentionPooling(4, return_weights=True, dtype=dtype)
        pooled, attention = layer(_inputs(), mask=np.zeros((BATCH, STEPS), bool))
        np.testing.assert_allclose(attention, 1.0 / STEPS, atol=1e-3)
        assert np.isfinite(pooled).all()


@pytest.mark.parametrize("name", [name for name in SEQUENCES if " " not in name])
def test_unknown_shapes_in_a_graph(name: str) -> None:
    layer = SEQUENCES[name].built(return_sequences=True)
    randomize(layer)

    @tf.function(input_signature=[tf.TensorSpec([None, None, FEATURES])])
    def run(x: Any) -> Any:
        outputs = layer(x)
        assert outputs.shape.as_list()[:2] == [None, None]
        assert outputs.shape[2] is not None
        return outputs

    for batch, steps in ((BATCH, STEPS), (1, 1), (2, 3)):
        x = _inputs()[:batch, :steps]
        result = run(x)
        assert result.shape == layer.compute_output_shape(x.shape)
        np.testing.assert_allclose(result, layer(x), **SAME)


@pytest.mark.parametrize("name", STATEFUL)
def test_state_of_a_known_batch_with_inputs_of_an_unknown_one(name: str) -> None:
    layer = STATEFUL[name].built()
    randomize(layer)
    states = random_like([(1, size) for size in STATEFUL[name].states], seed=5)

    @tf.function(input_signature=[tf.TensorSpec([None, STEPS, FEATURES])])
    def run(x: Any) -> Any:
        return [layer(x, initial_state=states, training=training) for training in (False, True)]

    expected = layer(_inputs()[:1], initial_state=states)
    for result in run(_inputs()[:1]):
        np.testing.assert_allclose(result, expected, **SAME)


@pytest.mark.parametrize(
    ("policy", "how"),
    [("mixed_bfloat16", "loop"), ("mixed_bfloat16", "own_gradient"), ("float64", "own_gradient")],
)
@pytest.mark.parametrize("name", [name for name in CASES if " " not in name])
def test_precision(name: str, policy: str, how: str) -> None:
    keras.config.set_dtype_policy(policy)
    try:
        layer = CASES[name].built()
    finally:
        keras.config.set_dtype_policy("float32")
    full = CASES[name].built()
    randomize(layer)
    randomize(full)
    options = {"training": True} if CASES[name].gives_sequences else {}
    mask = np.arange(STEPS) < np.array([4, 1, 2])[:, None]
    with tf.GradientTape() as tape, execution(how):
        outputs = layer(_inputs(), mask=mask, **options)
        loss = tf.reduce_sum(outputs)
    assert outputs.dtype == layer.compute_dtype
    tolerance = {"float64": 1e-5}.get(policy, 0.06)  # bfloat16 has 8 bits: 0.004, over some steps
    np.testing.assert_allclose(
        tf.cast(outputs, "float32"), full(_inputs(), mask=mask, **options), atol=tolerance, rtol=0
    )
    for variable, gradient in zip(
        layer.trainable_variables, tape.gradient(loss, layer.trainable_variables), strict=True
    ):
        assert gradient.dtype == variable.dtype
        assert np.isfinite(tf.cast(gradient, "float32")).all()


def test_max_pooling() -> None:
    layer = MaskedMaxPooling()
    x = np.array([[[-1.0, 5.0], [-2.0, 3.0], [9.0, 9.0]]] * 2, np.float32)
    mask = np.array([[True, True, False], [False, False, False]])
    np.testing.assert_array_equal(layer(x, mask=mask), [[-1.0, 5.0], [0.0, 0.0]])
    np.testing.assert_array_equal(layer(x), [[9.0, 9.0]] * 2)


def test_mixed_precision_trains() -> None:
    x = keras.Input((None, FEATURES))
    hidden = Bidirectional(LSTM(5, dtype="mixed_bfloat16"), dtype="mixed_bfloat16")(x)
    model = keras.Model(x, keras.layers.Dense(1)(hidden))
    model.compile(keras.optimizers.Adam(0.05), "mse")
    inputs = random_like([(32, STEPS, FEATURES)])[0]
    losses = model.fit(inputs, inputs.sum((1, 2))[:, None], epochs=12, verbose=0).history["loss"]
    assert losses[-1] < 0.6 * losses[0]


def test_cell_decides_the_precision() -> None:
    layer = Recurrent(LSTMCell(5, dtype="float64"))
    assert layer.compute_dtype == "float64"
    assert layer(_inputs()).dtype == tf.float64


def test_regularizers_count_and_constraints_hold() -> None:
    layer = GRU(5, kernel_regularizer=keras.regularizers.L2(0.5), recurrent_constraint="non_neg")
    layer.build((BATCH, STEPS, FEATURES))
    expected = 0.5 * np.sum(np.square(layer.get_weights()[0]))
    np.testing.assert_allclose(sum(layer.losses), expected, rtol=1e-5)
    optimizer = keras.optimizers.SGD(0.1)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(_inputs(), training=True))
    optimizer.apply(tape.gradient(loss, layer.trainable_variables), layer.trainable_variables)
    assert layer.get_weights()[1].min() >= 0.0


@pytest.mark.parametrize("name", CASES)
def test_weights_have_paths_of_their_own(name: str) -> None:
    layer = CASES[name].built()
    paths = [weight.path for weight in layer.weights]
    assert len(set(paths)) == len(paths)
    assert all(path.startswith(layer.name) for path in paths)


def test_layers_as_they_come_from_keras_models() -> None:
    """summary(), count_params() and plain lists of layers work as for any layer."""
    model = keras.Sequential([keras.Input((STEPS, FEATURES)), GRU(5, return_sequences=True), LSTM(4)])
    lines: list[str] = []
    model.summary(print_fn=lines.append)
    assert "LSTM" in "\n".join(lines)
    assert model.layers[1].count_params() == 4 * (5 + 4 + 1) * 4
