"""Confidence intervals of metrics."""

from __future__ import annotations

import time

import numpy as np

from .score import FromCounts, MeanOf, Metric


def interval(
    metric: Metric,
    outputs: np.ndarray,
    targets: np.ndarray,
    *,
    resamples: int = 1000,
    seconds: float = 10.0,
) -> tuple[float, float]:
    """Return the 95 % confidence interval of a metric by the percentile bootstrap over examples.

    See Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.

    Args:
        metric: the metric, a function of outputs and targets.
        outputs: the outputs of a model, (N, ...).
        targets: the targets, (N, ...).
        resamples: the number of samples to draw.
        seconds: stop drawing after this time, if there are at least 100 samples.

    Returns:
        The lower and the upper bound.
    """

    def of_rows(rows: np.ndarray) -> float | None:
        return metric(outputs[rows], targets[rows])

    resampled = metric.resampled(outputs, targets) if isinstance(metric, MeanOf | FromCounts) else of_rows
    rng = np.random.default_rng(0)
    values: list[float | None] = []
    start = time.perf_counter()
    while len(values) < resamples and (len(values) < 100 or time.perf_counter() - start < seconds):
        rows = rng.integers(len(targets), size=len(targets))
        values.append(resampled(rows))
    low, high = np.percentile(np.array(values, float), [2.5, 97.5])
    return float(low), float(high)
