"""Measures which inputs the products of a float32 model multiply with their weights, inside loops too."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from .flatbuffer import constant, opcode
from .graph_runner import GraphRunner

Moments = dict[bytes, np.ndarray]
"""For weights (rows, columns), by their bytes: the mean product of each pair of inputs."""

_BUILTIN = schema.BuiltinOperator
_MOST_COLUMNS = 2048
"""Wider weights are left out: the products of all pairs would take more memory than the network."""
_LARGEST = 1e10
"""Inputs with larger numbers, which come of infinities, are left out."""


def measure_moments(model: Any, examples: Iterable[Mapping[str, np.ndarray]], signature: str) -> Moments:
    """Run a float32 model over examples and return the moments of every FULLY_CONNECTED and CONV_2D.

    Args:
        model: a `schema.ModelT` with names from `unique_names`; it is not changed.
        examples: arrays by input name, of the shapes that the signature has.
        signature: the name of the signature to run.

    Weights with the same content, such as those of each step of an unrolled loop, have one entry. It is
    missing if no example reaches them.
    """
    readers: dict[bytes, list[tuple[bytes, Callable[[np.ndarray], np.ndarray]]]] = defaultdict(list)
    for name, weights, rows_of in _products(model):
        readers[name].append((weights, rows_of))
    sums: Moments = {}
    counts: dict[bytes, int] = defaultdict(int)

    def note(tensor: Any, value: np.ndarray) -> None:
        for weights, rows_of in readers.get(tensor.name, ()):
            rows = rows_of(value).astype(np.float64)
            rows = rows[(np.abs(rows) < _LARGEST).all(axis=1)]  # False for NaN, too
            sums[weights] = sums.get(weights, 0.0) + rows.T @ rows
            counts[weights] += len(rows)

    runner = GraphRunner(model, note)
    for example in examples:
        runner.run_signature(signature, example)
    return {weights: total / counts[weights] for weights, total in sums.items() if counts[weights]}


def _products(model: Any) -> Iterator[tuple[bytes, bytes, Callable[[np.ndarray], np.ndarray]]]:
    """Yield the name of each product's input, its weights, and what makes rows of columns of the input."""
    for graph in model.subgraphs:
        for op in graph.operators:
            if (kind := opcode(model, op)) not in (_BUILTIN.FULLY_CONNECTED, _BUILTIN.CONV_2D):
                continue
            given, weights = (graph.tensors[each] for each in op.inputs[:2])
            data = model.buffers[weights.buffer].data
            if data is None or np.prod(weights.shape[1:]) > _MOST_COLUMNS:
                continue
            key = constant(model, weights).tobytes()
            if kind == _BUILTIN.CONV_2D:
                yield given.name, key, _patches_for(op.builtinOptions, weights.shape[1:3])
            else:
                yield given.name, key, partial(_rows, columns=weights.shape[1])


def _rows(value: np.ndarray, columns: int) -> np.ndarray:
    return value.reshape(-1, columns)


def _patches_for(options: Any, size: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return what cuts images (N, height, width, channels) into the patches that a convolution reads."""
    steps = (options.strideH, options.strideW)
    dilations = (options.dilationHFactor, options.dilationWFactor)

    def patches(images: np.ndarray) -> np.ndarray:
        spans = [(count - 1) * dilation + 1 for count, dilation in zip(size, dilations, strict=True)]
        if options.padding == schema.Padding.SAME:
            images = np.pad(images, [(0, 0), *map(_padding, images.shape[1:3], spans, steps), (0, 0)])
        windows = np.lib.stride_tricks.sliding_window_view(images, spans, axis=(1, 2))
        windows = windows[:, :: steps[0], :: steps[1], :, :: dilations[0], :: dilations[1]]
        return np.moveaxis(windows, 3, -1).reshape(-1, size[0] * size[1] * images.shape[3])

    return patches


def _padding(length: int, span: int, step: int) -> tuple[int, int]:
    """Return how many zeros TFLite puts before and behind an axis with the padding SAME."""
    total = max(0, (-(-length // step) - 1) * step + span - length)
    return total // 2, total - total // 2
