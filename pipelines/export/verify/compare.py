"""Measure how far the outputs of a file are from those of the Keras model, and check the tolerances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import ExportError
from .reference import Arrays, Task
from .tolerances import TOLERANCES, Tolerance

_SMALLEST_RANGE = 1e-3  # avoids dividing by the tiny range of an almost constant output


@dataclass(frozen=True)
class OutputError:
    """The error of one output. For integer outputs it is the share of examples that differ from Keras."""

    largest: float
    mean: float
    problem: str | None = None
    """One line that says why the error is too large; None if it is allowed."""


@dataclass(frozen=True)
class Bounds:
    """The errors that a variant may have."""

    tolerance: Tolerance
    has_task: bool
    share_of_range: float | None = None
    """The user's bound, which replaces the one of the table; only without a task."""

    @classmethod
    def of(cls, precision: str, task: Task | None, share_of_range: float | None = None) -> Bounds:
        """Return the bounds of a precision."""
        return cls(TOLERANCES[precision], task is not None, share_of_range)

    def largest_error(self, expected: np.ndarray) -> float:
        """Return the largest allowed error of an output of real numbers."""
        if self.has_task:
            return self.tolerance.max_abs_error
        span = float(np.ptp(expected))
        if self.share_of_range is not None:
            return self.share_of_range * span
        return self.tolerance.share_of_range * max(span, _SMALLEST_RANGE)

    def different_answers(self, count: int) -> float:
        """Return the share of `count` examples in which an integer output may differ."""
        share = self.tolerance.share_of_range if self.share_of_range is None else self.share_of_range
        # In a small split, a difference of one example proves nothing.
        return max(self.tolerance.different_answers if self.has_task else share, 1.5 / count)

    @property
    def outliers(self) -> float:
        """The share of real outputs that may exceed the largest error."""
        return self.tolerance.outliers if self.has_task else 0.0


def compare(outputs: Arrays, expected: Arrays, bounds: Bounds) -> dict[str, OutputError]:
    """Return the error of each output (N, ...), by name.

    Raises:
        ExportError: an output's shape differs from that in Keras.
    """
    return {name: _compared(name, outputs[name], wanted, bounds) for name, wanted in expected.items()}


def problems(errors: dict[str, OutputError]) -> list[str]:
    """Return one line for each output whose error is too large."""
    return [error.problem for error in errors.values() if error.problem]


def max_abs_error(outputs: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest absolute error; for integer outputs, the share of examples that differ.

    Raises:
        ValueError: the shapes differ.
    """
    if outputs.shape != expected.shape:
        raise ValueError(f"expected shape {expected.shape} as in Keras, got {outputs.shape}")
    if _are_whole(outputs):
        return float((outputs != expected).reshape(len(outputs), -1).any(axis=1).mean())
    return float(np.abs(outputs.astype(np.float64) - expected).max())


def _compared(name: str, outputs: np.ndarray, expected: np.ndarray, bounds: Bounds) -> OutputError:
    try:
        largest = max_abs_error(outputs, expected)
    except ValueError as error:
        raise ExportError(f"output {name!r}: {error}") from None
    if _are_whole(outputs):
        allowed = bounds.different_answers(len(outputs))
        problem = (
            f"output {name!r} differs from Keras in {largest:.3g} of the examples, "
            f"at most {allowed:.3g} is allowed"
        )
        return OutputError(largest, largest, None if largest <= allowed else problem)
    errors = np.abs(outputs.astype(np.float64) - expected)
    bounded, allowed = largest, bounds.largest_error(expected)
    if bounds.outliers:
        bounded = float(np.quantile(errors, 1 - bounds.outliers, method="higher"))
    problem = f"output {name!r} differs from Keras by {bounded:.3g}, at most {allowed:.3g} is allowed"
    if errors.ndim > 2:
        by_step = errors.max(axis=(0, *range(2, errors.ndim)))
        problem += f"; first at step {int(np.argmax(~(by_step <= allowed)))} of {len(by_step)}"
    # Not `bounded > allowed`: an error of NaN is also a problem.
    return OutputError(largest, float(errors.mean()), None if bounded <= allowed else problem)


def _are_whole(outputs: np.ndarray) -> bool:
    return outputs.dtype.kind in "iub"
