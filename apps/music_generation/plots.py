"""Figures and tables of a finished training run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pipelines.data.note_grid import NAMES
from pipelines.tasks.generation import nll_of_each
from pipelines.tasks.generation_layers import KerasNetwork

from .checks import LONGEST, note_lengths, pitch_classes
from .config import MusicConfig
from .features import prepared, settings_of
from .samples import TEMPERATURES, check_rows, sampled

if TYPE_CHECKING:
    from pipelines.evaluation.outcome import Outcome


def make_plots(config: MusicConfig, outcome: Outcome) -> dict[str, Any]:
    """Return figures and tables by name."""
    pieces = sampled(KerasNetwork(outcome.deployed), config, TEMPERATURES)
    made = dict(zip(TEMPERATURES, pieces, strict=True))
    training = [prepared(piece, settings_of(config)) for piece in outcome.data.splits["train"].inputs]
    return {
        "histograms": histograms(training, list(made.values()), config.steps_per_beat),
        "nll_of_pieces": nll_of_pieces(outcome),
        "musical_checks": check_rows(config, outcome, made),
    }


def histograms(training: list[np.ndarray], samples: list[np.ndarray], steps_per_beat: int) -> Figure:
    """Show pitch classes and note lengths of training pieces and of samples."""
    figure = Figure(figsize=(11, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    for offset, name, pieces in ((-0.2, "training", training), (0.2, "samples", samples)):
        left.bar(np.arange(12) + offset, pitch_classes(pieces), 0.4, label=name)
        right.bar(np.arange(1, LONGEST + 1) + offset, note_lengths(pieces), 0.4, label=name)
    left.set_xticks(range(12), NAMES)
    left.set(title="Pitch classes", xlabel="pitch class", ylabel="share of time")
    right.set_xticks(range(1, LONGEST + 1), [*map(str, range(1, LONGEST)), f"{LONGEST}+"], fontsize="small")
    unit = f"length in steps ({steps_per_beat} make a quarter note)"
    right.set(title="Lengths of notes", xlabel=unit, ylabel="share of notes")
    for axes in (left, right):
        axes.legend()
    return figure


def nll_of_pieces(outcome: Outcome) -> Figure:
    """Show how the negative log-likelihood differs from piece to piece of the test split."""
    values = nll_of_each(outcome.outputs["test"], outcome.features.targets["test"])
    figure = Figure(figsize=(6, 3.5), layout="constrained")
    axes = figure.subplots()
    axes.hist(values, bins=20)
    axes.set(title="Negative log-likelihood of test pieces", xlabel="nats a step", ylabel="pieces")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    return figure
