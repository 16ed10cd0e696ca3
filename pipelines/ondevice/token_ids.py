"""Convert texts to arrays of token ids with the tokenizer that ships in a bundle."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .bundle import Bundle
from .tokenizer import Tokenizer

VOCABULARY = "vocabulary.json"
"""The name of the bundle's file with the tokenizer."""


def load_tokenizer(bundle: Bundle) -> Tokenizer:
    """Load the tokenizer that ships in the bundle."""
    return Tokenizer.from_json(bundle.asset(VOCABULARY))


def encode(bundle: Bundle, texts: Sequence[str]) -> np.ndarray:
    """Return the token ids of `texts` for the bundle's network: (texts, max_length) int32."""
    tokenizer = load_tokenizer(bundle)
    return pad([tokenizer.encode(text) for text in texts], tokenizer.max_length)


def pad(ids: Sequence[Sequence[int]], length: int) -> np.ndarray:
    """Return lists of ids, each followed by zeros: (len(ids), length) int32."""
    padded = np.zeros([len(ids), length], np.int32)
    for row, text in zip(padded, ids, strict=True):
        row[: len(text)] = text
    return padded
