"""Layers that see a window of the past compute their equations, and go on from call to call."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from reference.parity import random_like, randomize

import layers

BATCH, STEPS, FEATURES, UNITS = 2, 11, 3, 4


def relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)


def convolution(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, dilation: int) -> np.ndarray:
    """sum_j x_(t - j d) A_j + a, one step and one tap after the other."""
    blocks = np.split(kernel, kernel.shape[0] // x.shape[-1])  # those of j = kernel_size - 1, ..., 0
    made = np.tile(bias, (*x.shape[:2], 1)).astype(np.float64)
    for t in range(x.shape[1]):
        for j, block in enumerate(reversed(blocks)):
            if t - j * dilation >= 0:
                made[:, t] += x[:, t - j * dilation] @ block
    return made


def by_the_equations_of_a_tcn(x: np.ndarray, weights: dict[str, np.ndarray], dilations) -> np.ndarray:
    for number, dilation in enumerate(dilations, 1):
        inner = x
        for place in (1, 2):
            name = f"{number}_{place}"
            inner = relu(convolution(inner, weights[f"kernel_{name}"], weights[f"bias_{name}"], dilation))
        around = weights.get(f"around_{number}")
        x = relu(inner + (x if around is None else x @ around))
    return x


def normalised(x: np.ndarray, gain: np.ndarray, shift: np.ndarray) -> np.ndarray:
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * gain + shift


def by_the_equations_of_a_transformer(x, w: dict[str, np.ndarray], heads: int, window: int) -> np.ndarray:
    if "input_kernel" in w:
        x = x @ w["input_kernel"] + w["input_bias"]
    size = x.shape[-1] // heads
    of_all = normalised(x, w["gain_1"], w["shift_1"]) @ w["attention_kernel"] + w["attention_bias"]
    q, k, v = np.split(of_all, 3, -1)
    attended = np.zeros_like(x)
    for b in range(len(x)):
        for head in range(heads):
            part = slice(head * size, (head + 1) * size)
            for t in range(x.shape[1]):
                back = [t - j for j in range(window)]
                keys = np.array([k[b, s, part] if s >= 0 else np.zeros(size) for s in back])
                values = np.array([v[b, s, part] if s >= 0 else np.zeros(size) for s in back])
                scores = np.exp(keys @ q[b, t, part] / np.sqrt(size) + w["position_bias"][head])
                attended[b, t, part] = scores @ values / scores.sum()
    u = x + attended @ w["output_kernel"] + w["output_bias"]
    inner = relu(normalised(u, w["gain_2"], w["shift_2"]) @ w["inner_kernel"] + w["inner_bias"])
    return u + inner @ w["outer_kernel"] + w["outer_bias"]


LAYERS = {
    "tcn": (lambda **o: layers.TemporalConvolution(UNITS, dilations=(1, 2), **o)),
    "tcn of two taps": (lambda **o: layers.TemporalConvolution(UNITS, kernel_size=2, dilations=(3,), **o)),
    "tcn of one tap": (lambda **o: layers.TemporalConvolution(UNITS, kernel_size=1, dilations=(1,), **o)),
    "transformer": (lambda **o: layers.CausalTransformer(UNITS, heads=2, window=3, **o)),
    "transformer of one step": (lambda **o: layers.CausalTransformer(UNITS, heads=1, window=1, **o)),
    "transformer that sees everything": (
        lambda **o: layers.CausalTransformer(UNITS, heads=4, window=20, **o)
    ),
}


def expected(layer: keras.layers.Layer, x: np.ndarray) -> np.ndarray:
    weights = {each.name: np.asarray(each, np.float64) for each in layer.weights}
    if isinstance(layer, layers.TemporalConvolution):
        return by_the_equations_of_a_tcn(x, weights, layer.dilations)
    return by_the_equations_of_a_transformer(x, weights, layer.heads, layer.window)


@pytest.mark.parametrize("features", [FEATURES, UNITS])
@pytest.mark.parametrize("name", LAYERS)
def test_the_equations(name: str, features: int) -> None:
    (x,) = random_like([(BATCH, STEPS, features)])
    layer = LAYERS[name](return_sequences=True)
    layer.build(x.shape)
    randomize(layer)
    np.testing.assert_allclose(layer(x), expected(layer, np.asarray(x, np.float64)), rtol=1e-4, atol=1e-4)
    single = LAYERS[name]()
    single.build(x.shape)
    single.set_weights(layer.get_weights())
    np.testing.assert_allclose(single(x), layer(x)[:, -1], rtol=1e-6)
    assert single.compute_output_shape(x.shape) == single(x).shape


@pytest.mark.parametrize("name", LAYERS)
def test_padding_at_the_end_changes_nothing(name: str) -> None:
    (x,) = random_like([(BATCH, STEPS, FEATURES)])
    layer = LAYERS[name]()
    layer.build(x.shape)
    randomize(layer)
    padded = np.pad(x, [(0, 0), (0, 4), (0, 0)])
    mask = np.arange(STEPS + 4) < STEPS
    np.testing.assert_allclose(layer(padded, mask=np.tile(mask, (BATCH, 1))), layer(x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["tcn", "transformer"])
def test_continued_calls_equal_one_call(name: str) -> None:
    (x,) = random_like([(BATCH, 3 * STEPS, FEATURES)])
    inner = LAYERS[name](return_sequences=True)
    going_on = layers.Continued(inner)
    inputs = keras.Input([None, FEATURES], batch_size=BATCH)
    model = keras.Model(inputs, going_on(inputs))
    randomize(inner)
    whole = np.asarray(inner(x))
    for _ in range(2):
        going_on.reset_state()
        pieces = [model.predict_on_batch(x[:, i : i + STEPS]) for i in range(0, 3 * STEPS, STEPS)]
        np.testing.assert_allclose(np.concatenate(pieces, 1), whole, rtol=1e-5, atol=1e-5)
    assert np.abs(model.predict_on_batch(x[:, :STEPS]) - whole[:, :STEPS]).max() > 1e-3
    assert [each.name for each in going_on.weights] == [each.name for each in inner.weights]


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="units: expected a multiple of heads=4, got 6"):
        layers.CausalTransformer(6)
    with pytest.raises(ValueError, match="dilations: expected at least one, got none"):
        layers.TemporalConvolution(4, dilations=())
    with pytest.raises(ValueError, match="kernel_size"):
        layers.TemporalConvolution(4, kernel_size=0)
    with pytest.raises(ValueError, match="expected a fixed batch size, got None"):
        layers.Continued(layers.TemporalConvolution(4))(keras.Input([None, 3]))
    with pytest.raises(TypeError, match="TemporalConvolution"):
        layers.Bidirectional(layers.TemporalConvolution(4))


@pytest.mark.parametrize("name", ["tcn", "transformer"])
def test_it_learns_what_was_said_some_steps_ago(name: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, (256, 12, 1)).astype(np.float32)
    y = np.pad(x[:, :-2], [(0, 0), (2, 0), (0, 0)])
    keras.utils.set_random_seed(1)
    make = {"tcn": layers.TemporalConvolution, "transformer": layers.CausalTransformer}[name]
    recalls = make(8, return_sequences=True, **({"window": 4} if name == "transformer" else {}))
    dense = keras.layers.Dense(1, activation="sigmoid")
    model = keras.Sequential([keras.Input([12, 1]), recalls, dense])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model.optimizer.learning_rate = 0.02
    model.fit(x, y, epochs=12, batch_size=32, verbose=0)
    assert model.evaluate(x, y, verbose=0)[1] > 0.97
