"""The targets of networks that read labels from a longer sequence (`CTCLoss`). Plain numpy."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from ..ondevice.ctc import BLANK


def ctc_targets(labels: Sequence[Sequence[int]], steps: Sequence[int]) -> np.ndarray:
    """Return targets of `CTCLoss`, int32 (N, 1 + the most labels): the steps, the labels, and BLANK behind.

    Args:
        labels: the labels of each sequence, none of them BLANK.
        steps: how many steps of each sequence are not padding.

    Raises:
        ValueError: a label is BLANK, or there are too few steps for the labels (see `steps_needed`).
    """
    targets = np.full((len(labels), 1 + max((len(each) for each in labels), default=0)), BLANK, np.int32)
    for row, (each, count) in enumerate(zip(labels, steps, strict=True)):
        if BLANK in each:
            raise ValueError(f"labels {row}: expected none that is {BLANK}, which is the blank")
        if count < steps_needed(each):
            raise ValueError(f"labels {row}: expected at least {steps_needed(each)} steps, got {count}")
        targets[row, 0] = count
        targets[row, 1 : 1 + len(each)] = each
    return targets


def steps_needed(labels: Sequence[int]) -> int:
    """Return the fewest steps that can have these labels: one for each, and a blank between equal ones."""
    return len(labels) + sum(one == other for one, other in itertools.pairwise(labels))
