"""Pictures of forecasts: fan charts over the truth, and errors by horizon and by time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from ..evaluation.axes import whole_numbers
from .forecasting import errors, has_quantiles, interval_of, middle

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHARES = {0.99: 0.15, 0.8: 0.25, 0.5: 0.4}
"""Intervals that are drawn, and how dark they are."""
_PAST = 3
"""A picture shows so many times as many steps of the past as of the forecast, if there are."""
_PHASES = {
    "hour of day": lambda times: times.astype("datetime64[h]").astype(int) % 24,
    "day of week": lambda times: (times.astype("datetime64[D]").astype(int) + 3) % 7,
    "month": lambda times: times.astype("datetime64[M]").astype(int) % 12 + 1,
}
"""Functions of times that errors are averaged by; Monday is day 0."""
_NAMED = {
    "day of week": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "month": ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
}
"""What the values of a phase are called."""


def fan(
    axes: Axes,
    past: np.ndarray,
    outputs: np.ndarray,
    *,
    truth: np.ndarray | None = None,
    paths: np.ndarray | None = None,
) -> None:
    """Draw one forecast of one target: its past, its intervals and median, and what came.

    Args:
        axes: where to draw.
        past: (steps,), the last one is drawn at 0.
        outputs: (horizon,), or (horizon, levels).
        truth: (horizon,); None if it is not known yet.
        paths: (horizon, paths) that were drawn from the forecast; None if none were.
    """
    ahead = np.arange(1, len(outputs) + 1)
    shown = past[-_PAST * len(outputs) :]
    axes.plot(np.arange(1 - len(shown), 1), shown, color="black", linewidth=0.8)
    batch = outputs[None, :, None]
    if has_quantiles(batch):
        for share, alpha in _SHARES.items():
            low, high = (end[0, :, 0] for end in interval_of(batch, share))
            axes.fill_between(ahead, low, high, color="tab:blue", alpha=alpha, linewidth=0)
    axes.plot(ahead, middle(batch)[0, :, 0], color="tab:blue", label="forecast")
    if paths is not None:
        labels = ["paths", *["_"] * (paths.shape[1] - 1)]  # matplotlib leaves those with _ out
        axes.plot(ahead, paths, color="tab:orange", linewidth=0.5, alpha=0.6, label=labels)
    if truth is not None:
        known = np.append(past[-1], truth)
        axes.plot([0, *ahead], known, color="black", linewidth=0.8, marker=".", markersize=3, label="truth")
    axes.axvline(0.5, color="grey", linestyle=":")
    axes.grid(alpha=0.3)


def fans(
    title: str,
    names: Sequence[str],
    *,
    past: np.ndarray,
    outputs: np.ndarray,
    truth: np.ndarray | None = None,
    paths: np.ndarray | None = None,
) -> Figure:
    """Draw forecasts under each other: a row for each window, a column for each of up to four targets.

    Args:
        title: of the figure.
        names: the targets.
        past: (N, steps, targets).
        outputs: (N, horizon, targets), or with levels.
        truth: (N, horizon, targets); None if it is not known yet.
        paths: (N, horizon, targets, paths) that were drawn from the forecasts; None if none were.
    """
    count = min(4, len(names))
    figure = Figure(figsize=(4.5 * count, 0.5 + 2.2 * len(past)), layout="constrained")
    panels = figure.subplots(len(past), count, squeeze=False, sharex=True)
    for row, axes in enumerate(panels):
        for place, each in enumerate(axes):
            known, drawn = (None if more is None else more[row, :, place] for more in (truth, paths))
            fan(each, past[row, :, place], outputs[row, :, place], truth=known, paths=drawn)
    for place in range(count):
        panels[0, place].set_title(names[place])
        panels[-1, place].set_xlabel("steps after the last one known")
        whole_numbers(panels[-1, place], 1 - past.shape[1], outputs.shape[1])
    panels[0, 0].legend(fontsize="small")
    figure.suptitle(f"{title}; bands: 50, 80 and 99 %" if outputs.ndim == 4 else title)
    return figure


def error_by_horizon(outputs: Mapping[str, np.ndarray], targets: np.ndarray) -> Figure:
    """Plot the mean absolute error of each step ahead, in deviations of the training part.

    Args:
        outputs: the forecasts of each method.
        targets: (N, horizon, targets, 3).
    """
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    ahead = np.arange(1, targets.shape[1] + 1)
    for name, forecast in outputs.items():
        axes.plot(ahead, _mean(np.abs(errors(forecast, targets)), (0, 2)), label=name, marker=".")
    whole_numbers(axes, 1, len(ahead))
    axes.set(xlabel="steps ahead", ylabel="mean absolute error, deviations", ylim=(0, None))
    axes.set(title="Error by horizon")
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


def error_by_phase(
    outputs: np.ndarray,
    targets: np.ndarray,
    times: np.ndarray,
    *,
    phases: Sequence[str],
    names: Sequence[str],
) -> Figure:
    """Plot the mean absolute error of each target by the time that is forecast.

    Args:
        outputs: the forecasts.
        targets: (N, horizon, targets, 3).
        times: (N, horizon) datetime64[s], of what is forecast.
        phases: some of "hour of day", "day of week" (Monday is 0) and "month".
        names: of the targets.
    """
    found = np.abs(errors(outputs, targets))
    figure = Figure(figsize=(5.5 * len(phases), 4), layout="constrained")
    for axes, phase in zip(figure.subplots(1, len(phases), squeeze=False)[0], phases, strict=True):
        of_each = _PHASES[phase](times)
        values = np.unique(of_each)
        for place, name in enumerate(names):
            means = [_mean(found[..., place][of_each == value], None) for value in values]
            axes.plot(values, means, marker=".", label=name)
        if phase in _NAMED:
            axes.set_xticks(values, [_NAMED[phase][value] for value in values])
        axes.set(xlabel=phase, ylabel="mean absolute error, deviations", ylim=(0, None))
        axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    figure.suptitle("Error by the time that is forecast")
    return figure


def _mean(values: np.ndarray, axis: Any) -> np.ndarray:
    """Return the mean of what is known, NaN if nothing is."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.where(known, values, 0).sum(axis=axis) / known.sum(axis=axis)
