"""The gradient used in training equals that of the plain loop and the numerical one."""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference.cases import BATCH, FEATURES, SEQUENCES, STEPS
from reference.parity import random_like, randomize
from reference.toy_cells import CountingCell, DecayCell

from layers import (
    GRU,
    LSTM,
    Bidirectional,
    CfCCell,
    FastGRNNCell,
    GRUCell,
    IndRNNCell,
    LSTMCell,
    MGUCell,
    MinGRUCell,
    MinLSTMCell,
    Recurrent,
    RGLRUCell,
    SimpleRNN,
    SimpleRNNCell,
    SLSTMCell,
    SRUCell,
    execution,
    halves,
)

SAME = {"atol": 2e-5, "rtol": 0}
"""Float32 sums of up to BATCH * STEPS products of size 1 to 5, taken in another order: 24 bits leave
about 1e-6; ten times that and a little."""

MASK = np.array([[True] * 2 + [False] * 2, [False] * 4, [False, True, False, True]])
"""Rows with padding after the valid steps, everywhere, and before and between them."""

MAKERS: dict[str, tuple[Callable[..., Any], tuple[int, ...]]] = {
    **{name: (case.make, case.states) for name, case in SEQUENCES.items()},
    "zeros at masked steps": (lambda **o: GRU(5, zero_output_for_mask=True, **o), (5,)),
    "backwards": (lambda **o: LSTM(5, go_backwards=True, **o), (5, 5)),
    "nothing to learn": (lambda **o: Recurrent(CountingCell(2), **o), (2, 2)),
    "state that is not projected": (lambda **o: Recurrent(DecayCell(2), **o), (2,)),
    "zoneout": (lambda **o: LSTM(5, zoneout=[0.3, 0.5], seed=1, **o), (5, 5)),
    "recurrent dropout": (lambda **o: GRU(5, recurrent_dropout=0.5, seed=1, **o), (5,)),
    "chunks": (lambda **o: LSTM(5, checkpoint_every=2, **o), (5, 5)),
    "chunks that don't fit": (lambda **o: GRU(5, checkpoint_every=3, **o), (5,)),
    "chunks longer than the sequence": (lambda **o: SimpleRNN(5, checkpoint_every=9, **o), (5,)),
    "chunks backwards": (lambda **o: LSTM(5, checkpoint_every=3, go_backwards=True, **o), (5, 5)),
    "chunks with weights in update": (
        lambda **o: LSTM(5, peepholes=True, checkpoint_every=3, **o),
        (5, 5),
    ),
}

FINITE_DIFFERENCES: dict[str, Callable[..., Any]] = {
    "SimpleRNN": SimpleRNNCell,
    "LSTM": LSTMCell,
    "LSTM with peepholes": partial(LSTMCell, peepholes=True),
    "LSTM with projection": partial(LSTMCell, projection=3),
    "LSTM with layer normalisation": partial(LSTMCell, layer_normalization=True),
    "GRU": GRUCell,
    "GRU with reset before": partial(GRUCell, reset_after=False),
    "MGU": MGUCell,
    "IndRNN": IndRNNCell,
    "MinGRU": MinGRUCell,
    "MinLSTM": MinLSTMCell,
    "SLSTM": SLSTMCell,
    "CfC": CfCCell,
    "CfC with times": partial(CfCCell, timed=True),
    "RGLRU": RGLRUCell,
    "SRU": SRUCell,
    "FastGRNN": FastGRNNCell,
    "FastGRNN of low rank": partial(FastGRNNCell, kernel_rank=1, recurrent_rank=2),
}

COMPILED = [
    *("SimpleRNN", "LSTM", "GRU", "NeuralTuringMachine", "Bidirectional", "Stack"),
    *("LSTM with peepholes", "LSTM with everything", "GRU with reset before", "MGU", "IndRNN"),
    *("FastGRNN", "SRU", "CfC", "CfC with times", "SLSTM"),
    *("zoneout", "chunks that don't fit"),
]


def _layer(name: str, return_sequences: bool = True) -> tuple[Any, list[np.ndarray]]:
    make, sizes = MAKERS[name]
    options = {"return_state": True} if sizes else {}
    layer = make(return_sequences=return_sequences, **options)
    layer.build((BATCH, STEPS, FEATURES))
    randomize(layer)
    return layer, random_like([(BATCH, size) for size in sizes], seed=5)


def _inputs() -> np.ndarray:
    return random_like([(BATCH, STEPS, FEATURES)], seed=4)[0]


def _value_and_gradients(layer: Any, x: Any, states: Any, mask: Any, how: str) -> tuple[Any, Any]:
    """Return all results, and the gradients of a loss of every entry; dropout masks are seeded."""
    x, states = tf.convert_to_tensor(x), [tf.convert_to_tensor(state) for state in states]
    options = {"initial_state": states} if states else {}
    for generator in [
        each.seed_generator for each in layer._flatten_layers() if hasattr(each, "seed_generator")
    ]:
        generator.state.assign([7, 0])
    with tf.GradientTape() as tape, execution(how):
        tape.watch([x, *states])
        results = tf.nest.flatten(layer(x, mask=mask, training=True, **options))
        loss = tf.add_n([tf.reduce_sum(tf.sin(2.0 * part + 0.3)) for part in results])
    sources = [x, *states, *layer.trainable_variables]
    return results, tape.gradient(loss, sources, unconnected_gradients="zero")


def _assert_same(left: Any, right: Any, **tolerance: float) -> None:
    for one, other in zip(tf.nest.flatten(left), tf.nest.flatten(right), strict=True):
        np.testing.assert_allclose(one, other, **tolerance)


@pytest.mark.parametrize(
    ("mask", "return_sequences"),
    [
        pytest.param(MASK, True, id="mask"),
        pytest.param(None, False, id="last output"),
        pytest.param(None, True, id="no mask", marks=pytest.mark.long),
        pytest.param(MASK, False, id="last output with mask", marks=pytest.mark.long),
    ],
)
@pytest.mark.parametrize("name", MAKERS)
def test_own_gradient_is_that_of_the_loop(name: str, mask: Any, return_sequences: bool) -> None:
    layer, states = _layer(name, return_sequences)
    by_hand = _value_and_gradients(layer, _inputs(), states, mask, "own_gradient")
    _assert_same(by_hand, _value_and_gradients(layer, _inputs(), states, mask, "loop"), **SAME)


@pytest.mark.parametrize("name", COMPILED)
def test_compiled_training_is_the_loop(name: str) -> None:
    layer, states = _layer(name)
    in_graph = tf.function(lambda x: _value_and_gradients(layer, x, states, MASK, "auto"), autograph=False)
    _assert_same(in_graph(_inputs()), _value_and_gradients(layer, _inputs(), states, MASK, "loop"), **SAME)
    operations = in_graph.get_concrete_function(_inputs()).graph.get_operations()
    assert any(_compiled_by_xla(operation) for operation in operations)


@pytest.mark.parametrize("name", ["backwards", "zoneout", "recurrent dropout"])
def test_halves_of_a_batch_side_by_side_are_the_loop(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(halves, "_LEAST_TO_TRAIN", 0)
    layer, states = _layer(name)
    in_graph = tf.function(
        lambda x, *states: _value_and_gradients(layer, x, states, MASK[: x.shape[0]], "auto"), autograph=False
    )
    for batch in (BATCH, 2):
        some = [array[:batch] for array in (_inputs(), *states)]
        _assert_same(
            in_graph(*some), _value_and_gradients(layer, some[0], some[1:], MASK[:batch], "loop"), **SAME
        )
    assert _compiled_parts(in_graph.get_concrete_function(*some)) == 4  # forward and backward of two halves


def test_a_batch_of_unknown_size_may_be_of_one_example() -> None:
    layer = GRU(128, return_sequences=True)
    layer.build((None, STEPS, FEATURES))
    randomize(layer)
    in_graph = tf.function(
        lambda x: _value_and_gradients(layer, x, [], None, "auto"),
        autograph=False,
        input_signature=[tf.TensorSpec([None, STEPS, FEATURES])],
    )
    assert _compiled_parts(in_graph.get_concrete_function()) == 4
    for batch in (1, BATCH):
        x = _inputs()[:batch]
        _assert_same(
            in_graph(x), _value_and_gradients(layer, x, [], None, "loop"), atol=2e-4, rtol=0
        )  # 128 units


def test_the_directions_of_a_bidirectional_layer_have_a_core_each_anyway() -> None:
    layer = Bidirectional(GRU(128))
    in_graph = tf.function(lambda x: _value_and_gradients(layer, x, [], None, "auto"), autograph=False)
    assert _compiled_parts(in_graph.get_concrete_function(tf.zeros([64, 3, 2]))) == 4


def _compiled_parts(function: Any) -> int:
    return sum(_compiled_by_xla(operation) for operation in function.graph.get_operations())


def _compiled_by_xla(operation: tf.Operation) -> bool:
    return "_XlaMustCompile" in operation.node_def.attr


def test_evaluation_and_eager_training_are_the_plain_loop() -> None:
    layer, states = _layer("LSTM")
    for training in (False, True):
        np.testing.assert_array_equal(
            layer(_inputs(), initial_state=states, training=training)[0],
            _value_and_gradients(layer, _inputs(), states, None, "loop")[0][0],
        )
    graph = tf.function(lambda x: layer(x)).get_concrete_function(_inputs()).graph
    assert not any(_compiled_by_xla(operation) for operation in graph.get_operations())


@pytest.mark.parametrize("name", ["LSTM", "GRU", "Stack", "LSTM with everything", "GRU with reset before"])
def test_same_in_a_graph_of_unknown_shapes(name: str) -> None:
    layer, states = _layer(name)
    _, sizes = MAKERS[name]

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None, FEATURES]),
            [tf.TensorSpec([None, size]) for size in sizes],
            tf.TensorSpec([None, None], tf.bool),
        ]
    )
    def in_graph(x: Any, states: Any, mask: Any) -> Any:
        return [_value_and_gradients(layer, x, states, m, "own_gradient") for m in (None, mask)]

    x = _inputs()
    for result, mask in zip(in_graph(x, states, MASK), (None, MASK), strict=True):
        _assert_same(result, _value_and_gradients(layer, x, states, mask, "loop"), **SAME)
    short = in_graph(x[:1, :1], [state[:1] for state in states], MASK[:1, :1])[0]
    _assert_same(
        short,
        _value_and_gradients(layer, x[:1, :1], [state[:1] for state in states], None, "loop"),
        **SAME,
    )


@pytest.mark.parametrize("cell_class", FINITE_DIFFERENCES.values(), ids=FINITE_DIFFERENCES)
def test_finite_differences(cell_class: Any) -> None:
    """In float64, a step of 1e-5 leaves an error of about 1e-9 of the central difference."""
    cell = cell_class(3, dtype="float64")
    layer = Recurrent(cell, return_sequences=True, return_state=True, dtype="float64")
    layer.build((2, 4, 2))
    shapes = [(2, 4, 2), *[(2, 3)] * len(cell.state_names), *(w.shape for w in layer.trainable_variables)]
    point = [part.astype("float64") for part in random_like(shapes)]
    mask = tf.constant([[True, True, False, True], [False, True, True, False]])
    count = len(cell.state_names)

    @tf.function
    def value_and_gradients(parts: Any) -> Any:
        for weight, part in zip(layer.trainable_variables, parts[1 + count :], strict=True):
            weight.assign(part)
        results, gradients = _value_and_gradients(layer, parts[0], parts[1 : 1 + count], mask, "own_gradient")
        return tf.add_n([tf.reduce_sum(tf.sin(2.0 * part + 0.3)) for part in results]), gradients

    def loss(parts: Any) -> float:
        return float(value_and_gradients([tf.constant(part) for part in parts])[0])

    gradients = value_and_gradients([tf.constant(part) for part in point])[1]
    generator = np.random.default_rng(8)
    for index, (part, gradient) in enumerate(zip(point, gradients, strict=True)):
        direction = generator.normal(size=part.shape)
        there, back = list(point), list(point)
        there[index], back[index] = part + 1e-5 * direction, part - 1e-5 * direction
        numeric = (loss(there) - loss(back)) / 2e-5
        np.testing.assert_allclose(np.sum(gradient * direction), numeric, atol=1e-7)


def test_frozen_cell_passes_the_gradient_on() -> None:
    layer, states = _layer("LSTM")
    layer.trainable = False
    by_hand = _value_and_gradients(layer, _inputs(), states, MASK, "own_gradient")
    _assert_same(by_hand, _value_and_gradients(layer, _inputs(), states, MASK, "loop"), **SAME)
    assert np.abs(by_hand[1][0]).max() > 1e-3


@pytest.mark.parametrize("name", ["LSTM", "GRU", "Bidirectional"])
def test_one_layer_twice(name: str) -> None:
    """The gradient of shared weights is the sum over both calls."""
    layer, states = _layer(name)
    first, second = _inputs(), _inputs()[:, ::-1] * 0.5
    uses = [_value_and_gradients(layer, x, states, None, "own_gradient")[1] for x in (first, second)]
    with tf.GradientTape() as tape, execution("own_gradient"):
        results = [layer(tf.constant(x), initial_state=states, training=True) for x in (first, second)]
        loss = tf.add_n([tf.reduce_sum(tf.sin(2.0 * r + 0.3)) for r in tf.nest.flatten(results)])
    together = tape.gradient(loss, layer.trainable_variables)
    apart = [sum(parts) for parts in zip(*uses, strict=True)][1 + len(states) :]
    _assert_same(together, apart, **SAME)


def test_training_lowers_the_loss() -> None:
    make, _ = MAKERS["Bidirectional"]
    x = keras.Input((None, FEATURES))
    model = keras.Model(x, keras.layers.Dense(1)(make()(x)))
    model.compile(keras.optimizers.Adam(0.1), "mse")
    inputs = random_like([(32, STEPS, FEATURES)])[0]
    targets = inputs.sum((1, 2))[:, None]
    losses = model.fit(inputs, targets, epochs=12, verbose=0).history["loss"]
    assert losses[-1] < 0.5 * losses[0]


def test_whole_graph_compiles_with_xla() -> None:
    layer, states = _layer("LSTM")
    compiled = tf.function(lambda x: _value_and_gradients(layer, x, states, None, "auto"), jit_compile=True)
    _assert_same(
        compiled(tf.constant(_inputs())), _value_and_gradients(layer, _inputs(), states, None, "loop"), **SAME
    )
