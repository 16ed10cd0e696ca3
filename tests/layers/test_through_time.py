"""Stateful layers, truncated backpropagation through time, and checkpointing."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference.cases import BATCH, FEATURES, RECURRENT, STEPS
from reference.parity import random_like, randomize

from layers import GRU, LSTM, Bidirectional, Stack, execution

SAME = {"atol": 1e-6, "rtol": 0}


def _inputs(seed: int = 4) -> np.ndarray:
    return random_like([(BATCH, STEPS, FEATURES)], seed)[0]


@pytest.mark.parametrize("how", ["loop", "own_gradient"])
@pytest.mark.parametrize("name", RECURRENT)
def test_stateful_goes_on_where_it_was(name: str, how: str) -> None:
    plain = RECURRENT[name].built(return_sequences=True)
    layer = RECURRENT[name].make(return_sequences=True, stateful=True)
    layer.build((BATCH, 2, FEATURES))
    randomize(plain)
    randomize(layer)
    x, expected = _inputs(), plain(_inputs())
    with execution(how):
        for _ in range(2):
            parts = [layer(x[:, start : start + 2], training=True) for start in (0, 2)]
            np.testing.assert_allclose(tf.concat(parts, 1), expected, **SAME)
            layer.reset_state()


def test_state_is_kept_in_the_training_graph() -> None:
    layer, plain = LSTM(5, stateful=True), LSTM(5)
    layer.build((BATCH, 2, FEATURES))
    plain.build((BATCH, STEPS, FEATURES))
    plain.set_weights(layer.get_weights())
    run = tf.function(lambda x: layer(x, training=True))
    run(_inputs()[:, :2])
    np.testing.assert_allclose(run(_inputs()[:, 2:]), plain(_inputs()), **SAME)


def test_states_are_no_weights_and_can_be_set() -> None:
    layer = LSTM(5, stateful=True, return_state=True)
    layer.build((BATCH, STEPS, FEATURES))
    assert len(layer.get_weights()) == 3
    states = random_like([(BATCH, 5)] * 2, seed=5)
    layer.reset_state(states)
    expected = layer(_inputs(), initial_state=states)
    layer.reset_state(states)
    for result, wanted in zip(layer(_inputs()), expected, strict=True):
        np.testing.assert_array_equal(result, wanted)
    for carried, wanted in zip(layer.states, expected[1:], strict=True):
        np.testing.assert_array_equal(carried, wanted)


def test_masked_rows_keep_their_state() -> None:
    layer = GRU(5, stateful=True)
    layer.build((BATCH, STEPS, FEATURES))
    first = layer(_inputs()).numpy()
    mask = np.zeros((BATCH, STEPS), bool)
    mask[1] = True
    layer(_inputs(seed=9), mask=mask)
    np.testing.assert_array_equal(layer.states[0].numpy()[[0, 2]], first[[0, 2]])
    assert not np.allclose(layer.states[0].numpy()[1], first[1])


def test_both_directions_and_stacks_are_reset() -> None:
    both = Bidirectional(GRU(5, stateful=True, return_sequences=True))
    deep = Stack([both, LSTM(6, stateful=True)])
    x = tf.constant(_inputs())
    first = deep(x)
    assert not np.allclose(deep(x), first)
    deep.reset_state()
    np.testing.assert_array_equal(deep(x), first)


def test_stateful_in_fit_equals_keras() -> None:
    """The second of two consecutive batches starts from the last states of the first."""
    models = []
    for layer_class in (LSTM, keras.layers.LSTM):
        layer = layer_class(5, stateful=True)
        model = keras.Sequential([keras.Input((STEPS, FEATURES), batch_size=2), layer, keras.layers.Dense(1)])
        model.compile(keras.optimizers.SGD(0.1), "mse")
        models.append(model)
    models[1].set_weights(models[0].get_weights())
    (x,) = random_like([(6, STEPS, FEATURES)])
    histories = [m.fit(x, x[:, 0, :1], batch_size=2, epochs=2, shuffle=False, verbose=0) for m in models]
    np.testing.assert_allclose(histories[0].history["loss"], histories[1].history["loss"], rtol=1e-5)
    for ours, theirs in zip(models[0].get_weights(), models[1].get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_gradient_ends_at_the_border_of_a_call() -> None:
    """No gradient flows from one batch to the batch before."""
    layer = LSTM(5, stateful=True)
    layer.build((BATCH, 2, FEATURES))
    x = tf.constant(_inputs())
    with tf.GradientTape() as tape:
        tape.watch(x)
        layer(x[:, :2], training=True)
        loss = tf.reduce_sum(layer(x[:, 2:], training=True))
    gradient = tape.gradient(loss, x).numpy()
    np.testing.assert_array_equal(gradient[:, :2], 0.0)
    assert np.abs(gradient[:, 2:]).min() > 0.0


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("name", [name for name in RECURRENT if name != "Recurrent"])
def test_state_keeps_float32_in_mixed_precision(name: str, policy: str) -> None:
    layer = RECURRENT[name].built(return_state=True, dtype=policy)
    fine = [np.full((BATCH, size), 1.0 + 2.0**-12, np.float32) for size in RECURRENT[name].states]
    mask = np.zeros((BATCH, STEPS), bool)  # every step is padding: the states come back as they went in
    output, *states = layer(_inputs(), initial_state=fine, mask=mask)
    assert output.dtype == layer.compute_dtype
    for state, given in zip(states, fine, strict=True):
        assert state.dtype == tf.float32
        np.testing.assert_array_equal(state, given)


def test_small_steps_are_not_lost_in_mixed_precision() -> None:
    """400 additions of 2^-9 to a state near 1. In bfloat16, with 8 bits, each would be lost to rounding."""
    layer = LSTM(1, activation="linear", dtype="mixed_bfloat16")
    layer.build((1, 400, 1))
    bias = np.array(
        [np.log(2.0**-9 / (1 - 2.0**-9)), 50.0, 1.0, 50.0], np.float32
    )  # i = 2^-9, f = o = 1, g = 1
    layer.set_weights([np.zeros((1, 4)), np.zeros((1, 4)), bias])
    total = layer(np.zeros((1, 400, 1), np.float32))
    assert abs(float(total[0, 0]) - 400 * 2.0**-9) < 0.02
