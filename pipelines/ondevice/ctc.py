"""Read labels from a network that says a label or a blank at each step (CTC).

A path has a class at each step. Its labels are what is left when repeated classes are merged and blanks
removed: `-AA-AB` becomes `AAB`. Many paths have the same labels; the probability of labels is their sum.

Source: A. Graves, S. Fernandez, F. Gomez and J. Schmidhuber, Connectionist temporal classification, ICML
2006. All probabilities are logarithms. Needs numpy only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .vocabulary import END

BLANK = END
"""The class of a blank. It is also the id that pads labels, so no label can have it."""


class Reading(NamedTuple):
    """Labels that were found, and how probable they are."""

    labels: tuple[int, ...]
    log_probability: float


class GreedyReader:
    """Reads the labels of the most probable path from a stream, chunk by chunk."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Start a new stream."""
        self._last = BLANK

    def __call__(self, scores: np.ndarray) -> list[int]:
        """Return the labels that begin in the next steps.

        Args:
            scores: (steps, classes), probabilities or their logarithms; any number of steps.
        """
        path = np.argmax(scores, axis=1) if len(scores) else np.zeros(0, np.intp)
        before = np.concatenate([[self._last], path])
        self._last = int(before[-1])
        return [int(label) for label in path[(path != before[:-1]) & (path != BLANK)]]


def greedy(scores: np.ndarray) -> list[int]:
    """Return the labels of the most probable path of a whole sequence (steps, classes)."""
    return GreedyReader()(scores)


class BeamReader:
    """Reads the most probable labels from a stream, chunk by chunk, by a search over prefixes.

    Each prefix keeps two sums over its paths: of those that end in a blank, and of those that end in its last
    label. Only the first kind can be followed by the same label again. With enough beams the result is exact.

    Source: A. Hannun, A. Maas, D. Jurafsky and A. Ng, First-pass large vocabulary continuous speech
    recognition using bi-directional recurrent DNNs, 2014, without the language model.

    Args:
        beams: how many prefixes are kept at each step.
    """

    def __init__(self, beams: int = 16) -> None:
        self._beams = beams
        self.reset()

    def reset(self) -> None:
        """Start a new stream."""
        self._prefixes: list[tuple[int, ...]] = [()]
        self._sums = np.array([[0.0, -np.inf]])  # of paths that end in a blank, in the last label

    def __call__(self, log_probabilities: np.ndarray) -> list[Reading]:
        """Return the most probable labels of all steps so far, best first, at most as many as beams.

        Args:
            log_probabilities: (steps, classes) of the next steps; any number of steps.
        """
        for step in np.asarray(log_probabilities, np.float64):
            self._read(step)
        found = zip(self._prefixes, np.logaddexp(*self._sums.T).tolist(), strict=True)
        return sorted((Reading(*each) for each in found), key=lambda each: -each.log_probability)

    def _read(self, step: np.ndarray) -> None:
        """Follow each prefix by a step (classes,), and keep the best ones."""
        prefixes = self._prefixes
        stays, longer = _next_sums(prefixes, self._sums, step)
        scores = np.concatenate([np.logaddexp(*stays.T), longer.ravel()])
        best = np.argsort(-scores, kind="stable")[: self._beams]
        best = best[scores[best] > -np.inf]
        new, sums = [], np.full((len(best), 2), -np.inf)
        for row, place in enumerate(best.tolist()):
            if place < len(prefixes):
                new.append(prefixes[place])
                sums[row] = stays[place]
            else:
                parent, label = divmod(place - len(prefixes), len(step))
                new.append((*prefixes[parent], label))
                sums[row, 1] = longer[parent, label]
        self._prefixes, self._sums = new, sums


def beam_search(log_probabilities: np.ndarray, beams: int = 16) -> list[Reading]:
    """Return the most probable labels of a whole sequence (steps, classes); see `BeamReader`."""
    return BeamReader(beams)(log_probabilities)


def _next_sums(
    prefixes: list[tuple[int, ...]], sums: np.ndarray, step: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return both sums of the prefixes after a step, and those of each prefix with each further label.

    A prefix that is kept already gets what comes from its parent; its place among the longer ones is empty.
    """
    either = np.logaddexp(*sums.T)
    stays = np.full_like(sums, -np.inf)
    stays[:, 0] = either + step[BLANK]
    longer = either[:, None] + step
    longer[:, BLANK] = -np.inf
    rows = {prefix: row for row, prefix in enumerate(prefixes)}
    for row, prefix in enumerate(prefixes):
        if prefix:
            longer[row, prefix[-1]] = sums[row, 0] + step[prefix[-1]]
            stays[row, 1] = sums[row, 1] + step[prefix[-1]]
    for row, prefix in enumerate(prefixes):
        if prefix and (parent := rows.get(prefix[:-1])) is not None:
            stays[row, 1] = np.logaddexp(stays[row, 1], longer[parent, prefix[-1]])
            longer[parent, prefix[-1]] = -np.inf
    return stays, longer


def log_likelihood(log_probabilities: np.ndarray, labels: Sequence[int]) -> float:
    """Return the logarithm of the probability of labels, by the forward algorithm.

        a_t(s) = p_t(l_s) (a_(t-1)(s) + a_(t-1)(s - 1) + a_(t-1)(s - 2)),   l = -, label 1, -, label 2, .. -

    where the last term is only there if l_s is a label other than l_(s-2). It is -inf if there are too few
    steps.

    Args:
        log_probabilities: (steps, classes).
        labels: class numbers, none of them a blank.
    """
    states = np.full(2 * len(labels) + 1, BLANK)
    states[1::2] = labels
    skips = np.zeros(len(states), bool)
    skips[3::2] = states[3::2] != states[1:-2:2]
    total = np.full(len(states), -np.inf)
    total[0] = 0.0  # so the first step is the first blank or the first label
    for step in np.asarray(log_probabilities, np.float64):
        one, two = np.full(len(states), -np.inf), np.full(len(states), -np.inf)
        one[1:] = total[:-1]
        two[2:] = np.where(skips[2:], total[:-2], -np.inf)
        total = np.logaddexp(np.logaddexp(total, one), two) + step[states]
    return float(np.logaddexp.reduce(total[-2:]))
