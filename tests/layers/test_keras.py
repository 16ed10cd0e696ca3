"""The layers equal those of keras.layers, and weights convert both ways."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference.parity import BATCH, FEATURES, STEPS, UNITS, random_like, randomize

import layers
from layers import execution, from_keras, to_keras

SAME = {"atol": 2e-5, "rtol": 0}
"""Rounding of float32 sums of up to BATCH * STEPS products of size 1 to 5: about 1e-6."""

MASK = np.array([[False, True, False, True], [True, True, False, False]])
"""Rows with padding before, between and after the valid steps."""

OPTIONS: list[dict[str, Any]] = [
    {},
    {"use_bias": False, "return_state": True},
    {"activation": "softsign", "return_sequences": True},
    {"return_sequences": True, "return_state": True, "go_backwards": True},
    {"return_sequences": True, "zero_output_for_mask": True, "go_backwards": True},
]
GATED = [{"recurrent_activation": "hard_sigmoid", "return_sequences": True}]
RESET_BEFORE = [{"reset_after": False} | options for options in (*OPTIONS, *GATED)]

STOCK = [
    *(keras.layers.SimpleRNN(UNITS, **options) for options in OPTIONS),
    *(keras.layers.LSTM(UNITS, **options) for options in (*OPTIONS, *GATED)),
    *(keras.layers.GRU(UNITS, **options) for options in (*OPTIONS, *GATED, *RESET_BEFORE)),
    keras.layers.Bidirectional(keras.layers.LSTM(UNITS)),
    keras.layers.Bidirectional(keras.layers.LSTM(UNITS, return_sequences=True), "sum"),
    keras.layers.Bidirectional(keras.layers.GRU(UNITS, return_sequences=True), "mul"),
    keras.layers.Bidirectional(keras.layers.GRU(UNITS), "ave"),
    keras.layers.Bidirectional(keras.layers.GRU(UNITS, reset_after=False, return_sequences=True)),
    keras.layers.Bidirectional(keras.layers.SimpleRNN(UNITS, return_sequences=True), None),
    keras.layers.Bidirectional(keras.layers.GRU(UNITS, return_sequences=True, return_state=True)),
    keras.layers.Bidirectional(keras.layers.SimpleRNN(UNITS, return_state=True), "sum"),
    keras.layers.Bidirectional(
        keras.layers.LSTM(UNITS), backward_layer=keras.layers.LSTM(UNITS + 1, go_backwards=True)
    ),
]
CONFIGS = [(type(layer), layer.get_config()) for layer in STOCK]


NOT_SHARED = ("implementation", "unroll", "use_cudnn", "activity_regularizer")
"""Arguments that say how Keras computes, or that `from_keras` refuses."""


def _id(pair: Any) -> str:
    layer_class, config = pair
    shown = (
        "return_sequences",
        "return_state",
        "go_backwards",
        "zero_output_for_mask",
        "merge_mode",
        "use_bias",
        "reset_after",
    )
    return f"{layer_class.__name__} " + " ".join(f"{key}={config[key]}" for key in shown if config.get(key))


def _stock(pair: Any) -> Any:
    layer_class, config = pair
    layer = layer_class.from_config(config)
    layer.build((BATCH, STEPS, FEATURES))
    randomize(layer)
    return layer


def _results(layer: Any, mask: Any, training: bool = True) -> list[Any]:
    """Run on a random, non-zero state: all results, and the gradients of inputs, states and weights."""
    directions = [getattr(layer, f"{name}_layer", layer) for name in ("forward", "backward")]
    directions = directions if directions[0] is not layer else [layer]
    sizes = [tf.nest.flatten([direction.cell.state_size]) for direction in directions]
    shapes = [(BATCH, size) for size in tf.nest.flatten(sizes)]
    x, *states = (tf.constant(part) for part in random_like([(BATCH, STEPS, FEATURES), *shapes], seed=5))
    with tf.GradientTape() as tape, execution("own_gradient"):
        tape.watch([x, *states])
        results = tf.nest.flatten(layer(x, initial_state=states, mask=mask, training=training))
        loss = tf.add_n([tf.reduce_sum(tf.sin(2.0 * part + 0.3)) for part in results])
    return [*results, *tape.gradient(loss, [x, *states, *layer.trainable_variables])]


def _assert_same(left: list[Any], right: list[Any]) -> None:
    for one, other in zip(left, right, strict=True):
        np.testing.assert_allclose(one, other, **SAME)


@pytest.mark.parametrize("mask", [None, MASK], ids=["no mask", "mask"])
@pytest.mark.parametrize("pair", CONFIGS, ids=_id)
def test_same_outputs_and_gradients(pair: Any, mask: Any) -> None:
    stock = _stock(pair)
    mask = None if mask is None else tf.constant(mask)
    _assert_same(_results(from_keras(stock), mask), _results(stock, mask))


@pytest.mark.parametrize("pair", [p for p in CONFIGS if p[1].get("merge_mode") in (None, "concat")], ids=_id)
def test_there_and_back(pair: Any) -> None:
    stock = _stock(pair)
    again = to_keras(from_keras(stock))
    assert type(again) is type(stock)
    for weight, expected in zip(again.get_weights(), stock.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)
    (x,) = random_like([(BATCH, STEPS, FEATURES)], seed=5)
    results = zip(tf.nest.flatten(again(x)), tf.nest.flatten(stock(x)), strict=True)
    for result, expected in results:
        np.testing.assert_allclose(result, expected, **SAME)


@pytest.mark.parametrize("pair", [pair for pair in CONFIGS if "layer" not in pair[1]], ids=_id)
def test_options_survive_there_and_back(pair: Any) -> None:
    stock = pair[0].from_config(pair[1])
    ours = from_keras(stock)
    again = to_keras(ours)
    for name, value in stock.get_config().items():
        if name not in NOT_SHARED:
            assert again.get_config()[name] == value
            assert ours.get_config()[name] == value


def test_options_of_one_direction_survive() -> None:
    stock = keras.layers.Bidirectional(
        keras.layers.LSTM(UNITS, dropout=0.25, seed=3, kernel_regularizer="l2", recurrent_activation="tanh")
    )
    forward = from_keras(stock).forward_layer
    assert (forward.dropout, forward.seed) == (0.25, 3)
    assert forward.kernel_regularizer is not None
    assert forward.recurrent_activation is keras.activations.tanh


@pytest.mark.parametrize(
    ("name", "options"), [("SimpleRNN", {}), ("LSTM", {}), ("GRU", {}), ("GRU", {"reset_after": False})]
)
def test_weights_begin_alike(name: str, options: dict[str, Any]) -> None:
    """Shapes, names and order of the weights are the same, and so are initial values that are not random."""
    ours, stock = getattr(layers, name)(UNITS, **options), getattr(keras.layers, name)(UNITS, **options)
    for layer in (ours, stock):
        layer.build((BATCH, STEPS, FEATURES))
    for mine, theirs in zip(ours.weights, stock.weights, strict=True):
        assert (mine.name, mine.shape, mine.dtype) == (theirs.name, theirs.shape, theirs.dtype)
        assert mine.path.split("/")[1:] == theirs.path.split("/")[1:]
    np.testing.assert_array_equal(ours.get_weights()[2], stock.get_weights()[2])
    recurrent = ours.get_weights()[1].astype("float64")
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(UNITS), atol=1e-5)


@pytest.mark.parametrize("unit_forget_bias", [True, False])
def test_forget_bias_begins_at_one_if_asked(unit_forget_bias: bool) -> None:
    ours = layers.LSTM(UNITS, unit_forget_bias=unit_forget_bias)
    stock = keras.layers.LSTM(UNITS, unit_forget_bias=unit_forget_bias)
    for layer in (ours, stock):
        layer.build((BATCH, STEPS, FEATURES))
    np.testing.assert_array_equal(ours.get_weights()[2], stock.get_weights()[2])
    expected = np.zeros(4 * UNITS)
    expected[UNITS : 2 * UNITS] = unit_forget_bias
    np.testing.assert_array_equal(ours.get_weights()[2], expected)


def test_weights_that_are_not_there_are_not_copied() -> None:
    ours = from_keras(keras.layers.GRU(UNITS))
    assert not ours.built
    assert not to_keras(ours).built
    assert not from_keras(keras.layers.Bidirectional(keras.layers.GRU(UNITS))).built


def test_options_without_counterpart_are_refused() -> None:
    with pytest.raises(ValueError, match=r"activity_regularizer=.* has no counterpart in GRU"):
        from_keras(keras.layers.GRU(UNITS, activity_regularizer="l2"))


@pytest.mark.parametrize("wrap", [lambda layer: layer, keras.layers.Bidirectional], ids=["one", "both"])
def test_stateful_layers_go_both_ways(wrap: Any) -> None:
    stock = wrap(keras.layers.LSTM(UNITS, stateful=True))
    (x,) = random_like([(BATCH, STEPS, FEATURES)], seed=5)
    stock(x)
    ours = from_keras(stock)
    again = to_keras(ours)
    for layer in (stock, ours, again):
        for direction in (getattr(layer, "forward_layer", layer), getattr(layer, "backward_layer", layer)):
            assert direction.stateful
            direction.reset_state()
    for _ in range(2):
        expected = stock(x)
        np.testing.assert_allclose(ours(x), expected, **SAME)
        np.testing.assert_allclose(again(x), expected, **SAME)


@pytest.mark.parametrize(
    "options",
    [{"peepholes": True}, {"projection": 3}, {"layer_normalization": True}, {"zoneout": 0.1}],
    ids=str,
)
def test_options_that_keras_has_not_are_refused(options: dict[str, Any]) -> None:
    ((name, value),) = options.items()
    message = rf"mine: {name}={value} has no counterpart in keras\.layers\.LSTM"
    with pytest.raises(ValueError, match=message):
        to_keras(layers.LSTM(UNITS, name="mine", **options))
    with pytest.raises(TypeError, match=r"expected an unrolled SimpleRNN, LSTM, .*, got MGU"):
        to_keras(layers.MGU(UNITS))


def test_other_layers_are_refused() -> None:
    with pytest.raises(TypeError, match=r"expected one of keras.layers.SimpleRNN.*got Dense \(mine\)"):
        from_keras(keras.layers.Dense(UNITS, name="mine"))
    with pytest.raises(TypeError, match="got ConvLSTM3D"):
        from_keras(keras.layers.Bidirectional(keras.layers.ConvLSTM3D(2, 3)))
    with pytest.raises(TypeError, match=r"expected an unrolled SimpleRNN, LSTM, .*, got Stack"):
        to_keras(layers.Stack([layers.GRU(UNITS)]))
    with pytest.raises(TypeError, match="got LSTM"):
        to_keras(keras.layers.LSTM(UNITS))


@pytest.mark.parametrize("masked", [False, True])
def test_stack_is_a_chain(masked: bool) -> None:
    chain = [
        keras.layers.Bidirectional(keras.layers.LSTM(UNITS, return_sequences=True)),
        keras.layers.GRU(UNITS + 1, return_sequences=True),
        keras.layers.SimpleRNN(UNITS + 2),
    ]
    shape: Any = (BATCH, STEPS, FEATURES)
    for position, layer in enumerate(chain):
        layer.build(shape)
        randomize(layer, seed=position)
        shape = layer.compute_output_shape(shape)
    stack = layers.Stack([from_keras(layer) for layer in chain])
    mask = tf.constant(MASK) if masked else None
    (x,) = random_like([(BATCH, STEPS, FEATURES)])
    expected = x
    for layer in chain:
        expected = layer(expected, mask=mask)
    np.testing.assert_allclose(stack(x, mask=mask), expected, **SAME)
