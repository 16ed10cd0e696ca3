"""Operations that treat each step alone stream; those that don't, or look as if they did, are refused."""

import keras
import numpy as np
import pytest

import layers

L, ops = keras.layers, keras.ops
STEPS, FEATURES = 6, 4
X = np.random.default_rng(0).normal(size=[2, STEPS, FEATURES]).astype(np.float32)


def model_of(before, after=lambda x: x):
    given = keras.Input([STEPS, FEATURES], name="x")
    hidden = L.GRU(3, return_sequences=True)(before(given))
    return keras.Model(given, after(hidden))


def streamed(model: keras.Model) -> np.ndarray:
    step = layers.OneStep(layers.convert_model(model))
    states, outputs = step.initial_states(len(X)), None
    for t in range(STEPS):
        outputs, states = step(X[:, t : t + 1], states)
    return np.asarray(outputs)


def sequences_to_sequences():
    given = keras.Input([STEPS, FEATURES])
    return keras.Model(given, L.LSTM(5, return_sequences=True)(given))


def two_windows(padded):
    return L.Concatenate()([L.MaxPooling1D(3, 1)(padded), L.AveragePooling1D(3, 1)(padded)])


BEFORE = {
    "a division": lambda x: x / 255.0,
    "absolute and logarithm": lambda x: ops.log(ops.abs(x) + 1.0),
    "features": lambda x: x[:, :, :2],
    "unit length": L.UnitNormalization(),
    "a constant for each feature": lambda x: x * np.arange(FEATURES, dtype=np.float32),
    "clip and power": lambda x: ops.clip(x, -1, 1) ** 2,
    "features of images": lambda x: L.Reshape([-1, 2, 2])(x)[..., 0],
    "a row of images": lambda x: L.Reshape([-1, 2, 2])(x)[:, :, 1],
    "features of images of all steps": lambda x: L.Reshape([STEPS, 2, 2])(x)[..., 0],
    "an operation that names the steps": lambda x: ops.reshape(x, [-1, STEPS, 2, 2])[..., 0],
    "the largest and the mean of images": lambda x: (
        ops.max(L.Reshape([-1, 2, 2])(x), axis=2) + ops.mean(L.Reshape([-1, 2, 2])(x), axis=[3])
    ),
    "a layer for each image": lambda x: L.TimeDistributed(L.LSTM(3))(L.Reshape([-1, 2, 2])(x)),
    "zeros before a convolution": lambda x: L.Conv1D(5, 3, dilation_rate=2)(L.ZeroPadding1D((4, 0))(x)),
    "zeros before two windows": lambda x: two_windows(L.ZeroPadding1D((2, 0))(x)),
    "a model of sequences": lambda x: sequences_to_sequences()(x),
    "a causal convolution": L.Conv1D(5, 3, padding="causal", dilation_rate=2),
}
REFUSED = {
    "a constant for each step": lambda x: x * np.arange(STEPS, dtype=np.float32)[:, None],
    "every second step": lambda x: x[:, ::2],
    "the first step": lambda x: ops.reshape(x[:, 0], [-1, 1, FEATURES]),
    "features as steps": lambda x: L.Reshape([2 * STEPS, 2])(x),
    "a sum over steps": lambda x: x - ops.sum(x, axis=1, keepdims=True),
    "the largest of all": lambda x: x - ops.max(x),
    "zeros around a convolution": lambda x: L.Conv1D(5, 3)(L.ZeroPadding1D(1)(x)),
    "too many zeros": lambda x: L.Conv1D(5, 3)(L.ZeroPadding1D((3, 0))(x)),
    "zeros that another layer sees": lambda x: x + L.ZeroPadding1D((1, 0))(x)[:, :-1],
    "pooling": L.MaxPooling1D(3, 1, padding="same"),
    "steps of images": lambda x: L.Reshape([-1, 2, 2])(x[:, ::-1])[..., 0],
    "steps as features": lambda x: ops.transpose(x, [0, 2, 1]),
}


@pytest.mark.parametrize("name", BEFORE)
def test_what_treats_each_step_alone_streams(name):
    model = model_of(BEFORE[name])
    np.testing.assert_allclose(streamed(model)[:, -1], np.asarray(model(X))[:, -1], atol=1e-5)


AFTER = {
    "some features": lambda h: L.GRU(4)(h)[:, 1:3],
    "the last step": lambda h: h[:, -1],
    "flatten": lambda h: L.Flatten()(L.GRU(2)(h)),
    "reshape": lambda h: L.Dense(2)(ops.reshape(L.GRU(4)(h), [-1, 4])),
}


@pytest.mark.parametrize("name", AFTER)
def test_what_comes_after_the_sequence_streams(name):
    model = model_of(lambda x: x, AFTER[name])
    np.testing.assert_allclose(streamed(model), model(X), atol=1e-5)


@pytest.mark.parametrize("name", REFUSED)
def test_what_mixes_steps_is_refused(name):
    with pytest.raises(ValueError, match="needs the whole sequence, so it cannot run step by step"):
        layers.OneStep(layers.convert_model(model_of(REFUSED[name])))


@keras.saving.register_keras_serializable("test_stepwise")
class Dense(keras.layers.Layer):
    """A layer of the user with a well-known name; it adds up the steps."""

    def call(self, x):
        """Return the sums so far."""
        return ops.cumsum(x, axis=1)


def test_a_well_known_name_of_another_package_proves_nothing():
    with pytest.raises(ValueError, match="Dense needs the whole sequence"):
        layers.OneStep(layers.convert_model(model_of(Dense())))
