"""Measures the range of every tensor of a float32 model over examples, inside loops too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .graph_runner import GraphRunner

Ranges = dict[str, tuple[float, float]]
"""The smallest and the largest value of each tensor, by name."""


def calibrate(model: Any, examples: Iterable[Mapping[str, np.ndarray]], signature: str) -> Ranges:
    """Run a float32 model over examples and return the range of every float32 tensor that is computed.

    Args:
        model: a `schema.ModelT` with names from `unique_names`; it is not changed.
        examples: arrays by input name, of the shapes that the signature has.
        signature: the name of the signature to run.

    A tensor that no example reaches has no range.
    """
    ranges: Ranges = {}

    def extend_range(tensor: Any, value: np.ndarray) -> None:
        if value.dtype == np.float32 and value.size:
            name = tensor.name.decode()
            low, high = ranges.get(name, (np.inf, -np.inf))
            ranges[name] = min(low, float(value.min())), max(high, float(value.max()))

    runner = GraphRunner(model, extend_range)
    for example in examples:
        runner.run_signature(signature, example)
    return ranges
