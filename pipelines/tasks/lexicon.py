"""Which word becomes which: IBM model 1, learnt from pairs of sequences. Needs numpy only."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

_LONGEST = 100
"""Of longer sequences only the beginning is learnt from: the work grows with the product of both lengths."""
_MOST_CELLS = 20_000_000
"""Words of a source times words of its target, over all pairs that are learnt from; 1 GB of memory."""
_LARGEST_TABLE = 2**24  # entries: 64 MB


class Lexicon:
    """The probabilities t(target | source) of IBM model 1, with an empty source word.

        p(target words | source words) = prod_j 1 / (n + 1) sum_(i = 0..n) t(target_j | source_i)

    where source_0 is the empty word. Expectation maximisation from uniform t. Source: P. Brown et al., The
    mathematics of statistical machine translation, 1993.

    Args:
        sources, targets: the words of each pair, whole numbers from 0.
        rounds: of expectation maximisation.

    Raises:
        ValueError: there are no words.
    """

    def __init__(
        self, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]], *, rounds: int = 5
    ) -> None:
        pairs = [
            (
                np.array([0, *(word + 1 for word in one[:_LONGEST])], np.int64),
                np.array(other[:_LONGEST], np.int64),
            )
            for one, other in zip(sources, targets, strict=True)
            if len(one) and len(other)
        ]
        if not pairs:
            raise ValueError("lexicon: expected pairs of words, got none")
        pairs = pairs[: int(np.searchsorted(np.cumsum([len(a) * len(b) for a, b in pairs]), _MOST_CELLS)) + 1]
        self._size = 1 + max(int(one.max()) for one, _ in pairs)
        cells = np.concatenate([np.add.outer(self._size * other, one).ravel() for one, other in pairs])
        self._codes, entries = np.unique(cells, return_inverse=True)
        entries = entries.astype(np.int32)
        # The cells of a target word are a run: one for each word of its source.
        lengths = np.concatenate([np.full(len(other), len(one)) for one, other in pairs])
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        of_source = self._codes % self._size
        self._values = np.ones(len(self._codes))
        for _ in range(rounds):
            shares = self._values[entries]
            shares /= np.repeat(np.add.reduceat(shares, starts), lengths)
            expected = np.bincount(entries, shares, len(self._codes))
            self._values = expected / np.bincount(of_source, expected, self._size)[of_source]

    @functools.cached_property
    def _table(self) -> np.ndarray | None:
        """The probabilities by target and source, with a row and a column of zeros at the end, or None.

        Many words have too large a table, and are searched for.
        """
        rows = int(self._codes[-1]) // self._size + 2
        if rows * (self._size + 1) > _LARGEST_TABLE:
            return None
        table = np.zeros([rows, self._size + 1], np.float32)
        targets, sources = np.divmod(self._codes, self._size)
        table[targets, sources] = self._values
        return table

    def probabilities(self, source: Sequence[int], target: Sequence[int]) -> np.ndarray:
        """Return t of each target word given the empty word and each source word, (target, 1 + source).

        It is 0 for words that were never in a pair together.
        """
        one = np.concatenate([[0], np.asarray(source, np.int64) + 1])
        if self._table is not None:
            other = np.minimum(np.asarray(target, np.int64), len(self._table) - 1)
            return self._table[other[:, None], np.minimum(one, self._size)]
        codes = np.add.outer(self._size * np.asarray(target, np.int64), one)
        places = np.minimum(np.searchsorted(self._codes, codes), len(self._codes) - 1)
        known = (self._codes[places] == codes) & (one < self._size)
        return np.where(known, self._values[places], 0.0)

    def best(self) -> dict[int, int]:
        """Return for each source word the target word with the highest t; the first of equal ones."""
        targets, sources = np.divmod(self._codes, self._size)
        order = np.lexsort((targets, -self._values, sources))
        first = np.unique(sources[order], return_index=True)[1]
        chosen = order[first]
        found = zip(sources[chosen].tolist(), targets[chosen].tolist(), strict=True)
        return {source - 1: target for source, target in found if source}
