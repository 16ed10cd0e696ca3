"""Rounding to four bits: never worse than to the nearest integer, and much better on real inputs."""

from __future__ import annotations

import hypothesis.extra.numpy as arrays
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.export.tflite.passes.round_four_bits import packed
from pipelines.export.tflite.rounding import (
    LARGEST,
    costs_of,
    nearest,
    round_to_four_bits,
    squared_error,
)

SHAPES = st.tuples(st.integers(1, 6), st.integers(1, 9))
NUMBERS = st.floats(-1e3, 1e3, width=32)
WEIGHTS = arrays.arrays(np.float32, SHAPES, elements=NUMBERS)


def plain(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what plain rounding makes: the largest weight of each row becomes LARGEST."""
    largest = np.abs(weights.astype(np.float64)).max(axis=1)
    scales = np.where(largest > 0, largest / LARGEST, 1.0)
    return nearest(weights, scales), scales


def costs_for(weights: np.ndarray, seed: int) -> np.ndarray:
    """Return the mean products of inputs that depend on each other; the first input is always zero."""
    rng, columns = np.random.default_rng(seed), weights.shape[1]
    inputs = rng.normal(size=(20, columns)) @ rng.normal(size=(columns, columns))
    inputs[:, 0] = 0
    return inputs.T @ inputs / len(inputs)


@settings(deadline=None)
@given(WEIGHTS, st.integers(0, 2**16))
def test_it_is_never_worse_than_plain_rounding(weights: np.ndarray, seed: int) -> None:
    for moments in (None, costs_for(weights, seed)):
        costs = costs_of(moments)
        integers, scales = round_to_four_bits(weights, moments)
        error = squared_error(weights, integers, scales, costs)
        bound = squared_error(weights, *plain(weights), costs)
        size = squared_error(weights, np.zeros_like(weights), np.ones(len(weights)), costs)
        assert (error <= bound + 1e-9 * size + 1e-30).all()


@settings(deadline=None)
@given(WEIGHTS)
def test_without_inputs_each_weight_is_off_by_half_a_step_of_its_row_on_average(weights: np.ndarray) -> None:
    integers, scales = round_to_four_bits(weights)
    assert (integers.dtype, scales.dtype, scales.shape) == (np.int8, np.float32, (len(weights),))
    assert np.abs(integers).max() <= LARGEST
    assert (scales > 0).all()
    off = np.abs(weights - integers * scales[:, None].astype(np.float64))
    widest = np.abs(weights.astype(np.float64)).max(axis=1) / LARGEST
    assert (np.sqrt((off**2).mean(axis=1)) <= 0.5 * widest * (1 + 1e-6) + 1e-30).all()


def test_it_is_much_better_than_plain_rounding_where_inputs_depend_on_each_other() -> None:
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(40, 60)).astype(np.float32)
    moments = costs_for(weights, 1)
    costs = costs_of(moments)
    bound = squared_error(weights, *plain(weights), costs).sum()
    by_weights = squared_error(weights, *round_to_four_bits(weights), costs).sum()
    by_outputs = squared_error(weights, *round_to_four_bits(weights, moments), costs).sum()
    assert by_weights < 0.97 * bound
    assert by_outputs < 0.4 * by_weights


def test_one_large_weight_is_cut_off_where_that_helps_the_others() -> None:
    weights = np.append(np.linspace(-1, 1, 200), 3.0)[None].astype(np.float32)
    integers, scales = round_to_four_bits(weights)
    assert LARGEST * scales[0] < 2.5
    assert integers[0, -1] == LARGEST


@given(arrays.arrays(np.int8, SHAPES, elements=st.integers(-8, 7)))
def test_packing_keeps_every_integer(integers: np.ndarray) -> None:
    data = packed(integers)
    assert (data.dtype, len(data)) == (np.uint8, -(-integers.size // 2))
    both = np.stack([data & 15, data >> 4], axis=1).reshape(-1)[: integers.size].astype(int)
    np.testing.assert_array_equal(np.where(both > 7, both - 16, both).reshape(integers.shape), integers)
