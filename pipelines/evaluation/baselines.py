"""Compare a network with the simple methods that it must beat."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeGuard


def no_better_than(
    scores: Mapping[str, Mapping[str, float]],
    baselines: Mapping[str, Mapping[str, float | None]],
    metric: str,
    *,
    higher_is_better: bool,
) -> dict[str, str]:
    """Return by test split the best simple method, for splits on which the network is no better than it.

    Args:
        scores: the network's metrics, by split and metric.
        baselines: the metric of the simple methods, by method and split; None or NaN where there is none,
            which nothing is compared with.
        metric: the name of the metric to compare.
        higher_is_better: whether a higher value of the metric is better.
    """
    sign = 1 if higher_is_better else -1
    found = {}
    for split, of_network in scores.items():
        of_split = {method: values[split] for method, values in baselines.items()}
        signed = {method: sign * value for method, value in of_split.items() if _is_known(value)}
        best = max(signed, key=lambda method: signed[method], default=None)
        if best is not None and not sign * of_network[metric] > signed[best]:
            found[split] = best
    return found


def _is_known(value: float | None) -> TypeGuard[float]:
    return value is not None and not math.isnan(value)


def as_tags(found: Mapping[str, str]) -> dict[str, str]:
    """Return the tag of a run for the result of `no_better_than`; no tag if it is empty."""
    said = ", ".join(f"{method} on {split}" for split, method in found.items())
    return {"no_better_than": said} if found else {}
