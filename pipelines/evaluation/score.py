"""Define metrics, and score a predictor by them on a whole split."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from .predictors import Predictor

Metric = Callable[["np.ndarray", "np.ndarray"], float | None]
"""metric(outputs, targets): the value over a whole split, from the model's outputs (N, ...).

It is None if the targets don't allow this metric. The first metric of an app is always a number."""


@dataclass(frozen=True)
class MeanOf:
    """A metric that is a mean over examples. Its confidence interval is quick to compute."""

    each: Callable[[np.ndarray, np.ndarray], np.ndarray]
    """each(outputs, targets): the value of each example, (N,)."""
    weights: Callable[[np.ndarray], np.ndarray] | None = None
    """weights(targets): the weight of each example, (N,). Default: 1 for each."""

    def __call__(self, outputs: np.ndarray, targets: np.ndarray, /) -> float:
        """Return the weighted mean over all examples."""
        return float(np.average(self.each(outputs, targets), weights=self._weights(targets)))

    def resampled(self, outputs: np.ndarray, targets: np.ndarray) -> Callable[[np.ndarray], float]:
        """Return a function that takes row numbers and returns the mean over these rows."""
        each, weights = self.each(outputs, targets), self._weights(targets)
        return lambda rows: float(np.average(each[rows], weights=weights[rows]))

    def _weights(self, targets: np.ndarray) -> np.ndarray:
        return np.ones(len(targets)) if self.weights is None else self.weights(targets)


@dataclass(frozen=True)
class FromCounts:
    """A metric of counts that are summed over examples, such as F1. Its interval is quick to compute."""

    each: Callable[[np.ndarray, np.ndarray], np.ndarray]
    """each(outputs, targets): the counts of each example, (N, counts)."""
    value: Callable[[np.ndarray], float]
    """value(counts): the metric from the summed counts, (counts,)."""
    signature: Callable[[], str] | None = None
    """signature(): how exactly it is computed, as the field writes it; for metrics with several versions."""

    def __call__(self, outputs: np.ndarray, targets: np.ndarray, /) -> float:
        """Return the metric over all examples."""
        return self.value(self.each(outputs, targets).sum(axis=0))

    def resampled(self, outputs: np.ndarray, targets: np.ndarray) -> Callable[[np.ndarray], float]:
        """Return a function that takes row numbers and returns the metric over these rows."""
        counts = self.each(outputs, targets)
        return lambda rows: self.value(counts[rows].sum(axis=0))


def signatures(metrics: Mapping[str, Metric]) -> dict[str, str]:
    """Return by name how exactly metrics are computed, of those that say it."""
    said = {name: metric.signature for name, metric in metrics.items() if isinstance(metric, FromCounts)}
    return {name: signature() for name, signature in said.items() if signature is not None}


def score(
    predictor: Predictor, inputs: np.ndarray, targets: np.ndarray, metrics: Mapping[str, Metric]
) -> tuple[dict[str, float], np.ndarray]:
    """Return the value of each metric, and the outputs.

    Args:
        predictor: called once, with all inputs.
        inputs: (N, ...).
        targets: (N, ...).
        metrics: metrics by name. A metric that is None for these targets is left out.

    Returns:
        The value of each metric by name, and the outputs (N, ...).

    Raises:
        ValueError: there are no examples, or the numbers of inputs and targets differ.
    """
    if len(inputs) != len(targets) or len(inputs) == 0:
        raise ValueError(
            f"expected as many inputs as targets, at least one, got {len(inputs)} and {len(targets)}"
        )
    outputs = predictor(inputs)
    values = {name: metric(outputs, targets) for name, metric in metrics.items()}
    return {name: float(value) for name, value in values.items() if value is not None}, outputs
