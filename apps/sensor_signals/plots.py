"""Figures and tables of a training run of the sensor signal app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines.tasks.classification_plots import confusion_by_person, confusion_matrix, recall, reliability
from pipelines.tasks.labelling import METRICS, scored

from .config import SensorConfig

if TYPE_CHECKING:
    from pipelines.data.windows import WindowedData
    from pipelines.evaluation.outcome import Outcome


def make_plots(config: SensorConfig, outcome: Outcome) -> dict[str, Any]:
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
