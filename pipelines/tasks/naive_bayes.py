"""Compute the weights of naive Bayes from the tokens of labelled texts."""

from __future__ import annotations

import numpy as np

from ..ondevice.tokenizer import RESERVED


def log_count_ratios(tokens: np.ndarray, targets: np.ndarray, vocabulary: int) -> np.ndarray:
    """Return the log-ratio of each token's probability in a label's texts to that in all other texts.

        r[w, k] = log p(w | k) / p(w | not k)

    where p(w | k) is proportional to one plus the number of texts of label k that hold w. These are the
    weights of naive Bayes on the presence of words (S. Wang and C. Manning, Baselines and bigrams, 2012).

    Args:
        tokens: ids (texts, steps).
        targets: label numbers (texts,).
        vocabulary: the number of ids.

    Returns:
        (vocabulary, labels); a single column for two labels. Padding and unknown tokens have zeros.
    """
    labels = int(targets.max()) + 1
    counts = np.ones((vocabulary, labels))
    for row, target in zip(tokens, targets, strict=True):
        counts[np.unique(row), target] += 1
    others = counts.sum(axis=1, keepdims=True) - counts
    ratios = np.log(counts / counts.sum(axis=0)) - np.log(others / others.sum(axis=0))
    ratios[: len(RESERVED)] = 0
    return ratios[:, 1:] if labels == 2 else ratios
