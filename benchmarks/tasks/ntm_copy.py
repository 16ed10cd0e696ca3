"""The copy task of the neural Turing machine: repeat a sequence, also one longer than any in training.

The input is rows of random bits, one per step, then an end sign, then as many empty steps, at which the
network repeats the rows. It is trained on 1 to `longest` rows, and tested on `longest` rows and on twice as
many: a network that has learned to copy handles both. (A. Graves, G. Wayne and I. Danihelka, Neural Turing
machines, 2014, section 4.1.)
"""

from __future__ import annotations

from functools import partial

import keras
import numpy as np

from .task import Batch, Task


def draw(rng: np.random.Generator, count: int, rows: tuple[int, int], bits: int) -> Batch:
    """Return `count` examples, padded to the same length.

    Args:
        rng: draws the examples.
        count: the number of examples.
        rows: the smallest and the largest number of rows.
        bits: the number of bits per row.

    Returns:
        Inputs (count, 2 * rows[1] + 1, bits + 1), the bits and the end sign; targets (count,
        2 * rows[1] + 1, bits); weights that are 0 except where rows are repeated, with a mean of 1.
    """
    lengths = rng.integers(rows[0], rows[1] + 1, count)
    content = rng.integers(0, 2, (count, rows[1], bits)).astype(np.float32)
    steps = 2 * rows[1] + 1
    inputs = np.zeros((count, steps, bits + 1), np.float32)
    targets = np.zeros((count, steps, bits), np.float32)
    weights = np.zeros((count, steps), np.float32)
    for example, length in enumerate(lengths):
        inputs[example, :length, :bits] = content[example, :length]
        inputs[example, length, bits] = 1.0
        answer = slice(length + 1, 2 * length + 1)
        targets[example, answer] = content[example, :length]
        weights[example, answer] = 1.0
    return Batch(inputs, targets, weights / weights.mean())


def bit_error_rate(outputs: np.ndarray, batch: Batch) -> float:
    """Return the share of wrong bits at the steps that repeat rows, given logits (count, steps, bits)."""
    wrong = (outputs > 0.0) != (batch.targets > 0.5)
    return float(np.mean(wrong[np.asarray(batch.weights) > 0.0]))


def ntm_copy(longest: int = 10, bits: int = 6) -> Task:
    """Return the task with 1 to `longest` rows of `bits` bits in training."""

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
