"""Metrics of a whole split, and the values that a predictor gets in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from .predictors import Predictor

Metric = Callable[["np.ndarray", "np.ndarray"], float | None]
"""metric(outputs, targets) over a whole split; outputs as the model gives them. None where these targets have
no such metric; the one that counts is always a number."""


@dataclass(frozen=True)
class MeanOf:
    """A metric that is a mean over examples: its interval costs next to nothing."""

    each: Callable[[np.ndarray, np.ndarray], np.ndarray]
    """each(outputs, targets) -> one value for each example, (N,)."""
    weights: Callable[[np.ndarray], np.ndarray] | None = None
    """weights(targets) -> how much each example counts, (N,). Default: all alike."""

    def __call__(self, outputs: np.ndarray, targets: np.ndarray, /) -> float:
        """Return the mean."""
        return float(np.average(self.each(outputs, targets), weights=self._weights(targets)))

    def resampled(self, outputs: np.ndarray, targets: np.ndarray) -> Callable[[np.ndarray], float]:
        """Return a function of rows that gives the mean over them."""
        each, weights = self.each(outputs, targets), self._weights(targets)
        return lambda rows: float(np.average(each[rows], weights=weights[rows]))

    def _weights(self, targets: np.ndarray) -> np.ndarray:
        return np.ones(len(targets)) if self.weights is None else self.weights(targets)


def score(
    predictor: Predictor, inputs: np.ndarray, targets: np.ndarray, metrics: Mapping[str, Metric]
) -> tuple[dict[str, float], np.ndarray]:
    """Return the value of each metric that these targets have, and the outputs (N, K) that they judge."""
    if len(inputs) != len(targets) or len(inputs) == 0:
        raise ValueError(
            f"expected as many inputs as targets, at least one, got {len(inputs)} and {len(targets)}"
        )
    outputs = predictor(inputs)
    values = {name: metric(outputs, targets) for name, metric in metrics.items()}
    return {name: float(value) for name, value in values.items() if value is not None}, outputs
