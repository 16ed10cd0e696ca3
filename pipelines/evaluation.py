"""One metric function scores every form of a model: whatever answers inputs with outputs is a Predictor."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    import keras

    from .app import Metric


@dataclass(frozen=True)
class MeanOf:
    """A metric that is a mean over examples: its interval costs next to nothing."""

    each: Callable[[np.ndarray, np.ndarray], np.ndarray]
    """each(outputs, targets) -> one value for each example, (N,)."""
    weights: Callable[[np.ndarray], np.ndarray] | None = None
    """weights(targets) -> how much each example counts, (N,). Default: all alike."""

    def __call__(self, outputs: np.ndarray, targets: np.ndarray, /) -> float:
        """Return the mean."""
        return float(np.average(self.each(outputs, targets), weights=self._weights(targets)))

    def resampled(self, outputs: np.ndarray, targets: np.ndarray) -> Callable[[np.ndarray], float]:
        """Return a function of rows that gives the mean over them."""
        each, weights = self.each(outputs, targets), self._weights(targets)
        return lambda rows: float(np.average(each[rows], weights=weights[rows]))

    def _weights(self, targets: np.ndarray) -> np.ndarray:
        return np.ones(len(targets)) if self.weights is None else self.weights(targets)


class Predictor(Protocol):
    """A Keras model, a SavedModel, a .tflite file: inputs (N, ...) -> outputs (N, K), in the same order."""

    def __call__(self, inputs: np.ndarray, /) -> np.ndarray: ...


class KerasPredictor:
    """A Keras model with one input and one output, in batches."""

    def __init__(self, model: keras.Model, batch_size: int = 256) -> None:
        self._model = model
        self._batch_size = batch_size

    def __call__(self, inputs: np.ndarray, /) -> np.ndarray:
        """Answer inputs (N, ...) with outputs (N, K)."""
        # predict_on_batch and not predict, which spends tens of milliseconds a call on its own set-up.
        return in_batches(self._model.predict_on_batch, inputs, self._batch_size)


def in_batches(predictor: Predictor, inputs: np.ndarray, batch_size: int) -> np.ndarray:
    """Ask `predictor` for at most `batch_size` inputs at a time; the last batch may be smaller."""
    starts = range(0, len(inputs), batch_size)
    return np.concatenate([np.asarray(predictor(inputs[start : start + batch_size])) for start in starts])


def score(
    predictor: Predictor, inputs: np.ndarray, targets: np.ndarray, metrics: Mapping[str, Metric]
) -> tuple[dict[str, float], np.ndarray]:
    """Return the value of each metric that these targets have, and the outputs (N, K) that they judge."""
    if len(inputs) != len(targets) or len(inputs) == 0:
        raise ValueError(
            f"expected as many inputs as targets, at least one, got {len(inputs)} and {len(targets)}"
        )
    outputs = predictor(inputs)
    values = {name: metric(outputs, targets) for name, metric in metrics.items()}
    return {name: float(value) for name, value in values.items() if value is not None}, outputs


def interval(
    metric: Metric, outputs: np.ndarray, targets: np.ndarray, resamples: int = 1000, seconds: float = 10.0
) -> tuple[float, float]:
    """Return the 95 % confidence interval of a metric by the percentile bootstrap over examples.

    Resampling stops after `seconds`, but not before the hundredth. Efron and Tibshirani, An Introduction to
    the Bootstrap (1993), chapter 13.
    """

    def of_rows(rows: np.ndarray) -> float | None:
        return metric(outputs[rows], targets[rows])

    resampled = metric.resampled(outputs, targets) if isinstance(metric, MeanOf) else of_rows
    rng = np.random.default_rng(0)
    values: list[float | None] = []
    start = time.perf_counter()
    while len(values) < resamples and (len(values) < 100 or time.perf_counter() - start < seconds):
        rows = rng.integers(len(targets), size=len(targets))
        values.append(resampled(rows))
    low, high = np.percentile(np.array(values, float), [2.5, 97.5])
    return float(low), float(high)


def latency_ms(
    predictor: Predictor, inputs: np.ndarray, calls: int = 200, seconds: float = 3.0
) -> dict[str, float]:
    """Return p50 and p95 of the milliseconds that one input takes: batch 1, one after the other.

    Three calls warm up; `calls` are timed, or as many (at least ten) as `seconds` allow.
    """
    for i in range(3):
        predictor(inputs[i % len(inputs)][None])
    taken: list[float] = []
    while len(taken) < calls and (len(taken) < 10 or sum(taken) < seconds):
        one = inputs[len(taken) % len(inputs)][None]
        start = time.perf_counter()
        predictor(one)
        taken.append(time.perf_counter() - start)
    p50, p95 = np.percentile(taken, [50, 95]) * 1e3
    return {"p50": float(p50), "p95": float(p95)}
