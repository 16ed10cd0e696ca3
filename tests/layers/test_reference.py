"""Every cell computes the equations of its paper, and the check that says so can fail."""

import numpy as np
import pytest
from reference import cells as reference
from reference.mutants import MUTANTS
from reference.parity import BATCH, FEATURES, STEPS, TOLERANCE, UNITS, check_parity, random_like, randomize

from layers import (
    LSTM,
    AdditiveAttentionPooling,
    Bidirectional,
    Cell,
    GRUCell,
    LSTMCell,
    SimpleRNN,
    SimpleRNNCell,
)

STEP_OF = {
    SimpleRNNCell: reference.simple_rnn_step,
    LSTMCell: reference.lstm_step,
    GRUCell: reference.gru_step,
}


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("cell_class", STEP_OF)
def test_cell_computes_its_equations(cell_class: type[Cell], training: bool) -> None:
    check_parity(cell_class(UNITS), STEP_OF[cell_class], training)


@pytest.mark.parametrize("mutant", MUTANTS)
def test_parity_fails_on_mutant(mutant: type[Cell]) -> None:
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        check_parity(mutant(UNITS), STEP_OF[mutant.__mro__[1]])


def test_mutants_are_of_every_cell() -> None:
    assert {mutant.__mro__[1] for mutant in MUTANTS} == set(STEP_OF)
    assert len(MUTANTS) >= 8


@pytest.mark.parametrize("cell_class", STEP_OF)
def test_single_step_computes_its_equations(cell_class: type[Cell]) -> None:
    cell = cell_class(UNITS)
    cell.build((BATCH, FEATURES))
    randomize(cell)
    x, *state = random_like([(BATCH, FEATURES), *((BATCH, UNITS) for _ in cell.state_names)], seed=5)
    expected = STEP_OF[cell_class](x, tuple(state), cell.get_weights())
    output, new_state = cell(x, state)
    np.testing.assert_allclose(output, expected[0], atol=TOLERANCE, rtol=0)
    for part, expected_part in zip(new_state, expected, strict=True):
        np.testing.assert_allclose(part, expected_part, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("mode", ["concat", "sum", "mul", "ave", None])
def test_bidirectional_merges(mode: str | None, return_sequences: bool) -> None:
    layer = Bidirectional(LSTM(UNITS, return_sequences=return_sequences), mode)
    layer.build((BATCH, STEPS, FEATURES))
    randomize(layer)
    x, *state = random_like([(BATCH, STEPS, FEATURES), *[(BATCH, UNITS)] * 4], seed=6)
    weights = layer.get_weights()
    forward, _ = reference.sequence(reference.lstm_step, x, tuple(state[:2]), weights[:3])
    backward, _ = reference.sequence(reference.lstm_step, x[:, ::-1], tuple(state[2:]), weights[3:])
    if return_sequences:
        expected = reference.merge(mode, forward, backward[:, ::-1])
    else:
        expected = reference.merge(mode, forward[:, -1], backward[:, -1])
    result = layer(x, initial_state=state)
    np.testing.assert_allclose(np.asarray(result), np.asarray(expected), atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("lengths", [None, [4, 2]])
def test_attention_pooling_computes_its_equations(lengths: list[int] | None) -> None:
    layer = AdditiveAttentionPooling(UNITS, return_weights=True)
    layer.build((BATCH, STEPS, FEATURES))
    randomize(layer)
    (x,) = random_like([(BATCH, STEPS, FEATURES)], seed=7)
    mask = None if lengths is None else np.arange(STEPS) < np.array(lengths)[:, None]
    expected, expected_attention = reference.attention_pooling(x, layer.get_weights(), lengths)
    pooled, attention = layer(x, mask=mask)
    np.testing.assert_allclose(pooled, expected, atol=TOLERANCE, rtol=0)
    np.testing.assert_allclose(attention, expected_attention, atol=TOLERANCE, rtol=0)


def test_worked_vanilla_example() -> None:
    """A printed exercise, by its equation h_t = tanh(W x_t + U h_(t-1) + b).

    Its h_2 is printed as (.515, .942), an arithmetic slip: the equation gives (.492, .928).
    """
    layer = SimpleRNN(2, return_sequences=True)
    layer.build((1, 2, 2))
    W, U, b = np.array([[0.5, 0.2], [0.3, 0.8]]), np.array([[0.1, 0.4], [0.6, 0.7]]), np.array([0.1, 0.2])
    layer.set_weights([W.T, U.T, b])  # the exercise has column vectors
    outputs = layer(np.array([[[1.0, 0.0], [0.0, 1.0]]], np.float32))
    np.testing.assert_allclose(outputs[0], [[0.537, 0.462], [0.492, 0.928]], atol=5e-4)
