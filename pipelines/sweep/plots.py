"""Plots of a sweep: quality against size and speed, and Optuna's own of importance and history."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import optuna
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from optuna.trial import FrozenTrial, TrialState

from ..evaluation.axes import plain_log_ticks
from .objectives import BYTES, LATENCY

_NAMES = {BYTES: "bytes of the smallest file", LATENCY: "ms for an answer (median)"}


def plots(
    study: optuna.Study, rows: Sequence[Mapping[str, Any]], metric: str, directions: Mapping[str, str]
) -> dict[str, Figure]:
    """Return the plots by name.

    Args:
        study: the study.
        rows: the trials that have ended, as `results.rows` returns them.
        metric: the name of the metric of quality.
        directions: "maximize" or "minimize" by objective.
    """
    several = len(directions) > 1
    title = "Trials that none beats in every objective are blue" if several else "The best trial is blue"
    figures = {f"{metric}_against_{each}": _scatter(rows, metric, each) for each in (BYTES, LATENCY)}
    for figure in figures.values():
        figure.axes[0].set_title(title)
    return figures | _of_optuna(study, directions)


def _scatter(rows: Sequence[Mapping[str, Any]], metric: str, against: str) -> Figure:
    figure = Figure(figsize=(7, 5), layout="constrained")
    axes = figure.subplots()
    for best, style in ((False, {"color": "silver"}), (True, {"color": "C0", "zorder": 3})):
        shown = [row for row in rows if row["best"] is best]
        axes.scatter([r[against] for r in shown], [r[metric] for r in shown], **style)
    for row in rows:
        if row["best"]:
            place = row[against], row[metric]
            axes.annotate(f" {row['trial']}", place, xytext=(3, 3), textcoords="offset points")
    axes.set(xlabel=_NAMES[against], ylabel=f"{metric} on validation", xscale="log")
    plain_log_ticks(axes.xaxis)
    axes.grid(alpha=0.3)
    return figure


def _of_optuna(study: optuna.Study, directions: Mapping[str, str]) -> dict[str, Figure]:
    """Return Optuna's plots for each objective; that of importance needs two trials that differ."""
    matplotlib.use("Agg")  # Optuna draws with pyplot
    import optuna.visualization.matplotlib as drawn
    from matplotlib import pyplot

    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    differ = len({tuple(trial.params.items()) for trial in complete}) > 1
    figures, several = {}, len(directions) > 1
    with matplotlib.rc_context():  # Optuna sets a style of its own
        for i, (name, direction) in enumerate(directions.items()):
            sign = -1 if direction == "maximize" else 1  # what matters is told for low values
            kinds = {"history": (drawn.plot_optimization_history, 1)}
            kinds |= {"importance": (drawn.plot_param_importances, sign)} if differ else {}
            for kind, (draw, factor) in kinds.items():
                target = functools.partial(_value, i, factor) if several else None
                axes = draw(study, target=target, target_name=name)
                axes.figure.set_layout_engine("constrained")  # long names of settings are not cut
                if kind == "history":
                    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
                figures[f"{kind}_{name}" if several else kind] = axes.figure
    pyplot.close("all")
    return figures


def _value(index: int, factor: int, trial: FrozenTrial) -> float:
    return factor * trial.values[index]
