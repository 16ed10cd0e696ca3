"""Figures and tables of a classifier's answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import ConfusionMatrixDisplay


def confusion_matrix(outputs: np.ndarray, targets: np.ndarray, labels: Sequence[str]) -> Figure:
    """Show true labels against the most probable ones: counts, coloured by share of the true label."""
    figure = Figure(figsize=(2.5 + len(labels), 2 + len(labels)), layout="constrained")
    axes = figure.subplots()
    ConfusionMatrixDisplay.from_predictions(
        targets,
        outputs.argmax(axis=1),
        labels=range(len(labels)),
        display_labels=list(labels),
        cmap="Blues",
        colorbar=False,
        ax=axes,
    )
    axes.set_title("Test split, examples")
    return figure


def reliability(outputs: np.ndarray, targets: np.ndarray, bins: int = 10) -> Figure:
    """Show how often the most probable label is right against the probability it was given."""
    confidence = outputs.max(axis=1)
    right = outputs.argmax(axis=1) == targets
    edges = np.linspace(1 / outputs.shape[1], 1, bins + 1)
    which = np.clip(np.digitize(confidence, edges) - 1, 0, bins - 1)
    used = [b for b in range(bins) if (which == b).any()]
    said = np.array([confidence[which == b].mean() for b in used])
    was = np.array([right[which == b].mean() for b in used])
    share = np.array([(which == b).mean() for b in used])
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":", label="perfect")
    axes.bar(said, share, width=0.02, alpha=0.4, label="share of examples")
    axes.plot(said, was, marker="o", label="this model")
    error = float(np.sum(share * np.abs(said - was)))
    axes.set(xlabel="probability given", ylabel="share right", xlim=(0, 1), ylim=(0, 1.02))
    axes.set_title(f"Reliability (expected calibration error {error:.3f})")
    axes.legend(loc="upper left")
    return figure


def most_wrong(
    inputs: Sequence[Any], outputs: np.ndarray, targets: np.ndarray, labels: Sequence[str], count: int = 20
) -> list[dict[str, Any]]:
    """List the examples whose true label was given the least probability, worst first."""
    of_truth = outputs[np.arange(len(targets)), targets]
    wrong = [i for i in np.argsort(of_truth, kind="stable") if outputs[i].argmax() != targets[i]]
    return [
        {
            "input": inputs[i],
            "true": labels[targets[i]],
            "given": labels[int(outputs[i].argmax())],
            "probability of true": round(float(of_truth[i]), 4),
        }
        for i in wrong[:count]
    ]
