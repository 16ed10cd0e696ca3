"""Turn words into the numbers that a tagger reads: one of the word, those of its characters and its parts."""

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


_REPEATED = re.compile(r"(.)\1+", re.DOTALL)
_LONGEST_SHAPE = 8
PARTS = 5
"""How many parts `parts` returns."""


def parts(word: str) -> tuple[str, ...]:
    """Return what hand-made taggers look at: the beginning and the end of a word, and its shape.

    They are the first 2 and 3 characters and the last 2 and 3 of the plain word, and its kinds of
    characters without repetitions, such as "Xx" for "Rome". Each begins with a sign of its own.
    """
    lower = plain(word)
    kinds = ("X" if c.isupper() else "x" if c.isalpha() else "0" if c.isdigit() else c for c in word)
    shape = _REPEATED.sub(r"\1", "".join(kinds))[:_LONGEST_SHAPE]
    return f"<{lower[:2]}", f"<{lower[:3]}", f">{lower[-2:]}", f">{lower[-3:]}", f"={shape}"


def plain(word: str) -> str:
    """Return a word as the vocabulary has it: in lower case, with 0 for each digit."""
    return _DIGIT.sub("0", word.lower())


class WordReader:
    """Numbers of words and of their characters.

    Args:
        words: the vocabulary of plain words in the order of their ids, starting with "[PAD]" and "[UNK]".
        characters: the known characters.
        characters_read: of a longer word, half of them from its beginning and half from its end are read.
        parts: the known parts of words (see `parts`); none: parts are not read.

    Raises:
        ValueError: an argument is not as described.
    """

    def __init__(
        self, words: Sequence[str], characters: str, characters_read: int, parts: Sequence[str] = ()
    ) -> None:
        if tuple(words[:2]) != RESERVED or len(set(words)) != len(words):
            raise ValueError(f"words: expected different words that start with {PADDING}, {UNKNOWN}")
        if characters_read < 2 or len(set(characters)) != len(characters):
            raise ValueError("expected different characters, of which at least 2 are read")
        if not all(isinstance(part, str) for part in parts) or len(set(parts)) != len(parts):
            raise ValueError("parts: expected different strings")
        self.words, self.characters, self.characters_read = tuple(words), characters, characters_read
        self._ids = {word: number for number, word in enumerate(self.words)}
        self._of_characters = {each: number for number, each in enumerate(characters, start=_FIRST)}
        self.parts = tuple(parts)
        self._of_parts = {each: number for number, each in enumerate(parts, start=_FIRST)}

    @property
    def sizes(self) -> tuple[int, int, int]:
        """The numbers of words, of characters and of parts, padding and unknown ones included."""
        return len(self.words), len(self.characters) + _FIRST, len(self.parts) + _FIRST

    @property
    def columns(self) -> int:
        """How many numbers there are for each word."""
        return 1 + self.characters_read + (PARTS if self.parts else 0)

    def ids(self, words: Iterable[str]) -> list[int]:
        """Return the number of each word, 1 for unknown ones."""
        return [self._ids.get(plain(word), UNKNOWN_ID) for word in words]

    def encode(self, words: Sequence[str], steps: int) -> np.ndarray:
        """Return the numbers of at most `steps` words, padded: (steps, columns) int32.

        The columns are the word, its characters, and its parts.
        """
        found = np.zeros([steps, self.columns], np.int32)
        half = self.characters_read // 2
        for row, word, number in zip(found, words, self.ids(words), strict=False):
            read = (
                word
                if len(word) <= self.characters_read
                else word[: self.characters_read - half] + word[-half:]
            )
            row[0] = number
            row[1 : 1 + len(read)] = [self._of_characters.get(each, UNKNOWN_ID) for each in read]
            if self.parts:
                row[-PARTS:] = [self._of_parts.get(each, UNKNOWN_ID) for each in parts(word)]
        return found

    def to_json(self) -> bytes:
        """Return the reader as JSON in ASCII."""
        content: dict[str, Any] = {
            "characters": self.characters,
            "characters_read": self.characters_read,
            "words": self.words,
        }
        if self.parts:
            content["parts"] = self.parts
        return json.dumps(content, separators=(",", ":")).encode("ascii")

    @classmethod
    def from_json(cls, data: bytes | str) -> WordReader:
        """Read what `to_json` wrote; raise a ValueError of one line for any other content."""
        try:
            content: Any = json.loads(data)
            given = (content["words"], content["characters"], content["characters_read"])
            return cls(*given, content.get("parts", ()))
        except (ValueError, RecursionError, KeyError, TypeError) as error:
            raise ValueError(f"{FILE}: {error}") from None
