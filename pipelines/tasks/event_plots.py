"""Draw the detection curve of events in a stream, and write it to files."""

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
    detection_figure(curve, title).savefig(folder / "detection.png", dpi=120)
    (chosen,) = (rates for rates in curve if rates.threshold == threshold)
    return {f"detection.{name}": value for name, value in chosen._asdict().items()}


def detection_figure(curve: Sequence[Rates], title: str) -> Figure:
    """Return a figure of missed events against false accepts, with one point for each threshold."""
    figure = Figure(figsize=(6, 4.5), layout="constrained")
    axes = figure.subplots()
    accepts = [rates.false_accepts_per_hour for rates in curve]
    axes.plot(accepts, [100 * rates.miss_rate for rates in curve], marker="o")
    for rates, x in zip(curve, accepts, strict=True):
        axes.annotate(f"{rates.threshold:g}", (x, 100 * rates.miss_rate), (4, 4), textcoords="offset points")
    axes.set_xscale("symlog", linthresh=1)
    axes.set(xlabel="false accepts per hour", ylabel="missed events, %", xlim=(0, None), ylim=(0, 100))
    axes.set_title(title)
    axes.grid(alpha=0.3)
    return figure
