"""What a task is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
import numpy as np


class Batch(NamedTuple):
    """Examples, as many as the first axis is long."""

    inputs: np.ndarray
    """(examples, steps, features), float32."""
    targets: np.ndarray
    weights: np.ndarray | None = None
    """(examples, steps): what a step counts in the loss; None: all the same."""


@dataclass(frozen=True)
class Task:
    """Data without end from a seed, and how a network is trained on it and judged."""

    name: str
    summary: str
    draw: Callable[[np.random.Generator, int], Batch]
    """draw(rng, count): examples to train on."""
    held_out: Callable[[], tuple[Batch, dict[str, Batch]]]
    """The examples whose loss chooses the weights, and by name those of the final scores, the first for the
    main one; never among those trained on."""
    head: Callable[[], keras.layers.Layer]
    """The layer after the recurrent one."""
    loss: keras.losses.Loss
    metric: str
    """The name of the scores."""
    score: Callable[[np.ndarray, Batch], float]
    """score(outputs, examples)."""
    baseline: tuple[str, float]
    """What can be had without any memory: how, and its score."""
    cells: Mapping[str, int]
    """By name in `cells.CELLS`: units of the ones to compare."""
    published: Mapping[str, float]
    """Scores of the literature, by cell."""
    source: str = ""
    per_step: bool = False
    """Whether every step has an output, not only the last."""
    goal: float = 0.0
    """Training ends early when the loss on the held-out examples falls to this."""
    learning_rate: float = 1e-3
    batch_size: int = 32
    steps: int = 10_000
    """Updates at most."""
    steps_between: int = 100
    """Updates between two looks at the held-out examples."""
    options: Mapping[str, Any] | None = None
    """Of a cell, for this task: `{"NeuralTuringMachine": {"slots": 32}}`."""

    @property
    def features(self) -> int:
        return self.draw(np.random.default_rng(0), 1).inputs.shape[-1]
