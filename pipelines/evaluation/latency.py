"""Measure the latency of a predictor."""

from __future__ import annotations

import time

import numpy as np

from .predictors import Predictor


def latency_ms(
    predictor: Predictor, inputs: np.ndarray, *, calls: int = 200, seconds: float = 3.0
) -> dict[str, float]:
    """Return p50 and p95 of the latency in milliseconds, at batch size 1, after three calls to warm up.

    Args:
        predictor: called with one input at a time.
        inputs: (N, ...); if there are fewer inputs than calls, they are used again from the first one.
        calls: the number of calls to time.
        seconds: stop after this time, if at least ten calls have been timed.
    """
    for i in range(3):
        predictor(inputs[i % len(inputs)][None])
    taken: list[float] = []
    while len(taken) < calls and (len(taken) < 10 or sum(taken) < seconds):
        one = inputs[len(taken) % len(inputs)][None]
        start = time.perf_counter()
        predictor(one)
        taken.append(time.perf_counter() - start)
    p50, p95 = np.percentile(taken, [50, 95]) * 1e3
    return {"p50": float(p50), "p95": float(p95)}
