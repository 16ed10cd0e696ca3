"""What the files of a model are compared with: the Keras model's answers, and its score on the task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ...evaluation.score import Metric

Arrays = Mapping[str, np.ndarray]
"""By the name of an input or output, (N, ...)."""


@dataclass(frozen=True)
class Task:
    """What the answers of a model with one output are scored by."""

    targets: np.ndarray
    """(N, ...)"""
    metrics: Mapping[str, Metric]
    """By name. The first one is the one that counts."""
    values: Mapping[str, float]
    """What the Keras model reaches in each metric."""
    higher_is_better: bool = True
    """Whether a higher value of the first metric is better."""

    @property
    def metric(self) -> str:
        """The name of the metric that counts."""
        return next(iter(self.metrics))


@dataclass(frozen=True)
class Reference:
    """Inputs, and what the Keras model answered to them."""

    inputs: Arrays
    outputs: Arrays
    task: Task | None = None
    """None for a model without targets: then only its outputs are compared."""

    def first(self, count: int) -> Reference:
        """Return the first `count` examples, without the task."""
        inputs, outputs = (
            {name: array[:count] for name, array in arrays.items()} for arrays in (self.inputs, self.outputs)
        )
        return Reference(inputs, outputs)
