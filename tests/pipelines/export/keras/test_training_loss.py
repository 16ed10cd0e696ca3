"""A training model with a CTC loss is exported without the loss."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from pipelines.export.any_model import convert
from pipelines.export.keras.training_loss import without_ctc_loss
from pipelines.ondevice.model import Model

L = keras.layers
STEPS, FEATURES, CLASSES, LETTERS = 6, 3, 5, 2


def ctc_batch_cost(labels: Any, probabilities: Any) -> Any:
    """Return the loss, as the example of Keras defines it."""
    lengths = [ops.full((ops.shape(each)[0],), each.shape[1], "int32") for each in (labels, probabilities)]
    return ops.ctc_loss(ops.cast(labels, "int32"), probabilities, *lengths)


class PassesOn(L.Layer):
    """As in the example of Keras: the loss is added, the probabilities are passed on."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.loss_fn = ctc_batch_cost

    def call(self, labels: Any, probabilities: Any) -> Any:
        self.add_loss(ops.mean(self.loss_fn(labels, probabilities)))
        return probabilities


class Answers(L.Layer):
    """Answers with the loss of labels and lengths."""

    def call(self, given: Any) -> Any:
        labels, probabilities, length, letters = given
        return ops.ctc_loss(labels, probabilities, ops.squeeze(letters, 1), ops.squeeze(length, 1))


def network() -> tuple[Any, Any]:
    x = keras.Input([STEPS, FEATURES], name="x")
    return x, L.Dense(CLASSES, "softmax", name="y")(L.LSTM(4, return_sequences=True)(x))


def passes_on() -> keras.Model:
    x, y = network()
    labels = keras.Input([LETTERS], name="labels")
    return keras.Model([x, labels], PassesOn(name="ctc")(labels, y))


def answers() -> keras.Model:
    x, y = network()
    lengths = [keras.Input([1], name=name, dtype="int32") for name in ("length", "letters")]
    labels = keras.Input([LETTERS], name="labels", dtype="int32")
    return keras.Model([x, labels, *lengths], Answers()([labels, y, *lengths]))


def in_a_lambda() -> keras.Model:
    x, y = network()
    labels = keras.Input([LETTERS], name="labels")
    loss = L.Lambda(lambda given: ctc_batch_cost(*given), output_shape=(1,), name="ctc_loss")([labels, y])
    return keras.Model([x, labels], loss)


@pytest.mark.parametrize("make", [passes_on, answers, in_a_lambda])
def test_the_loss_is_cut_off(make: Callable[[], keras.Model], caplog: pytest.LogCaptureFixture) -> None:
    model = make()
    with caplog.at_level(logging.WARNING):
        cut = without_ctc_loss(model)
    assert [each.name for each in cut.inputs] == ["x"]
    assert cut.output_names == ["y"]
    (line,) = (record.getMessage() for record in caplog.records)
    assert "is cut off, and the inputs that it alone uses are dropped: labels" in line


def test_the_file_answers_with_probabilities() -> None:
    model = passes_on()
    x = np.random.default_rng(0).normal(size=[3, STEPS, FEATURES]).astype(np.float32)
    content = convert(model, calibration={"x": x, "labels": np.zeros([3, LETTERS], np.float32)})
    expected = keras.Model(model.inputs[0], model.get_layer("y").output)(x)
    np.testing.assert_allclose(Model(content).predict(x), expected, atol=1e-6)


class CTCDecoder(L.Layer):
    """No loss: it belongs to the answer."""

    def call(self, probabilities: Any) -> Any:
        return ops.argmax(probabilities, axis=-1)


def test_other_models_stay_as_they_are() -> None:
    x, y = network()
    for output in (y, CTCDecoder()(y)):
        model = keras.Model(x, output)
        assert without_ctc_loss(model) is model
    sequential = keras.Sequential([keras.Input([STEPS, FEATURES]), L.LSTM(2)])
    assert without_ctc_loss(sequential) is sequential
