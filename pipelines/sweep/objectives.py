"""What a sweep can look for, and in which direction."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..app import App
from ..errors import UserError
from ..training.record import Result, smallest_file

BYTES, LATENCY = "bytes", "latency"
"""Of the smallest file of a bundle: its size, and its median time for an answer in ms, measured on this
machine."""


def directions(app: App, names: Sequence[str]) -> dict[str, str]:
    """Return "maximize" or "minimize" by objective; without names, that of the app's first metric.

    Raises:
        UserError: an objective is unknown or named twice.
    """
    metric = next(iter(app.metrics))
    known = {metric: "maximize" if app.higher_is_better else "minimize"}
    known |= {BYTES: "minimize", LATENCY: "minimize"}
    names = names or (metric,)
    for name in names:
        if name not in known:
            raise UserError(f"--objective: expected some of {', '.join(known)}, got {name!r}")
    if len(set(names)) < len(names):
        raise UserError(f"--objective: expected each objective once, got {' '.join(names)}")
    return {name: known[name] for name in names}


def measured(result: Result, validation: float) -> dict[str, Any]:
    """Return what a sweep keeps of a finished training, as values that JSON can hold.

    Args:
        result: the result of the training.
        validation: the first metric on validation, in the best epoch.

    Raises:
        UserError: the metric is not a number.
    """
    record = result.record
    if not math.isfinite(validation):
        raise UserError(f"{record['metric']} on validation is {validation}")
    file = smallest_file(record)
    return {
        "run_id": result.run_id,
        "bundle": str(result.bundle),
        record["metric"]: validation,
        "file": file["variant"],
        BYTES: file["bytes"],
        LATENCY: file["latency_p50_ms"],
        "test": file["metric"],
        "epochs": record["epochs"],
        "minutes": record["total_minutes"],
    }


def values_of(measures: Mapping[str, Any], names: Sequence[str]) -> list[float]:
    """Return the values of the objectives, in their order, from what `measured` returned."""
    return [float(measures[name]) for name in names]
