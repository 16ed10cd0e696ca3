"""The check that a cell computes its equations. It is strict enough to fail on every mutant."""

import numpy as np
from reference.cells import Step, sequence

from layers import Cell, Recurrent, execution

BATCH, STEPS, FEATURES, UNITS = 2, 4, 3, 5  # all different, so that no two axes can be exchanged unseen

TOLERANCE = 1e-5
"""Float32 against float64: rounding is 6e-8 of values up to about 3; each sum here has fewer than ten
terms and each state passes through four steps, which stays below 2e-6. Five times that."""


def random_like(shapes: list[tuple[int, ...]], seed: int = 3) -> list[np.ndarray]:
    """Return random float32 arrays without special values."""
    generator = np.random.default_rng(seed)
    return [generator.normal(0.0, 0.8, shape).astype(np.float32) for shape in shapes]


def randomize(layer: object, seed: int = 3) -> None:
    """Set every weight of a built layer, also biases, to random values."""
    layer.set_weights(random_like([weight.shape for weight in layer.get_weights()], seed))


def check_parity(cell: Cell, step: Step, training: bool = False) -> None:
    """Assert that outputs and last states equal the reference; random weights, random non-zero state."""
    layer = Recurrent(cell, return_sequences=True, return_state=True)
    layer.build((BATCH, STEPS, FEATURES))
    randomize(layer)
    x, *state = random_like([(BATCH, STEPS, FEATURES), *((BATCH, size) for size in cell.state_size)], seed=4)
    expected, expected_state = sequence(step, x, tuple(state), layer.get_weights())
    with execution("own_gradient" if training else "loop"):
        outputs, *last = layer(x, initial_state=state, training=training)
    np.testing.assert_allclose(outputs, expected, atol=TOLERANCE, rtol=0)
    for part, expected_part in zip(last, expected_state, strict=True):
        np.testing.assert_allclose(part, expected_part, atol=TOLERANCE, rtol=0)
