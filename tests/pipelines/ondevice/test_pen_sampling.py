"""Drawing with a step network: the distribution of its steps, where it starts and where it ends."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.errors import UserError
from pipelines.ondevice.pen_mixture import log_density, mixture_of
from pipelines.ondevice.pen_sampling import DrawingLimits, Drawn, PenSampler, draw, draw_steps

TWO = np.array([*np.log([0.25, 0.75]), 0, 12, 0, -12, *np.log([1, 0.5, 2, 0.5]), 0.8, -0.5, np.log(0.25)])
"""Gaussians at (0, 0) and (12, -12); the pen is lifted in one of five cases."""
START = [0.0, 0.0, 0.0]


class Scribble:
    """Always the same mixture; a window that goes a fifth of a character a step."""

    def __init__(self, places: int = 0, lift: float = -1.0, ending: float | None = None) -> None:
        self.read: list[list[float]] = []
        self._places, self._ending = places, ending
        self._mixture = np.array([*TWO[:-1], lift])

    def initial_state(self) -> dict:
        return {"step": 0}

    def __call__(self, step: np.ndarray, state: dict) -> tuple:
        assert step.shape == (3,)
        assert step.dtype == np.float32
        self.read.append(step.tolist())
        outputs = {"mixture": self._mixture.astype(np.float32)}
        if self._places:
            kappa = state["step"] / 5
            outputs["window"] = np.exp(-8 * (kappa - np.arange(self._places)) ** 2)
        if self._ending is not None:
            outputs["end"] = np.array([self._ending])
        return outputs, {"step": state["step"] + 1}


def written(network: Scribble, characters: int | None = None, most: int = 200, seed: int = 1) -> Drawn:
    return draw(network, DrawingLimits(most, characters), PenSampler(), np.random.default_rng(seed))


def test_steps_have_the_distribution_of_the_mixture() -> None:
    rng, sampler = np.random.default_rng(0), PenSampler()
    steps = np.array([sampler.draw(TWO, rng) for _ in range(20_000)])
    assert steps[:, 2].mean() == pytest.approx(0.2, abs=0.01)
    second = steps[:, 0] > 6
    assert second.mean() == pytest.approx(0.75, abs=0.01)
    near = steps[second, :2]
    np.testing.assert_allclose(near.mean(axis=0), [12, -12], atol=0.02)
    np.testing.assert_allclose(np.corrcoef(near.T)[0, 1], -0.5, atol=0.02)
    np.testing.assert_allclose(near.std(axis=0), 0.5, atol=0.02)
    # The mean score is the entropy: that of the choice, and those of the Gaussians
    of_each = [np.log(2 * np.pi) + 1 + np.log(2 * 0.6), np.log(2 * np.pi) + 1 + np.log(0.25 * 0.75**0.5)]
    entropy = np.array([0.25, 0.75]) @ (np.array(of_each) - np.log([0.25, 0.75]))
    found = -log_density(mixture_of(np.stack([TWO] * len(steps))), steps).mean()
    assert found == pytest.approx(entropy, abs=0.03)


def test_a_bias_makes_the_steps_neater() -> None:
    steps = {
        b: np.array([PenSampler(b).draw(TWO, np.random.default_rng(s)) for s in range(2000)]) for b in (0, 2)
    }
    share = {b: (each[:, 0] > 6).mean() for b, each in steps.items()}
    assert share[2] == pytest.approx(0.75**3 / (0.75**3 + 0.25**3), abs=0.02)
    spread = {b: each[each[:, 0] > 6, 1].std() for b, each in steps.items()}
    assert spread[2] == pytest.approx(np.exp(-2) * spread[0], rel=0.1)
    np.testing.assert_array_equal(steps[0][:, 2], steps[2][:, 2])  # the pen is drawn as before
    with pytest.raises(ValueError, match="bias: expected 0 to 100, got -1"):
        PenSampler(-1)


def test_a_seed_gives_the_same_drawing() -> None:
    one, again, other = (written(Scribble(), seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.offsets, again.offsets)
    assert not np.array_equal(one.offsets, other.offsets)


def test_the_network_reads_its_own_steps_behind_those_of_the_writer() -> None:
    network, own = Scribble(), np.arange(6, dtype=np.float32).reshape(2, 3)
    drawn = draw(network, DrawingLimits(4), PenSampler(), np.random.default_rng(1), primed=own)
    assert network.read == [START, *own.tolist(), *drawn.offsets[:-1].tolist()]
    assert (len(drawn.offsets), drawn.window, drawn.finished) == (4, None, False)
    assert drawn.offsets[-1, 2] == 1


def test_it_ends_with_the_stroke_in_which_the_window_passes_the_text() -> None:
    """From step 13 on the window is nearer to the place behind 3 characters."""
    drawn = written(Scribble(places=6, lift=50), characters=3)
    assert (len(drawn.offsets), drawn.finished) == (14, True)
    assert drawn.window is not None
    assert drawn.window.shape == (14, 6)
    assert len(written(Scribble(places=6, lift=-50), characters=3).offsets) == 14 + 30
    lifted = written(Scribble(places=6), characters=3)
    assert (lifted.offsets[13:-1, 2] == 0).all()


def test_it_ends_where_the_text_fills_all_places() -> None:
    """There is no place behind it: the weight of the last one falls below .01 at .8 characters behind it."""
    drawn = written(Scribble(places=3, lift=50), characters=3)
    assert (len(drawn.offsets), drawn.finished) == (15, True)


def test_it_ends_where_the_network_says_so_or_is_cut() -> None:
    assert len(written(Scribble(lift=50, ending=50)).offsets) == 1
    for lift, ending in ((50, -50), (-50, 50)):  # it ends with no stroke, and within no stroke
        cut = written(Scribble(lift=lift, ending=ending), most=20)
        assert (len(cut.offsets), cut.finished) == (20, False)
    lengths = [len(written(Scribble(lift=50, ending=-np.log(9)), seed=seed).offsets) for seed in range(200)]
    assert np.mean(lengths) == pytest.approx(10, abs=2)
    ended = written(Scribble(ending=50))
    assert ended.finished
    assert ended.offsets[:, 2].tolist() == [0] * (len(ended.offsets) - 1) + [1]


def test_an_output_that_is_not_finite_is_refused() -> None:
    with pytest.raises(UserError, match="drawing: expected finite numbers in the network's output 'mixture'"):
        next(draw_steps(Scribble(lift=np.nan), PenSampler(), np.random.default_rng(0)))
