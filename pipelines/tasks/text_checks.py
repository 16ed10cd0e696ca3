"""Check generated text: are its words real, is it copied, does it repeat itself? Needs no TensorFlow."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

_WORD = re.compile(r"[^\W\d_]+")
_GRAM = 5


def known_words(text: str, corpus: str) -> float:
    """Return the share of a text's words that occur in a corpus; 0 if it has no words."""
    words = _WORD.findall(text.lower())
    known = {match.group() for match in _WORD.finditer(corpus.lower())}  # a list of all would be too long
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


def checks(text: str, corpus: str | None = None) -> dict[str, float]:
    """Return all checks of a text by name; those that compare it with a corpus only if there is one."""
    found = {"repeated": round(repeated_share(text), 4)}
    if corpus is None:
        return found
    copied = float(longest_copy(text, corpus))
    return {"known_words": round(known_words(text, corpus), 4), "longest_copy": copied, **found}


def in_words(found: Mapping[str, float]) -> str:
    """Return the result of `checks` as a line for people."""
    line = f"{found['repeated']:.1%} of its five-word runs are repeated"
    if "known_words" not in found:
        return line
    return (
        f"{found['known_words']:.1%} of its words are in the corpus, the longest run copied from there has "
        f"{found['longest_copy']:.0f} characters, {line}"
    )
