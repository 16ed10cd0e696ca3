"""Plots that every app makes of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .axes import plain_log_ticks, whole_numbers

_LOSSES = {"loss": "training", "validation.loss": "validation"}
"""Lines that share a panel, and their labels."""


def learning_curves(history: Sequence[dict[str, float]], best_epoch: int) -> Figure:
    """Plot the loss, on training and validation data, and the validation metrics; mark the best epoch."""
    names = ["loss", *(n for n in history[0] if n.startswith("validation.") and n not in _LOSSES)]
    columns = min(len(names), 4)
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(4.5 * columns, 3.5 * rows), layout="constrained")
    epochs = range(1, len(history) + 1)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels[len(names) :]:
        axes.axis("off")
    for axes, name in zip(panels, names, strict=False):
        for line, label in _LOSSES.items() if name == "loss" else ((name, None),):
            if line in history[0]:
                axes.plot(epochs, [values[line] for values in history], marker="o", label=label)
        axes.axvline(best_epoch, color="grey", linestyle=":", label="best epoch")
        axes.set(xlabel="epoch", title=name)
        whole_numbers(axes, 1, len(history))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.grid(alpha=0.3)
    panels[0].legend()
    return figure


def gradient_by_lag(epochs: Sequence[Mapping[str, Sequence[Sequence[float]]]]) -> Figure:
    """Plot how gradient norms change towards earlier steps, with one line for each epoch.

    The axes are logarithmic: a line that falls straight is a vanishing gradient, one that rises straight is
    an exploding gradient.

    Args:
        epochs: for each epoch, by name of a layer's state, two lists of gradient norms by lag: the gradient
            of the model's loss, and the gradient of the layer's own last output.
    """
    names = list(epochs[-1])
    figure = Figure(figsize=(10, 1 + 3 * len(names)), layout="constrained")
    figure.suptitle("Gradients at earlier steps, for the state of each recurrent layer")
    shades = ScalarMappable(Normalize(1, max(2, len(epochs))), "viridis")
    panels = figure.subplots(len(names), 2, squeeze=False)
    for row, name in zip(panels, names, strict=True):
        for axes, kind, of_what in zip(row, (0, 1), ("the loss", "its last output"), strict=True):
            curves = [np.array(epoch[name][kind]) for epoch in epochs if name in epoch]
            for curve, colour in zip(curves, shades.to_rgba(np.arange(1, len(curves) + 1)), strict=True):
                axes.plot(np.where(curve > 0, curve, np.nan), color=colour)
            axes.set(yscale="log", xlabel="steps before the end", ylabel="norm of the gradient")
            axes.set_title(f"{name}:\ngradient of {of_what}", fontsize="medium")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            plain_log_ticks(axes.yaxis)
            axes.grid(alpha=0.3)
    if len(epochs) > 1:
        bar = figure.colorbar(shades, ax=panels, label="epoch", ticks=MaxNLocator(integer=True))
        bar.ax.invert_yaxis()  # the first epoch on top
    return figure
