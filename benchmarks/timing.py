"""Time functions against each other, in alternation: whatever else the machine does then meets all alike."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

_TURN = 0.03  # seconds that a quick function is repeated for
_LEAST_ROUNDS = 5

Spread = dict[str, float]
"""median, q1, q3: the middle of many values, and the quartiles around it."""


def seconds(function: Callable[[], object]) -> float:
    """Return how long one call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def alternate(
    functions: Mapping[str, Callable[[], object]],
    warm: Mapping[str, float],
    duration: float,
    rng: np.random.Generator,
) -> dict[str, list[float]]:
    """Return each function's seconds a call, one value a round, from `duration` seconds of rounds.

    A round gives every function one turn, in random order. `warm` tells about how long a call takes: a
    quick function is called many times in its turn, after one untimed call that waits out the threads
    which the function before it may have left spinning.
    """
    calls = {name: max(1, round(_TURN / warm[name])) for name in functions}
    times: dict[str, list[float]] = {name: [] for name in functions}
    end = time.perf_counter() + duration
    while time.perf_counter() < end or len(next(iter(times.values()))) < _LEAST_ROUNDS:
        for name in rng.permutation(list(functions)):
            times[name].append(_turn(functions[name], calls[name]))
    return times


def _turn(function: Callable[[], object], calls: int) -> float:
    if calls > 1:
        function()
    return seconds(lambda: [function() for _ in range(calls)]) / calls


def spread(values: Sequence[float]) -> Spread:
    """Return the median and the quartiles."""
    q1, median, q3 = np.percentile(values, [25, 50, 75])
    return {"median": float(median), "q1": float(q1), "q3": float(q3)}


def ratios(times: Mapping[str, Sequence[float]], of: str = "ours") -> dict[str, Spread]:
    """Return the others' times over those of `of`, round by round: above 1, `of` is faster."""
    return {
        name: spread([a / b for a, b in zip(values, times[of], strict=True)])
        for name, values in times.items()
        if name != of
    }


def geometric_mean(spreads: Sequence[Spread]) -> Spread:
    """Return the geometric means of the medians, of the lower and of the upper quartiles."""
    return {
        key: math.exp(sum(math.log(each[key]) for each in spreads) / len(spreads))
        for key in ("median", "q1", "q3")
    }
