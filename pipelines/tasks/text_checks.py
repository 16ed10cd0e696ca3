"""Check generated text: are its words real, is it copied, does it repeat itself? Needs no TensorFlow."""

from __future__ import annotations

import re
from collections import Counter

_WORD = re.compile(r"[^\W\d_]+")
_GRAM = 5


def known_words(text: str, corpus: str) -> float:
    """Return the share of a text's words that occur in a corpus; 0 if it has no words."""
    words = _WORD.findall(text.lower())
    known = set(_WORD.findall(corpus.lower()))
    return sum(word in known for word in words) / max(1, len(words))


def longest_copy(text: str, corpus: str) -> int:
    """Return the number of characters of the longest part of a text that is also in a corpus."""
    longest = 0
    for start in range(len(text)):
        while start + longest < len(text) and text[start : start + longest + 1] in corpus:
            longest += 1
    return longest


def repeated_share(text: str) -> float:
    """Return the share of the runs of five words that occur earlier in the text; 0 for a short text."""
    words = _WORD.findall(text.lower())
    counts = Counter(tuple(words[place : place + _GRAM]) for place in range(len(words) - _GRAM + 1))
    return sum(count - 1 for count in counts.values()) / max(1, counts.total())
