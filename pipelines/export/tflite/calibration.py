"""Measures the range of every tensor of a float32 model over examples, inside loops too."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .graph_runner import GraphRunner

Ranges = dict[str, tuple[float, float]]
"""The smallest and the largest value of each tensor, by name."""

_LARGEST = 1e20
"""Larger numbers come of infinities: a matrix product in TFLite gives 3.4e38 instead."""
_AT_ONCE, _SMALL = 64, 256
"""So many values of a tensor are measured together, if they are arrays of no more numbers than this: numpy
takes as long for the call as for a few hundred numbers."""


def calibrate(model: Any, examples: Iterable[Mapping[str, np.ndarray]], signature: str) -> Ranges:
    """Run a float32 model over examples and return the range of every float32 tensor that is computed.

    Args:
        model: a `schema.ModelT` with names from `unique_names`; it is not changed.
        examples: arrays by input name, of the shapes that the signature has.
        signature: the name of the signature to run.

    Infinities and NaN, which integers lack, have no part in a range. A tensor that no example
    reaches with a number has none.
    """
    ranges: Ranges = {}
    unmeasured: dict[bytes, list[np.ndarray]] = defaultdict(list)

    def note(tensor: Any, value: np.ndarray) -> None:
        if value.dtype == np.float32 and value.size:
            values = unmeasured[tensor.name]
            values.append(value)
            if value.size > _SMALL or len(values) == _AT_ONCE:
                _extend(ranges, tensor.name.decode(), values)
                values.clear()

    runner = GraphRunner(model, note)
    for example in examples:
        runner.run_signature(signature, example)
    for name, values in unmeasured.items():
        if values:
            _extend(ranges, name.decode(), values)
    return ranges


def _extend(ranges: Ranges, name: str, values: list[np.ndarray]) -> None:
    """Extend the range of a tensor by values of it."""
    together = np.concatenate([value.ravel() for value in values])
    low, high = ranges.get(name, (np.inf, -np.inf))
    least, most = float(together.min()), float(together.max())
    if not most - least < _LARGEST:  # NaN too
        finite = together[np.abs(together) < _LARGEST]
        least, most = float(finite.min(initial=low)), float(finite.max(initial=high))
    if least <= most:
        ranges[name] = min(low, least), max(high, most)
