"""Times functions in alternation, so that other load on the machine slows all of them alike."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

_TURN_SECONDS = 0.03  # a quick function is repeated for this long
_MIN_ROUNDS = 5

Quartiles = dict[str, float]
"""The keys `median`, `q1` and `q3`: the middle of many values, and the lower and upper quartile."""


def seconds(function: Callable[[], object]) -> float:
    """Call a function once and return how many seconds the call took."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def alternate(
    functions: Mapping[str, Callable[[], object]],
    warm: Mapping[str, float],
    duration: float,
    rng: np.random.Generator,
) -> dict[str, list[float]]:
    """Call all functions in rounds, and return the seconds per call of each: one value per round.

    In each round every function has one turn, in random order. A quick function is called many times per
    turn. One untimed call precedes these: the threads of the previous function may still be spinning.

    Args:
        functions: the functions by name.
        warm: the approximate seconds of one call, by name.
        duration: seconds after which no new round starts; at least 5 rounds are made.
        rng: draws the order of the turns.
    """
    calls = {name: max(1, round(_TURN_SECONDS / warm[name])) for name in functions}
    times: dict[str, list[float]] = {name: [] for name in functions}
    end = time.perf_counter() + duration
    while time.perf_counter() < end or len(next(iter(times.values()))) < _MIN_ROUNDS:
        for name in rng.permutation(list(functions)):
            times[name].append(_turn(functions[name], calls[name]))
    return times


def _turn(function: Callable[[], object], calls: int) -> float:
    if calls > 1:
        function()
    return seconds(lambda: [function() for _ in range(calls)]) / calls


def quartiles(values: Sequence[float]) -> Quartiles:
    """Return the median and the two quartiles of values."""
    q1, median, q3 = np.percentile(values, [25, 50, 75])
    return {"median": float(median), "q1": float(q1), "q3": float(q3)}


def ratios(times: Mapping[str, Sequence[float]], of: str = "ours") -> dict[str, Quartiles]:
    """Return how many times faster `of` is than each other function; below 1 it is slower.

    Args:
        times: seconds by name, one value per round, as `alternate` returns them.
        of: the name of the function to compare the others with.

    Returns:
        The median and quartiles of the ratios, by name. Each ratio is formed within one round.
    """
    return {
        name: quartiles([other / own for other, own in zip(values, times[of], strict=True)])
        for name, values in times.items()
        if name != of
    }


def geometric_mean(values: Sequence[Quartiles]) -> Quartiles:
    """Return the geometric mean of the medians, that of the lower quartiles and that of the upper ones."""
    return {
        key: math.exp(sum(math.log(each[key]) for each in values) / len(values))
        for key in ("median", "q1", "q3")
    }
