"""Code written for Keras runs with our layers: its options, its cells, its names. What can't run says why."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference.parity import randomize

import layers
from layers import GRU, LSTM, Bidirectional, GRUCell, LSTMCell, Recurrent, SimpleRNN, Stack

SAME = {"atol": 1e-5, "rtol": 0}
X = np.random.default_rng(4).normal(size=(3, 4, 2)).astype("float32")


@pytest.mark.parametrize(
    "options", [{"implementation": 1}, {"implementation": 2, "unroll": False}, {"use_cudnn": "auto"}]
)
@pytest.mark.parametrize("maker", [SimpleRNN, LSTM, GRU, lambda n, **o: Recurrent(GRUCell(n), **o)])
def test_options_that_say_how_keras_computes_are_accepted(maker: Any, options: dict[str, Any]) -> None:
    layer = maker(3, **options)
    assert not set(options) & set(layer.get_config())
    assert layer(X).shape == (3, 3)
    assert type(layer).from_config(layer.get_config())(X).shape == (3, 3)


def test_options_that_ask_for_more_say_what_holds_here() -> None:
    with pytest.warns(UserWarning, match="LSTM: unroll=True changes nothing: training compiles the loop"):
        LSTM(3, unroll=True)
    with pytest.warns(UserWarning, match="GRU: use_cudnn=True changes nothing: training is compiled by XLA"):
        GRU(3, use_cudnn=True)
    with pytest.raises(ValueError, match=r"Unrecognized keyword arguments .*unrol"):
        GRU(3, unrol=True)
    assert GRUCell(3, implementation=1).units == 3


@pytest.mark.parametrize(
    "layer",
    [
        GRU(3, stateful=True),
        Bidirectional(GRU(3, stateful=True)),
        Stack([GRU(3, stateful=True, return_sequences=True), GRU(3, stateful=True)]),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_reset_states_is_reset_state(layer: Any) -> None:
    first, second = layer(X), layer(X)
    assert np.abs(first - second).max() > 1e-4
    layer.reset_states()
    np.testing.assert_allclose(layer(X), first, **SAME)


def test_a_cell_of_keras_runs_with_its_weights() -> None:
    theirs = keras.layers.RNN(keras.layers.GRUCell(3), return_sequences=True)
    expected = theirs(X)
    ours = Recurrent(theirs.cell, return_sequences=True)
    assert isinstance(ours.cell, GRUCell)
    np.testing.assert_allclose(ours(X), expected, **SAME)
    assert Recurrent(keras.layers.LSTMCell(3))(X).shape == (3, 3)


@pytest.mark.parametrize("stock", [True, False])
def test_a_list_of_cells_is_a_stack(stock: bool) -> None:
    theirs = keras.layers.RNN([keras.layers.LSTMCell(3), keras.layers.GRUCell(4)], return_sequences=True)
    expected = theirs(X)
    cells = theirs.cell.cells if stock else [LSTMCell(3), GRUCell(4)]
    ours = Recurrent(cells, return_sequences=True, unroll=False, name="mine")
    ours.build(X.shape)
    ours.set_weights(theirs.get_weights())
    assert isinstance(ours, Stack)
    assert ours.name == "mine"
    np.testing.assert_allclose(ours(X), expected, **SAME)
    again = Stack.from_config(ours.get_config())
    assert [layer.cell.units for layer in again.layers] == [3, 4]
    assert Recurrent([GRUCell(3)], False)(X).shape == (3, 3)


def _message(act: Any) -> str:
    with pytest.raises((ValueError, TypeError, tf.errors.InvalidArgumentError)) as caught:
        act()
    assert "\x1b" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda: Recurrent([GRUCell(3)], return_state=True), "return_state=True over several cells has no"),
        (lambda: Recurrent([]), "Recurrent: cell: expected at least one cell, got none"),
        (lambda: Recurrent(3, name="mine"), "mine: cell: expected a Cell of this package or one of keras"),
        (lambda: GRU(3)(X, mask=np.ones((3, 5), bool)), r"mask: expected shape (3, 4), got (3, 5)"),
        (lambda: Bidirectional(GRU(3))(X[0]), "expected inputs of shape (batch, steps, features)"),
        (lambda: GRU(3, check_numerics=True)(X * np.nan), "sequences: expected finite numbers"),
        (lambda: GRU(3)(X, initial_state=np.ones((3, 0), "float32")), "got shapes [(3, 0)]"),
        (lambda: GRU(3)(X[:, :, :0]), "the last axis of the inputs must not be empty, got"),
        (lambda: LSTM(3)(X[:, :0, :0]), "the last axis of the inputs must not be empty, got"),
        (lambda: layers.MinGRU(3)(X[:, :, :0]), "the last axis of the inputs must not be empty, got"),
        (lambda: GRUCell(3)(X[:, 0], [np.ones((3, 0), "float32")]), "states: expected 1 of sizes (3,), got"),
        (lambda: LSTMCell(3)(X[:, 0], [X[:, 0]]), "states: expected 2 of sizes (3, 3), got shapes"),
        (lambda: GRUCell(3)(X[:, 0, :0], [np.ones((3, 3), "float32")]), "must not be empty, got (3, 0)"),
    ],
)
def test_what_is_wrong_is_said_without_codes_for_colours(act: Any, said: str) -> None:
    assert said in _message(act)


@pytest.mark.parametrize("maker", [GRU, lambda n: Bidirectional(LSTM(n)), lambda n: Stack([GRU(n)])])
def test_ragged_sequences_are_refused_with_the_remedy(maker: Any) -> None:
    ragged = tf.RaggedTensor.from_tensor(X, lengths=[4, 2, 3])
    said = _message(lambda: maker(3)(ragged))
    assert "got a RaggedTensor: call the layer with sequences.to_tensor() and mask=tf.sequence_mask(" in said
    layer = maker(3)
    dense = layer(ragged.to_tensor(), mask=tf.sequence_mask(ragged.row_lengths()))
    np.testing.assert_allclose(dense[1:2], layer(X[1:2, :2]), **SAME)


@pytest.mark.parametrize(
    ("maker", "how", "known"),
    [
        *((maker, how, True) for maker in (GRU, LSTM) for how in ("compiled", "loop", "unrolled")),
        *((maker, how, False) for maker in (GRU, LSTM) for how in ("own_gradient", "loop", "unrolled")),
        (LSTM, "fused", True),
    ],
)
def test_a_sequence_without_steps_returns_the_first_states(maker: Any, how: str, known: bool) -> None:
    layer = maker(3, return_state=how != "fused")
    layer.build((1, None, 2))
    randomize(layer)
    count = 2 if maker is LSTM else 1
    states = [tf.constant(np.full((1, 3), 0.5 + i, "float32")) for i in range(count)]
    spec = tf.TensorSpec([1, 0 if known else None, 2])

    @tf.function(input_signature=[spec])
    def run(x: tf.Tensor) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(states)
            results = tf.nest.flatten(layer(x, initial_state=states, training=True))
            total = tf.add_n([tf.reduce_sum(each) for each in results])
        return results, tape.gradient(total, states)

    with layers.execution(how):
        results, gradients = run(tf.zeros([1, 0, 2]))
    expected = [states[0], *(states if how != "fused" else ())]
    for found, state in zip(results, expected, strict=True):
        np.testing.assert_array_equal(found, state)
    assert float(tf.reduce_sum(gradients[0])) == (6 if how != "fused" else 3)
