"""Is this .tflite file fit for a device? List its ops, run it, compare it with Keras, score it, time it."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...errors import ExportError, UserError
from ...evaluation.intervals import interval
from ...evaluation.latency import latency_ms
from ...evaluation.score import score
from ...ondevice.model import Model, Stream
from ..tflite.audit import list_ops
from .forms import listed

if TYPE_CHECKING:
    from ...evaluation.predictors import Predictor
    from ...evaluation.score import Metric

log = logging.getLogger(__name__)

COMPARED_AT_LEAST = 200
_PROBED = 32
_PROBE_SECONDS = 120
_SIGNATURES = {"loop": "serve", "step": "step"}


class Tolerance(NamedTuple):
    """How far a variant may be from the Keras model."""

    max_abs_error: float
    """Of the outputs of all test examples, which are probabilities."""
    differing: float
    """Of outputs that are whole numbers (words, one after another): the share of test examples that may be
    answered in another way; how good those answers are, the metric tells."""
    metric_loss: float
    """How much of the first metric's Keras value may be lost (one example always may)."""
    chance: float = 0.0
    """Of N examples, chance / sqrt(N) may be lost, too: answers near a border go either way."""
    outliers: float = 0.0
    """The share of the outputs that `max_abs_error` does not hold for: of sequences that are answered step by
    step there are millions. How much such a one costs, the metric tells."""


# Wide enough for small networks that were hardly trained; what a precision may cost a trained one is held by
# the test of the recorded results.
TOLERANCES = {
    # The same float32 arithmetic in another order: rounding of 6e-8 a time, over some hundred steps.
    "float32": Tolerance(1e-4, 0.01, 0.002),
    # Weights keep 11 bits, a relative error of 5e-4: logits of about 10 shift by some hundredths.
    "float16": Tolerance(0.02, 0.2, 0.005),
    # Weights and, at run time, activations keep 8 bits: logits shift by up to about 1, which moves the
    # probability of an example between two classes by up to 0.25. The metric says whether that is rare.
    "dynamic_int8": Tolerance(0.3, 1.0, 0.02),
    # The same by ranges measured beforehand, which cut off what is beyond them.
    "int8": Tolerance(0.5, 1.0, 0.04, 1.0, outliers=1e-4),
    # Weights keep 8 bits, activations 16.
    "int16x8": Tolerance(0.3, 1.0, 0.01, 0.5),
}


@dataclass(frozen=True)
class Reference:
    """What a variant is held against: the test split, and the Keras model's answers to it."""

    inputs: np.ndarray
    """(N, ...)"""
    targets: np.ndarray
    outputs: np.ndarray
    """(N, K), as Keras gave them."""
    metrics: Mapping[str, Metric]
    values: Mapping[str, float]
    """Of `metrics`, for `outputs`; the first one counts."""
    higher_is_better: bool = True
    """Of the metric that counts."""


def verify(content: bytes, precision: str, execution: str, reference: Reference) -> dict[str, Any]:
    """Check one variant, and return its record for the manifest.

    All examples of the reference are run, compared and scored; latencies are of single answers, in
    milliseconds on this machine.

    Raises:
        ExportError: it holds ops that aren't builtin, can't be invoked, or is further from Keras than
            `TOLERANCES` allow. The message names the variant.
    """
    name = f"{precision} {execution}"
    tolerance = TOLERANCES[precision]
    first = next(iter(reference.metrics))
    try:
        ops = list_ops(content)
        model = Stream(content) if execution == "step" else Model(content)
        values, outputs = _scored(model, reference)
        error = _compared(outputs, reference, tolerance)
        _check_metric(values, reference, tolerance)
    except (ExportError, UserError) as reason:
        raise ExportError(f"{name}: {reason}") from reason
    return {
        "file": f"{precision}_{execution}.tflite",
        "precision": precision,
        "execution": execution,
        "ops": ops,
        "signatures": {_SIGNATURES[execution]: _signature(model)},
        "runs_on": ["interpreter", *_compiled_model(name, content, model, reference, tolerance)],
        "max_abs_error": error,
        "metric": values[first],
        "interval": interval(reference.metrics[first], outputs, reference.targets),
        "latency_ms": latency_ms(*_single_answers(model, reference)),
    }


def _signature(model: Model | Stream) -> dict[str, Any]:
    described = {"inputs": listed(model.inputs), "outputs": listed(model.outputs)}
    return described | ({"states": listed(model.states)} if isinstance(model, Stream) else {})


def _single_answers(model: Model | Stream, reference: Reference) -> tuple[Predictor, np.ndarray]:
    """Return what to time, and on which inputs: whole examples, or packets of the first ones."""
    if isinstance(model, Model):
        return model.predict, reference.inputs
    (name,) = model.inputs
    packets = np.concatenate([np.stack(model.packets(example)) for example in reference.inputs[:_PROBED]])
    return lambda one: model(**{name: one})[next(iter(model.outputs))], packets


def _scored(model: Model | Stream, reference: Reference) -> tuple[dict[str, float], np.ndarray]:
    predictor = partial(model.predict, workers=os.cpu_count() or 1)
    try:
        return score(predictor, reference.inputs, reference.targets, reference.metrics)
    except (ValueError, RuntimeError) as error:
        raise ExportError(f"can't be invoked: {' '.join(str(error).split())}") from error


def _compared(outputs: np.ndarray, reference: Reference, tolerance: Tolerance) -> float:
    """Return how different the outputs are from those of Keras."""
    if len(outputs) < COMPARED_AT_LEAST:
        log.warning("compared on %d test examples only, %d are wanted", len(outputs), COMPARED_AT_LEAST)
    error = bounded = difference(outputs, reference.outputs)
    if tolerance.outliers:
        bounded = difference(outputs, reference.outputs, tolerance.outliers)
    if not bounded <= _allowed(outputs, tolerance):  # not `>`: an error of NaN must fail
        raise ExportError(
            f"differs from Keras by {bounded:.3g}, at most {_allowed(outputs, tolerance):g} is allowed"
        )
    return error


def difference(outputs: np.ndarray, expected: np.ndarray, outliers: float = 0.0) -> float:
    """Return the largest absolute error of all outputs but the share `outliers`.

    Of whole numbers it is the share of examples that have another answer.
    """
    if outputs.shape != expected.shape:
        raise ExportError(f"expected outputs of shape {expected.shape} as from Keras, got {outputs.shape}")
    if _are_whole(outputs):
        return float((outputs != expected).reshape(len(outputs), -1).any(axis=1).mean())
    errors = np.abs(outputs.astype(np.float64) - expected)
    return float(np.quantile(errors, 1 - outliers, method="higher") if outliers else np.max(errors))


def _allowed(outputs: np.ndarray, tolerance: Tolerance) -> float:
    # Of a small split, one example more or less is no evidence.
    return max(tolerance.differing, 1.5 / len(outputs)) if _are_whole(outputs) else tolerance.max_abs_error


def _are_whole(outputs: np.ndarray) -> bool:
    return np.issubdtype(outputs.dtype, np.integer)


def _check_metric(values: Mapping[str, float], reference: Reference, tolerance: Tolerance) -> None:
    metric = next(iter(reference.metrics))
    expected = reference.values[metric]
    # Of a small split, one example more or less is no evidence.
    count = len(reference.targets)
    allowed = max(tolerance.metric_loss * abs(expected), 1.5 / count, tolerance.chance / count**0.5)
    sign, limit = (1, "at least") if reference.higher_is_better else (-1, "at most")
    bound = expected - sign * allowed
    if not sign * values[metric] >= sign * bound:
        raise ExportError(
            f"{metric} is {values[metric]:.4f}, {limit} {bound:.4f} is needed (Keras: {expected:.4f})"
        )


def _compiled_model(
    name: str, content: bytes, model: Model | Stream, reference: Reference, tolerance: Tolerance
) -> list[str]:
    """Return ["compiled_model"] where LiteRT's CompiledModel runs the file and answers as Keras does."""
    (spec,) = model.inputs.items()
    inputs = {spec[0]: reference.inputs[:_PROBED].astype(spec[1].dtype)}
    try:
        outputs = _in_subprocess(content, inputs)
        if isinstance(model, Stream):
            outputs = _as_streamed(outputs)
        error = difference(outputs, reference.outputs[:_PROBED], tolerance.outliers)
    except ExportError as reason:
        log.warning("%s: does not run on CompiledModel: %s", name, reason)
        return []
    if not error <= _allowed(outputs, tolerance):
        log.warning("%s: CompiledModel differs from Keras by %.3g", name, error)
        return []
    return ["compiled_model"]


def _as_streamed(outputs: np.ndarray) -> np.ndarray:
    """Return of what every packet gave, (N, packets, ...), what `Stream.predict` does."""
    if outputs.ndim > 3:
        return outputs.reshape(len(outputs), -1, *outputs.shape[3:])
    return outputs[:, -1]


def _in_subprocess(content: bytes, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """Run compiled_model.py, whose process may abort."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "model.tflite").write_bytes(content)
        np.savez(folder / "inputs.npz", allow_pickle=False, **inputs)
        script = Path(__file__).with_name("compiled_model.py")
        files = [str(folder / file) for file in ("model.tflite", "inputs.npz", "outputs.npy")]
        # -P: the script's own folder must not shadow other modules.
        command = [sys.executable, "-P", str(script), *files]
        try:
            done = subprocess.run(command, capture_output=True, timeout=_PROBE_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise ExportError(f"no answer in {_PROBE_SECONDS} s") from None
        if done.returncode != 0:
            last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
            raise ExportError(f"exit code {done.returncode}: {' '.join(last)}")
        return np.load(folder / "outputs.npy")
