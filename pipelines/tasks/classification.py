"""Metrics, targets and JSON answers of classifiers. Needs numpy only, so that devices can use it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..data.examples import Data, Examples
from ..errors import UserError
from ..evaluation.score import MeanOf, Metric
from ..ondevice.bundle import Bundle

accuracy = MeanOf(lambda outputs, targets: outputs.argmax(axis=1) == targets)
"""The share of examples whose most probable label is correct."""


def macro_f1(outputs: np.ndarray, targets: np.ndarray) -> float:
    """Return the harmonic mean of precision and recall, averaged over the labels that the targets have.

    `outputs` are probabilities (N, labels), `targets` label numbers (N,).
    """
    answers, labels = outputs.argmax(axis=1), outputs.shape[1]
    true, given = (np.bincount(each, minlength=labels) for each in (targets, answers))
    right = np.bincount(targets[answers == targets], minlength=labels)
    present = true > 0
    return float(np.mean(2 * right[present] / (true + given)[present]))


METRICS: dict[str, Metric] = {"accuracy": accuracy, "macro_f1": macro_f1}
"""The metrics of a classifier. The first one decides which epoch is best."""


def label_targets(bundle: Bundle, data: Data, examples: Examples) -> np.ndarray:
    """Return the targets (N,) of `examples`, numbered as the bundle numbers its labels.

    Raises:
        UserError: the data has a label that the bundle does not have.
    """
    labels = bundle.labels
    if unknown := sorted(set(data.labels) - set(labels)):
        raise UserError(f"{data.source}: expected labels among {labels}, got {unknown}")
    ids = {label: index for index, label in enumerate(labels)}
    return np.array([ids[label] for label in data.labels])[examples.targets]


def answer(labels: Sequence[str], probabilities: np.ndarray) -> dict[str, Any]:
    """Return the most probable label and every label's probability (labels,), as JSON values.

    Raises:
        UserError: the network answers with more or fewer probabilities.
    """
    require_one_each(labels, probabilities)
    by_label = {label: round(float(p), 6) for label, p in zip(labels, probabilities, strict=True)}
    return {"label": labels[int(probabilities.argmax())], "probabilities": by_label}


def require_one_each(labels: Sequence[str], probabilities: np.ndarray) -> None:
    """Raise UserError if there isn't one probability for each of a bundle's labels."""
    if probabilities.shape[-1:] != (len(labels),):
        raise UserError(
            f"the bundle has {len(labels)} labels, but its network answers with {probabilities.shape}: "
            "expected a bundle as it was exported"
        )


def ranked(answer: dict[str, Any], count: int | None = None, *, between: str = "  ") -> str:
    """Return the `count` most probable labels with their probabilities, in one line. Default: all labels."""
    order = sorted(answer["probabilities"].items(), key=lambda item: -item[1])
    return between.join(f"{label} {p:.3f}" for label, p in order[:count])
