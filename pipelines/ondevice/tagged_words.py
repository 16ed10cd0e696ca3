"""Turn words into the numbers that a tagger reads: one of the word, and those of its characters."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .tokenizer import PADDING, RESERVED, UNKNOWN, UNKNOWN_ID

_DIGIT = re.compile(r"\d")
_FIRST = 2  # of the characters: 0 is padding, 1 unknown
FILE = "words.json"
"""The name of the bundle's file with the words and the characters."""


def plain(word: str) -> str:
    """Return a word as the vocabulary has it: in lower case, with 0 for each digit."""
    return _DIGIT.sub("0", word.lower())


class WordReader:
    """Numbers of words and of their characters.

    Args:
        words: the vocabulary of plain words in the order of their ids, starting with "[PAD]" and "[UNK]".
        characters: the known characters.
        characters_read: of a longer word, half of them from its beginning and half from its end are read.

    Raises:
        ValueError: an argument is not as described.
    """

    def __init__(self, words: Sequence[str], characters: str, characters_read: int) -> None:
        if tuple(words[:2]) != RESERVED or len(set(words)) != len(words):
            raise ValueError(f"words: expected different words that start with {PADDING}, {UNKNOWN}")
        if characters_read < 2 or len(set(characters)) != len(characters):
            raise ValueError("expected different characters, of which at least 2 are read")
        self.words, self.characters, self.characters_read = tuple(words), characters, characters_read
        self._ids = {word: number for number, word in enumerate(self.words)}
        self._of_characters = {each: number for number, each in enumerate(characters, start=_FIRST)}

    @property
    def sizes(self) -> tuple[int, int]:
        """The numbers of words and of characters, padding and unknown ones included."""
        return len(self.words), len(self.characters) + _FIRST

    def ids(self, words: Iterable[str]) -> list[int]:
        """Return the number of each word, 1 for unknown ones."""
        return [self._ids.get(plain(word), UNKNOWN_ID) for word in words]

    def encode(self, words: Sequence[str], steps: int) -> np.ndarray:
        """Return the numbers of at most `steps` words, padded: (steps, 1 + characters_read) int32."""
        found = np.zeros([steps, 1 + self.characters_read], np.int32)
        half = self.characters_read // 2
        for row, word, number in zip(found, words, self.ids(words), strict=False):
            read = (
                word
                if len(word) <= self.characters_read
                else word[: self.characters_read - half] + word[-half:]
            )
            row[0] = number
            row[1 : 1 + len(read)] = [self._of_characters.get(each, UNKNOWN_ID) for each in read]
        return found

    def to_json(self) -> bytes:
        """Return the reader as JSON in ASCII."""
        content = {
            "characters": self.characters,
            "characters_read": self.characters_read,
            "words": self.words,
        }
        return json.dumps(content, separators=(",", ":")).encode("ascii")

    @classmethod
    def from_json(cls, data: bytes | str) -> WordReader:
        """Read what `to_json` wrote; raise a ValueError of one line for any other content."""
        try:
            content: Any = json.loads(data)
            return cls(content["words"], content["characters"], content["characters_read"])
        except (ValueError, RecursionError, KeyError, TypeError) as error:
            raise ValueError(f"{FILE}: {error}") from None
