"""An n-gram model of a sequence of symbols with Kneser-Ney smoothing. Needs numpy only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

_UNSEEN = -1


@dataclass(frozen=True)
class _Order:
    """The counts of all n-grams of one length n. An n-gram is the id of its history and its last symbol."""

    codes: np.ndarray
    """history id * symbols + last symbol of each n-gram, sorted; an n-gram's id is its place here."""
    counts: np.ndarray
    """The count of each n-gram: of its occurrences at the highest order, of the symbols before it below."""
    of_history: np.ndarray
    """The sum of the counts of the n-grams with each history."""
    types: np.ndarray
    """The number of n-grams with each history whose count isn't 0."""
    discount: float

    def find(self, codes: np.ndarray) -> np.ndarray:
        """Return the ids of n-grams; -1 for those that were not seen."""
        places = np.minimum(np.searchsorted(self.codes, codes), len(self.codes) - 1)
        return np.where(self.codes[places] == codes, places, _UNSEEN)


class KneserNey:
    """An interpolated Kneser-Ney model, with one discount for each order.

        p_n(w | h) = max(c(h w) - D_n, 0) / c(h) + D_n t(h) / c(h) p_(n-1)(w | h')
        D_n = n_1 / (n_1 + 2 n_2)

    with c(h) the sum of c(h w) over w, t(h) the number of w with c(h w) > 0, h' the history without its first
    symbol, and n_1 and n_2 the number of n-grams with count 1 and 2. Where h was not seen, p_n is p_(n-1).
    c is the number of occurrences for the longest n-grams and, for the others, the number of different
    symbols before them. p_0 is uniform. Source: S. Chen and J. Goodman, An empirical study of smoothing
    techniques for language modeling, 1998.

    Args:
        sequence: the symbols of the training text, whole numbers from 0, (N,).
        symbols: the number of different symbols.
        order: the length of the longest n-grams.
    """

    def __init__(self, sequence: np.ndarray, symbols: int, order: int) -> None:
        self.symbols = symbols
        grams = _grams(np.asarray(sequence, np.int64), symbols, order)
        self._orders = [
            _counted(some, symbols, longer)
            for some, longer in zip(grams, [*grams[1:], None][: len(grams)], strict=True)
        ]

    def log_probabilities(self, sequence: np.ndarray) -> np.ndarray:
        """Return log p of each symbol of a text given those before it, in nats, (N,).

        The first symbols have shorter histories.
        """
        text = np.asarray(sequence, np.int64)
        p = np.full(len(text), 1.0 / self.symbols)
        history = np.zeros(len(text), np.int64)  # the id of the history of each symbol; all empty at order 1
        for order in self._orders:
            code = np.where(history == _UNSEEN, _UNSEEN, history * self.symbols + text)
            found = order.find(code)
            p = _interpolated(order, history, found, p)
            history = np.concatenate([[_UNSEEN], found[:-1]])
        return np.log(p)


class _Grams(NamedTuple):
    """All n-grams of one length in a text."""

    codes: np.ndarray
    """The code of each n-gram, sorted; see `_Order`."""
    places: np.ndarray
    """A place where each n-gram ends."""
    ending: np.ndarray
    """The id of the n-gram that ends at each place; -1 at the first n - 1 places, where none does."""


def _grams(text: np.ndarray, symbols: int, order: int) -> list[_Grams]:
    """Return the n-grams of a text, from length 1 to `order`."""
    history = np.zeros(len(text), np.int64)
    found = []
    for n in range(min(order, len(text))):
        codes, places, ids = np.unique(
            history[n:] * symbols + text[n:], return_index=True, return_inverse=True
        )
        ending = np.concatenate([np.full(n, _UNSEEN), ids])
        found.append(_Grams(codes, places + n, ending))
        history = np.concatenate([[_UNSEEN], ending[:-1]])
    return found


def _counted(grams: _Grams, symbols: int, longer: _Grams | None) -> _Order:
    """Count the n-grams of one length, by the n-grams that are one symbol longer if there are any."""
    ends = grams.ending[grams.ending != _UNSEEN] if longer is None else grams.ending[longer.places]
    counts = np.bincount(ends, minlength=len(grams.codes))
    history = grams.codes // symbols
    once, twice = (counts == 1).sum(), (counts == 2).sum()
    return _Order(
        grams.codes,
        counts,
        of_history=np.bincount(history, counts),
        types=np.bincount(history, counts > 0),
        discount=float(once / (once + 2 * twice)) if once else 0.5,
    )


def _interpolated(order: _Order, history: np.ndarray, found: np.ndarray, shorter: np.ndarray) -> np.ndarray:
    """Return p_n of each symbol from p_(n-1)."""
    known = (history != _UNSEEN) & (history < len(order.of_history))
    safe = np.where(known, history, 0)
    total = order.of_history[safe]
    known &= total > 0
    total = np.where(known, total, 1.0)
    kept = np.where(found == _UNSEEN, 0.0, np.maximum(order.counts[found] - order.discount, 0.0))
    mixed = (kept + order.discount * order.types[safe] * shorter) / total
    return np.where(known, mixed, shorter)
