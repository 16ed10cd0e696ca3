"""Measure how well the events of a stream, such as heartbeats, are found and told apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..data.recordings import Span

TOLERANCE = 0.15
"""Seconds between a true event and the one that was heard for it (ANSI/AAMI EC57)."""
NONE = "none"


def confusion(
    true: Sequence[Span], heard: Sequence[Span], labels: Sequence[str], tolerance: float = TOLERANCE
) -> np.ndarray:
    """Return counts (labels + 1, labels + 1): true labels in rows, heard ones in columns.

    The last row counts what was heard where no event is, the last column events that were missed. Events of
    other labels are neither found nor missed.
    """
    counts = np.zeros((len(labels) + 1, len(labels) + 1), np.int64)
    left = sorted(heard, key=lambda span: span.start)
    starts = np.array([span.start for span in left])
    used = np.zeros(len(left), bool)
    for each in sorted(true, key=lambda span: span.start):
        near = np.flatnonzero(~used & (np.abs(starts - each.start) <= tolerance))
        row = labels.index(each.label) if each.label in labels else None
        column = len(labels)
        if len(near):
            nearest = near[np.abs(starts[near] - each.start).argmin()]
            used[nearest] = True
            column = labels.index(left[nearest].label)
        if row is not None:
            counts[row, column] += 1
    for extra in np.flatnonzero(~used):
        counts[-1, labels.index(left[extra].label)] += 1
    return counts


def rates(counts: np.ndarray, labels: Sequence[str]) -> dict[str, float]:
    """Return sensitivity, positive predictivity and F1 of each label, as the AAMI recommends, and macro F1.

    `counts` are of `confusion`. A label that is neither there nor heard counts for nothing.
    """
    found: dict[str, float] = {}
    scores = []
    for number, label in enumerate(labels):
        right, there, heard = counts[number, number], counts[number].sum(), counts[:, number].sum()
        if there:
            found[f"{label}.sensitivity"] = float(right / there)
        if heard:
            found[f"{label}.positive_predictivity"] = float(right / heard)
        if there:
            found[f"{label}.f1"] = float(2 * right / (there + heard))
            scores.append(found[f"{label}.f1"])
    return found | {"macro_f1": float(np.mean(scores)) if scores else 0.0}
