"""Figures and tables of networks that label windows of recordings, or their steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .classification_plots import confusion_by_person, confusion_matrix, recall, reliability
from .labelling import METRICS, scored

if TYPE_CHECKING:
    from ..data.windows import WindowedData
    from ..evaluation.outcome import Outcome


def make_plots(config: Any, outcome: Outcome) -> dict[str, Any]:
    """Return figures and tables by name."""
    outputs, targets = scored(outcome.outputs["test"], outcome.features.targets["test"])
    labels = outcome.data.labels[: outputs.shape[1]]
    people = by_person(outcome)
    return {
        "confusion_matrix": confusion_matrix(outputs, targets, labels),
        "recall": recall(outputs, targets, labels),
        "reliability": reliability(outputs, targets),
        "confusion_by_person": confusion_by_person(people, labels),
        "by_person": [
            {"person": name, "examples": len(targets)}
            | {metric: round(float(value(outputs, targets) or 0.0), 4) for metric, value in METRICS.items()}
            for name, (outputs, targets) in people.items()
        ],
    }


def by_person(outcome: Outcome) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return what is scored of each person in the test split: outputs (M, labels) and targets (M,)."""
    data: WindowedData = outcome.data  # type: ignore[assignment]
    who = np.array([each.subject or "?" for each in data.whole["test"]])[data.owners["test"]]
    outputs, targets = outcome.outputs["test"], outcome.features.targets["test"]
    return {name: scored(outputs[who == name], targets[who == name]) for name in sorted(set(who.tolist()))}
