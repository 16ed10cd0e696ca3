"""Digits pixel by pixel: classify an image after reading its 64 pixels one per step, in rows or permuted.

The images are scikit-learn's 1,797 digits of 8 x 8 pixels (E. Alpaydin and C. Kaynak, 1998) instead of MNIST.
Published scores on MNIST are therefore not comparable.
"""

from __future__ import annotations

import keras
import numpy as np
from sklearn.datasets import load_digits

from .cells import CELLS
from .task import Batch, Task

TRAIN, VALIDATION = 1000, 297
PERMUTATION_SEED = 92


def images(*, permuted: bool) -> Batch:
    """Return all digits in a fixed random order: inputs (1797, 64, 1) in [0, 1], targets (1797,).

    Args:
        permuted: reorder the pixels, in the same random order for every image.
    """
    pixels, digits = load_digits(return_X_y=True)
    if permuted:
        pixels = pixels[:, np.random.default_rng(PERMUTATION_SEED).permutation(pixels.shape[1])]
    order = np.random.default_rng(1998).permutation(len(digits))
    return Batch(pixels[order, :, None].astype(np.float32) / 16.0, digits[order])


def accuracy(outputs: np.ndarray, batch: Batch) -> float:
    """Return the share of images whose largest output (count, 10) is the digit."""
    return float(np.mean(outputs.argmax(-1) == batch.targets))


def digits(*, permuted: bool = False) -> Task:
    """Return the task with the pixels in rows, or permuted."""
    every = images(permuted=permuted)
    test_targets = every.targets[TRAIN + VALIDATION :]
    most_frequent = np.bincount(test_targets).max() / len(test_targets)

    def draw(rng: np.random.Generator, count: int) -> Batch:
        chosen = rng.integers(0, TRAIN, count)
        return Batch(every.inputs[chosen], every.targets[chosen])

    def part(start: int, stop: int | None) -> Batch:
        return Batch(every.inputs[start:stop], every.targets[start:stop])

    return Task(
        name="permuted_digits" if permuted else "digits",
        summary=f"digits pixel by pixel, {'permuted' if permuted else 'in rows'}",
        draw=draw,
        held_out=lambda: (part(TRAIN, TRAIN + VALIDATION), {"": part(TRAIN + VALIDATION, None)}),
        head=lambda: keras.layers.Dense(10),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metric="accuracy",
        score=accuracy,
        baseline=("the commonest digit", float(most_frequent)),
        cells=dict.fromkeys((name for name in CELLS if name != "NeuralTuringMachine"), 64),
        published={},
        steps=5000,
    )
