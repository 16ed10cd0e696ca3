"""Causal convolutions equal those of Keras on a sequence with zeros before it."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from reference.parity import random_like, randomize

import layers

STEPS, SIZE, CHANNELS = 7, 9, 2


@pytest.mark.parametrize(("kernel", "dilation", "groups"), [(3, 1, 1), (4, 2, 2), (1, 1, 1)])
def test_over_time(kernel: int, dilation: int, groups: int) -> None:
    (x,) = random_like([(3, STEPS, CHANNELS)])
    options = {"dilation_rate": dilation, "groups": groups, "activation": "tanh"}
    ours = layers.CausalConv1D(4, kernel, **options)
    theirs = keras.layers.Conv1D(4, kernel, padding="causal", **options)
    np.testing.assert_allclose(*_answers(ours, theirs, x, x), atol=1e-5)


KERNELS = {
    "square": ((3, 3), 1, 1),
    "even, in strides": ((2, 4), (1, 2), 1),
    "wide strides": ((3, 5), (1, 3), 1),
    "dilated": ((2, 3), 1, (2, 3)),
    "of a step": ((1, 2), (1, 2), 1),
    "one number for both": (3, 1, 2),
}


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("name", KERNELS)
def test_over_time_and_frequency(name: str, padding: str) -> None:
    kernel, strides, dilation = KERNELS[name]
    (x,) = random_like([(3, STEPS, SIZE, CHANNELS)])
    options = {"strides": strides, "dilation_rate": dilation, "padding": padding, "use_bias": False}
    ours = layers.CausalConv2D(4, kernel, **options)
    theirs = keras.layers.Conv2D(4, kernel, **options)
    # With "same" Keras also puts zeros around the steps. The comparison skips outputs that see them.
    extra = ours.past // 2 if padding == "same" else 0
    answers, wanted = _answers(ours, theirs, x, np.pad(x, [(0, 0), (ours.past, 0), (0, 0), (0, 0)]))
    np.testing.assert_allclose(answers, wanted[:, extra : extra + STEPS], atol=1e-5)


def _answers(ours, theirs, x: np.ndarray, padded: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    ours.build(x.shape)
    theirs.build(padded.shape)
    randomize(ours)
    theirs.set_weights(ours.get_weights())
    assert ours.compute_output_shape(x.shape) == ours(x).shape
    return np.asarray(ours(x)), np.asarray(theirs(padded))


def test_a_kernel_of_one_step_carries_nothing() -> None:
    x = keras.Input([None, SIZE, CHANNELS])
    hidden = keras.layers.Reshape([-1, SIZE * 4])(layers.CausalConv2D(4, (1, 3))(x))
    model = keras.Model(x, layers.GRU(5, name="gru")(hidden))
    assert list(layers.OneStep(model).states) == ["gru_h"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.CausalConv2D(4, 3, strides=2), r"strides: expected 1 along time, got \(2, 2\)"),
        (
            lambda: layers.CausalConv2D(4, (1, 5), padding="valid", name="conv").build((None, None, 4, 1)),
            "conv: expected at least 5 frequencies for padding 'valid', got 4",
        ),
    ],
)
def test_refusals(make, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
