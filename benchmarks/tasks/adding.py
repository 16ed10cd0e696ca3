"""The adding problem: remember two numbers among hundreds, and add them.

Each step has a number and a marker. The number is uniform over [0, 1). The marker is 1 at one step in each
half of the sequence, and 0 elsewhere. The target is the sum of the two marked numbers. A network that always
returns 1 has a mean squared error of 1/6, which is the variance of the sum.
(S. Hochreiter and J. Schmidhuber, Long short-term memory, 1997.)
"""

from __future__ import annotations

import keras
import numpy as np

from .task import Batch, Task

UNITS = {
    "SimpleRNN": 260,
    "IRNN": 260,
    "LSTM": 130,
    "GRU": 150,
    "MGU": 185,
    "IndRNN": 260,
    "MinGRU": 260,
    "MinLSTM": 260,
    "FastGRNN": 260,
    "SRU": 260,
    "RGLRU": 260,
    "CfC": 130,
    "SLSTM": 130,
}
"""The units of each cell. Those that multiply the state by a matrix then have about 69,000 parameters."""


def draw(rng: np.random.Generator, count: int, steps: int) -> Batch:
    """Return `count` examples: inputs (count, steps, 2), number and marker, and targets (count, 1)."""
    numbers = rng.random((count, steps), np.float32)
    markers = np.zeros_like(numbers)
    half, row = steps // 2, np.arange(count)
    markers[row, rng.integers(0, half, count)] = 1.0
    markers[row, rng.integers(half, steps, count)] = 1.0
    sums = (numbers * markers).sum(1, keepdims=True)
    return Batch(np.stack([numbers, markers], -1), sums)


def mean_squared_error(outputs: np.ndarray, batch: Batch) -> float:
    """Return the mean squared error of outputs (count, 1)."""
    return float(np.mean(np.square(outputs - batch.targets)))


def adding(steps: int = 600) -> Task:
    """Return the task for sequences of `steps` steps."""

    def held_out() -> tuple[Batch, dict[str, Batch]]:
        rng = np.random.default_rng(1997)
        return draw(rng, 500, steps), {"": draw(rng, 1000, steps)}

    return Task(
        name="adding",
        summary=f"adding problem, {steps} steps",
        draw=lambda rng, count: draw(rng, count, steps),
        held_out=held_out,
        head=lambda: keras.layers.Dense(1),
        loss=keras.losses.MeanSquaredError(),
        metric="mean squared error",
        score=mean_squared_error,
        baseline=("the mean", 1 / 6),
        cells=UNITS,
        published={"SimpleRNN": 0.177, "LSTM": 0.164, "GRU": 5.3e-5} if steps == 600 else {},
        source="S. Bai, J. Z. Kolter and V. Koltun, arXiv:1803.01271 (2018), table 1",
        goal=5.3e-5,
    )
