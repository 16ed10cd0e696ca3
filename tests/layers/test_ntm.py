"""The neural Turing machine computes the equations of its paper, and uses its memory as they say."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference.cells import sequence
from reference.ntm import NTM_MUTANTS, ntm_step
from reference.parity import BATCH, FEATURES, STEPS, TOLERANCE, UNITS, random_like, randomize

from layers import NeuralTuringMachine, NeuralTuringMachineCell, Recurrent, execution

SLOTS, WIDTH = 7, 6
CLOSED, OPEN = -20.0, 20.0


def _state() -> list[np.ndarray]:
    """Draw a random state whose weightings sum to one."""
    cell = NeuralTuringMachineCell(UNITS, slots=SLOTS, width=WIDTH)
    *state, read, write = random_like([(BATCH, size) for size in cell.state_size], seed=4)
    return [*state, *(np.exp(part) / np.exp(part).sum(1, keepdims=True) for part in (read, write))]


def _check_parity(cell_class: type[NeuralTuringMachineCell], how: str = "loop") -> None:
    cell = cell_class(UNITS, slots=SLOTS, width=WIDTH)
    layer = Recurrent(cell, return_sequences=True, return_state=True)
    layer.build((BATCH, STEPS, FEATURES))
    randomize(layer)
    (x,), state = random_like([(BATCH, STEPS, FEATURES)], seed=5), _state()
    expected = sequence(ntm_step, x, tuple(state), layer.get_weights())
    with execution(how):
        outputs, *last = layer(x, initial_state=state, training=True)
    for part, expected_part in zip([outputs, *last], [expected[0], *expected[1]], strict=True):
        np.testing.assert_allclose(part, expected_part, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("how", ["loop", "own_gradient", "compiled"])
def test_computes_its_equations(how: str) -> None:
    _check_parity(NeuralTuringMachineCell, how)


@pytest.mark.parametrize("mutant", NTM_MUTANTS)
def test_parity_fails_on_mutant(mutant: type[NeuralTuringMachineCell]) -> None:
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        _check_parity(mutant)


def _hand_made(read: dict[str, Any], write: dict[str, Any], **biases: Any) -> Recurrent:
    """Return a machine with 4 slots of width 2 whose heads act in the same given way at every step."""
    cell = NeuralTuringMachineCell(1, slots=4, width=2)
    layer = Recurrent(cell, return_state=True)
    layer.build((1, 1, 1))
    usual = {"k": [1.0, 0.0], "beta": 0.0, "q": CLOSED, "s": [CLOSED, OPEN, CLOSED], "gamma": 0.0}
    heads = [np.hstack(list((usual | head).values())) for head in (read, write)]
    erase_and_add = [biases.get("e", [OPEN, OPEN]), biases.get("a", [0.0, 0.0])]
    weights = [np.zeros(weight.shape) for weight in cell.get_weights()]
    weights[4] = np.hstack([*heads, *erase_and_add])
    cell.set_weights(weights)
    return layer


def _run(layer: Recurrent, steps: int = 1, **parts: Any) -> dict[str, np.ndarray]:
    """Return the states after some steps from the given parts; other parts start at zero."""
    cell = layer.cell
    state = dict(zip(cell.state_names, cell.get_initial_state(1), strict=True))
    state |= {
        name: tf.constant(part, tf.float32, [1, *state[name].shape[1:]]) for name, part in parts.items()
    }
    _, *last = layer(np.zeros((1, steps, 1), np.float32), initial_state=list(state.values()))
    return {name: part[0].numpy() for name, part in zip(cell.state_names, last, strict=True)}


def test_heads_begin_at_the_first_slot() -> None:
    last = _run(_hand_made({}, {}))
    np.testing.assert_allclose(last["read_weighting"], [1, 0, 0, 0], atol=1e-6)
    np.testing.assert_allclose(last["write_weighting"], [1, 0, 0, 0], atol=1e-6)


@pytest.mark.parametrize(("steps", "expected"), [(1, 1), (3, 3), (5, 1)])
def test_head_moves_up_and_around_the_corner(steps: int, expected: int) -> None:
    last = _run(_hand_made({"s": [CLOSED, CLOSED, OPEN]}, {}), steps)
    np.testing.assert_allclose(last["read_weighting"], np.eye(4)[expected], atol=1e-6)


def test_head_moves_down_around_the_corner() -> None:
    last = _run(_hand_made({}, {"s": [OPEN, CLOSED, CLOSED]}))
    np.testing.assert_allclose(last["write_weighting"], [0, 0, 0, 1], atol=1e-6)


def test_head_finds_content() -> None:
    memory = [[0.0, 1.0], [-1.0, 0.0], [0.3, 0.0], [0.0, -9.0]]  # cosines with (1, 0): 0, -1, 1, 0
    last = _run(_hand_made({"beta": 50.0, "q": OPEN}, {}, e=[CLOSED] * 2), memory=np.ravel(memory))
    np.testing.assert_allclose(last["read_weighting"], [0, 0, 1, 0], atol=1e-6)
    np.testing.assert_allclose(last["output"][1:], [0.3, 0.0], atol=1e-6)


def test_sharpening_is_a_power() -> None:
    """gamma = 1 + softplus(log(e - 1)) = 2: weights 1/10, 2/10, 3/10, 4/10 become their squares over 3/10."""
    layer = _hand_made({"gamma": np.log(np.e - 1.0)}, {})
    last = _run(layer, read_weighting=[0.1, 0.2, 0.3, 0.4])
    np.testing.assert_allclose(last["read_weighting"], np.array([1, 4, 9, 16]) / 30, atol=1e-6)


def test_writing_erases_then_adds() -> None:
    layer = _hand_made({}, {}, e=[OPEN, CLOSED], a=[OPEN, CLOSED])  # e = (1, 0), a = (1, -1)
    memory = np.ravel([[0.5, 0.5]] * 4)
    last = _run(layer, memory=memory, write_weighting=[0.0, 0.0, 1.0, 0.0])
    np.testing.assert_allclose(last["memory"].reshape(4, 2)[[0, 1, 3]], 0.5, atol=1e-6)
    np.testing.assert_allclose(last["memory"].reshape(4, 2)[2], [1.0, -0.5], atol=1e-6)


def test_weightings_stay_weightings() -> None:
    layer = NeuralTuringMachine(UNITS, slots=SLOTS, width=WIDTH, return_state=True)
    layer.build((BATCH, 200, FEATURES))
    randomize(layer)
    (x,) = random_like([(BATCH, 200, FEATURES)], seed=5)
    *_, read, write = layer(x)
    for part in (read.numpy(), write.numpy()):
        assert part.min() >= 0.0
        np.testing.assert_allclose(part.sum(1), 1.0, atol=1e-5)


def test_every_argument_survives() -> None:
    layer = NeuralTuringMachine(3, "relu", slots=4, width=2, use_bias=False, zoneout=[0, 0, 0.1, 0, 0])
    again = NeuralTuringMachine.from_config(layer.get_config())
    assert (again.slots, again.width, again.use_bias, again.zoneout) == (4, 2, False, [0, 0, 0.1, 0, 0])
    assert again.activation is keras.activations.relu
    again.build((BATCH, STEPS, FEATURES))
    assert [weight.shape for weight in again.weights] == [(3, 12), (5, 12), (3, 20)]


@pytest.mark.parametrize("name", ["slots", "width"])
def test_sizes_below_one_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"NeuralTuringMachineCell: {name}: expected .* above 0, got 0"):
        NeuralTuringMachine(3, **{name: 0})


def test_finite_differences() -> None:
    """In float64, a step of 1e-5 leaves an error of about 1e-9 of the central difference."""
    cell = NeuralTuringMachineCell(3, slots=4, width=2, dtype="float64")
    layer = Recurrent(cell, return_sequences=True, return_state=True, dtype="float64")
    layer.build((2, 4, 2))
    randomize(layer)
    weightings = np.array([[0.1, 0.2, 0.3, 0.4], [0.4, 0.2, 0.3, 0.1]])
    parts = random_like([(2, 4, 2), *((2, size) for size in cell.state_size[:3])])
    values = [tf.constant(part, tf.float64) for part in (*parts, weightings, weightings[::-1])]

    @tf.function
    def loss_and_gradients(x: Any, *states: Any) -> Any:
        with tf.GradientTape() as tape, execution("own_gradient"):
            tape.watch([x, *states])
            results = layer(x, initial_state=list(states), training=True)
            loss = tf.add_n([tf.reduce_sum(tf.sin(2.0 * part + 0.3)) for part in results])
        return loss, tape.gradient(loss, [x, *states, *layer.trainable_variables])

    def loss_at(point: list[Any]) -> float:
        for variable, value in zip(layer.trainable_variables, point[len(values) :], strict=True):
            variable.assign(value)
        return float(loss_and_gradients(*point[: len(values)])[0])

    point = [part.numpy() for part in [*values, *layer.trainable_variables]]
    gradients = [gradient.numpy() for gradient in loss_and_gradients(*values)[1]]
    for index, gradient in enumerate(gradients):
        direction = np.random.default_rng(index).normal(size=gradient.shape)
        there, back = (
            [part + sign * 1e-5 * direction if i == index else part for i, part in enumerate(point)]
            for sign in (1, -1)
        )
        numeric = (loss_at(there) - loss_at(back)) / 2e-5
        np.testing.assert_allclose(np.sum(gradient * direction), numeric, atol=1e-7)
