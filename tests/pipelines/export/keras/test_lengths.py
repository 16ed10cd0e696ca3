"""One file for sequences of any length: it answers to a padded one as Keras does to the cut one."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from pipelines.errors import ExportError, UserError
from pipelines.export.any_model import convert
from pipelines.export.keras.saved_model import arguments
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
    """Two sequences that go step by step together."""
    a, b = keras.Input([STEPS, FEATURES], name="a"), keras.Input([STEPS, FEATURES], name="b")
    return keras.Model([a, b], K.LSTM(3)(K.Concatenate()([a, b])), name="mine")


def translating() -> keras.Model:
    """Tokens, frames and a vector: an encoder, a decoder that attends to it, and a vector for all steps."""
    tokens, frames = keras.Input([None], name="tokens", dtype="int32"), keras.Input([None, 2], name="frames")
    memory = K.Bidirectional(K.GRU(2, return_sequences=True))(K.Embedding(5, 3, mask_zero=True)(tokens))
    hidden = K.LSTM(4, return_sequences=True)(frames)
    attended = K.Attention()([hidden, memory])
    attended = K.Add()([attended, K.MultiHeadAttention(1, 2)(hidden, hidden)])
    vector = keras.Input([3], name="vector")
    pooled = K.Concatenate()([K.GlobalAveragePooling1D()(attended), vector])
    return keras.Model([tokens, frames, vector], {"by_step": K.Dense(2)(attended), "one": K.Dense(2)(pooled)})


def masking() -> keras.Model:
    return sequential(K.Masking(), K.LSTM(3))


def cut(model: keras.Model, inputs: dict[str, np.ndarray], lengths: dict[str, int]) -> dict[str, np.ndarray]:
    """Return the answers of Keras to the cut sequences, by name."""
    given = {
        name: array[:, : lengths.get(name)] if name in lengths else array for name, array in inputs.items()
    }
    answer = model.call(arguments(model, given))
    return answer if isinstance(answer, dict) else {"": answer}


def padding(array: np.ndarray, length: int) -> np.ndarray:
    padded = array.copy()
    padded[:, length:] = padded[:, length:][:, ::-1] + (array.dtype.kind == "f") * 9
    return padded


def check(model: keras.Model, steps: int, lengths: list[dict[str, int]], of: dict[str, str]) -> None:
    """Check that a file answers to padded sequences as Keras to cut ones.

    Args:
        lengths: by input.
        of: the name of the length by input.
    """
    rng = np.random.default_rng(0)
    inputs = {}
    for each in model.inputs:
        shape = [1, *(size or steps for size in each.shape[1:])]
        whole = each.dtype == "int32"
        inputs[each.name] = (
            rng.integers(1, 5, shape, np.int32) if whole else rng.normal(size=shape).astype("f")
        )
    device = Model(convert(model, steps=steps, lengths=True))
    for chosen in lengths:
        given = {
            name: padding(array, chosen[name]) if name in chosen else array for name, array in inputs.items()
        }
        given |= {of[name]: np.array([length], np.int32) for name, length in chosen.items()}
        answers = device(**given)
        for (_, wanted), got in zip(
            sorted(cut(model, inputs, chosen).items()), dict(sorted(answers.items())).values(), strict=True
        ):
            behind = [(0, 0), (0, got.shape[1] - wanted.shape[1]), *[(0, 0)] * (got.ndim - 2)]
            np.testing.assert_allclose(got, np.pad(wanted, behind), atol=1e-5, err_msg=str(chosen))


@pytest.mark.filterwarnings("ignore:You are using a softmax")
def test_tokens_two_sequences_and_attention() -> None:
    of = {"tokens": "tokens_length", "frames": "frames_length"}
    check(translating(), 6, [{"tokens": 2, "frames": 5}, {"tokens": 6, "frames": 1}], of)


def test_sequences_that_go_together_share_a_length() -> None:
    check(of_two(), STEPS, [{"a": 3, "b": 3}, {"a": STEPS, "b": STEPS}], {"a": "length", "b": "length"})


def test_a_layer_that_makes_a_mask_keeps_the_lengths() -> None:
    check(masking(), STEPS, [{"x": 3}], {"x": "length"})


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
    "stateful": (lambda: sequential(K.LSTM(3, stateful=True), batch=1), "lstm: .* found a stateful one"),
    "no steps": (
        lambda: keras.Sequential([keras.Input([4], name="v"), K.RepeatVector(3), K.LSTM(2)], name="mine"),
        r"mine: expected .* model of sequences \(steps, \.\.\.\), got inputs .*'v'",
    ),
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
