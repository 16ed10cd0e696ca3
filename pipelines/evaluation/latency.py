"""How long one answer takes."""

from __future__ import annotations

import time

import numpy as np

from .predictors import Predictor


def latency_ms(
    predictor: Predictor, inputs: np.ndarray, calls: int = 200, seconds: float = 3.0
) -> dict[str, float]:
    """Return p50 and p95 of the milliseconds that one input takes: batch 1, one after the other.

    Three calls warm up; `calls` are timed, or as many (at least ten) as `seconds` allow.
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
