"""Wrong arguments raise an error that says what was expected and what was given."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference.cases import CASES

import layers
from layers import (
    GRU,
    LSTM,
    AdditiveAttentionPooling,
    Bidirectional,
    Cell,
    GRUCell,
    LSTMCell,
    Recurrent,
    Stack,
)

X = np.ones((3, 4, 2), np.float32)


def _state(*shape: int) -> Any:
    return np.ones(shape, np.float32)


def _stateful() -> Any:
    layer = GRU(4, stateful=True, name="mine")
    layer.build((3, 4, 2))
    return layer


class NoProjection(LSTMCell):
    project_inputs = Cell.project_inputs


class NoUpdate(LSTMCell):
    update = Cell.update


class NoCoefficients(layers.LinearCell):
    pass


REFUSED: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "no units": (lambda: LSTM(0), ValueError, "LSTMCell: units: expected a whole number above 0, got 0"),
    "negative units": (lambda: GRUCell(-3), ValueError, "GRUCell: units: expected .* got -3"),
    "units that are no number": (lambda: GRU("8"), ValueError, "GRUCell: units: expected .* got '8'"),
    "units of True": (lambda: GRU(True), ValueError, "GRUCell: units: expected .* got True"),
    "pooling units": (
        lambda: AdditiveAttentionPooling(0),
        ValueError,
        "AdditiveAttentionPooling: units: expected a whole number above 0, got 0",
    ),
    "dropout of 1": (
        lambda: LSTM(4, dropout=1.0),
        ValueError,
        "LSTMCell: dropout: expected 0 <= rate < 1, got 1.0",
    ),
    "negative dropout": (
        lambda: GRU(4, dropout=-0.1),
        ValueError,
        "dropout: expected 0 <= rate < 1, got -0.1",
    ),
    "recurrent dropout": (
        lambda: GRU(4, recurrent_dropout=2),
        ValueError,
        "GRUCell: recurrent_dropout: expected 0 <= rate < 1, got 2",
    ),
    "projection of 0": (
        lambda: LSTM(4, projection=0),
        ValueError,
        "LSTMCell: projection: expected a whole number above 0, got 0",
    ),
    "dropout of times": (
        lambda: layers.CfC(4, timed=True, dropout=0.5),
        ValueError,
        "CfCCell: dropout: expected 0 with timed, because times would be dropped, got 0.5",
    ),
    "nothing but times": (
        lambda: layers.CfC(4, timed=True).build((None, None, 1)),
        ValueError,
        "expected two or more features, the last of them the time, got 1",
    ),
    "rank of 0": (
        lambda: layers.FastGRNN(4, recurrent_rank=0),
        ValueError,
        "FastGRNNCell: recurrent_rank: expected a whole number above 0, got 0",
    ),
    "projection of True": (
        lambda: LSTM(4, projection=True),
        ValueError,
        "LSTMCell: projection: expected a whole number above 0, got True",
    ),
    "recurrent dropout without a recurrent kernel": (
        lambda: layers.MinGRU(4, recurrent_dropout=0.5),
        ValueError,
        "MinGRUCell: recurrent_dropout: expected none, because there is no recurrent kernel, got 0.5",
    ),
    "recurrent dropout without a product of the state": (
        lambda: layers.SRU(4, recurrent_dropout=0.5),
        ValueError,
        "SRUCell: recurrent_dropout: expected none, because no product is of the state, got 0.5",
    ),
    "recurrent regularizer without a recurrent kernel": (
        lambda: layers.MinLSTM(4, recurrent_regularizer="l2"),
        ValueError,
        "MinLSTMCell: recurrent_regularizer: expected none, because there is no recurrent kernel, got 'l2'",
    ),
    "unknown features of a linear cell": (
        lambda: layers.MinGRU(4).build((None, None, None)),
        ValueError,
        "the last axis of the inputs must be known, got",
    ),
    "a linear cell without coefficients": (
        lambda: Recurrent(NoCoefficients(4))(X),
        NotImplementedError,
        "NoCoefficients defines no coefficients",
    ),
    "state of a projection": (
        lambda: LSTM(4, projection=3, name="mine")(X, initial_state=[_state(3, 4), _state(3, 4)]),
        ValueError,
        r"mine: initial_state: expected 2 tensors of shapes \(batch, 3\), \(batch, 4\) for",
    ),
    "stack dropout": (
        lambda: Stack([GRU(4)], dropout=1.5, name="deep"),
        ValueError,
        "dropout: expected 0 <= rate < 1, got 1.5",
    ),
    "execution": (
        lambda: layers.execution("nonsense").__enter__(),
        ValueError,
        "unknown execution 'nonsense': expected one of auto, loop, own_gradient, compiled",
    ),
    "argument that is none": (lambda: GRU(4, unts=3), ValueError, "unts"),
    "merge mode": (
        lambda: Bidirectional(GRU(4), "max"),
        ValueError,
        "merge_mode: expected one of .*concat.*, got 'max'",
    ),
    "the same direction twice": (
        lambda: Bidirectional(GRU(4), backward_layer=GRU(4), name="both"),
        ValueError,
        "both: expected one direction with go_backwards, got False for both",
    ),
    "directions that differ": (
        lambda: Bidirectional(
            GRU(4), backward_layer=GRU(4, go_backwards=True, return_sequences=True), name="both"
        ),
        ValueError,
        r"both: expected the same return_sequences in both directions, got \(False, True\)",
    ),
    "directions of other sizes summed": (
        lambda: Bidirectional(GRU(4), "sum", GRU(5, go_backwards=True), name="both"),
        ValueError,
        "both: .*sum.*expected the same units in both directions.*4, 5",
    ),
    "two directions of no recurrent layer": (
        lambda: Bidirectional(keras.layers.Dense(4), name="both"),
        TypeError,
        "both: layer: expected a Recurrent layer.*got Dense",
    ),
    "a layer for a cell": (
        lambda: Recurrent(LSTM(4), name="outer"),
        TypeError,
        "outer: cell: expected a Cell of this package or one of keras.layers.SimpleRNNCell, .*, got LSTM",
    ),
    "a cell of another precision": (
        lambda: Recurrent(LSTMCell(4, dtype="float64"), dtype="float32", name="mixed"),
        ValueError,
        "mixed: dtype: expected the dtype of the cell, float64, got float32",
    ),
    "empty stack": (
        lambda: Stack([], name="deep"),
        ValueError,
        "deep: layers: expected at least one layer, got none",
    ),
    "no sequences in a stack": (
        lambda: Stack([GRU(4, name="lower"), GRU(4)], name="deep"),
        ValueError,
        r"deep: layers\[0\] \(lower\): expected return_sequences=True below the top",
    ),
    "states in a stack": (
        lambda: Stack([GRU(4, return_state=True, name="only")], name="deep"),
        ValueError,
        r"deep: layers\[0\] \(only\): expected return_state=False",
    ),
    "lists in a stack": (
        lambda: Stack(
            [Bidirectional(GRU(4, return_sequences=True), None, name="lower"), GRU(4)], name="deep"
        ),
        ValueError,
        r"deep: layers\[0\] \(lower\): expected one output.*merge_mode=None",
    ),
    "no recurrent layer in a stack": (
        lambda: Stack([keras.layers.Dense(4, name="lower"), GRU(4)], name="deep"),
        TypeError,
        r"deep: layers\[0\] \(lower\): expected a Recurrent, Bidirectional, .* layer, got Dense",
    ),
    "unknown features": (
        lambda: GRU(4, name="mine").build((None, None, None)),
        ValueError,
        "the last axis of the inputs must be known, got",
    ),
    "state of another size": (
        lambda: GRU(4, name="mine")(X, initial_state=_state(3, 5)),
        ValueError,
        r"mine: initial_state: expected 1 tensors? of shapes \(batch, 4\) for \('h',\), "
        r"got shapes \[\(3, 5\)\]",
    ),
    "state of another batch": (
        lambda: GRU(4, name="mine")(X, initial_state=_state(1, 4)),
        ValueError,
        r"mine: initial_state: expected.*got shapes \[\(1, 4\)\]",
    ),
    "state without batch": (
        lambda: GRU(4, name="mine")(X, initial_state=_state(4)),
        ValueError,
        r"mine: initial_state: expected.*got shapes \[\(4,\)\]",
    ),
    "too few states": (
        lambda: LSTM(4, name="mine")(X, initial_state=[_state(3, 4)]),
        ValueError,
        r"mine: initial_state: expected 2 tensors.*\('h', 'c'\), got shapes \[\(3, 4\)\]",
    ),
    "half the states of two directions": (
        lambda: Bidirectional(LSTM(4), name="both")(X, initial_state=[_state(3, 4)] * 2),
        ValueError,
        "initial_state: expected .*4.* tensors.*got",
    ),
    "one tensor for the states of two directions": (
        lambda: Bidirectional(GRU(4), name="both")(X, initial_state=_state(3, 4)),
        ValueError,
        "initial_state: expected .*2.* tensors.*got",
    ),
    "a cell without projection": (
        lambda: Recurrent(NoProjection(4), name="mine"),
        TypeError,
        "mine: cell: expected a Cell that defines project_inputs, project_state and update, "
        "got NoProjection without project_inputs",
    ),
    "a cell without update": (
        lambda: Recurrent(NoUpdate(4), name="mine"),
        TypeError,
        "mine: cell: expected a Cell .*got NoUpdate without update",
    ),
    "zoneout": (
        lambda: LSTM(4, zoneout=[0.1, 1.0]),
        ValueError,
        "LSTMCell: zoneout: expected 0 <= rate < 1, got 1.0",
    ),
    "zoneout rates of other states": (
        lambda: LSTM(4, zoneout=[0.1, 0.2, 0.3]),
        ValueError,
        r"LSTMCell: zoneout: expected one rate, or one for each of \('h', 'c'\), got \[0.1, 0.2, 0.3\]",
    ),
    "chunks of no step": (
        lambda: GRU(4, checkpoint_every=0),
        ValueError,
        "GRU: checkpoint_every: expected a whole number above 0, got 0",
    ),
    "stateful without batch size": (
        lambda: GRU(4, stateful=True, name="mine").build((None, 4, 2)),
        ValueError,
        r"mine: stateful=True: expected a fixed batch size, such as keras.Input\(batch_size=...\), got None",
    ),
    "a stateful layer on another batch": (
        lambda: _stateful()(X[:1]),
        ValueError,
        r"mine: initial_state: expected 1 tensors of shapes \(batch, 4\).*got shapes \[\(3, 4\)\]",
    ),
    "reset of a layer without state": (
        lambda: GRU(4, name="mine").reset_state(),
        ValueError,
        "mine: reset_state: expected a layer with stateful=True",
    ),
    "reset to states before there are any": (
        lambda: GRU(4, stateful=True, name="mine").reset_state([_state(3, 4)]),
        ValueError,
        "mine: reset_state: expected a built layer",
    ),
    "reset to states of another shape": (
        lambda: _stateful().reset_state([_state(3, 5)]),
        ValueError,
        r"mine: initial_state: expected 1 tensors?.*got shapes \[\(3, 5\)\]",
    ),
    "not a number": (
        lambda: GRU(4, check_numerics=True, name="mine")(np.full((3, 4, 2), np.nan, np.float32)),
        tf.errors.InvalidArgumentError,
        "mine: sequences: expected finite numbers, got : Tensor had NaN",
    ),
    "a mask of another length": (
        lambda: GRU(4, name="mine")(X, mask=np.ones((3, 5), bool)),
        ValueError,
        r"mine: mask: expected shape \(3, 4\), got \(3, 5\)",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused(what: str) -> None:
    act, error, message = REFUSED[what]
    with pytest.raises(error, match=message):
        act()


@pytest.mark.parametrize("shape", [(3, 2), (3, 4, 2, 2), (3,)])
@pytest.mark.parametrize("name", CASES)
def test_wrong_rank_is_refused(name: str, shape: tuple[int, ...]) -> None:
    layer = CASES[name].make()
    with pytest.raises(ValueError, match=r"expected inputs of shape \(batch, steps, features\), got \(3"):
        layer(np.ones(shape, np.float32))


@pytest.mark.parametrize("name", CASES)
def test_other_features_than_built_for_are_refused(name: str) -> None:
    layer = CASES[name].built()
    with pytest.raises(ValueError, match=r"expected.*2.*got.*5|expected shape=\(None, None, 2\)"):
        layer(np.ones((3, 4, 5), np.float32))


def test_execution_is_put_back() -> None:
    layer = GRU(4)
    with pytest.raises(RuntimeError, match="inside"), layers.execution("loop"):
        raise RuntimeError("inside")
    with tf.GradientTape() as tape:
        outputs = layer(X, training=True)
    assert tape.gradient(outputs, layer.trainable_variables)[0] is not None
