"""What a training gave."""

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
    """Everything that changes while a network trains."""

    history: list[dict[str, float]] = field(default_factory=list)
    """Metrics of each finished epoch, first to last."""
    best_epoch: int = 0
    """1 for the first; 0 before it."""
    best_value: float = -np.inf
    finished: bool = False
    """Whether training ended by itself (all epochs, or early stopping)."""
    best: Weights = field(default_factory=list)
    """The model's variables after the best epoch."""
    model: Weights = field(default_factory=list)
    optimizer: Weights = field(default_factory=list)
    gradients: list[dict[str, list[list[float]]]] = field(default_factory=list)
    """After each finished epoch, for each recurrent layer's state, gradient norms by lag (see `plots`)."""
    seconds: float = 0.0
    """Spent on the finished epochs, validation included."""

    @property
    def epochs(self) -> int:
        """Number of finished epochs."""
        return len(self.history)


@dataclass
class Outcome:
    """What a training gave, for plots and tables. Test splits are scored once, at its end."""

    data: Data
    features: Features
    model: keras.Model
    deployed: keras.Model
    """Of the model, what answers: see `App.deployed`."""
    progress: Progress
    outputs: dict[str, np.ndarray]
    """What it answered to each test split."""
    scores: dict[str, dict[str, float]]
    """The metrics on each test split."""
    intervals: dict[str, tuple[float, float]]
    """The 95 % confidence interval of the first metric on each test split."""
    baselines: dict[str, dict[str, float]]
