"""Models as people have them: mixed precision, regularizers, batches of a fixed size, plain subclasses."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from pipelines.export.any_model import convert
from pipelines.export.keras.plain import plain
from pipelines.ondevice.model import Model, Stream

L = keras.layers
STEPS, FEATURES = 5, 3
X = np.random.default_rng(0).normal(size=[4, STEPS, FEATURES]).astype(np.float32)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_a_model_of_mixed_precision_is_exported_in_float32(policy: str) -> None:
    model = keras.Sequential(
        [
            keras.Input([STEPS, FEATURES], name="x"),
            L.Bidirectional(L.LSTM(4, dtype=policy), dtype=policy),
            L.Dense(2, dtype=policy),
        ]
    )
    before = np.asarray(model(X))
    answers = Model(convert(model, calibration=X)).predict(X)
    with plain(model):
        np.testing.assert_allclose(answers, model(X), atol=1e-6)
    assert np.asarray(model(X)).dtype == before.dtype != np.float32
    np.testing.assert_array_equal(model(X), before)


def test_activity_regularizers_are_for_training_only() -> None:
    layer = L.GRU(4, activity_regularizer="l2")
    model = keras.Sequential([keras.Input([STEPS, FEATURES], name="x"), layer])
    np.testing.assert_allclose(Model(convert(model, calibration=X)).predict(X), model(X), atol=1e-6)
    assert layer.activity_regularizer is not None


def test_an_activation_may_be_a_layer_without_weights() -> None:
    rnn = L.SimpleRNN(4, activation=L.LeakyReLU())
    model = keras.Sequential([keras.Input([STEPS, FEATURES], name="x"), rnn])
    np.testing.assert_allclose(Model(convert(model, calibration=X)).predict(X), model(X), atol=1e-6)


def test_a_stateful_model_of_a_larger_batch_streams_one_sequence() -> None:
    given = keras.Input(batch_shape=[32, STEPS, FEATURES], name="x")
    model = keras.Model(given, L.GRU(4, stateful=True, return_sequences=True, name="y")(given))
    stream = Stream(convert(model, execution="step", calibration=X))
    answers = [stream(x=X[:1, t : t + 1])["y"] for t in range(STEPS)]
    model.layers[1].reset_state()
    expected = np.asarray(model(np.repeat(X[:1], 32, axis=0)))[:1]
    np.testing.assert_allclose(np.concatenate(answers, axis=1), expected, atol=1e-6)


class Plain(keras.Model):
    """A subclass without arguments, config and `training`."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.dense = L.LSTM(4), L.Dense(2)

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        """Return two numbers a sequence."""
        return self.dense(self.rnn(x))


@pytest.mark.parametrize("execution", ["loop", "step"])
def test_a_subclass_with_a_plain_init(execution: str) -> None:
    model = Plain()
    expected = np.asarray(model(X))
    content = convert(model, execution=execution, calibration={"x": X})
    if execution == "loop":
        np.testing.assert_allclose(Model(content).predict(X), expected, atol=1e-6)
    else:
        stream = Stream(content)
        last = [stream(x=X[:1, t : t + 1]) for t in range(STEPS)][-1]
        np.testing.assert_allclose(next(iter(last.values())), expected[:1], atol=1e-6)
