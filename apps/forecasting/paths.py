"""Draws paths of the future step by step on the device: numpy and the streaming file."""

from __future__ import annotations

import numpy as np

from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.model import Stream
from pipelines.tasks.forecasting import draw

from .features import observed
from .series_input import Recent


def drawn_paths(
    bundle: Bundle, stream: Stream, series: Recent, *, samples: int, rng: np.random.Generator
) -> np.ndarray:
    """Return paths that may follow a series, (horizon, targets, samples), in the data's unit.

    Each step is drawn from the forecast of the step before it, and read as if it had been observed: so the
    steps of a path belong together, unlike quantiles of different steps. Targets of one step are drawn
    independently. Covariates keep their last values, and so do future covariates beyond the file.

    Args:
        bundle: with a network of quantiles.
        stream: its streaming file. Its state is lost.
        series: what the paths begin from.
        samples: the number of paths.
        rng: the only source of chance.
    """
    (name,), (output,) = stream.inputs, stream.outputs
    horizon, count = len(series.times), len(bundle.preprocessing["targets"])
    ahead = series.ahead.copy()
    ahead[:, :count] = 0  # not missing: what is drawn takes this place
    rows = observed(bundle, np.concatenate([series.window, ahead]))[:, None, None]
    stream.reset()
    for row in rows[: len(series.window)]:
        first = stream(**{name: row})[output]
    start, rows = stream.state, rows[len(series.window) :]
    paths = np.empty((horizon, count, samples))
    for path in range(samples):
        stream.state, forecast = start, first
        for step, row in enumerate(rows):
            paths[step, :, path] = draw(forecast[0, 0], rng)
            if step + 1 < horizon:
                row[..., :count] = paths[step, :, path]
                forecast = stream(**{name: row})[output]
    return paths
