"""ConvLSTM1D and ConvLSTM2D equal those of Keras, with every option, in every execution."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference.cases import ON_GRIDS
from reference.parity import random_like, randomize

import layers
from layers import OneStep, convert_model, execution, from_keras, to_keras
from layers.diagnostics import gate_saturation, gradient_by_lag, spectral_radius

BATCH, STEPS, FILTERS = 2, 4, 3
STEP = {1: (7, 2), 2: (6, 7, 2)}
"""Shapes of the inputs of one step: all axes differ."""
SAME = {"atol": 2e-5, "rtol": 1e-6}
"""Rounding of float32 sums of up to 100 products."""
UNBOUNDED = SAME | {"atol": 1e-4}
"""With relu, states and their gradients grow, and processors add in different orders."""
MASK = np.array([[False, True, False, True], [True, True, False, False]])

OPTIONS: dict[str, tuple[int, dict[str, Any]]] = {
    "1D": (1, {"return_sequences": True}),
    "1D strides": (1, {"strides": 2, "padding": "same", "return_state": True}),
    "1D dilation": (1, {"dilation_rate": 2, "use_bias": False}),
    "2D": (2, {"return_sequences": True, "return_state": True}),
    "2D same": (2, {"padding": "same", "go_backwards": True, "return_sequences": True}),
    "2D strides": (2, {"strides": (2, 1), "activation": "relu", "recurrent_activation": "hard_sigmoid"}),
    "2D dilation": (2, {"dilation_rate": (1, 2), "padding": "same", "return_state": True}),
}


def made(rank: int, options: dict[str, Any]) -> Any:
    kernel = {1: 3, 2: (3, 2)}[rank]
    layer = getattr(keras.layers, f"ConvLSTM{rank}D")(FILTERS, kernel, **options)
    layer.build((BATCH, STEPS, *STEP[rank]))
    randomize(layer)
    return layer


def results(layer: Any, x: Any, states: Any, mask: Any, how: str) -> list[Any]:
    """Return all results, and the gradients of inputs, states and weights."""
    x, states = tf.convert_to_tensor(x), [tf.convert_to_tensor(state) for state in states]
    with tf.GradientTape() as tape, execution(how):
        tape.watch([x, *states])
        found = tf.nest.flatten(layer(x, initial_state=states, mask=mask, training=True))
        loss = tf.add_n([tf.reduce_sum(tf.sin(2.0 * part + 0.3)) for part in found])
    return [*found, *tape.gradient(loss, [x, *states, *layer.trainable_variables])]


@pytest.mark.parametrize("mask", [None, MASK], ids=["no mask", "mask"])
@pytest.mark.parametrize("name", OPTIONS)
def test_outputs_and_gradients_are_those_of_keras(name: str, mask: Any) -> None:
    rank, options = OPTIONS[name]
    theirs = made(rank, options)
    ours = from_keras(theirs)
    assert type(ours) is getattr(layers, type(theirs).__name__)
    shape = (BATCH, *ours.cell.state_shapes()[0])
    x, *states = random_like([(BATCH, STEPS, *STEP[rank]), shape, shape], seed=5)
    mask = None if mask is None else tf.constant(mask)
    expected = results(theirs, x, states, mask, "loop")
    bounds = UNBOUNDED if options.get("activation") == "relu" else SAME
    for how in ("loop", "own_gradient"):
        for one, other in zip(results(ours, x, states, mask, how), expected, strict=True):
            np.testing.assert_allclose(one, other, **bounds)
    whole = ours.compute_output_shape(x.shape)
    shapes = whole if ours.return_state else [whole]
    assert [tuple(part.shape) for part in expected[: len(shapes)]] == [tuple(shape) for shape in shapes]


@pytest.mark.parametrize("rank", [1, 2])
def test_options_and_weights_go_both_ways(rank: int) -> None:
    theirs = made(rank, {"strides": 2, "unit_forget_bias": False, "dropout": 0.25, "seed": 3})
    again = to_keras(from_keras(theirs))
    assert again.get_config() == theirs.get_config()
    for one, other in zip(again.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_training_compiled_and_in_chunks_is_the_loop() -> None:
    ours = from_keras(made(2, {"padding": "same", "return_sequences": True, "return_state": True}))
    chunks = layers.ConvLSTM2D.from_config(ours.get_config() | {"checkpoint_every": 3})
    chunks.build((BATCH, STEPS, *STEP[2]))
    chunks.set_weights(ours.get_weights())
    shape = (BATCH, *ours.cell.state_shapes()[0])
    x, *states = random_like([(BATCH, STEPS, *STEP[2]), shape, shape], seed=5)
    expected = results(ours, x, states, MASK, "loop")
    for layer, how in ((ours, "auto"), (chunks, "own_gradient")):
        compute = tf.function(
            lambda x, s, layer=layer, how=how: results(layer, x, s, MASK, how), autograph=False
        )
        for one, other in zip(compute(x, states), expected, strict=True):
            np.testing.assert_allclose(one, other, **SAME)


def test_dropout_and_zoneout_have_one_mask_for_all_steps_and_positions_of_their_own() -> None:
    layer = layers.ConvLSTM2D(2, 3, dropout=0.5, recurrent_dropout=0.5, zoneout=0.2, seed=1)
    x = np.ones((BATCH, STEPS, *STEP[2]), np.float32)
    first, second = (np.asarray(layer(x, training=True)) for _ in range(2))
    assert np.isfinite(first).all()
    assert np.abs(first - second).max() > 0
    np.testing.assert_array_equal(layer(x), layer(x))


def test_both_directions_and_stacks() -> None:
    theirs = keras.layers.Bidirectional(keras.layers.ConvLSTM1D(FILTERS, 3, return_sequences=True), "sum")
    theirs.build((BATCH, STEPS, *STEP[1]))
    randomize(theirs)
    ours = from_keras(theirs)
    (x,) = random_like([(BATCH, STEPS, *STEP[1])])
    np.testing.assert_allclose(ours(x), theirs(x), **SAME)
    stack = layers.Stack([ours, layers.ConvLSTM1D(4, 3)])
    assert stack(x).shape == stack.compute_output_shape(x.shape) == (BATCH, 3, 4)


def test_a_stateful_layer_goes_on() -> None:
    given = keras.Input(batch_shape=[BATCH, STEPS, *STEP[1]])
    model = keras.Model(given, keras.layers.ConvLSTM1D(FILTERS, 3, stateful=True)(given))
    (x,) = random_like([(BATCH, STEPS, *STEP[1])])
    model(x)
    ours = convert_model(model)
    for _ in range(2):
        np.testing.assert_allclose(ours(x), model(x), **SAME)


def test_a_stream_computes_the_sequence() -> None:
    given = keras.Input([STEPS, *STEP[2]])
    layer = layers.ConvLSTM2D(FILTERS, (3, 2), padding="same", return_sequences=True, name="rain")
    model = keras.Model(given, layer(given))
    step = OneStep(model)
    assert step.states == {"rain_h": (6, 7, FILTERS), "rain_c": (6, 7, FILTERS)}
    (x,) = random_like([(1, STEPS, *STEP[2])])
    states, rows = step.initial_states(1), []
    for t in range(STEPS):
        row, states = step(x[:, t : t + 1], states)
        rows.append(row)
    np.testing.assert_allclose(np.concatenate(rows, axis=1), model(x), **SAME)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.ConvLSTM2D(2, (3, 0)), "kernel_size: expected a whole number above 0, got 0"),
        (lambda: layers.ConvLSTM2D(2, (3, 3, 3)), "kernel_size: expected 2 numbers"),
        (lambda: layers.ConvLSTM1D(2, 3, padding="causal"), "padding: expected 'valid' or 'same'"),
        (lambda: layers.ConvLSTM1D(2, 3, data_format="channels_first"), "expected 'channels_last'"),
        (
            lambda: layers.ConvLSTM1D(2, 3, strides=2, dilation_rate=2),
            "expected strides or dilation_rate of 1",
        ),
        (lambda: layers.ConvLSTM1D(2, 9)(np.zeros((1, 2, 7, 2))), "expected at least 9 positions"),
        (lambda: layers.ConvLSTM1D(2, 3)(keras.Input((2, None, 3))), r"of known sizes, got \(None, 3\)"),
        (
            lambda: layers.ConvLSTM1D(2, 3)(np.zeros((1, 2, 7))),
            r"shape \(batch, steps, positions, channels\)",
        ),
    ],
)
def test_mistakes_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "float64"])
@pytest.mark.parametrize("name", ON_GRIDS)
def test_precision_and_shapes_that_a_graph_does_not_know(name: str, policy: str) -> None:
    make, step = ON_GRIDS[name]
    layer, full = make(dtype=policy, return_sequences=True), make(return_sequences=True)
    for each in (layer, full):
        each.build((None, None, *step))
        randomize(each)
    run = tf.function(
        lambda x: layer(x), input_signature=[tf.TensorSpec([None, None, *step])], autograph=False
    )
    (x,) = random_like([(BATCH, STEPS, *step)])
    answers = run(x)
    assert answers.dtype == layer.compute_dtype
    assert answers.shape == layer.compute_output_shape(x.shape)
    bound = 0.06 if policy == "mixed_bfloat16" else 1e-5
    np.testing.assert_allclose(tf.cast(answers, "float32"), full(x), atol=bound)


@pytest.mark.parametrize("name", ON_GRIDS)
def test_files_and_diagnostics(name: str, tmp_path: Any) -> None:
    make, step = ON_GRIDS[name]
    given = keras.Input([STEPS, *step])
    layer = make()
    model = keras.Model(given, layer(given))
    (x,) = random_like([(BATCH, STEPS, *step)])
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "model.keras")(x), model(x))
    norms = gradient_by_lag(layer, x)
    assert [norms[state].shape for state in ("h", "c")] == [(STEPS,)] * 2
    assert norms["h"][0] > 0
    assert set(gate_saturation(layer, x)) == {"f", "i", "o"}
    assert len(spectral_radius(layer)) == 0
