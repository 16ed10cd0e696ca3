"""Compare a network with the simple methods that it must beat."""

from __future__ import annotations

from collections.abc import Mapping


def no_better_than(
    scores: Mapping[str, Mapping[str, float]],
    baselines: Mapping[str, Mapping[str, float]],
    metric: str,
    *,
    higher_is_better: bool,
) -> dict[str, str]:
    """Return by test split the best simple method, for splits on which the network is no better than it.

    Args:
        scores: the network's metrics, by split and metric.
        baselines: the metric of the simple methods, by method and split.
        metric: the name of the metric to compare.
        higher_is_better: whether a higher value of the metric is better.
    """
    sign = 1 if higher_is_better else -1
    found = {}
    for split, of_network in scores.items():
        signed = {method: sign * values[split] for method, values in baselines.items()}
        best = max(signed, key=lambda method: signed[method])
        if not sign * of_network[metric] > signed[best]:
            found[split] = best
    return found


def as_tags(found: Mapping[str, str]) -> dict[str, str]:
    """Return the tag of a run for the result of `no_better_than`; no tag if it is empty."""
    said = ", ".join(f"{method} on {split}" for split, method in found.items())
    return {"no_better_than": said} if found else {}
