"""Pictures of a comparison: quality against bytes, latency and the memory of the state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..evaluation.axes import plain_log_ticks

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
        for number, row in enumerate(rows):
            if row[name]:
                look = {"fmt": "o", "capsize": 3, "color": f"C{number}", "label": row["family"]}
                axes.errorbar(row[name], row["value"], row["spread"] or 0, **look)
        axes.set_xlabel(_AXES[name])
        axes.grid(alpha=0.3)
        axes.margins(x=0.1, y=0.15)
        if name == "bytes":
            axes.axvline(budget, linestyle=":", color="grey")
            axes.xaxis.set_major_locator(MaxNLocator(4))
        else:
            axes.set_xscale("log")
            plain_log_ticks(axes.xaxis)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right upper")
    better = "higher" if rows[0]["higher_is_better"] else "lower"
    panels[0].set_ylabel(f"{rows[0]['metric']} on test ({better} is better)")
    figure.suptitle(f"Families at {budget / 1000:g} KB")
    return {"families": figure}
