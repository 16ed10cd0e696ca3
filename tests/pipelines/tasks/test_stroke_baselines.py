"""The simple methods of drawing: rules that they must find, and their scores by hand."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.tasks.stroke_baselines import GaussianWalk, LinearSteps, nll


def drawings_by_rule(seed: int, count: int = 60, noise: float = 0.3) -> list[np.ndarray]:
    """Each offset is .9 of the last less .2 of the one before; after a lifted pen a jump by (3, -2)."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        steps = np.zeros((42, 3))
        for t in range(2, 42):
            jump = np.array([3.0, -2.0]) if steps[t - 1, 2] else np.zeros(2)
            mean = 0.9 * steps[t - 1, :2] - 0.2 * steps[t - 2, :2] + jump
            steps[t, :2] = rng.normal(mean, 2 * noise if steps[t - 1, 2] else noise)
            steps[t, 2] = rng.random() < (0.0 if steps[t - 1, 2] else 0.2)
        found.append(steps[2:])
    return found


def test_the_walk_by_hand() -> None:
    """Offsets of deviation 1 without correlation; no pen of four is lifted: with one more of each, 1 in 6."""
    steps = np.array([[1, 1, 0], [1, -1, 0], [-1, 1, 0], [-1, -1, 0.0]])
    walk = GaussianWalk([steps])
    assert nll(walk, [steps]) == pytest.approx(np.log(2 * np.pi) + 1 - np.log(5 / 6))
    assert nll(walk, [np.array([[0, 2, 1.0]])]) == pytest.approx(np.log(2 * np.pi) + 2 - np.log(1 / 6))


def test_linear_prediction_finds_the_rule_and_reaches_its_entropy() -> None:
    linear = LinearSteps(drawings_by_rule(1))
    test = drawings_by_rule(2)
    lifted = np.mean([np.concatenate([[0], each[:-1, 2]]) for each in test])
    offsets = np.log(2 * np.pi) + 1 + 2 * np.log(0.3) + 2 * lifted * np.log(2)
    pens = (1 - lifted) * -(0.2 * np.log(0.2) + 0.8 * np.log(0.8))
    assert nll(linear, test) == pytest.approx(offsets + pens, abs=0.03)
    assert nll(linear, test) < nll(GaussianWalk(drawings_by_rule(1)), test) - 1


def test_only_earlier_steps_are_used() -> None:
    linear, (drawing,) = LinearSteps(drawings_by_rule(1)), drawings_by_rule(3, 1)
    changed = drawing.copy()
    changed[20:] += 5
    changed[20:, 2] = 1
    np.testing.assert_array_equal(linear(drawing)[:21], linear(changed)[:21])
    assert not np.allclose(linear(drawing)[21], linear(changed)[21])


def test_sigma_has_a_floor_and_drawings_of_one_stroke_are_enough() -> None:
    still = [np.zeros((5, 3))] * 3
    for method in (GaussianWalk(still), LinearSteps(still)):
        assert method(still[0]).shape == (5, 7)
        np.testing.assert_allclose(np.exp(method(still[0])[:, 3:5]), 0.1)
        assert np.isfinite(nll(method, [np.ones((4, 3))]))
