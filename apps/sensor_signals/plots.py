"""Figures and tables of a training run of the sensor signal app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from pipelines.tasks.classification_plots import confusion_matrix, recall, reliability
from pipelines.tasks.labelling import METRICS, scored

from .config import SensorConfig

if TYPE_CHECKING:
    from pipelines.data.windows import WindowedData
    from pipelines.evaluation.outcome import Outcome

_MOST_PEOPLE = 6


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


def confusion_by_person(people: dict[str, tuple[np.ndarray, np.ndarray]], labels: tuple[str, ...]) -> Figure:
    """Return a figure with a confusion matrix for each of the first people; each row sums to 1."""
    shown = list(people.items())[:_MOST_PEOPLE]
    size = 1.5 + 0.45 * len(labels)
    figure = Figure(figsize=(size * len(shown) + 1, size + 1), layout="constrained")
    panels = figure.subplots(1, len(shown), squeeze=False)[0]
    for axes, (name, (outputs, targets)) in zip(panels, shown, strict=True):
        counts = np.zeros((len(labels), len(labels)))
        np.add.at(counts, (targets, outputs.argmax(axis=1)), 1)
        axes.imshow(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1), cmap="Blues", vmin=0, vmax=1)
        axes.set_xticks(range(len(labels)), labels, rotation=60, ha="right")
        axes.set_yticks(range(len(labels)), labels if axes is panels[0] else [])
        axes.set_title(f"person {name} ({len(targets):,})", fontsize="small")
    figure.suptitle("Share of each true label (rows) by the label given, test split")
    return figure
