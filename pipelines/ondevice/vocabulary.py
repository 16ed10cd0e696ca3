"""Split text into words, and number the words that a network can generate. Standard library only."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence

_NO_WORD = re.compile(r"[^\w\s]|_")

END = 0
"""The id that ends a text and pads it."""


def words(text: str) -> list[str]:
    """Return the words of a text: lower case, punctuation removed, split on white space."""
    return _NO_WORD.sub("", text.lower()).split()


class Vocabulary:
    """The words that a network can generate, with the ids 1, 2, ...

    Args:
        known: distinct words.

    Attributes:
        known: the words.
        unknown: the id of all other words.
        start: the id before the first word.

    Raises:
        ValueError: `known` is empty, has a word twice, or has an element that is not a word.
    """

    def __init__(self, known: Sequence[str]) -> None:
        self.known = tuple(known)
        self._ids = {word: index for index, word in enumerate(self.known, start=END + 1)}
        bad = [word for word in self.known if not isinstance(word, str) or words(word) != [word]]
        if bad or len(self._ids) != len(self.known) or not self.known:
            raise ValueError(
                f"vocabulary: expected one or more distinct words, got {(bad or self.known)!r:.200}"
            )
        self.unknown, self.start = len(self.known) + 1, len(self.known) + 2

    @classmethod
    def fit(cls, texts: Iterable[str], min_count: int) -> Vocabulary:
        """Learn the words that occur at least `min_count` times, the most frequent first."""
        counts = Counter(word for text in texts for word in words(text))
        ranked = sorted((-count, word) for word, count in counts.items() if count >= min_count)
        return cls([word for _, word in ranked])

    def encode(self, text: str, length: int) -> list[int]:
        """Return the ids of the words, cut or padded with END to `length`."""
        ids = [self._ids.get(word, self.unknown) for word in words(text)][:length]
        return ids + [END] * (length - len(ids))

    def decode(self, ids: Iterable[int]) -> str:
        """Return the words before the first END, joined by spaces."""
        found = []
        for index in ids:
            if index == END:
                break
            found.append(self.known[index - 1])
        return " ".join(found)

    def to_json(self) -> bytes:
        """Return the vocabulary as JSON."""
        return json.dumps(list(self.known), ensure_ascii=True).encode()

    @classmethod
    def from_json(cls, content: bytes) -> Vocabulary:
        """Return the vocabulary that `to_json` wrote.

        Raises:
            ValueError: the content is not a vocabulary.
        """
        try:
            known = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"vocabulary: not JSON: {error}") from None
        if not isinstance(known, list):
            raise ValueError(f"vocabulary: expected a list, got {type(known).__name__}")
        return cls(known)
