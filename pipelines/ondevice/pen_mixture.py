"""The distribution of a pen's next step: a mixture of bivariate Gaussians and the pen. Plain numpy.

A network gives 6 M + 1 numbers a step (`StrokeMixture` in `tasks.stroke_mixture` makes them):

    log w (M), means of x (M) and of y (M), log sigma of x (M) and of y (M), correlations r (M), pen logit (1)

The unit of all scores is nats a step: - log of the density of the offset (dx, dy), divided by the
deviations of the training set, and - log of the probability of the pen. The logarithm of a density may be
above 0, so the score of a good network may be below 0. For offsets in their own unit add the logarithms of
both deviations.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

LEAST_SIGMA = 0.1
"""The floor of sigma, in deviations of the training set. Coordinates are whole numbers: without a floor, the
density at the places that occur could be raised without end."""
MOST_CORRELATION = 0.95
"""The largest correlation, so that the determinant stays far from 0."""
PADDING = -1.0
"""The pen of a target behind the end of a drawing."""
_LOG_2_PI = float(np.log(2 * np.pi))


class Mixture(NamedTuple):
    """The numbers of `steps` steps by their meaning, of M Gaussians each, float64."""

    log_weights: np.ndarray
    """(..., M); the exponentials sum to 1."""
    means: np.ndarray
    """(..., M, 2)"""
    sigmas: np.ndarray
    """(..., M, 2)"""
    correlations: np.ndarray
    """(..., M)"""
    pen_logit: np.ndarray
    """(...,): the logit of the probability that the pen is lifted."""


def columns(gaussians: int) -> int:
    """Return how many numbers a network gives a step."""
    return 6 * gaussians + 1


def mixture_of(outputs: np.ndarray) -> Mixture:
    """Return the mixtures in a network's outputs (..., 6 M + 1).

    Raises:
        ValueError: the last axis has another size.
    """
    size = outputs.shape[-1]
    gaussians = size // 6
    if gaussians < 1 or size != columns(gaussians):
        raise ValueError(f"mixture: expected 6 M + 1 numbers a step, got {size}")
    given = np.asarray(outputs, np.float64)
    w, mx, my, sx, sy, r = (given[..., i * gaussians : (i + 1) * gaussians] for i in range(6))
    total = np.logaddexp.reduce(w, axis=-1, keepdims=True)  # 0, but for rounding in integer files
    sigmas = np.exp(np.stack([sx, sy], axis=-1))
    return Mixture(w - total, np.stack([mx, my], axis=-1), sigmas, r, given[..., -1])


def log_density(mixture: Mixture, offsets: np.ndarray) -> np.ndarray:
    """Return the logarithm of the density of offsets, (...).

        N(x, y) = exp(-q / (2 (1 - r^2))) / (2 pi sx sy sqrt(1 - r^2)),   q = u^2 + v^2 - 2 r u v
        u = (x - mx) / sx,   v = (y - my) / sy

    Args:
        mixture: the distributions.
        offsets: (..., 2) or more columns, of which the first two count, in deviations of the training set.
    """
    scaled = (np.asarray(offsets, np.float64)[..., None, :2] - mixture.means) / mixture.sigmas
    u, v, r = scaled[..., 0], scaled[..., 1], mixture.correlations
    rest = 1 - r**2
    exponent = (u**2 + v**2 - 2 * r * u * v) / (2 * rest)
    each = -exponent - _LOG_2_PI - np.log(mixture.sigmas).sum(axis=-1) - np.log(rest) / 2
    return np.asarray(np.logaddexp.reduce(mixture.log_weights + each, axis=-1))


def pen_nll(pen_logit: np.ndarray, pen: np.ndarray) -> np.ndarray:
    """Return - log p of the pen, 1 lifted or 0: log(1 + exp(logit)) - pen * logit."""
    return np.asarray(np.logaddexp(0, pen_logit) - pen * pen_logit)


def step_nll(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the negative log-likelihood of each step in nats, (...), 0 at padding.

    Args:
        outputs: (..., 6 M + 1).
        targets: (..., 3): dx and dy in deviations of the training set, and the pen; a negative pen is
            padding.
    """
    mixture, pen = mixture_of(outputs), np.asarray(targets[..., 2], np.float64)
    counted = pen >= 0
    offsets = np.where(counted[..., None], targets[..., :2], 0.0)
    return np.asarray(counted * (pen_nll(mixture.pen_logit, pen) - log_density(mixture, offsets)))


def mean_nll(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the mean over the steps of each drawing that are not padding, (N,); see `step_nll`."""
    return np.asarray(step_nll(outputs, targets).sum(axis=1) / np.maximum(1, step_counts(targets)))


def end_nll(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return - log p of the drawing going on or ending at each step that lifts the pen, (...), 0 elsewhere.

    A drawing ends with a lifted pen, so the sum of this and of `step_nll` is that of a drawing with its end.

    Args:
        logits: (...), of the probability that the drawing ends with a step, if that lifts the pen.
        targets: (..., 4): as for `step_nll`, and 1 for the last step of a drawing, else 0.
    """
    return np.asarray((targets[..., 2] > 0) * pen_nll(logits, np.asarray(targets[..., 3], np.float64)))


def step_counts(targets: np.ndarray) -> np.ndarray:
    """Return the number of steps of each drawing, (N,); targets as for `step_nll`."""
    return np.asarray((targets[..., 2] >= 0).sum(axis=1))
