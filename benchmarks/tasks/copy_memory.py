"""Copy memory: repeat ten symbols after a long wait.

The input is ten symbols, each one of eight, then `wait` - 1 blanks, then eleven go signs; the first go sign
ends the wait. The target is the ten symbols at the last ten steps, and blank before. The best that a network
without memory can do is to predict blank, and at the end each symbol with a probability of 1/8: a mean
cross-entropy of 10 ln 8 / (wait + 20).
(M. Arjovsky, A. Shah and Y. Bengio, Unitary evolution recurrent neural networks, ICML 2016.)
"""

from __future__ import annotations

import keras
import numpy as np

from .task import Batch, Task

LENGTH, SYMBOLS = 10, 8
BLANK, GO = 0, SYMBOLS + 1
CLASSES = SYMBOLS + 2


def draw(rng: np.random.Generator, count: int, wait: int) -> Batch:
    """Return `count` examples: one-hot inputs (count, wait + 20, 10), integer targets (count, wait + 20)."""
    symbols = rng.integers(1, SYMBOLS + 1, (count, LENGTH))
    blanks = np.full((count, wait + LENGTH), BLANK)
    given = np.concatenate([symbols, blanks[:, : wait - 1], np.full((count, LENGTH + 1), GO)], 1)
    return Batch(np.eye(CLASSES, dtype=np.float32)[given], np.concatenate([blanks, symbols], 1))


def cross_entropy(outputs: np.ndarray, batch: Batch) -> float:
    """Return the mean cross-entropy in nats of logits (count, steps, 10)."""
    outputs = outputs - outputs.max(-1, keepdims=True)
    chosen = np.take_along_axis(outputs, batch.targets[..., None], -1)[..., 0]
    return float(np.mean(np.log(np.exp(outputs).sum(-1)) - chosen))


def copy_memory(wait: int = 1000) -> Task:
    """Return the task with a wait of `wait` steps."""

    def held_out() -> tuple[Batch, dict[str, Batch]]:
        rng = np.random.default_rng(2016)
        return draw(rng, 100, wait), {"": draw(rng, 200, wait)}

    return Task(
        name="copy_memory",
        summary=f"copy memory, a wait of {wait} steps",
        draw=lambda rng, count: draw(rng, count, wait),
        held_out=held_out,
        head=lambda: keras.layers.Dense(CLASSES),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metric="cross-entropy",
        score=cross_entropy,
        baseline=("no memory", LENGTH * np.log(SYMBOLS) / (wait + 2 * LENGTH)),
        cells={
            "SimpleRNN": 120,
            "IRNN": 120,
            "LSTM": 58,
            "GRU": 68,
            "IndRNN": 120,
            "MinGRU": 120,
            "RGLRU": 120,
        },
        published={"SimpleRNN": 0.0202, "LSTM": 0.0204, "GRU": 0.0197} if wait == 1000 else {},
        source="S. Bai, J. Z. Kolter and V. Koltun, arXiv:1803.01271 (2018), table 1",
        per_step=True,
        goal=3.5e-5,
        steps_between=50,
    )
