"""Simple methods that a network that draws must beat: a Gaussian walk, and linear prediction. Plain numpy.

Both give what a network with a single Gaussian would give, (steps, 7), so `ondevice.pen_mixture` scores them
in the same unit and with the same floor of sigma: nats a step, the density of offsets in deviations of the
training set plus the pen. Every offset of a drawing is scored, from that to its second point on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from ..ondevice.pen_mixture import LEAST_SIGMA, step_nll

Drawings = Sequence[np.ndarray]
"""Offsets and pens (steps, 3) of each drawing, in deviations of the training set, without padding."""


class Baseline(Protocol):
    """A method that says the next step of a drawing."""

    def __call__(self, drawing: np.ndarray) -> np.ndarray:
        """Return what is said of each step of a drawing (steps, 3) from those before it, (steps, 7)."""


def nll(baseline: Baseline, drawings: Drawings) -> float:
    """Return the negative log-likelihood in nats a step, the mean over all steps of all drawings."""
    losses = [step_nll(baseline(drawing), drawing) for drawing in drawings]
    return float(np.concatenate(losses).mean())


class GaussianWalk:
    """One Gaussian for all offsets and one probability for the pen, whatever was before.

    Args:
        drawings: the training set.
    """

    def __init__(self, drawings: Drawings) -> None:
        steps = np.concatenate(drawings).astype(np.float64)
        mean = steps[:, :2].mean(axis=0)
        self._numbers = np.concatenate(
            [[0.0], mean, _spread(steps[:, :2] - mean), [_logit(steps[:, 2].sum(), len(steps))]]
        )

    def __call__(self, drawing: np.ndarray) -> np.ndarray:
        """Return the same for each step, (steps, 7)."""
        return np.broadcast_to(self._numbers, (len(drawing), len(self._numbers)))


class LinearSteps:
    """Least squares from the last two steps, their pens included, with a Gaussian residual.

        offset_t ~ N(W_k [step_(t-1), step_(t-2), 1], C_k)     k the pen at t - 1, drawn or lifted
        p(pen_t) by the pens at t - 1 and t - 2

    The way to a new stroke has weights and a covariance of its own. Steps before the start are 0.

    Args:
        drawings: the training set.
    """

    def __init__(self, drawings: Drawings) -> None:
        before = np.concatenate([_before(each) for each in drawings])
        after = np.concatenate(drawings).astype(np.float64)
        pens = _pens(before)
        self._logits = np.array(
            [_logit(after[pens == case, 2].sum(), int((pens == case).sum())) for case in range(4)]
        )
        self._weights, self._spreads = np.zeros((2, before.shape[1], 2)), np.zeros((2, 3))
        for lifted in (0, 1):
            rows = pens % 2 == lifted
            if not rows.any():  # no drawing has two strokes
                rows = np.ones(len(before), bool)
            weights, *_ = np.linalg.lstsq(before[rows], after[rows, :2], rcond=None)
            self._weights[lifted] = weights
            self._spreads[lifted] = _spread(after[rows, :2] - before[rows] @ weights)

    def __call__(self, drawing: np.ndarray) -> np.ndarray:
        """Return what is said of each step, (steps, 7)."""
        before = _before(drawing)
        pens = _pens(before)
        lifted = pens % 2
        means = np.einsum("nf,nfo->no", before, self._weights[lifted])
        log_weight, logits = np.zeros((len(drawing), 1)), self._logits[pens][:, None]
        return np.concatenate([log_weight, means, self._spreads[lifted], logits], axis=1)


def _before(drawing: np.ndarray) -> np.ndarray:
    """Return the last two steps before each step, and 1: (steps, 7)."""
    padded = np.concatenate([np.zeros((2, 3)), drawing])
    return np.concatenate([padded[1:-1], padded[:-2], np.ones((len(drawing), 1))], axis=1)


def _pens(before: np.ndarray) -> np.ndarray:
    """Return 1 where the last pen was lifted, plus 2 where the one before it was, (steps,)."""
    return np.asarray(before[:, 2] + 2 * before[:, 5], np.intp)


def _spread(residuals: np.ndarray) -> np.ndarray:
    """Return log sigma of x and of y, and their correlation."""
    covariance = residuals.T @ residuals / len(residuals)
    sigmas = np.maximum(np.sqrt(np.diag(covariance)), LEAST_SIGMA)
    return np.array([*np.log(sigmas), covariance[0, 1] / sigmas.prod()])


def _logit(lifted: float, steps: int) -> float:
    """Return the logit of the share of lifted pens, with one more of each kind."""
    return float(np.log((lifted + 1) / (steps - lifted + 1)))
