"""Find the number of units whose file has a given size, by converting a few untrained networks."""

from __future__ import annotations

import dataclasses
import logging
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .._layers import layers
from ..app import App
from ..config import Config
from ..data.examples import Features
from ..errors import UserError
from ..export.keras.saved_model import write_saved_model
from ..export.prepared_model import packet_length
from ..export.tflite.convert import Source
from ..ondevice.manifest import PROBABILITIES

log = logging.getLogger(__name__)

WITHIN = 0.1
"""How far a file may be from the budget, as a share of it."""
_CLOSE = 0.03
"""A size this close to the budget is not improved further."""
_STRIDE = 4
"""A number of units is at most so many times larger or smaller than one whose size is known."""
_MOST = 4096
"""The largest number of units that is tried."""
_BUILDS = 8
"""The largest number of networks that are converted for a family."""


@dataclass(frozen=True)
class Fitted:
    """The size that a family has at the budget."""

    units: int
    bytes: int
    """Of the file without its metadata."""
    parameters: int
    state: int
    """Numbers that a stream carries from step to step; 0 if the network can't stream."""


def fit(app: App, config: Config, features: Features, *, budget: int, file: tuple[str, str]) -> Fitted:
    """Return the units whose file is closest to the budget.

    Args:
        app: the app.
        config: the settings of a family; its units are where the search starts.
        features: of the training data.
        budget: bytes of the file without its metadata.
        file: precision and execution of the file.

    Raises:
        UserError: no number of units brings the file within a tenth of the budget.
    """
    every = 4 if "transformer" in getattr(config, "cell", "") else 1
    made: dict[int, Fitted] = {}

    def size(units: int) -> int:
        if units not in made:
            made[units] = _built(app, dataclasses.replace(config, units=units), features, file)  # type: ignore[call-arg]
        return made[units].bytes

    units = search(size, config.units, budget=budget, every=every)  # type: ignore[attr-defined]
    best = made[units]
    log.info("%d units make %d bytes", best.units, best.bytes)
    if abs(best.bytes - budget) > WITHIN * budget:
        raise UserError(
            f"{best.units} units make {best.bytes:,} bytes: expected a budget within a tenth of that, "
            f"got {budget:,}"
        )
    return best


def search(size: Callable[[int], int], start: int, *, budget: int, every: int = 1) -> int:
    """Return the number, a multiple of `every`, whose size is closest to the budget.

    The size is taken to grow with the square of the number, as that of layers does.

    Args:
        size: returns the bytes for a number of units; called at most eight times.
        start: the number to start from.
        budget: the bytes wanted.
        every: what the number must be a multiple of.
    """
    found: dict[int, int] = {}
    units: int | None = max(every, start // every * every)
    while units is not None and len(found) < _BUILDS:
        found[units] = size(units)
        if abs(found[units] - budget) <= _CLOSE * budget:
            break
        units = _next(found, budget, every)
    return min(found, key=lambda each: (abs(found[each] - budget), each))


def _next(found: dict[int, int], budget: int, every: int) -> int | None:
    """Return the number to try next: where a parabola through two sizes meets the budget. None if tried."""
    by_distance = sorted(found, key=lambda each: abs(found[each] - budget))
    if len(found) == 1:
        wanted = by_distance[0] * (budget / found[by_distance[0]]) ** 0.5
    else:
        a, b = by_distance[:2]
        slope = (found[b] - found[a]) / (b**2 - a**2)
        wanted = max(0.0, a**2 + (budget - found[a]) / max(slope, 1e-9)) ** 0.5
    wanted = min(max(wanted, by_distance[0] / _STRIDE), by_distance[0] * _STRIDE)
    low, high = int(wanted) // every * every, (int(wanted) // every + 1) * every
    near = [low, high] if wanted - low < high - wanted else [high, low]
    best = by_distance[0]
    if abs(found[best] - budget) > WITHIN * budget:  # sizes may jump: small matrices stay in float
        towards = every if found[best] < budget else -every
        near += [best + towards * count for count in range(1, _BUILDS + 1)]
    return next((each for each in near if every <= each <= _MOST and each not in found), None)


def _built(app: App, config: Any, features: Features, file: tuple[str, str]) -> Fitted:
    """Convert an untrained network and measure it."""
    precision, execution = file
    model = app.deployed(config, features, app.build(config, features))
    rng = np.random.default_rng(0)
    for (
        weight
    ) in model.trainable_weights:  # as after a training: equal biases, such as zeros, share their bytes
        weight.assign(weight + 0.1 * rng.normal(size=weight.shape))
    rows = np.asarray(features.inputs["test"][:2])
    specs = {model.inputs[0].name: (rows.shape[1:], str(rows.dtype))}
    with tempfile.TemporaryDirectory() as name:
        write_saved_model(
            model,
            Path(name),
            specs,
            [PROBABILITIES],
            execution=execution,
            packet=packet_length(model),
        )
        examples = [{model.inputs[0].name: row[None]} for row in rows]
        content = Source(Path(name), execution, examples).convert(precision)
    return Fitted(config.units, len(content), int(model.count_params()), state_of(model))


def state_of(model: Any) -> int:
    """Return how many numbers a stream of a network carries; 0 if it can't stream."""
    try:
        states = layers.OneStep(model).states
    except ValueError:
        return 0
    return sum(int(np.prod(shape)) for shape in states.values())
