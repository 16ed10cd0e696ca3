"""The copy task of the neural Turing machine: say again what was said, and sequences longer than any before.

Rows of random bits, one a step, then a step with the sign that ends them, then as many steps without input:
there the rows are to be repeated. Trained on 1 to `longest` rows, judged on `longest` and on twice as many:
a network that has learned to copy does both. (A. Graves, G. Wayne and I. Danihelka, Neural Turing machines,
2014, section 4.1.)
"""

from __future__ import annotations

from functools import partial

import keras
import numpy as np

from .task import Batch, Task


def draw(rng: np.random.Generator, count: int, rows: tuple[int, int], bits: int) -> Batch:
    """Return examples with between rows[0] and rows[1] rows, padded to the longest.

    Inputs are (count, 2 * rows[1] + 1, bits + 1), the bits and the end sign; targets (..., bits). Weights are
    0 but where rows are repeated, with a mean of 1.
    """
    lengths = rng.integers(rows[0], rows[1] + 1, count)
    content = rng.integers(0, 2, (count, rows[1], bits)).astype(np.float32)
    steps = 2 * rows[1] + 1
    inputs, targets = (
        np.zeros((count, steps, bits + 1), np.float32),
        np.zeros((count, steps, bits), np.float32),
    )
    weights = np.zeros((count, steps), np.float32)
    for example, length in enumerate(lengths):
        inputs[example, :length, :bits] = content[example, :length]
        inputs[example, length, bits] = 1.0
        answer = slice(length + 1, 2 * length + 1)
        targets[example, answer] = content[example, :length]
        weights[example, answer] = 1.0
    return Batch(inputs, targets, weights / weights.mean())


def bit_error_rate(outputs: np.ndarray, batch: Batch) -> float:
    """Return the share of wrong bits where rows are repeated, given logits."""
    wrong = (outputs > 0.0) != (batch.targets > 0.5)
    return float(np.mean(wrong[np.asarray(batch.weights) > 0.0]))


def ntm_copy(longest: int = 10, bits: int = 6) -> Task:
    """Return the task for 1 to `longest` rows of so many bits in training."""

    def held_out() -> tuple[Batch, dict[str, Batch]]:
        rng = np.random.default_rng(2014)
        lengths = {f"{rows} rows": (rows, rows) for rows in (2 * longest, longest)}
        return draw(rng, 500, (1, longest), bits), {
            name: draw(rng, 500, rows, bits) for name, rows in lengths.items()
        }

    return Task(
        name="ntm_copy",
        summary=f"copying {bits} bits a row, trained on 1 to {longest} rows",
        draw=partial(draw, rows=(1, longest), bits=bits),
        held_out=held_out,
        head=lambda: keras.layers.Dense(bits),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        metric="bit error rate",
        score=bit_error_rate,
        baseline=("guessing", 0.5),
        cells={"NeuralTuringMachine": 64, "LSTM": 128, "GRU": 128},
        options={"NeuralTuringMachine": {"slots": 32, "width": 16}},
        published={},
        per_step=True,
        goal=1e-4,
        learning_rate=3e-3,
    )
