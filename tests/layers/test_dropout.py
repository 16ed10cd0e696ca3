"""Dropout and zoneout: in training only, one mask a sequence, the mean unchanged."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from reference.cases import BATCH, FEATURES, STEPS
from reference.toy_cells import DecayCell

from layers import GRU, LSTM, GRUCell, LSTMCell, Recurrent, SimpleRNN, Stack, TokenDropout, execution

LAYERS = [SimpleRNN, LSTM, GRU]
OPTIONS = [{"dropout": 0.5}, {"recurrent_dropout": 0.5}, {"zoneout": 0.5}]
ONES = np.ones((BATCH, STEPS, FEATURES), np.float32)


def _built(layer_class: Any, **options: Any) -> Any:
    layer = layer_class(5, seed=1, **options)
    layer.build(ONES.shape)
    return layer


@pytest.mark.parametrize("options", OPTIONS[:2], ids=str)
@pytest.mark.parametrize("layer_class", LAYERS)
def test_off_in_evaluation_and_on_in_training(layer_class: Any, options: Any) -> None:
    layer, plain = _built(layer_class, **options), _built(layer_class)
    plain.set_weights(layer.get_weights())
    np.testing.assert_array_equal(layer(ONES), plain(ONES))
    np.testing.assert_array_equal(layer(ONES, training=False), plain(ONES))
    assert not np.allclose(layer(ONES, training=True), plain(ONES, training=True))


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("layer_class", LAYERS)
def test_seed_reproduces(layer_class: Any, options: Any) -> None:
    one, other = _built(layer_class, **options), _built(layer_class, **options)
    other.set_weights(one.get_weights())
    first = one(ONES, training=True)
    np.testing.assert_array_equal(first, other(ONES, training=True))
    assert not np.allclose(first, one(ONES, training=True))


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_training_with_dropout_is_the_same_in_the_loop(options: Any) -> None:
    one, other = _built(GRU, **options), _built(GRU, **options)
    other.set_weights(one.get_weights())
    with execution("own_gradient"):
        by_hand = _gradients(one)
    with execution("loop"):
        plain = _gradients(other)
    for part, expected in zip(by_hand, plain, strict=True):
        np.testing.assert_allclose(part, expected, atol=2e-5)


def _gradients(layer: Any) -> list[Any]:
    with tf.GradientTape() as tape:
        outputs = layer(ONES, initial_state=np.full((BATCH, 5), 0.5, np.float32), training=True)
        loss = tf.reduce_sum(tf.sin(outputs))
    return [outputs, *tape.gradient(loss, layer.trainable_variables)]


class _Seen(DecayCell):
    """Returns one more than what reaches the cell: the inputs, or the masked state."""

    def project_state(self, h: Any) -> Any:
        return tf.minimum(h, 1.0 / (1.0 - self.recurrent_dropout))

    def update(self, x_proj: Any, h_proj: Any, state: Any) -> Any:
        return (1.0 + (h_proj if self.recurrent_dropout else x_proj),)


@pytest.mark.parametrize("how", ["own_gradient", "loop"])
@pytest.mark.parametrize("option", ["dropout", "recurrent_dropout"])
def test_one_mask_a_sequence(option: str, how: str) -> None:
    units, rate = 400, 0.25
    layer = Recurrent(_Seen(units, seed=1, **{option: rate}), return_sequences=True)
    x, state = np.ones((2, 5, units), np.float32), np.ones((2, units), np.float32)
    with execution(how):
        seen = layer(x, initial_state=state, training=True).numpy() - 1.0
    for t in range(1, 5):
        np.testing.assert_array_equal(seen[:, t], seen[:, 0])
    assert not np.array_equal(seen[0, 0], seen[1, 0]), "every sequence has a mask of its own"
    np.testing.assert_allclose(np.unique(seen), [0.0, 1.0 / (1.0 - rate)], rtol=1e-6)
    # 800 draws: the dropped fraction has a standard deviation of 0.015; allow four of them
    assert abs((seen[:, 0] == 0).mean() - rate) < 0.06
    assert abs(seen[:, 0].mean() - 1.0) < 0.08


def test_update_sees_the_whole_state() -> None:
    """Recurrent dropout acts on the product only: a gate keeps the state without dropout."""
    cell = GRUCell(5, recurrent_dropout=0.9, seed=1)
    layer = Recurrent(cell)
    layer.build(ONES.shape)
    kernel, recurrent_kernel, bias = layer.get_weights()
    bias[0, :5] = 100.0  # z = 1: keep the state as it is
    layer.set_weights([kernel, recurrent_kernel, bias])
    state = np.full((BATCH, 5), 0.5, np.float32)
    np.testing.assert_array_equal(layer(ONES, initial_state=state, training=True), state)


def test_single_step_drops_in_training_only() -> None:
    cell = LSTMCell(5, dropout=0.5, recurrent_dropout=0.5, seed=1)
    cell.build((BATCH, FEATURES))
    x, states = ONES[:, 0], [np.ones((BATCH, 5), np.float32)] * 2
    still = cell(x, states)[0]
    np.testing.assert_array_equal(cell(x, states, training=False)[0], still)
    assert not np.allclose(cell(x, states, training=True)[0], still)


def test_stack_drops_between_its_layers() -> None:
    stack = Stack([GRU(5, return_sequences=True), GRU(6)], dropout=0.5, seed=1)
    still = stack(ONES)
    np.testing.assert_array_equal(stack(ONES, training=False), still)
    assert not np.allclose(stack(ONES, training=True), still)
    alone = Stack([GRU(5)], dropout=0.5, seed=1)
    np.testing.assert_allclose(alone(ONES, training=True), alone(ONES), atol=1e-6)


def test_token_dropout() -> None:
    tokens = np.array([[2, 3, 4, 0] * 100] * 2)
    layer = TokenDropout(0.25, unknown=1, seed=1)
    np.testing.assert_array_equal(layer(tokens), tokens)
    np.testing.assert_array_equal(layer(tokens, training=False), tokens)
    result = np.asarray(layer(tokens, training=True))
    assert not np.array_equal(result[0], result[1])
    assert result.dtype == tokens.dtype
    np.testing.assert_array_equal(result[tokens == 0], 0)
    changed = result != tokens
    np.testing.assert_array_equal(result[changed], 1)
    # 600 draws: a standard deviation of 0.018
    assert abs(changed[tokens != 0].mean() - 0.25) < 0.07
    np.testing.assert_array_equal(TokenDropout(0.25, seed=1)(tokens, training=True), result)


# Zoneout keeps the old state at random in training, and mixes it in during evaluation.


@pytest.mark.parametrize("how", ["own_gradient", "loop"])
def test_zoneout_keeps_states_at_random(how: str) -> None:
    units, rates = 500, [0.25, 0.5]
    layer = Recurrent(_OneMore(units, zoneout=rates, seed=1), return_state=True)
    x = np.zeros((1, 2, units), np.float32)
    with execution(how):
        _, *states = layer(x, training=True)
    for state, rate in zip(states, rates, strict=True):
        counts = np.bincount(state.numpy().astype(int).ravel(), minlength=3)
        # Two steps, each counted with probability 1 - rate; 500 draws, four standard deviations
        for count, chance in zip(counts, [rate**2, 2 * rate * (1 - rate), (1 - rate) ** 2], strict=True):
            assert abs(count / units - chance) < 4 * np.sqrt(chance * (1 - chance) / units)
    assert not np.array_equal(states[0], states[1])


class _OneMore(DecayCell):
    """Both states count the steps."""

    state_names = ("h", "c")

    def update(self, x_proj: Any, h_proj: Any, state: Any) -> Any:
        return tuple(part + 1.0 for part in state)


@pytest.mark.parametrize("training", [False, True])
def test_zoneout_of_a_single_step(training: bool) -> None:
    cell = _OneMore(400, zoneout=[0.0, 0.75], seed=1)
    output, (h, c) = cell(
        np.zeros((1, 400), np.float32), [np.zeros((1, 400), np.float32)] * 2, training=training
    )
    np.testing.assert_array_equal(output, 1.0)
    np.testing.assert_array_equal(h, 1.0)
    assert abs(np.mean(c) - 0.25) < 0.09
    assert np.array_equal(np.unique(c), [0.0, 1.0] if training else [0.25])


def test_zoneout_in_evaluation_mixes_old_and_new() -> None:
    layer = Recurrent(_OneMore(2, zoneout=[0.25, 0.5]), return_sequences=True, return_state=True)
    outputs, h, c = layer(np.zeros((1, 3, 2), np.float32))
    np.testing.assert_allclose(outputs[0, :, 0], [0.75, 1.5, 2.25])
    np.testing.assert_allclose(h, 2.25)
    np.testing.assert_allclose(c, 1.5)
