"""How far texts that were read are from the true ones: the character error rate. Plain numpy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..evaluation.score import FromCounts
from ..ondevice.ctc import BLANK, greedy


def edit_distance(one: Sequence[int] | str, other: Sequence[int] | str) -> int:
    """Return the fewest insertions, deletions and substitutions that turn one sequence into the other.

    Source: V. Levenshtein, 1966.
    """
    if not len(one) or not len(other):
        return max(len(one), len(other))
    columns, places = np.array(list(other)), np.arange(len(other) + 1)
    row = places
    for number, symbol in enumerate(one, start=1):
        replaced = np.minimum(row[1:] + 1, row[:-1] + (columns != symbol))
        best = np.concatenate([[number], replaced])
        # An insertion costs 1 for each place to the right, so take these costs off, and put them back
        row = np.minimum.accumulate(best - places) + places
    return int(row[-1])


def edit_counts(found: Sequence[Sequence[int] | str], wanted: Sequence[Sequence[int] | str]) -> np.ndarray:
    """Return for each text the edit distance, the length of the true text, and 1 if they differ, (N, 3)."""
    edits = [edit_distance(one, other) for one, other in zip(found, wanted, strict=True)]
    return np.array([(n, len(text), n > 0) for n, text in zip(edits, wanted, strict=True)], np.int64).reshape(
        -1, 3
    )


def rate_of(counts: np.ndarray) -> float:
    """Return edits by characters of the true texts, from summed `edit_counts` (3,); it may be above 1."""
    return float(counts[0] / max(1, counts[1]))


def read_greedily(outputs: np.ndarray, targets: np.ndarray) -> list[list[int]]:
    """Return the labels in outputs (N, steps, classes); targets (of `ctc_targets`) have the real steps."""
    return [greedy(each[:steps]) for each, steps in zip(outputs, targets[:, 0].astype(int), strict=True)]


def labels_of(targets: np.ndarray) -> list[list[int]]:
    """Return the labels in targets of `ctc_targets`."""
    return [[int(label) for label in row[1:] if label != BLANK] for row in targets]


def _each(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    return edit_counts(read_greedily(outputs, targets), labels_of(targets))


character_error_rate = FromCounts(_each, rate_of)
"""Edits by characters of the true texts, of outputs that are read greedily (0 is best; it may be above 1)."""
