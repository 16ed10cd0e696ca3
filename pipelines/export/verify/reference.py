"""The reference for the files of a model: the Keras model's outputs and its score on the task."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ...evaluation.score import Metric

Arrays = Mapping[str, np.ndarray]
"""Arrays (N, ...) by the name of an input or output."""


@dataclass(frozen=True)
class Task:
    """The targets and metrics that score a model with one output."""

    targets: np.ndarray
    """(N, ...)"""
    metrics: Mapping[str, Metric]
    """Metrics by name. The first one decides."""
    values: Mapping[str, float]
    """The value of each metric for the Keras model."""
    higher_is_better: bool = True
    """Whether a higher value of the first metric is better."""

    @property
    def metric(self) -> str:
        """The name of the metric that decides."""
        return next(iter(self.metrics))


@dataclass(frozen=True)
class Reference:
    """Inputs, and the Keras model's outputs for them."""

    inputs: Arrays
    outputs: Arrays
    task: Task | None = None
    """None for a model without targets. Then only its outputs are compared."""
    sigmoids: Collection[str] = ()
    """The outputs that are probabilities of yes, each by itself."""

    def first(self, count: int) -> Reference:
        """Return the first `count` examples, without the task."""
        inputs, outputs = (
            {name: array[:count] for name, array in arrays.items()} for arrays in (self.inputs, self.outputs)
        )
        return Reference(inputs, outputs, sigmoids=self.sigmoids)

    def error_of_mean(self) -> float:
        """Return the mean error of a model that always answers the mean, of the output where it is largest.

        Answers that are infinite or NaN are left out.
        """
        found = [np.ma.masked_invalid(each.astype(np.float64)) for each in self.outputs.values()]
        return max(float(np.ma.filled(np.abs(each - each.mean(axis=0)).mean(), 0.0)) for each in found)
