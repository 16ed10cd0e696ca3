"""Figures and tables of a training run of the handwriting app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from pipelines.ondevice.pen_mixture import PADDING, columns, mean_nll, step_nll
from pipelines.tasks.character_errors import labels_of, read_greedily
from pipelines.tasks.classification_plots import confusion_matrix, recall, reliability

from .config import HandwritingConfig
from .metrics import texts_of

if TYPE_CHECKING:
    from pipelines.evaluation.outcome import Outcome

_LISTED = 50


def make_plots(config: HandwritingConfig, outcome: Outcome) -> dict[str, Any]:
    """Return figures and tables by name."""
    outputs, targets = outcome.outputs["test"], outcome.features.targets["test"]
    if config.answer == "label":
        labels = outcome.data.labels
        return {
            "confusion_matrix": confusion_matrix(outputs, targets, labels),
            "recall": recall(outputs, targets, labels),
            "reliability": reliability(outputs, targets),
        }
    if config.answer == "text":
        alphabet = outcome.features.preprocessing["alphabet"]
        found = [read_greedily(outputs[:_LISTED], targets[:_LISTED]), labels_of(targets[:_LISTED])]
        read, true = (texts_of(each, alphabet) for each in found)
        return {"texts": [{"written": t, "read": r} for r, t in zip(read, true, strict=True)]}
    outputs = outputs[..., : columns(config.mixtures)]
    return {"nll_by_step": nll_by_step(outputs, targets), "nll_by_writer": _by_writer(outcome, outputs)}


def nll_by_step(outputs: np.ndarray, targets: np.ndarray) -> Figure:
    """Show how well the network expects the steps of drawings, from the first to the last."""
    real = targets[..., 2] != PADDING
    counts = real.sum(axis=0)
    shown = counts >= max(1, 0.1 * len(targets))  # of few long drawings a mean says little
    means = (step_nll(outputs, targets).sum(axis=0) / np.maximum(1, counts))[shown]
    figure = Figure(figsize=(10, 3), layout="constrained")
    axes = figure.subplots()
    axes.plot(means, linewidth=0.8)
    title = "Negative log-likelihood by step, as far as a tenth of the test drawings reach"
    axes.set(title=title, xlabel="step", ylabel="nats a step")
    return figure


def _by_writer(outcome: Outcome, outputs: np.ndarray) -> list[dict[str, Any]]:
    """Return a row for each writer of the test split; one for all if they are not known."""
    drawings = outcome.data.splits["test"].inputs
    values = mean_nll(outputs, outcome.features.targets["test"])
    writers = np.array([each.writer or "?" for each in drawings])
    return [
        {
            "writer": name,
            "drawings": int((writers == name).sum()),
            "nll": round(float(values[writers == name].mean()), 4),
        }
        for name in sorted(set(writers.tolist()))
    ]
