"""Measures the range of every tensor of a float32 model over examples, inside loops too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .graph_runner import GraphRunner

Ranges = dict[str, tuple[float, float]]
"""The smallest and the largest value of each tensor, by name."""

_LARGEST = 1e20
"""Larger numbers come of infinities: a matrix product in TFLite gives 3.4e38 instead."""


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

    def extend_range(tensor: Any, value: np.ndarray) -> None:
        if value.dtype == np.float32 and value.size:
            name = tensor.name.decode()
            low, high = ranges.get(name, (np.inf, -np.inf))
            least, most = float(value.min()), float(value.max())
            if not most - least < _LARGEST:  # NaN too
                finite = value[np.abs(value) < _LARGEST]
                least, most = float(finite.min(initial=low)), float(finite.max(initial=high))
            if least <= most:
                ranges[name] = min(low, least), max(high, most)

    runner = GraphRunner(model, extend_range)
    for example in examples:
        runner.run_signature(signature, example)
    return ranges
