"""Forecasts: what the numbers of a network mean, and how they are scored. numpy only.

Outputs are (N, horizon, targets) for point forecasts, or (N, horizon, targets, levels) with the quantiles
`LEVELS`. Targets are (N, horizon, targets, 3): the value, NaN where it is missing and not scored; the
deviation of the training part, which is negative if log(1 + value) is scored; and the mean absolute change
from step to step in the training part.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..evaluation.score import MeanOf, Metric

LEVELS = (0.005, 0.1, 0.25, 0.5, 0.75, 0.9, 0.995)
"""The quantiles of a forecast: the median, and the ends of the intervals of 50, 80 and 99 %."""
MEDIAN = LEVELS.index(0.5)


def has_quantiles(outputs: np.ndarray) -> bool:
    """Return whether outputs (N, horizon, targets, ...) are quantiles."""
    return outputs.ndim == 4


def middle(outputs: np.ndarray) -> np.ndarray:
    """Return the point forecast, or the median of quantiles: (N, horizon, targets)."""
    return outputs[..., MEDIAN] if has_quantiles(outputs) else outputs


def mean_of(outputs: np.ndarray) -> np.ndarray:
    """Return the point forecast, or the mean of a distribution with these quantiles and straight lines
    between them: (N, horizon, targets). Of all forecasts, the mean has the least squared error."""
    if not has_quantiles(outputs):
        return outputs
    widths = np.diff(LEVELS)
    weights = np.zeros(len(LEVELS))
    weights[:-1] += widths / 2
    weights[1:] += widths / 2
    return outputs @ (weights / weights.sum())


def interval_of(outputs: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the central interval that should hold this share: .5, .8 or .99."""
    low = LEVELS.index(round((1 - share) / 2, 4))
    return outputs[..., low], outputs[..., len(LEVELS) - 1 - low]


def draw(quantiles: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a draw from each distribution with these quantiles (..., levels) and straight lines between
    them: (...). What lies beyond the outer quantiles is never drawn."""
    levels = np.array(LEVELS)
    level = rng.uniform(levels[0], levels[-1], quantiles.shape[:-1])
    place = np.clip(np.searchsorted(levels, level, side="right"), 1, len(levels) - 1)
    share = (level - levels[place - 1]) / (levels[place] - levels[place - 1])
    low, high = (np.take_along_axis(quantiles, at[..., None], -1)[..., 0] for at in (place - 1, place))
    return low + share * (high - low)


def scored(values: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Return values on the scale that is scored, in units of the training part's deviation."""
    with np.errstate(invalid="ignore"):
        logarithm = np.log1p(np.maximum(values, -0.999999))
    return np.where(deviation < 0, logarithm, values) / np.abs(deviation)


def _each(error: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> MeanOf:
    """Return a metric from error(outputs, targets) -> (N, horizon, targets), the mean of what isn't NaN."""

    def weights(targets: np.ndarray) -> np.ndarray:
        known = ~np.isnan(targets[..., 0])
        return known.reshape(len(known), -1).sum(axis=1).astype(float)

    def each(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        errors = error(outputs, targets).reshape(len(targets), -1)
        return np.nansum(errors, axis=1) / np.maximum(1.0, weights(targets))

    return MeanOf(each, weights)


def errors(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the errors of point forecasts or medians in deviations of the training part, NaN if unknown."""
    deviation = targets[..., 1]
    return scored(middle(outputs), deviation) - scored(targets[..., 0], deviation)


def squared_errors(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the squared errors of point forecasts or means, in squared deviations of the training part."""
    deviation = targets[..., 1]
    each = scored(outputs, deviation[..., None] if has_quantiles(outputs) else deviation)
    return np.square(mean_of(each) - scored(targets[..., 0], deviation))


def own_errors(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the absolute errors of point forecasts or medians in the unit of the data."""
    return np.abs(middle(outputs) - targets[..., 0])


def pinball_losses(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the mean pinball loss over all levels, in deviations of the training part."""
    deviation = targets[..., 1:2]
    differences = scored(targets[..., :1], deviation) - scored(outputs, deviation)
    levels = np.array(LEVELS)
    return np.maximum(levels * differences, (levels - 1) * differences).mean(axis=-1)


def covered(outputs: np.ndarray, targets: np.ndarray, share: float = 0.8) -> np.ndarray:
    """Return 1 where the value lies in the central interval, 0 where it doesn't, NaN if it is unknown."""
    low, high = interval_of(outputs, share)
    value = targets[..., 0]
    return np.where(np.isnan(value), np.nan, (low <= value) & (value <= high))


def _of_quantiles(error: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Metric:
    metric = _each(error)
    return lambda outputs, targets: metric(outputs, targets) if has_quantiles(outputs) else None


mse = _each(squared_errors)
mae = _each(lambda outputs, targets: np.abs(errors(outputs, targets)))
mae_own_unit = _each(own_errors)
mase = _each(lambda outputs, targets: own_errors(outputs, targets) / targets[..., 2])
pinball = _of_quantiles(pinball_losses)
coverage_80 = _of_quantiles(covered)

METRICS: dict[str, Metric] = {
    "mse": mse,
    "mae": mae,
    "mae_own_unit": mae_own_unit,
    "mase": mase,
    "pinball": pinball,
    "coverage_80": coverage_80,
}
