"""VADER, the rule-based sentiment method, as a baseline and as the source of rated English words.

C. Hutto and E. Gilbert, VADER: A parsimonious rule-based model for sentiment analysis of social media text,
2014.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..data.examples import Data

LABELS = ("negative", "neutral", "positive")
"""The labels that VADER gives."""
NEUTRAL = 0.05
"""Compound scores between -0.05 and 0.05 are neutral, as its authors say."""


@functools.cache
def _analyzer() -> Any:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()


def lexicon() -> Mapping[str, float]:
    """Return the rated words of VADER's lexicon, from -4 (negative) to 4; no emoticons."""
    return {word: rating for word, rating in _analyzer().lexicon.items() if word.isalpha()}


def ratings(words: Sequence[str]) -> np.ndarray:
    """Return the ratings of some words as (positive part, negative part), each from 0 to 2: (words, 2).

    Words that the lexicon does not have get zeros.
    """
    known = lexicon()
    values = np.array([known.get(word, 0.0) for word in words], np.float32)[:, None]
    return np.maximum(np.concatenate([values, -values], axis=1), 0) / 2


def label(text: str) -> str:
    """Return VADER's label of an English text."""
    compound = _analyzer().polarity_scores(text)["compound"]
    return LABELS[1 + int(compound >= NEUTRAL) - int(compound <= -NEUTRAL)]


def accuracy(data: Data) -> dict[str, float]:
    """Return VADER's accuracy by test split. The labels of `data` must be LABELS, in any order."""
    tests = {name: data.splits[name] for name in data.test_splits}
    return {
        name: float(np.mean([data.labels.index(label(text)) for text in split.inputs] == split.targets))
        for name, split in tests.items()
    }
