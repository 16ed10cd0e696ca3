"""Confidence intervals of metrics."""

from __future__ import annotations

import time

import numpy as np

from .score import MeanOf, Metric


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
        metric: the metric.
        outputs: of a model, (N, ...).
        targets: (N, ...).
        resamples: how many samples are drawn.
        seconds: no more samples are drawn after this time, once there are 100.

    Returns:
        The lower and the upper bound.
    """

    def of_rows(rows: np.ndarray) -> float | None:
        return metric(outputs[rows], targets[rows])

    resampled = metric.resampled(outputs, targets) if isinstance(metric, MeanOf) else of_rows
    rng = np.random.default_rng(0)
    values: list[float | None] = []
    start = time.perf_counter()
    while len(values) < resamples and (len(values) < 100 or time.perf_counter() - start < seconds):
        rows = rng.integers(len(targets), size=len(targets))
        values.append(resampled(rows))
    low, high = np.percentile(np.array(values, float), [2.5, 97.5])
    return float(low), float(high)
