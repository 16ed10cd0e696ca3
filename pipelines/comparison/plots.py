"""Pictures of a comparison: quality against bytes, latency and the memory of the state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

_AXES = {
    "bytes": "bytes of the file",
    "answer_ms": "ms for a whole sequence",
    "step_ms": "ms for a step of a stream",
    "state": "numbers that a stream carries",
}


def pictures(rows: Sequence[Mapping[str, Any]], budget: int) -> dict[str, Figure]:
    """Return one figure, `families`, with a panel for each cost that is known; none without rows.

    Args:
        rows: of `compare`, without those that were left out.
        budget: bytes, drawn as a line.
    """
    known = [name for name in _AXES if any(row[name] for row in rows)]
    if not known:
        return {}
    figure = Figure(figsize=(4.2 * len(known), 4.2), layout="constrained")
    panels = figure.subplots(1, len(known), squeeze=False, sharey=True)[0]
    for axes, name in zip(panels, known, strict=True):
        for number, row in enumerate(row for row in rows if row[name]):
            point = axes.errorbar(row[name], row["value"], row["spread"] or 0, fmt="o", capsize=3)
            place = (6, 6 if number % 2 else -12)
            colour = point[0].get_color()
            axes.annotate(
                row["family"], (row[name], row["value"]), place, textcoords="offset points", color=colour
            )
        axes.set_xlabel(_AXES[name])
        axes.grid(alpha=0.3)
        axes.margins(x=0.3, y=0.15)
        if name == "bytes":
            axes.axvline(budget, linestyle=":", color="grey")
        else:
            axes.set_xscale("log")
    better = "higher" if rows[0]["higher_is_better"] else "lower"
    panels[0].set_ylabel(f"{rows[0]['metric']} on test ({better} is better)")
    figure.suptitle(f"Families at {budget / 1000:g} KB")
    return {"families": figure}
