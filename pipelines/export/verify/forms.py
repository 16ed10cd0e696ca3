"""Is a .tflite file what the Keras model is? For models without a task: every output, example by example."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import ExportError, UserError
from ...ondevice.model import Model, Spec, Stream
from ..packets import packets
from ..tflite.audit import list_ops

Answers = dict[str, np.ndarray]
"""By output name, (N, ...)."""

TOLERANCES = {"float32": 1e-4, "float16": 0.02, "dynamic_int8": 0.15, "int8": 0.3, "int16x8": 0.1}
"""Largest difference from Keras, as a share of the range that an output has (1 at least for the smallest)."""


@dataclass(frozen=True)
class Form:
    """What was measured of one variant."""

    precision: str
    execution: str
    bytes: int
    ops: Mapping[str, int]
    signatures: Mapping[str, Any]
    max_abs_error: Mapping[str, float]
    """By output."""
    mean_abs_error: Mapping[str, float]
    latency_ms: Mapping[str, float]
    """p50, p95 of one answer; of one step where the execution is `step`."""

    @property
    def file(self) -> str:
        """The name of the file."""
        return f"{self.precision}_{self.execution}.tflite"

    def record(self) -> dict[str, Any]:
        """Return the variant's record for the manifest."""
        mean = float(np.mean(list(self.mean_abs_error.values())))
        return {"file": self.file, **self.facts(), "metric": mean}

    def facts(self) -> dict[str, Any]:
        """Return what the manifest says of it beside the file's name and a metric."""
        return {
            "precision": self.precision,
            "execution": self.execution,
            "ops": dict(self.ops),
            "signatures": dict(self.signatures),
            "runs_on": ["interpreter"],
            "max_abs_error": max(self.max_abs_error.values()),
            "errors": {"max_abs": dict(self.max_abs_error), "mean_abs": dict(self.mean_abs_error)},
            "latency_ms": dict(self.latency_ms),
        }


def check_form(
    content: bytes,
    precision: str,
    execution: str,
    inputs: Mapping[str, np.ndarray],
    expected: Answers,
    tolerance: float | None = None,
) -> Form:
    """Run a file on inputs (N, ...) and compare with what Keras answered.

    Raises:
        ExportError: ops that aren't builtin, a file that can't be run, or an output further from Keras than
            `tolerance` (a share of its range; by default that of the precision) allows.
    """
    name = f"{precision} {execution}"
    try:
        ops = list_ops(content)
        answers, signatures, taken = (_stream if execution == "step" else _sequences)(
            content, inputs, expected
        )
    except (ExportError, UserError, ValueError, RuntimeError) as error:
        raise ExportError(f"{name}: {' '.join(str(error).split())}") from error
    largest, mean = {}, {}
    for key, wanted in expected.items():
        errors = np.abs(answers[key].astype(np.float64) - wanted)
        largest[key], mean[key] = float(errors.max()), float(errors.mean())
        share = TOLERANCES[precision] if tolerance is None else tolerance
        allowed = share * max(float(np.ptp(wanted)), 1e-3 if tolerance is None else 0.0)
        if not largest[key] <= allowed:
            raise ExportError(f"{name}: {key} {_where(errors, allowed)}")
    p50, p95 = np.percentile(taken, [50, 95]) * 1e3
    latency = {"p50": float(p50), "p95": float(p95)}
    return Form(precision, execution, len(content), ops, signatures, largest, mean, latency)


def _where(errors: np.ndarray, allowed: float) -> str:
    """Say how large the error is and, in a sequence, at which step it comes in."""
    text = f"differs from Keras by {errors.max():.3g}, at most {allowed:.3g} is allowed"
    if errors.ndim < 3:
        return text
    by_step = errors.max(axis=(0, *range(2, errors.ndim)))
    return f"{text}; first at step {int(np.argmax(by_step > allowed))} of {len(by_step)}"


Run = tuple[Answers, dict[str, Any], list[float]]


def _sequences(content: bytes, inputs: Mapping[str, np.ndarray], expected: Answers) -> Run:
    model = Model(content)
    rows: list[dict[str, np.ndarray]] = []
    taken: list[float] = []
    for i in range(len(next(iter(inputs.values())))):
        example = {name: array[i : i + 1] for name, array in inputs.items()}
        rows.append(_timed(lambda: model(**example), taken))  # noqa: B023
    signatures = {"serve": {"inputs": listed(model.inputs), "outputs": listed(model.outputs)}}
    return {key: np.concatenate([row[key] for row in rows]) for key in expected}, signatures, taken


def _stream(content: bytes, inputs: Mapping[str, np.ndarray], expected: Answers) -> Run:
    stream = Stream(content)
    answers: dict[str, list[np.ndarray]] = {key: [] for key in expected}
    taken: list[float] = []
    for i in range(len(next(iter(inputs.values())))):
        stream.reset()
        example = {name: array[i : i + 1] for name, array in inputs.items()}
        steps = [_timed(lambda: stream(**one), taken) for one in packets(stream, example)]  # noqa: B023
        for key, wanted in expected.items():
            together = np.concatenate([step[key] for step in steps], axis=1)
            whole = wanted.ndim == together.ndim and wanted.shape[1] == together.shape[1]
            answers[key].append(together if whole else steps[-1][key])
    signatures = {"step": {"inputs": listed(stream.inputs), "outputs": listed(stream.outputs)}}
    return {key: np.concatenate(rows) for key, rows in answers.items()}, signatures, taken


def _timed(answer: Callable[[], dict[str, np.ndarray]], taken: list[float]) -> dict[str, np.ndarray]:
    start = time.perf_counter()
    result = answer()
    taken.append(time.perf_counter() - start)
    return result


def listed(specs: Mapping[str, Spec]) -> dict[str, Any]:
    """Return inputs or outputs as the manifest holds them."""
    return {name: {"shape": list(spec.shape), "dtype": spec.dtype.name} for name, spec in specs.items()}
