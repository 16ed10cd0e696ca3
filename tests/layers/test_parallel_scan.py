"""The parallel scan equals the loop: outputs, states and gradients."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from reference.parity import random_like, randomize

from layers import LinearCell, MinGRUCell, MinLSTMCell, RGLRUCell
from layers.parallel_scan import linear_recurrence, parallel_scan
from layers.scan import Masks, loop

BATCH, FEATURES, UNITS = 3, 2, 5
LENGTHS = [1, 2, 7, 64]

SAME = {"atol": 2e-5, "rtol": 1e-6}
"""Rounding of float32 sums of up to BATCH * 64 products of size 1 to 5 in another order."""


def _coefficients(steps: int, seed: int = 2) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    a, b, h0 = random_like([(steps, BATCH, UNITS), (steps, BATCH, UNITS), (BATCH, UNITS)], seed)
    return 1.0 / (1.0 + np.exp(-a)), b, h0


def _one_by_one(a: Any, b: Any, h: Any) -> Any:
    outputs = []
    for a_t, b_t in zip(a, b, strict=True):
        h = a_t * h + b_t
        outputs.append(h)
    return outputs


@pytest.mark.parametrize("steps", LENGTHS)
def test_recurrence(steps: int) -> None:
    a, b, h0 = _coefficients(steps)
    expected = np.stack(_one_by_one(*(part.astype("float64") for part in (a, b, h0))))
    np.testing.assert_allclose(linear_recurrence(a, b, h0), expected, **SAME)


def test_recurrence_of_zeros_ones_and_large_numbers() -> None:
    """a = 0 forgets and a = 1 sums; both are exact, since the scan does not divide."""
    a = np.array([1, 1, 0, 1, 1, 0, 0, 1], np.float32)[:, None, None]
    b = np.array([1, 2, 1e30, 5, -1e30, 3, 4, 5], np.float32)[:, None, None]
    expected = [11, 13, 1e30, 1e30, 0, 3, 4, 9]
    np.testing.assert_array_equal(linear_recurrence(a, b, np.float32([[10]]))[:, 0, 0], np.float32(expected))


@pytest.mark.parametrize("steps", LENGTHS)
def test_gradient_of_the_recurrence(steps: int) -> None:
    parts = [tf.constant(part, tf.float64) for part in _coefficients(steps)]
    weights = tf.constant(np.random.default_rng(1).normal(size=parts[0].shape))
    gradients = []
    for run in (linear_recurrence, lambda a, b, h0: tf.stack(_one_by_one(list(a), list(b), h0))):
        with tf.GradientTape() as tape:
            tape.watch(parts)
            loss = tf.reduce_sum(weights * tf.sin(run(*parts)))
        gradients.append(tape.gradient(loss, parts))
    for result, expected in zip(*gradients, strict=True):
        np.testing.assert_allclose(result, expected, atol=1e-12, rtol=0)


def test_second_gradient_of_the_recurrence() -> None:
    a, b, h0 = (tf.constant(part, tf.float64) for part in _coefficients(7))
    second = []
    for run in (linear_recurrence, lambda a, b, h0: tf.stack(_one_by_one(list(a), list(b), h0))):
        with tf.GradientTape() as outer:
            outer.watch(a)
            with tf.GradientTape() as inner:
                inner.watch(a)
                loss = tf.reduce_sum(tf.sin(run(a, b, h0)))
            first = inner.gradient(loss, a)
        second.append(outer.gradient(first, a))
    np.testing.assert_allclose(*second, atol=1e-12, rtol=0)


def _cell(cell_class: type[LinearCell], **options: Any) -> LinearCell:
    cell = cell_class(UNITS, **options)
    cell.build((BATCH, FEATURES))
    randomize(cell)
    return cell


def _masks(which: str, steps: int) -> Masks:
    generator = np.random.default_rng(6)
    valid = tf.constant(generator.random((steps, BATCH, 1)) < 0.6)
    kept = (tf.constant(generator.random((steps, BATCH, UNITS)) < 0.3),)
    return {
        "no masks": Masks(),
        "padding": Masks(valid),
        "padding and zoneout": Masks(valid, kept=kept),
        "everything is padding": Masks(tf.zeros_like(valid)),
    }[which]


def _value_and_gradients(run: Any, cell: LinearCell, x: Any, h0: Any, masks: Masks) -> list[Any]:
    with tf.GradientTape() as tape:
        tape.watch([x, h0])
        outputs, (last,) = run(cell, cell.project_inputs(x), (h0,), masks)
        if masks.valid is not None:  # before the first valid step the loop may give zeros
            outputs = tf.where(tf.cumsum(tf.cast(masks.valid, tf.int32)) > 0, outputs, 0.0)
        loss = tf.reduce_sum(tf.sin(2.0 * outputs + 0.3)) + tf.reduce_sum(tf.sin(last))
    sources = [x, h0, *(weight.value for weight in cell.trainable_variables)]
    return [outputs, last, *tape.gradient(loss, sources, unconnected_gradients="zero")]


def _loop(*arguments: Any) -> Any:
    return loop(*arguments, return_sequences=True)


def _assert_same(results: list[Any], expected: list[Any]) -> None:
    for result, wanted in zip(results, expected, strict=True):
        np.testing.assert_allclose(result, wanted, **SAME)


@pytest.mark.parametrize("which", ["no masks", "padding", "padding and zoneout", "everything is padding"])
@pytest.mark.parametrize("steps", LENGTHS)
@pytest.mark.parametrize("cell_class", [MinGRUCell, MinLSTMCell, RGLRUCell])
def test_scan_is_the_loop(cell_class: type[LinearCell], steps: int, which: str) -> None:
    cell, masks = _cell(cell_class), _masks(which, steps)
    x, h0 = (tf.constant(part) for part in random_like([(steps, BATCH, FEATURES), (BATCH, UNITS)], seed=4))
    expected = _value_and_gradients(_loop, cell, x, h0, masks)
    _assert_same(_value_and_gradients(parallel_scan, cell, x, h0, masks), expected)


def test_zoneout_in_evaluation_mixes() -> None:
    cell, masks = _cell(MinGRUCell, zoneout=0.25), _masks("padding", 7)
    x, h0 = (tf.constant(part) for part in random_like([(7, BATCH, FEATURES), (BATCH, UNITS)], seed=4))
    expected = _value_and_gradients(_loop, cell, x, h0, masks)
    _assert_same(_value_and_gradients(parallel_scan, cell, x, h0, masks), expected)


@pytest.mark.parametrize("compiled", [False, True])
def test_shapes_that_are_not_known(compiled: bool) -> None:
    cell = _cell(MinLSTMCell)

    @tf.function(
        input_signature=[tf.TensorSpec([None, None, FEATURES]), tf.TensorSpec([None, UNITS])],
        jit_compile=compiled,
    )
    def in_graph(x: Any, h0: Any) -> Any:
        return _value_and_gradients(parallel_scan, cell, x, h0, Masks())

    for steps in LENGTHS if not compiled else (7,):
        x, h0 = random_like([(steps, BATCH, FEATURES), (BATCH, UNITS)], seed=4)
        expected = _value_and_gradients(_loop, cell, tf.constant(x), tf.constant(h0), Masks())
        _assert_same(in_graph(x, h0), expected)


def test_no_steps_leave_the_state() -> None:
    cell = _cell(MinGRUCell)
    x, h0 = tf.zeros([0, BATCH, FEATURES]), tf.constant(random_like([(BATCH, UNITS)])[0])
    outputs, last, d_x, d_h0, *_ = _value_and_gradients(parallel_scan, cell, x, h0, Masks())
    assert outputs.shape == (0, BATCH, UNITS)
    assert d_x.shape == x.shape
    np.testing.assert_array_equal(last, h0)
    np.testing.assert_allclose(d_h0, tf.cos(h0))


def test_saturated_gates_are_finite() -> None:
    """f / (f + i) and its gradient are finite where both gates are below the smallest float32."""
    cell = _cell(MinLSTMCell)
    gates = tf.constant([[-200.0, -200.0], [200.0, 200.0], [-200.0, 200.0], [200.0, -200.0]])
    x_proj = tf.repeat(tf.concat([gates, tf.ones([4, 1])], -1), UNITS, axis=-1)
    with tf.GradientTape() as tape:
        tape.watch(x_proj)
        a, b = cell.coefficients(x_proj)
        loss = tf.reduce_sum(a * b)
    np.testing.assert_allclose(a[:, 0], [0.5, 0.5, 1.0, 0.0], atol=1e-6)
    np.testing.assert_allclose(b[:, 0], [0.5, 0.5, 0.0, 1.0], atol=1e-6)
    assert np.isfinite(tape.gradient(loss, x_proj)).all()


def test_a_closed_recurrence_gate_keeps_the_state_and_has_a_gradient() -> None:
    """1 - a^2 is 0 where r is; the gradient of its root is finite there, too."""
    cell = _cell(RGLRUCell)
    x_proj = tf.repeat(tf.constant([[-200.0, 200.0, 1.0], [200.0, 200.0, 1.0]]), UNITS, axis=-1)
    with tf.GradientTape() as tape:
        tape.watch(x_proj)
        a, b = cell.coefficients(x_proj)
        loss = tf.reduce_sum(a * b)
    expected = (1.0 / (1.0 + np.exp(-np.float64(cell.decay)))) ** 8
    np.testing.assert_allclose(a, [np.ones(UNITS), expected], rtol=1e-5)
    np.testing.assert_allclose(b, [np.zeros(UNITS), np.sqrt(1.0 - expected**2)], atol=1e-3)
    assert np.isfinite(tape.gradient(loss, x_proj)).all()


def test_rates_of_decay_start_near_one() -> None:
    cell = RGLRUCell(500)
    cell.build((BATCH, FEATURES))
    rates = (1.0 / (1.0 + np.exp(-np.float64(cell.decay)))) ** 8
    assert 0.9 <= rates.min() < 0.91 < 0.98 < rates.max() <= 0.999
    np.testing.assert_allclose(rates.mean(), 0.9495, atol=0.005)
