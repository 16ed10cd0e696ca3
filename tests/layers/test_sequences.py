"""Every layer on sequences: masks, direction, states, step by step."""

import numpy as np
import pytest
import tensorflow as tf
from reference.cases import BATCH, CASES, CELLS, FEATURES, RECURRENT, SEQUENCES, STATEFUL, STEPS
from reference.parity import random_like, randomize
from reference.toy_cells import CountingCell

from layers import LSTM, Bidirectional, Recurrent, execution

SAME = {"atol": 1e-6, "rtol": 0}
"""Rounding: the same float32 numbers are added, possibly in another order."""

PADDING = 3


def _inputs(seed: int = 4) -> np.ndarray:
    return random_like([(BATCH, STEPS, FEATURES)], seed)[0]


def _states(sizes: tuple[int, ...]) -> list[np.ndarray]:
    return random_like([(BATCH, size) for size in sizes], seed=5)


def _padded(x: np.ndarray, side: str) -> tuple[np.ndarray, np.ndarray, slice]:
    """Put random padding before or after x; return it, the mask, and the position of x."""
    rubbish = random_like([(BATCH, PADDING, FEATURES)], seed=6)[0]
    pair = [(x, True), (rubbish, False)] if side == "right" else [(rubbish, False), (x, True)]
    sequences = np.concatenate([part for part, _ in pair], axis=1)
    mask = np.concatenate([np.full(part.shape[:2], valid) for part, valid in pair], axis=1)
    start = 0 if side == "right" else PADDING
    return sequences, mask, slice(start, start + STEPS)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("name", CASES)
def test_padded_equals_unpadded(name: str, side: str) -> None:
    layer = CASES[name].built()
    randomize(layer)
    x = _inputs()
    sequences, mask, _ = _padded(x, side)
    np.testing.assert_allclose(layer(sequences, mask=mask), layer(x), **SAME)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("name", SEQUENCES)
def test_padded_sequence_equals_unpadded(name: str, side: str) -> None:
    layer = SEQUENCES[name].built(return_sequences=True)
    randomize(layer)
    x = _inputs()
    sequences, mask, where = _padded(x, side)
    np.testing.assert_allclose(layer(sequences, mask=mask)[:, where], layer(x), **SAME)


@pytest.mark.parametrize("name", CASES)
def test_mask_of_whole_numbers_is_one_of_booleans(name: str) -> None:
    layer = CASES[name].built()
    randomize(layer)
    mask = np.arange(STEPS) < np.array([4, 1, 2])[:, None]
    np.testing.assert_array_equal(layer(_inputs(), mask=mask.astype("int32")), layer(_inputs(), mask=mask))


@pytest.mark.parametrize("name", RECURRENT)
def test_step_by_step_equals_the_sequence(name: str) -> None:
    layer = RECURRENT[name].built(return_sequences=True, return_state=True)
    randomize(layer)
    x, states = _inputs(), _states(RECURRENT[name].states)
    outputs, *last = layer(x, initial_state=states)
    stepped = []
    for t in range(STEPS):
        output, states = layer.cell(x[:, t], states)
        stepped.append(output)
    np.testing.assert_allclose(tf.stack(stepped, 1), outputs, **SAME)
    for part, expected in zip(states, last, strict=True):
        np.testing.assert_allclose(part, expected, **SAME)


@pytest.mark.parametrize("name", [name for name in STATEFUL if name != "Bidirectional"])
def test_go_backwards_reads_from_the_end(name: str) -> None:
    options = {"return_sequences": True, "return_state": True}
    forwards = STATEFUL[name].built(**options)
    backwards = STATEFUL[name].built(**options, go_backwards=True)
    randomize(forwards)
    randomize(backwards)
    x, states = _inputs(), _states(STATEFUL[name].states)
    mask = np.arange(STEPS) < np.array([4, 1, 2])[:, None]
    expected = forwards(x[:, ::-1], initial_state=states, mask=mask[:, ::-1])
    for part, expected_part in zip(backwards(x, initial_state=states, mask=mask), expected, strict=True):
        np.testing.assert_array_equal(part, expected_part)


@pytest.mark.parametrize("name", [name for name in SEQUENCES if "Bidirectional" not in name])
def test_last_output_is_the_end_of_the_sequence(name: str) -> None:
    last, whole = SEQUENCES[name].built(), SEQUENCES[name].built(return_sequences=True)
    randomize(last)
    randomize(whole)
    np.testing.assert_allclose(last(_inputs()), whole(_inputs())[:, -1], **SAME)


@pytest.mark.parametrize("name", RECURRENT)
def test_returned_state_goes_on_with_the_sequence(name: str) -> None:
    layer = RECURRENT[name].built(return_sequences=True, return_state=True)
    randomize(layer)
    x = _inputs()
    whole, *whole_state = layer(x)
    first, *between = layer(x[:, :3])
    second, *state = layer(x[:, 3:], initial_state=between)
    np.testing.assert_allclose(tf.concat([first, second], 1), whole, **SAME)
    for part, expected in zip(state, whole_state, strict=True):
        np.testing.assert_allclose(part, expected, **SAME)


READ_BY_NO_STEP = {("SRU", 0)}
"""The first state of these cells is nothing but their output."""


@pytest.mark.parametrize("name", STATEFUL)
def test_every_initial_state_counts(name: str) -> None:
    layer = STATEFUL[name].built()
    randomize(layer)
    states = _states(STATEFUL[name].states)
    reference = layer(_inputs(), initial_state=states)
    for index in range(len(states)):
        other = [state + (1.0 if index == position else 0.0) for position, state in enumerate(states)]
        changed = layer(_inputs(), initial_state=other)
        counts = np.abs(changed - reference).max() > 1e-3
        assert counts == ((name, index) not in READ_BY_NO_STEP)


@pytest.mark.parametrize("name", STATEFUL)
def test_no_initial_state_is_zeros(name: str) -> None:
    layer = STATEFUL[name].built()
    randomize(layer)
    zeros = [np.zeros((BATCH, size), np.float32) for size in STATEFUL[name].states]
    np.testing.assert_array_equal(layer(_inputs(), initial_state=zeros), layer(_inputs()))


@pytest.mark.parametrize("how", ["loop", "own_gradient"])
@pytest.mark.parametrize(("batch", "steps"), [(1, 1), (3, 0)])
@pytest.mark.parametrize("name", SEQUENCES)
def test_extreme_shapes(name: str, batch: int, steps: int, how: str) -> None:
    layer = SEQUENCES[name].built(return_sequences=True)
    x = tf.zeros([batch, steps, FEATURES])
    with tf.GradientTape() as tape, execution(how):
        tape.watch(x)
        outputs = layer(x, training=True)
    assert outputs.shape == layer.compute_output_shape(x.shape)
    gradients = tape.gradient(outputs, [x, *layer.trainable_variables])
    for gradient, source in zip(gradients, [x, *layer.trainable_variables], strict=True):
        assert gradient is None or gradient.shape == source.shape
    if steps:
        assert all(gradient is not None for gradient in gradients)


# A cell with obvious answers: output = input * number of the step.

X = np.array([[[5.0], [7.0], [11.0], [13.0]], [[5.0], [7.0], [11.0], [13.0]]], np.float32)


def _counted(how: str, mask: list | None = None, **options: object) -> list[np.ndarray]:
    layer = Recurrent(CountingCell(1), return_sequences=True, return_state=True, **options)
    with execution(how):
        outputs, _, count = layer(X, mask=None if mask is None else np.array(mask, bool), training=True)
    return [outputs[:, :, 0].numpy().tolist(), count[:, 0].numpy().tolist()]


@pytest.mark.parametrize("how", ["loop", "own_gradient"])
class TestCounting:
    def test_forwards(self, how: str) -> None:
        assert _counted(how) == [[[5, 14, 33, 52]] * 2, [4, 4]]

    def test_backwards(self, how: str) -> None:
        assert _counted(how, go_backwards=True) == [[[13, 22, 21, 20]] * 2, [4, 4]]

    def test_masked_steps_change_nothing(self, how: str) -> None:
        mask = [[0, 1, 0, 1], [1, 1, 0, 0]]
        assert _counted(how, mask) == [[[0, 7, 7, 26], [5, 14, 14, 14]], [2, 2]]

    def test_masked_steps_backwards(self, how: str) -> None:
        mask = [[0, 1, 0, 1], [1, 1, 0, 0]]
        assert _counted(how, mask, go_backwards=True) == [[[13, 13, 14, 14], [0, 0, 7, 10]], [2, 2]]

    def test_masked_steps_give_zeros_if_asked(self, how: str) -> None:
        mask = [[0, 1, 0, 1], [1, 1, 0, 0]]
        expected = [[[0, 7, 0, 26], [5, 14, 0, 0]], [2, 2]]
        assert _counted(how, mask, zero_output_for_mask=True) == expected

    def test_everything_masked(self, how: str) -> None:
        assert _counted(how, [[0] * 4] * 2) == [[[0] * 4] * 2, [0, 0]]

    def test_state_starts_anew_with_every_call(self, how: str) -> None:
        layer = Recurrent(CountingCell(1), return_state=True)
        for _ in range(2):
            with execution(how):
                count = layer(X, training=True)[2]
            assert count.numpy().tolist() == [[4], [4]]

    def test_both_directions(self, how: str) -> None:
        layer = Bidirectional(Recurrent(CountingCell(1), return_sequences=True), "concat")
        with execution(how):
            outputs = layer(X, mask=np.array([[1, 1, 1, 0], [1, 1, 1, 1]], bool), training=True)
        assert outputs[0].numpy().tolist() == [[5, 15], [14, 14], [33, 11], [0, 0]]
        assert outputs[1].numpy().tolist() == [[5, 20], [14, 21], [33, 22], [52, 13]]


def test_cell_and_layer_start_from_zeros() -> None:
    for make in CELLS.values():
        cell = make()
        states = cell.get_initial_state(BATCH)
        assert [tuple(state.shape) for state in states] == [(BATCH, size) for size in cell.state_size]
        assert not any(np.any(state) for state in states)
    assert LSTM(5).cell.state_names == ("h", "c")
