"""The optimizer counts the steps that it clips, and otherwise equals AdamW."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import layers

LIMIT = 1.0


def counting(variables):
    optimizer = layers.CountingAdamW(0.1, weight_decay=0.01, global_clipnorm=LIMIT)
    optimizer.build(variables)
    return optimizer


def variables():
    return [keras.Variable([1.0, 2.0]), keras.Variable([[3.0]])]


def gradients(norm):
    """The global norm of the gradients (3, 4, 0) and (12) is 13."""
    return [tf.constant([3.0, 4.0]) * norm / 13, tf.constant([[12.0]]) * norm / 13]


def test_steps_above_the_limit_are_counted():
    weights = variables()
    optimizer = counting(weights)
    for norm in (0.5, 3.0, 0.9, 1.1, 0.1):
        optimizer.apply(gradients(norm))
    assert optimizer.take_counts() == {"clipped_steps": 2, "gradient_norm": pytest.approx(5.6 / 5)}
    optimizer.apply(gradients(4.0))
    assert optimizer.take_counts() == {"clipped_steps": 1, "gradient_norm": pytest.approx(4.0)}
    assert optimizer.take_counts() == {"clipped_steps": 0, "gradient_norm": 0}


def test_updates_are_those_of_adamw():
    ours, theirs = variables(), variables()
    optimizers = [counting(ours), keras.optimizers.AdamW(0.1, weight_decay=0.01, global_clipnorm=LIMIT)]
    for norm in (0.5, 3.0, 20.0):
        for optimizer, weights in zip(optimizers, (ours, theirs), strict=True):
            optimizer.apply(gradients(norm), weights)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_without_a_limit_nothing_is_clipped():
    weights = variables()
    optimizer = layers.CountingAdamW(0.1)
    optimizer.apply([*gradients(50.0)], weights)
    assert optimizer.take_counts() == {"clipped_steps": 0, "gradient_norm": pytest.approx(50.0)}


def test_a_gradient_that_is_no_number_shows():
    weights = variables()
    optimizer = counting(weights)
    optimizer.apply([tf.constant([np.nan, 0.0]), tf.constant([[0.0]])])
    counts = optimizer.take_counts()
    assert counts["clipped_steps"] == 0
    assert np.isnan(counts["gradient_norm"])


def test_accumulated_gradients_count_once():
    weights = variables()
    optimizer = layers.CountingAdamW(0.1, global_clipnorm=LIMIT, gradient_accumulation_steps=2)
    optimizer.build(weights)
    for norm in (0.4, 3.6, 0.2, 0.4):
        optimizer.apply(gradients(norm))
    assert optimizer.take_counts() == {"clipped_steps": 1, "gradient_norm": pytest.approx((2.0 + 0.3) / 2)}


def test_counts_are_kept_by_a_saved_model(tmp_path):
    model = keras.Sequential([keras.Input([2]), keras.layers.Dense(1, kernel_initializer="ones")])
    model.compile(layers.CountingAdamW(0.1, global_clipnorm=1e-3), "mean_squared_error", jit_compile=False)
    model.fit(np.ones([8, 2]), np.zeros([8, 1]), batch_size=2, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(loaded.optimizer, layers.CountingAdamW)
    counts = model.optimizer.take_counts()
    assert counts["clipped_steps"] == 4
    assert loaded.optimizer.take_counts() == counts
