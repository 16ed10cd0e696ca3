"""One file for sequences of any length: it answers to a padded one as Keras does to the cut one."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from pipelines.errors import ExportError, UserError
from pipelines.export.any_model import convert
from pipelines.ondevice.model import Model

K = keras.layers
STEPS, FEATURES = 7, 3


def of_sequences() -> keras.Model:
    """Both directions, a mean over the steps, an output for each step and the last one; stock layers."""
    given = keras.Input([STEPS, FEATURES], name="x")
    hidden = K.Bidirectional(K.LSTM(4, return_sequences=True))(given)
    outputs = {
        "tags": K.Dense(2)(hidden),
        "last": K.GRU(3)(hidden),
        "mean": K.GlobalAveragePooling1D()(hidden),
    }
    model = keras.Model(given, outputs)
    rng = np.random.default_rng(1)
    for weight in model.trainable_weights:
        weight.assign(0.5 * rng.normal(size=weight.shape))
    return model


@pytest.mark.parametrize(("precision", "bound"), [("float32", 1e-5), ("int8", 0.05)])
def test_padded_is_answered_as_cut(precision: str, bound: float) -> None:
    model, rng = of_sequences(), np.random.default_rng(3)
    x = rng.normal(size=(20, STEPS, FEATURES)).astype(np.float32)
    device = Model(convert(model, precision, calibration={"x": x}, lengths=True))
    assert device.inputs["length"].shape == (1,)
    for length in (1, 2, 4, STEPS):
        padded = x[:1].copy()
        padded[:, length:] = rng.uniform(-50, 50, padded[:, length:].shape)
        answer = device(x=padded, length=np.array([length], np.int32))
        for name, wanted in model.call(x[:1, :length]).items():  # __call__ insists on 7 steps
            got = answer[name][:, :length] if name == "tags" else answer[name]
            np.testing.assert_allclose(got, wanted, atol=bound, err_msg=f"{name} of {length} steps")
        assert not answer["tags"][:, length:].any()


def test_the_length_counts() -> None:
    """Else the test above would pass for a file that ignores it."""
    model = of_sequences()
    x = np.random.default_rng(3).normal(size=(1, STEPS, FEATURES)).astype(np.float32)
    short, whole = (np.asarray(model.call(x[:, :length])["last"]) for length in (3, STEPS))
    assert np.abs(short - whole).max() > 0.1


def sequential(*layers: keras.layers.Layer, batch: int | None = None) -> keras.Model:
    return keras.Sequential([keras.Input([STEPS, FEATURES], batch, name="x"), *layers], name="mine")


def of_two() -> keras.Model:
    a, b = keras.Input([STEPS, FEATURES], name="a"), keras.Input([STEPS, FEATURES], name="b")
    return keras.Model([a, b], K.LSTM(3)(K.Concatenate()([a, b])), name="mine")


def of_tokens() -> keras.Model:
    return keras.Sequential([keras.Input([STEPS], name="t", dtype="int32"), K.Embedding(5, 4), K.LSTM(3)])


REFUSED = {
    "convolution": (
        lambda: sequential(K.Conv1D(4, 3, padding="same"), K.LSTM(3)),
        r"mine: expected layers that respect a mask, got conv1d \(Conv1D\)$",
    ),
    "maximum": (
        lambda: sequential(K.Bidirectional(K.LSTM(3, return_sequences=True)), K.GlobalMaxPooling1D()),
        r"expected layers that respect a mask, got global_max_pooling1d \(GlobalMaxPooling1D\)$",
    ),
    "flat": (
        lambda: sequential(K.LSTM(3, return_sequences=True), K.Flatten(), K.Dense(2)),
        "mine: can't process shorter sequences:",
    ),
    "own mask": (lambda: sequential(K.Masking(), K.LSTM(3)), "mine: .* got one that makes its own mask"),
    "stateful": (lambda: sequential(K.LSTM(3, stateful=True), batch=1), "lstm: .* found a stateful one"),
    "two": (of_two, r"mine: expected .* one float sequence \(steps, features\), got inputs .*'a'.*'b'"),
    "tokens": (of_tokens, r"expected .* one float sequence .* got inputs .*int32"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_length_does_not_cut_is_refused(name: str) -> None:
    make, message = REFUSED[name]
    with pytest.raises(UserError, match=f"^lengths: .*{message}") as caught:
        convert(make(), lengths=True)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        (np.array([1, 8]), "length: expected 1 to 7, got 1 to 8"),
        (np.array([0, 7]), "length: expected 1 to 7, got 0 to 7"),
        (np.array([1.0, 2.0]), r"length: expected integers \(2,\), got float64 \(2,\)"),
        (np.array([3]), r"length: expected integers \(2,\), got int64 \(1,\)"),
    ],
)
def test_lengths_that_are_none_are_refused(lengths: np.ndarray, message: str) -> None:
    x = np.zeros([2, STEPS, FEATURES], np.float32)
    with pytest.raises(UserError, match=message):
        convert(sequential(K.SimpleRNN(2)), calibration={"x": x, "length": lengths}, lengths=True)


def test_a_stream_has_no_length() -> None:
    x = np.zeros([2, STEPS, FEATURES], np.float32)
    with pytest.raises(ExportError, match="float32 step: a stream ends with its last step"):
        convert(sequential(K.SimpleRNN(2)), execution="step", calibration={"x": x}, lengths=True)
