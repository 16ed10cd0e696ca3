"""Every cell computes the equations of its paper, and mutants of it fail the same check."""

from typing import Any

import numpy as np
import pytest
from reference import cells as reference
from reference import variants
from reference.mutants import MUTANTS
from reference.parity import BATCH, FEATURES, STEPS, TOLERANCE, UNITS, check_parity, random_like, randomize
from reference.variant_mutants import VARIANT_MUTANTS

from layers import (
    LSTM,
    Bidirectional,
    Cell,
    CfCCell,
    FastGRNNCell,
    GRUCell,
    IndRNNCell,
    LSTMCell,
    MGUCell,
    MinGRUCell,
    MinLSTMCell,
    RGLRUCell,
    SimpleRNN,
    SimpleRNNCell,
    SLSTMCell,
    SRUCell,
)

ALL = {"peepholes": True, "projection": 6, "layer_normalization": True}

STEP_OF: dict[str, tuple[type[Cell], dict[str, Any], reference.Step]] = {
    "SimpleRNN": (SimpleRNNCell, {}, reference.simple_rnn_step),
    "LSTM": (LSTMCell, {}, reference.lstm_step),
    "LSTM with peepholes": (LSTMCell, {"peepholes": True}, variants.lstm_with_peepholes_step),
    "LSTM with projection": (LSTMCell, {"projection": 6}, variants.lstm_with_projection_step),
    "LSTM with layer normalisation": (
        LSTMCell,
        {"layer_normalization": True},
        variants.lstm_with_layer_normalization_step,
    ),
    "LSTM with everything": (LSTMCell, ALL, variants.lstm_with_everything_step),
    "GRU": (GRUCell, {}, reference.gru_step),
    "GRU with reset before": (GRUCell, {"reset_after": False}, variants.gru_with_reset_before_step),
    "MGU": (MGUCell, {}, variants.mgu_step),
    "IndRNN": (IndRNNCell, {}, variants.ind_rnn_step),
    "MinGRU": (MinGRUCell, {}, variants.min_gru_step),
    "MinLSTM": (MinLSTMCell, {}, variants.min_lstm_step),
    "SLSTM": (SLSTMCell, {}, variants.slstm_step),
    "CfC": (CfCCell, {}, variants.cfc_step),
    "CfC with times": (CfCCell, {"timed": True}, variants.cfc_with_times_step),
    "RGLRU": (RGLRUCell, {}, variants.rg_lru_step),
    "SRU": (SRUCell, {}, variants.sru_step),
    "FastGRNN": (FastGRNNCell, {}, variants.fast_grnn_step),
    "FastGRNN of low rank": (
        FastGRNNCell,
        {"kernel_rank": 2, "recurrent_rank": 4},
        variants.fast_grnn_of_low_rank_step,
    ),
}
"""The cell, its options, and its equations in NumPy."""

WITHOUT_MUTANT = {"LSTM with everything"}
"""Layers that are made of others in the table."""

ALL_MUTANTS = MUTANTS | VARIANT_MUTANTS


def _cell(name: str) -> Cell:
    cell_class, options, _ = STEP_OF[name]
    return cell_class(UNITS, **options)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", STEP_OF)
def test_cell_computes_its_equations(name: str, training: bool) -> None:
    check_parity(_cell(name), STEP_OF[name][2], training)


@pytest.mark.parametrize("mutant", ALL_MUTANTS)
def test_parity_fails_on_mutant(mutant: type[Cell]) -> None:
    cell_class, options, step = STEP_OF[ALL_MUTANTS[mutant]]
    assert issubclass(mutant, cell_class)
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        check_parity(mutant(UNITS, **options), step)


def test_mutants_are_of_every_cell() -> None:
    assert set(ALL_MUTANTS.values()) == set(STEP_OF) - WITHOUT_MUTANT
    assert len(ALL_MUTANTS) == len(MUTANTS) + len(VARIANT_MUTANTS) >= 20


@pytest.mark.parametrize("name", STEP_OF)
def test_single_step_computes_its_equations(name: str) -> None:
    cell, step = _cell(name), STEP_OF[name][2]
    cell.build((BATCH, FEATURES))
    randomize(cell)
    x, *state = random_like([(BATCH, FEATURES), *((BATCH, size) for size in cell.state_size)], seed=5)
    expected = step(x, tuple(state), cell.get_weights())
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


def test_worked_vanilla_example() -> None:
    """A textbook exercise, by its equation h_t = tanh(W x_t + U h_(t-1) + b).

    Its h_2 is printed as (.515, .942), an arithmetic slip: the equation gives (.492, .928).
    """
    layer = SimpleRNN(2, return_sequences=True)
    layer.build((1, 2, 2))
    W, U, b = np.array([[0.5, 0.2], [0.3, 0.8]]), np.array([[0.1, 0.4], [0.6, 0.7]]), np.array([0.1, 0.2])
    layer.set_weights([W.T, U.T, b])  # the exercise has column vectors
    outputs = layer(np.array([[[1.0, 0.0], [0.0, 1.0]]], np.float32))
    np.testing.assert_allclose(outputs[0], [[0.537, 0.462], [0.492, 0.928]], atol=5e-4)
