"""The density of a pen's step: by hand, against scipy, and summed over the plane."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from pipelines.ondevice.pen_mixture import end_nll, log_density, mean_nll, mixture_of, step_counts, step_nll

TWO = np.array([*np.log([0.25, 0.75]), 0, 1, 0, -1, *np.log([1, 0.5, 2, 0.5]), 0, 0.6, np.log(3)])
"""Two Gaussians, at (0, 0) and at (1, -1), and a pen that is lifted in 3 of 4 cases."""


def random_outputs(seed: int, gaussians: int, *shape: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(*shape, gaussians))
    weights -= np.logaddexp.reduce(weights, axis=-1, keepdims=True)
    means = rng.uniform(-1, 1, (*shape, 2 * gaussians))
    sigmas = np.log(rng.uniform(0.15, 0.8, (*shape, 2 * gaussians)))
    rest = rng.uniform(-0.95, 0.95, (*shape, gaussians)), rng.normal(size=(*shape, 1))
    return np.concatenate([weights, means, sigmas, *rest], axis=-1)


def test_two_gaussians_by_hand() -> None:
    """At (1, -1): the first is exp(-(1 + 1 / 4) / 2) / (4 pi), the second 1 / (2 pi .25 .8)."""
    density = 0.25 * np.exp(-0.625) / (4 * np.pi) + 0.75 / (2 * np.pi * 0.25 * 0.8)
    targets = np.array([[1, -1, 1.0], [1, -1, 0], [1, -1, -1]])
    expected = [-np.log(density) - np.log(0.75), -np.log(density) - np.log(0.25), 0]
    np.testing.assert_allclose(step_nll(np.stack([TWO] * 3), targets), expected)
    assert expected[0] == pytest.approx(0.7861, abs=1e-4)


def test_a_standard_gaussian_at_its_mean_costs_log_2_pi_and_the_pen() -> None:
    """One Gaussian as wide as the training set and an undecided pen: 1.838 + .693 nats a step."""
    found = step_nll(np.zeros((1, 7)), np.zeros((1, 3)))
    np.testing.assert_allclose(found, np.log(2 * np.pi) + np.log(2))


@given(st.integers(0, 10_000), st.integers(1, 5))
@settings(max_examples=30, deadline=None)
def test_the_density_is_that_of_scipy(seed: int, gaussians: int) -> None:
    outputs = random_outputs(seed, gaussians)
    offsets = np.random.default_rng(seed).normal(size=(9, 2))
    made = mixture_of(outputs)
    total = np.zeros(9)
    for log_weight, mean, sigma, r in zip(*made[:4], strict=True):
        covariance = np.diag(sigma**2) + r * sigma.prod() * (1 - np.eye(2))
        total += np.exp(log_weight) * multivariate_normal(mean, covariance).pdf(offsets)
    found = log_density(mixture_of(np.stack([outputs] * 9)), offsets)
    np.testing.assert_allclose(found, np.log(total), rtol=1e-6, atol=1e-9)


@given(st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_densities_and_both_pens_sum_to_1(seed: int) -> None:
    side = np.arange(-7, 7, 0.04)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    outputs = np.broadcast_to(random_outputs(seed, 3), (len(grid), 19))
    total = 0.0
    for pen in (0.0, 1.0):
        targets = np.concatenate([grid, np.full((len(grid), 1), pen)], axis=1)
        total += np.exp(-step_nll(outputs, targets)).sum() * 0.04**2
    assert total == pytest.approx(1, abs=0.01)


def test_the_end_by_hand() -> None:
    """Only where the pen is lifted: the drawing goes on in one of three cases, and ends in two of them."""
    targets = np.array([[9, 9, 0, 0], [9, 9, 1, 0], [9, 9, 1, 1], [0, 0, -1, 0.0]])
    found = end_nll(np.full(4, np.log(2)), targets)
    np.testing.assert_allclose(found, [0, np.log(3), np.log(3 / 2), 0])


def test_padding_does_not_count() -> None:
    outputs = random_outputs(1, 2, 2, 4)
    targets = np.random.default_rng(2).normal(size=(2, 4, 3))
    targets[..., 2] = [[0, 1, -1, -1], [1, 0, 0, 1]]
    targets[0, 2:, :2] = np.nan
    each = step_nll(outputs, targets)
    assert step_counts(targets).tolist() == [2, 4]
    np.testing.assert_allclose(mean_nll(outputs, targets), [each[0, :2].mean(), each[1].mean()])


def test_far_offsets_have_finite_scores() -> None:
    assert np.isfinite(step_nll(TWO[None], np.array([[1e6, -1e6, 0]]))).all()


@pytest.mark.parametrize("size", [0, 1, 6, 12])
def test_other_sizes_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"expected 6 M \\+ 1 numbers a step, got {size}"):
        mixture_of(np.zeros((2, size)))
