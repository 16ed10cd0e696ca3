"""Options, search, metrics and n-gram baselines of apps that generate sequences. Needs no TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..config import require
from ..evaluation.score import MeanOf
from ..ondevice.beam_search import Hypothesis, Limits, Search, n_best, sample
from ..ondevice.sampling import Sampler
from ..ondevice.step_network import StepNetwork

FLOOR = 1e-9
"""Smaller probabilities are raised to this one, so that no single target costs more than 21 nats."""


@dataclass(frozen=True)
class SamplingOptions:
    """Options of `predict` in apps that sample their output."""

    temperature: float | None = 1.0
    """The temperature of sampling. 1 is the network's own distribution, lower values favour probable tokens,
    and 0 always takes the most probable token."""
    top_k: int | None = None
    """Draw only from this number of most probable tokens. Default: from all tokens."""
    top_p: float = 1.0
    """Draw only from the most probable tokens that together have this probability (nucleus sampling)."""
    seed: int = 1
    """The same seed gives the same result."""

    def __post_init__(self) -> None:
        in_range = self.temperature is None or 0 <= self.temperature <= 100
        require(in_range, "temperature", "0 to 100", self.temperature)
        require(self.top_k is None or self.top_k >= 1, "top_k", "at least 1", self.top_k)
        require(0 < self.top_p <= 1, "top_p", "above 0, at most 1", self.top_p)
        require(self.seed >= 0, "seed", "0 or more", self.seed)

    @property
    def sampler(self) -> Sampler:
        """The settings for drawing. Without a temperature, 1 is used."""
        temperature = 1.0 if self.temperature is None else self.temperature
        return Sampler(temperature, self.top_k, self.top_p)


@dataclass(frozen=True)
class SearchOptions(SamplingOptions):
    """Options of `predict` in apps that search for a text, or draw it if a temperature is given."""

    beams: int = 3
    """Texts that beam search keeps at each word; 1 takes the most probable word each time."""
    length_penalty: float = 0.7
    """Texts are compared by log-probability / length ** length_penalty; 0 favours short ones."""
    no_repeat_ngram: int = 0
    """Forbid n-grams of this length from occurring twice in a text; 0 allows them."""
    temperature: float | None = None
    """Sample the words at this temperature instead of using beam search: 1 samples from the network's own
    distribution, lower favours probable words, 0 takes the most probable."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(1 <= self.beams <= 100, "beams", "1 to 100", self.beams)
        require(self.length_penalty >= 0, "length_penalty", "0 or more", self.length_penalty)
        require(self.no_repeat_ngram >= 0, "no_repeat_ngram", "0 or more", self.no_repeat_ngram)

    def generate(self, network: StepNetwork, limits: Limits, count: int = 1, **more: Any) -> list[Hypothesis]:
        """Return the best `count` sequences that beam search finds, or as many that are drawn.

        Args:
            network: has an output `log_probabilities` (tokens,).
            limits: start token, end token and maximum length.
            count: the number of sequences.
            **more: further settings of `Search`; drawing does not use them.
        """
        if self.temperature is not None:
            rng = np.random.default_rng(self.seed)
            return [sample(network, limits, self.sampler, rng) for _ in range(count)]
        search = Search(self.beams, self.length_penalty, no_repeat_ngram=self.no_repeat_ngram, **more)
        return n_best(network, limits, search, count)


def shifted(tokens: np.ndarray, start: int) -> np.ndarray:
    """Return the token before each of `tokens` (N, steps, ...), what a decoder reads; `start` at first."""
    before = np.roll(tokens, 1, axis=1)
    before[:, 0] = start
    return before


def nll_of_each(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the negative log-likelihood of each sequence in nats per step, (N,).

        nll = - sum log p(target) / number of steps

    Args:
        outputs: probabilities (N, steps, ..., classes).
        targets: class numbers (N, steps, ...), negative in the padding. If a step has several targets,
            their log-likelihoods are summed; the unit is still nats per step.
    """
    valid = targets >= 0
    classes = np.where(valid, targets, 0).astype(np.intp)[..., None]
    chosen = np.take_along_axis(outputs, classes, axis=-1)[..., 0]
    losses = np.where(valid, -np.log(np.maximum(chosen, FLOOR)), 0).reshape(len(targets), -1)
    return losses.sum(axis=1, dtype=np.float64) / np.maximum(1, _lengths(targets))


def step_accuracy(outputs: np.ndarray, targets: np.ndarray) -> float:
    """Return the share of steps at which all targets are the most probable classes.

    Args:
        outputs: probabilities (N, steps, ..., classes).
        targets: class numbers (N, steps, ...), negative in the padding.
    """
    valid = targets >= 0
    right = (outputs.argmax(axis=-1) == targets) | ~valid
    steps = _valid_steps(targets)
    return float((right.reshape(*steps.shape, -1).all(axis=-1) & steps).sum() / steps.sum())


def _lengths(targets: np.ndarray) -> np.ndarray:
    return _valid_steps(targets).sum(axis=1)


def _valid_steps(targets: np.ndarray) -> np.ndarray:
    """Return which steps are not padding, (N, steps)."""
    valid = targets >= 0
    return np.asarray(valid.reshape(*valid.shape[:2], -1).any(axis=-1))


nll = MeanOf(nll_of_each, _lengths)
"""The negative log-likelihood in nats per step, the mean over all steps of all sequences."""


def ngram_probabilities(sequences: Sequence[np.ndarray], classes: int, order: int) -> np.ndarray:
    """Return p(class | previous class, place), (classes, places, classes), with add-one smoothing.

    Args:
        sequences: class numbers (steps, places) of training sequences; the places of a step are modelled
            independently of each other.
        classes: the number of classes.
        order: 1 counts pairs of successive classes, 0 ignores the previous class, -1 counts nothing and
            gives the uniform distribution.
    """
    places = np.arange(sequences[0].shape[1])
    counts = np.zeros((classes, len(places), classes))
    for sequence in sequences if order >= 0 else ():
        np.add.at(counts, (_previous(sequence), places[None], sequence), 1)
    if order == 0:
        counts[:] = counts.sum(axis=0)
    counts += 1
    return counts / counts.sum(axis=-1, keepdims=True)


def ngram_nll(sequences: Sequence[np.ndarray], probabilities: np.ndarray, steps: int) -> float:
    """Return the negative log-likelihood of sequences (steps, places) in nats per step.

    Args:
        sequences: the class numbers.
        probabilities: the result of `ngram_probabilities`.
        steps: the number of steps that the sum is divided by.
    """
    total = 0.0
    for sequence in sequences:
        places = np.arange(sequence.shape[1])[None]
        total -= np.log(probabilities[_previous(sequence), places, sequence]).sum()
    return float(total / steps)


def _previous(sequence: np.ndarray) -> np.ndarray:
    """Return the class at each place in the previous step; class 0 before the first step."""
    return np.vstack([np.zeros_like(sequence[:1]), sequence[:-1]])
