"""Which pieces may come next, if a text shall consist of the words and signs of another one."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterator, Sequence

from .subwords import LINE, SPACE, Subwords, normalized
from .vocabulary import END


class AllowedWords:
    """Tells which ids may follow those before, so that only the words and signs of a text are written.

    A word ends at a space or a sign: of "don't" the words are "don" and "t". Words with characters that no
    piece has are left out.

    Args:
        text: the words that may occur, in any order.
        subwords: the pieces that are written.

    Raises:
        ValueError: the text has no such word. The message is one line.
    """

    def __init__(self, text: str, subwords: Subwords) -> None:
        self._known = subwords.known
        units = {unit for unit in _units(normalized(text)) if subwords.unknown not in subwords.encode(unit)}
        self._signs = {SPACE, LINE} | {unit for unit in units if _is_sign(unit)}
        self._words = units - self._signs
        if not self._words:
            raise ValueError("expected words, found none")
        self._begun = {word[:size] for word in self._words for size in range(1, len(word) + 1)}
        self._pieces = {
            number: list(_units(piece))
            for number, piece in enumerate(self._known, start=END + 1)
            if number != subwords.unknown
        }
        self._cache: dict[str, frozenset[int]] = {}

    def __call__(self, before: Sequence[int]) -> frozenset[int]:
        """Return the ids that may come next; the end is one of them where no word is unfinished."""
        *_, last = ["", *_units("".join(self._known[number - 1] for number in before))]
        begun = "" if not last or _is_sign(last) else last
        if begun not in self._cache:
            fitting = {number for number, units in self._pieces.items() if self._fits(begun, units)}
            self._cache[begun] = frozenset(fitting | ({END} if self._is_whole(begun) else set()))
        return self._cache[begun]

    def _fits(self, begun: str, units: Sequence[str]) -> bool:
        joined = [begun, *units] if _is_sign(units[0]) else [begun + units[0], *units[1:]]
        last = joined[-1]
        return (last in self._begun or last in self._signs) and all(map(self._is_whole, joined[:-1]))

    def _is_whole(self, unit: str) -> bool:
        return not unit or unit in self._words or unit in self._signs


def _units(text: str) -> Iterator[str]:
    """Yield the words of a text, and each space and sign."""
    for signs, run in itertools.groupby(text, _is_sign):
        if signs:
            yield from run
        else:
            yield "".join(run)


def _is_sign(unit: str) -> bool:
    return unicodedata.category(unit[0])[0] in "PSZC"
