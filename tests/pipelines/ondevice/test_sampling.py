"""Drawing from probabilities, by hand and by many draws."""

import numpy as np
import pytest

from pipelines.ondevice.sampling import Sampler

P = np.array([0.1, 0.4, 0.2, 0.3])


def test_temperature_by_its_equation():
    np.testing.assert_allclose(Sampler(0.5).distribution(P), P**2 / (P**2).sum())
    np.testing.assert_allclose(Sampler(1).distribution(7 * P), P)
    assert Sampler(0).distribution(P).tolist() == [0, 1, 0, 0]


def test_top_k_and_nucleus_by_hand():
    np.testing.assert_allclose(Sampler(top_k=2).distribution(P), [0, 4 / 7, 0, 3 / 7])
    np.testing.assert_allclose(Sampler(top_p=0.65).distribution(P), [0, 4 / 7, 0, 3 / 7])
    np.testing.assert_allclose(Sampler(top_p=0.75).distribution(P), [0, 4 / 9, 2 / 9, 3 / 9])
    np.testing.assert_allclose(Sampler(top_p=1e-9).distribution(P), [0, 1, 0, 0])
    np.testing.assert_allclose(Sampler(top_k=3, top_p=0.7).distribution(P), [0, 4 / 7, 0, 3 / 7])


def test_draws_are_as_often_as_they_should_be_and_never_impossible():
    rng = np.random.default_rng(0)
    drawn = np.bincount(
        [Sampler().draw(np.array([0, 0.25, 0, 0.75, 0]), rng) for _ in range(4000)], minlength=5
    )
    assert drawn[[0, 2, 4]].sum() == 0
    assert drawn[1] / 4000 == pytest.approx(0.25, abs=0.03)
    with pytest.raises(ValueError, match="above 0"):
        Sampler().draw(np.zeros(3), rng)
