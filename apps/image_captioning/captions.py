"""The words of a caption, the same for the vocabulary, the n-gram metrics and the facts."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence

_NO_WORD = re.compile(r"[^\w\s]|_")

END = 0
"""The id behind the last word, and of all that follows."""


def words(caption: str) -> list[str]:
    """Return the words of `caption`: lower-cased, punctuation removed, split on white space."""
    return _NO_WORD.sub("", caption.lower()).split()


class Vocabulary:
    """The words that a network can say, numbered from 1; behind them what it can only be told.

    Args:
        known: the words, each once.

    Attributes:
        unknown, start: ids of a word not among them, and of what stands before the first word.

    Raises:
        ValueError: one line, for anything else than words.
    """

    def __init__(self, known: Sequence[str]) -> None:
        self.known = tuple(known)
        self._ids = {word: index for index, word in enumerate(self.known, start=END + 1)}
        bad = [word for word in self.known if not isinstance(word, str) or words(word) != [word]]
        if bad or len(self._ids) != len(self.known) or not self.known:
            raise ValueError(
                f"vocabulary: expected words, each once, at least one, got {(bad or self.known)!r:.200}"
            )
        self.unknown, self.start = len(self.known) + 1, len(self.known) + 2

    @classmethod
    def fit(cls, captions: Iterable[str], min_count: int) -> Vocabulary:
        """Learn the words that are said `min_count` times or more, the commonest first."""
        counts = Counter(word for caption in captions for word in words(caption))
        ranked = sorted((-count, word) for word, count in counts.items() if count >= min_count)
        return cls([word for _, word in ranked])

    def encode(self, caption: str, length: int) -> list[int]:
        """Return `length` ids: those of the words, cut, and END behind them."""
        ids = [self._ids.get(word, self.unknown) for word in words(caption)][:length]
        return ids + [END] * (length - len(ids))

    def decode(self, ids: Iterable[int]) -> str:
        """Return the words up to END, with spaces between."""
        said = []
        for index in ids:
            if index == END:
                break
            said.append(self.known[index - 1])
        return " ".join(said)

    def to_json(self) -> bytes:
        """Return what `from_json` takes."""
        return json.dumps(list(self.known), ensure_ascii=True).encode()

    @classmethod
    def from_json(cls, content: bytes) -> Vocabulary:
        """Return the vocabulary that `to_json` wrote. ValueError, one line, for anything else."""
        try:
            known = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"vocabulary: not JSON: {error}") from None
        if not isinstance(known, list):
            raise ValueError(f"vocabulary: expected a list, got {type(known).__name__}")
        return cls(known)
