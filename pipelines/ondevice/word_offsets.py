"""Cut a text into words whose places in the text are known. Plain Python, for training and the device."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

_WORD = re.compile(
    r"https?://\S+|www\.\S+"  # addresses
    r"|[@#]\w+"  # names and topics in short messages
    r"|\d+(?:[.,:]\d+)*"  # numbers, times
    r"|\w+?(?=n['\u2019]t\b)|n['\u2019]t\b|['\u2019](?:s|re|ve|ll|d|m)\b"  # English contractions
    r"|\w+(?:[-.]\w+)*"  # words, also with hyphens, and abbreviations
    r"|\S",
    re.IGNORECASE,
)


class Word(NamedTuple):
    """A word and its place: text[start:end] is the word."""

    text: str
    start: int
    end: int


def words_of(text: str) -> list[Word]:
    """Return the words of a text in their order, with their places. No character but spaces is left out."""
    return [Word(match.group(), match.start(), match.end()) for match in _WORD.finditer(text)]


def read(given: str | Sequence[str]) -> tuple[str, list[Word]]:
    """Return a text and its words. Words that are given are joined by spaces, and stay as they are."""
    if isinstance(given, str):
        return given, words_of(given)
    words, end = [], 0
    for word in given:
        words.append(Word(word, end, end + len(word)))
        end += len(word) + 1
    return " ".join(given), words
