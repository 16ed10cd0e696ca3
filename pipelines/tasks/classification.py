"""How good the labels are that a classifier gives: metrics that several apps share."""

from __future__ import annotations

import numpy as np

from ..data.examples import Data, Examples
from ..errors import UserError
from ..evaluation.score import MeanOf
from ..ondevice.bundle import Bundle

accuracy = MeanOf(lambda outputs, targets: outputs.argmax(axis=1) == targets)
"""The share of examples whose most probable label is right."""


def macro_f1(outputs: np.ndarray, targets: np.ndarray) -> float:
    """Return the mean over labels of the harmonic mean of precision and recall."""
    from sklearn.metrics import f1_score

    return float(f1_score(targets, outputs.argmax(axis=1), average="macro", zero_division=0))


def label_targets(bundle: Bundle, data: Data, examples: Examples) -> np.ndarray:
    """Return the targets as the bundle numbers its labels.

    Raises:
        UserError: the data has a label that the bundle hasn't.
    """
    labels = bundle.labels
    if unknown := sorted(set(data.labels) - set(labels)):
        raise UserError(f"{data.source}: expected labels among {labels}, got {unknown}")
    return np.array([labels.index(label) for label in data.labels])[examples.targets]
