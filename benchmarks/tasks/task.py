"""The definition of a task: its data, how a network is trained on it, and how its outputs are scored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
import numpy as np


class Batch(NamedTuple):
    """A number of examples; the first axis of each array counts them."""

    inputs: np.ndarray
    """(examples, steps, features), float32."""
    targets: np.ndarray
    """What the network should return, in the shape that the task's loss takes."""
    weights: np.ndarray | None = None
    """(examples, steps): the weight of each step in the loss; None weights all steps equally."""


@dataclass(frozen=True)
class Task:
    """A task with unlimited training data, and how a network is trained on it and scored."""

    name: str
    summary: str
    """What is to be learned, for the heading of the results."""
    draw: Callable[[np.random.Generator, int], Batch]
    """draw(rng, count) returns new training examples."""
    held_out: Callable[[], tuple[Batch, dict[str, Batch]]]
    """Returns validation examples, whose loss chooses the weights, and test examples by name for the final
    scores; the first of these gives the main score. None of them is a training example."""
    head: Callable[[], keras.layers.Layer]
    """Returns the layer after the recurrent one."""
    loss: keras.losses.Loss
    metric: str
    """The name of the score."""
    score: Callable[[np.ndarray, Batch], float]
    """score(outputs, examples) returns the score of a network's outputs."""
    baseline: tuple[str, float]
    """A method without memory, and its score."""
    cells: Mapping[str, int]
    """The cells to compare, by their names in `cells.CELLS`, and the units of each."""
    published: Mapping[str, float]
    """Scores from the literature by cell."""
    source: str = ""
    """The publication of these scores."""
    per_step: bool = False
    """Whether the network answers at every step instead of the last step only."""
    goal: float = 0.0
    """Training stops early when the validation loss is this low."""
    learning_rate: float = 1e-3
    batch_size: int = 32
    steps: int = 10_000
    """The largest number of updates."""
    steps_between: int = 100
    """The number of updates between two computations of the validation loss."""
    options: Mapping[str, Any] | None = None
    """Options of cells for this task: `{"NeuralTuringMachine": {"slots": 32}}`."""

    @property
    def features(self) -> int:
        """The number of input features per step."""
        return self.draw(np.random.default_rng(0), 1).inputs.shape[-1]
