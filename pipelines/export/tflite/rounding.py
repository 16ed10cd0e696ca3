"""Rounds the weights of a product to four bits so that its outputs change little.

Rounding each weight to the nearest integer is not the best that four bits can do. The errors of a row's
weights add up in one output, where they may cancel: so a weight is rounded to the other side if that makes
up for what its neighbours lost. And a row whose largest weight stands alone is better off with a finer scale,
which cuts off that one weight. Both are found by descent on the squared error of the outputs. Each step
lowers it, so that the result is never worse than plain rounding.

Reference: K. Behdin et al., QuantEase: Optimization-based Quantization for Language Models, 2023, for the
descent over the weights.
"""

from __future__ import annotations

import numpy as np

LARGEST = 7
"""The largest integer of four bits, with its sign. -8 is left out, so that ranges are symmetric."""
_SHARES = np.linspace(1.0, 0.4, 25)
"""The scales to start from, as shares of the one that cuts off nothing."""
_ROUNDS = 4
"""How often all weights and scales are improved; later rounds change next to nothing."""
_RIDGE = 0.01
"""How much inputs count that the examples lack, as a share of the mean square of all inputs."""


def round_to_four_bits(
    weights: np.ndarray, moments: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return integers and scales; `integers * scales[:, None]` takes the place of the weights.

    Args:
        weights: (rows, columns); each row makes one output.
        moments: (columns, columns), the mean product of each pair of inputs; by default all inputs count
            alike, and none depends on another.

    Returns:
        Integers (rows, columns) int8, of at most LARGEST, and a scale for each row, (rows,) float32.
    """
    weights, costs = weights.astype(np.float64), costs_of(moments)
    largest = np.abs(weights).max(axis=1)
    widest = np.where(largest > 0, largest / LARGEST, 1.0)
    scales, least = widest, np.full(len(weights), np.inf)
    for share in _SHARES:
        error = squared_error(weights, nearest(weights, share * widest), share * widest, costs)
        scales, least = np.where(error < least, share * widest, scales), np.minimum(error, least)
    integers = nearest(weights, scales)
    for _ in range(_ROUNDS):
        if costs is None:
            integers = nearest(weights, scales)
        else:
            _improve(integers, weights, scales, costs)
        scales = _best_scales(weights, integers, scales, costs)
    return integers.astype(np.int8), scales.astype(np.float32)


def nearest(weights: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Return the nearest integers (rows, columns) of weights in steps of a scale for each row."""
    return np.clip(np.round(weights / scales[:, None]), -LARGEST, LARGEST)


def costs_of(moments: np.ndarray | None) -> np.ndarray | None:
    """Return what pairs of errors cost, (columns, columns), or None if every error costs the same."""
    if moments is None or not np.trace(moments) > 0:
        return None
    return moments + _RIDGE * np.trace(moments) / len(moments) * np.eye(len(moments))


def squared_error(
    weights: np.ndarray, integers: np.ndarray, scales: np.ndarray, costs: np.ndarray | None
) -> np.ndarray:
    """Return the mean squared error of each output: (rows,)."""
    missing = weights - integers * scales[:, None]
    return (_weighted(missing, costs) * missing).sum(axis=1)


def _weighted(rows: np.ndarray, costs: np.ndarray | None) -> np.ndarray:
    return rows if costs is None else rows @ costs


def _improve(integers: np.ndarray, weights: np.ndarray, scales: np.ndarray, costs: np.ndarray) -> None:
    """Change one column after the other to the best integers that it can have, given all others."""
    slopes = (weights - integers * scales[:, None]) @ costs
    for column in np.argsort(-np.diag(costs)):
        wanted = integers[:, column] + slopes[:, column] / (scales * costs[column, column])
        best = np.clip(np.round(wanted), -LARGEST, LARGEST)
        slopes -= ((best - integers[:, column]) * scales)[:, None] * costs[column]
        integers[:, column] = best


def _best_scales(
    weights: np.ndarray, integers: np.ndarray, scales: np.ndarray, costs: np.ndarray | None
) -> np.ndarray:
    """Return the scale of each row that suits its integers best; the one it has, if that isn't above 0."""
    weighted = _weighted(integers, costs)
    above, below = (weighted * weights).sum(axis=1), (weighted * integers).sum(axis=1)
    return np.where(above > 0, above / np.where(below > 0, below, 1.0), scales)
