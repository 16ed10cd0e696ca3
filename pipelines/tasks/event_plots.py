"""Draw the detection rates of events in a stream, and write it to files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from .event_rates import Rates


def write_detection(
    folder: Path, curve: Sequence[Rates], *, title: str, threshold: float
) -> dict[str, float]:
    """Write detection.json and detection.png to `folder`, and return the rates at `threshold`."""
    (folder / "detection.json").write_text(json.dumps([rates._asdict() for rates in curve], indent=1))
    detection_figure(curve, title, threshold).savefig(folder / "detection.png", dpi=120)
    (chosen,) = (rates for rates in curve if rates.threshold == threshold)
    return {f"detection.{name}": value for name, value in chosen._asdict().items()}


def detection_figure(curve: Sequence[Rates], title: str, threshold: float) -> Figure:
    """Return a figure of missed events and false accepts by threshold, with the chosen threshold marked."""
    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    thresholds = [rates.threshold for rates in curve]
    left.plot(thresholds, [100 * rates.miss_rate for rates in curve], marker="o")
    left.set(ylabel="missed events, %", ylim=(0, 103))
    accepts = [rates.false_accepts_per_hour for rates in curve]
    right.plot(thresholds, accepts, marker="o")
    right.set_yscale("symlog", linthresh=1)
    right.yaxis.set_major_formatter("{x:g}")
    right.set(ylabel="false accepts per hour", ylim=(0, max(1, 1.5 * max(accepts))))
    for axes in (left, right):
        axes.axvline(threshold, color="grey", linestyle=":", label=f"default, {threshold:g}")
        axes.set(xlabel="threshold", xlim=(min(thresholds) - 0.02, 1))
        axes.grid(alpha=0.3)
        axes.legend()
    figure.suptitle(title)
    return figure
