"""Check that a .tflite file is fit for a device: list its ops, run it, compare, score and time it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import ExportError, UserError
from ...evaluation.intervals import interval
from ..tflite.audit import list_ops
from .compare import Bounds, OutputError, compare, problems
from .compiled_process import CompiledModelProcess
from .reference import Arrays, Reference, Task
from .tflite_file import TFLiteFile
from .tolerances import Tolerance

log = logging.getLogger(__name__)

EXAMPLES_WANTED = 200
_EXAMPLES_IN_COMPILED_MODEL = 32


class MissedBoundError(ExportError):
    """A variant runs, but its error is larger than the tolerance of its precision allows."""

    def __init__(self, message: str, figures: Mapping[str, Any], accepted_by: float | None = None) -> None:
        super().__init__(message)
        self.figures = figures
        """Its measurements, as in the manifest."""
        self.accepted_by = accepted_by
        """The `tolerance` that accepts it; None if there is a task, or none does."""


@dataclass(frozen=True)
class Measured:
    """The measurements of a variant that is fit for a device."""

    precision: str
    execution: str
    ops: Mapping[str, int]
    signatures: Mapping[str, Any]
    runs_on: tuple[str, ...]
    """"interpreter", and "compiled_model" if LiteRT's CompiledModel can also run the file."""
    errors: Mapping[str, OutputError]
    """By output."""
    metric: float
    """The task's first metric. Without a task: the mean absolute error of all outputs."""
    interval: tuple[float, float] | None
    """The 95 % confidence interval of the metric; None without a task."""
    latency_ms: Mapping[str, float]
    """p50 and p95 of one call with a batch of 1. For a stream a call is one step."""

    @property
    def max_abs_error(self) -> float:
        """The largest error of any output."""
        return max(error.largest for error in self.errors.values())

    @property
    def relative_error(self) -> float:
        """The largest `relative` error of any output: a share of its spread, or of its decisions."""
        return max(error.relative for error in self.errors.values())

    def record(self) -> dict[str, Any]:
        """Return the variant's record for the manifest, without its file."""
        record = {
            "precision": self.precision,
            "execution": self.execution,
            "ops": dict(self.ops),
            "signatures": dict(self.signatures),
            "runs_on": list(self.runs_on),
            **_figures(self.errors, self.metric),
            "latency_ms": dict(self.latency_ms),
        }
        return record if self.interval is None else record | {"interval": self.interval}


def verify(
    content: bytes,
    precision: str,
    execution: str,
    reference: Reference,
    *,
    compiled: CompiledModelProcess,
    tolerance: float | None = None,
) -> Measured:
    """Run one variant on all examples, and return its measurements.

    Args:
        content: the .tflite file.
        precision: selects the bounds from `TOLERANCES`.
        execution: "step" for a stream.
        reference: inputs, the Keras model's outputs, and the task if there is one.
        compiled: the process that tries the first examples in CompiledModel.
        tolerance: the largest error of an output as a share of its range, instead of the precision's
            bound; only for a reference without a task.

    Raises:
        ExportError: the file holds ops that aren't builtin, or can't be run.
            MissedBoundError: the file runs, but its error is too large. The message gives the reason in one
            line, without the variant's name.
    """
    bounds = Bounds.of(precision, reference, tolerance)
    try:
        ops = list_ops(content)
        file = TFLiteFile(content, execution)
        outputs = file.outputs(reference.inputs, reference.outputs)
    except (UserError, ValueError, RuntimeError) as error:
        text = " ".join(str(error).split())
        raise ExportError(text if "can't be invoked" in text else f"can't be invoked: {text}") from error
    errors = compare(outputs, reference.outputs, bounds)
    metric = _metric(reference.task, outputs, errors)
    missed = [*problems(errors), *_metric_problems(reference.task, metric, bounds.tolerance)]
    if missed:
        raise MissedBoundError("; ".join(missed), _figures(errors, metric), _accepting(reference, errors))
    problem = _problem_on_compiled_model(file, reference, bounds, compiled)
    if problem and problem not in compiled.problems:  # other variants have the same: say it once
        compiled.problems.add(problem)
        log.warning("%s %s: CompiledModel %s", precision, execution, problem)
    return Measured(
        precision=precision,
        execution=execution,
        ops=ops,
        signatures=file.signatures(),
        runs_on=("interpreter",) if problem else ("interpreter", "compiled_model"),
        errors=errors,
        metric=metric,
        interval=_interval(reference.task, outputs),
        latency_ms=file.latency_ms(reference.inputs),
    )


def _metric(task: Task | None, outputs: Arrays, errors: Mapping[str, OutputError]) -> float:
    if task is None:
        return float(np.mean([error.mean for error in errors.values()]))
    return float(task.metrics[task.metric](_only(outputs), task.targets) or 0.0)


def _metric_problems(task: Task | None, value: float, tolerance: Tolerance) -> list[str]:
    """Return a line that says why the metric is too far from that of Keras; no line if it isn't."""
    if task is None:
        return []
    count, expected = len(task.targets), task.values[task.metric]
    if count < EXAMPLES_WANTED:
        log.warning("compared on only %d test examples; at least %d are recommended", count, EXAMPLES_WANTED)
    # In a small split, a difference of one example proves nothing.
    allowed = max(tolerance.metric_loss * abs(expected), 1.5 / count, tolerance.metric_noise / count**0.5)
    sign, limit = (1, "at least") if task.higher_is_better else (-1, "at most")
    bound = expected - sign * allowed
    if sign * value >= sign * bound:  # also False for NaN
        return []
    return [f"{task.metric} is {value:.4f}, {limit} {bound:.4f} is needed (Keras: {expected:.4f})"]


def _interval(task: Task | None, outputs: Arrays) -> tuple[float, float] | None:
    return None if task is None else interval(task.metrics[task.metric], _only(outputs), task.targets)


def _only(outputs: Arrays) -> np.ndarray:
    (output,) = outputs.values()
    return output


def _problem_on_compiled_model(
    file: TFLiteFile, reference: Reference, bounds: Bounds, compiled: CompiledModelProcess
) -> str:
    """Return why LiteRT's CompiledModel can't run the file; "" if it can."""
    some = reference.first(_EXAMPLES_IN_COMPILED_MODEL)
    try:
        errors = compare(compiled.outputs(file, some), some.outputs, bounds)
    except ExportError as reason:
        return f"does not run it: {reason}"
    return "; ".join(problems(errors))


def _accepting(reference: Reference, errors: Mapping[str, OutputError]) -> float | None:
    """Return the share of the range that the largest error is below, with two digits."""
    share = max(error.share_of_range for error in errors.values())
    if reference.task is not None or not np.isfinite(share):
        return None
    step = 10.0 ** (np.floor(np.log10(max(share, 1e-9))) - 1)
    return float(np.ceil(share / step) * step)


def _figures(errors: Mapping[str, OutputError], metric: float) -> dict[str, Any]:
    return {
        "max_abs_error": max(error.largest for error in errors.values()),
        "errors": {
            "max_abs": {name: error.largest for name, error in errors.items()},
            "mean_abs": {name: error.mean for name, error in errors.items()},
            "relative": {name: error.relative for name, error in errors.items()},
        },
        "metric": metric,
    }
