"""The result of a training run: its progress by epochs, and the scores of the trained network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ..data.examples import Data, Features

if TYPE_CHECKING:
    import keras


Weights = list[np.ndarray]


@dataclass
class Progress:
    """The state of a training run after its last finished epoch; enough to resume it."""

    history: list[dict[str, float]] = field(default_factory=list)
    """Metrics of each finished epoch, first to last."""
    best_epoch: int = 0
    """The best epoch, counted from 1; 0 before the first epoch has ended."""
    best_value: float = -np.inf
    """The first validation metric of the best epoch, negated where lower is better."""
    finished: bool = False
    """Whether training has ended: after all epochs, or by early stopping."""
    best: Weights = field(default_factory=list)
    """The model's variables after the best epoch."""
    model: Weights = field(default_factory=list)
    """The model's variables after the last finished epoch."""
    optimizer: Weights = field(default_factory=list)
    """The optimizer's variables after the last finished epoch."""
    gradients: list[dict[str, list[list[float]]]] = field(default_factory=list)
    """For each finished epoch, by layer and state: gradient norms by lag, see `plots.gradient_by_lag`."""
    seconds: float = 0.0
    """Time spent on the finished epochs, with validation."""

    @property
    def epochs(self) -> int:
        """Number of finished epochs."""
        return len(self.history)


@dataclass
class Outcome:
    """A trained network and its scores. The test splits are scored once, after training."""

    data: Data
    features: Features
    model: keras.Model
    """The model that was trained, with the weights of its best epoch."""
    deployed: keras.Model
    """The model that is scored and exported. It shares the weights of `model`, or is `model` itself."""
    progress: Progress
    outputs: dict[str, np.ndarray]
    """The outputs of `deployed` for each test split, (N, ...)."""
    scores: dict[str, dict[str, float]]
    """Each metric on each test split, by split and metric."""
    intervals: dict[str, tuple[float, float]]
    """The 95 % confidence interval of the first metric on each test split."""
    baselines: dict[str, dict[str, float]]
    """The first metric of each baseline on each test split, by baseline and split."""
