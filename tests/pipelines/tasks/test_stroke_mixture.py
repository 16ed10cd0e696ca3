"""The mixture layer and its loss, against numpy."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipelines.ondevice.pen_mixture import PADDING, end_nll, mixture_of
from pipelines.tasks.stroke_mixture import StrokeLoss, StrokeMixture, end_loss, stroke_nll

rng = np.random.default_rng(0)


def test_the_numbers_become_a_mixture() -> None:
    numbers = rng.normal(0, 3, (2, 3, 13)).astype(np.float32)
    a, b, c, d, e = np.split(numbers.astype(np.float64), [2, 6, 10, 12], axis=-1)
    made = mixture_of(np.asarray(StrokeMixture()(numbers)))
    log_weights = a - np.logaddexp.reduce(a, axis=-1, keepdims=True)
    np.testing.assert_allclose(made.log_weights, log_weights, atol=1e-5)
    np.testing.assert_allclose(made.means, np.stack([b[..., :2], b[..., 2:]], axis=-1), atol=1e-5)
    sigmas = 0.1 + np.logaddexp(0, c)
    np.testing.assert_allclose(made.sigmas, np.stack([sigmas[..., :2], sigmas[..., 2:]], -1), rtol=1e-4)
    np.testing.assert_allclose(made.correlations, 0.95 * np.tanh(d), atol=1e-5)
    np.testing.assert_allclose(made.pen_logit, e[..., 0], atol=1e-5)


def test_extreme_numbers_stay_finite_and_above_the_floor() -> None:
    numbers = np.array([[[-1e4, -1e4, -1e4]], [[1e4, 1e4, 1e4]]], np.float32).repeat(5, axis=2)[..., :13]
    outputs = StrokeMixture()(numbers)
    made = mixture_of(np.asarray(outputs))
    assert made.sigmas.min() >= 0.0999
    with tf.GradientTape() as tape:
        given = tf.constant(numbers)
        tape.watch(given)
        loss = StrokeLoss()(np.zeros((2, 1, 3), np.float32), StrokeMixture()(given))
    assert np.isfinite(float(loss))
    assert np.isfinite(tape.gradient(loss, given)).all()


def test_the_loss_is_the_metric_and_does_not_count_padding() -> None:
    outputs = StrokeMixture()(rng.normal(size=(3, 5, 19)).astype(np.float32))
    targets = rng.normal(size=(3, 5, 3)).astype(np.float32)
    targets[..., 2] = rng.integers(0, 2, (3, 5))
    targets[0, 2:] = targets[1, 4:] = PADDING
    expected = stroke_nll(np.asarray(outputs), targets)
    assert float(StrokeLoss()(targets, outputs)) == pytest.approx(expected, rel=1e-5)
    targets[0, 3:, :2] = np.nan
    assert float(StrokeLoss()(targets, outputs)) == pytest.approx(expected, rel=1e-5)


def test_the_loss_of_the_end_is_its_share_of_all_steps() -> None:
    logits = rng.normal(size=(3, 5)).astype(np.float32)
    targets = rng.normal(size=(3, 5, 4)).astype(np.float32)
    targets[..., 2:] = rng.integers(0, 2, (3, 5, 2))
    targets[0, 2:, 2] = PADDING
    expected = end_nll(logits, targets).sum() / 12
    assert float(end_loss(targets, logits)) == pytest.approx(expected, rel=1e-5)


def test_the_layer_can_be_made_again_and_refuses_other_sizes() -> None:
    layer = StrokeMixture(0.2)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert again.floor == 0.2
    with pytest.raises(ValueError, match="expected 6 M \\+ 1 numbers a step, got 12"):
        layer(np.zeros((1, 1, 12), np.float32))
