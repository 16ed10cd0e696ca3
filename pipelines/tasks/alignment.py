"""Which piece of a source each piece of its target comes from, to guide a network's attention in training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .lexicon import Lexicon

TENSION = 4.0
"""How strongly a piece comes from the same part of the source: e^-4 from one end to the other."""
_EMPTY = 0.08
"""The probability that a piece comes from none, as in the source below."""


class Aligner:
    """The probabilities that a target piece comes from each piece of its source.

        w(i | j) ~ t(target_j | source_i) exp(-tension |i / n - j / m|)

    with t of a `Lexicon` of the pieces, and the empty word with a prior of .08. The prior on places is that
    of C. Dyer, V. Chahuneau and N. Smith, A simple, fast, and effective reparameterization of IBM model 2,
    2013.

    Args:
        sources, targets: ids of training pairs, without padding.
        tension: see above; 0 for IBM model 1 itself.
    """

    def __init__(
        self, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]], *, tension: float = TENSION
    ) -> None:
        self._lexicon = Lexicon(sources, targets)
        self._tension = tension

    def weights(self, source: Sequence[int], target: Sequence[int]) -> np.ndarray:
        """Return the weights of the source pieces for each target piece, (target, source).

        Rows sum to at most 1: the rest belongs to no source piece. Rows of unknown pieces are 0.
        """
        n, m = len(source), len(target)
        if not n or not m:
            return np.zeros([m, n])
        t = self._lexicon.probabilities(source, target)
        distance = np.abs(np.subtract.outer(np.arange(m) / m, np.arange(n) / n))
        prior = np.exp(-self._tension * distance)
        prior *= (1 - _EMPTY) / prior.sum(axis=1, keepdims=True)
        found = t[:, 1:] * prior
        total = found.sum(axis=1, keepdims=True) + _EMPTY * t[:, :1]
        return np.divide(found, total, out=np.zeros_like(found), where=total > 0)

    def padded(
        self, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]], shape: tuple[int, int]
    ) -> np.ndarray:
        """Return the weights of pairs with zeros in the padding, float16 (N, *shape).

        Args:
            sources, targets: ids of each pair, without padding.
            shape: the numbers of target and source steps; what is longer is cut after its weights are known.
        """
        found = np.zeros([len(sources), *shape], np.float16)
        for row, source, target in zip(found, sources, targets, strict=True):
            some = self.weights(source, target)[: shape[0], : shape[1]]
            row[: some.shape[0], : some.shape[1]] = some
        return found
