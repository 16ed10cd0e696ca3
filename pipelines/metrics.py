"""How good the labels are that a classifier gives: metrics that several apps share."""

from __future__ import annotations

import numpy as np

from .evaluation import MeanOf

accuracy = MeanOf(lambda outputs, targets: outputs.argmax(axis=1) == targets)
"""The share of examples whose most probable label is right."""


def macro_f1(outputs: np.ndarray, targets: np.ndarray) -> float:
    """Return the mean over labels of the harmonic mean of precision and recall."""
    from sklearn.metrics import f1_score

    return float(f1_score(targets, outputs.argmax(axis=1), average="macro", zero_division=0))
