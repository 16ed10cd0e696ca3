"""The symbols of a text for networks that read and write it symbol by symbol. Needs numpy only."""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

BYTES = 256
_NAMED = 5
_PART = 2**20  # characters that are looked up at once: it takes 20 bytes for each


@dataclass(frozen=True)
class Alphabet:
    """Numbers the symbols of texts: the characters of a training text, or all bytes of UTF-8."""

    characters: str | None
    """The characters by number, sorted and each once; None for bytes."""

    @classmethod
    def of(cls, text: str) -> Alphabet:
        """Return the alphabet of all characters of a text."""
        return cls("".join(sorted(set(text))))

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Alphabet:
        """Return the alphabet that `settings` describes; see `settings`."""
        return cls(settings["characters"])

    @property
    def settings(self) -> dict[str, Any]:
        """The alphabet as values that JSON can hold."""
        return {"characters": self.characters}

    def __len__(self) -> int:
        return BYTES if self.characters is None else len(self.characters)

    def encode(self, text: str) -> np.ndarray:
        """Return the numbers of a text's symbols, int32 (N,). Unknown characters are left out."""
        if self.characters is None:
            return np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8).astype(np.int32)
        known = _points(self.characters)
        parts = [_encoded(text[start : start + _PART], known) for start in range(0, len(text), _PART)]
        return np.concatenate(parts) if parts else np.empty(0, np.int32)

    def decode(self, numbers: np.ndarray) -> str:
        """Return the text of symbols. Bytes that are no UTF-8 become U+FFFD."""
        if self.characters is None:
            return bytes(int(number) for number in numbers).decode("utf-8", "replace")
        return "".join(self.characters[int(number)] for number in numbers)

    def reader(self) -> Callable[[int], str]:
        """Return a function that takes symbols one by one and gives the text that each of them completes."""
        if self.characters is not None:
            return self.characters.__getitem__
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        return lambda number: decoder.decode(bytes([number]))

    def unknown(self, text: str) -> Counter[str]:
        """Return how often each character occurs that the alphabet lacks."""
        if self.characters is None:
            return Counter()
        known = set(self.characters)
        return Counter({each: count for each, count in Counter(text).items() if each not in known})


def named(unknown: Counter[str]) -> str:
    """Return the commonest of these characters, quoted and with their counts; "" if there are none."""
    return ", ".join(f"{each!r} ({count})" for each, count in unknown.most_common(_NAMED))


def _encoded(text: str, known: np.ndarray) -> np.ndarray:
    points = _points(text)
    places = np.minimum(np.searchsorted(known, points), len(known) - 1)
    return places[known[places] == points].astype(np.int32)


def _points(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
