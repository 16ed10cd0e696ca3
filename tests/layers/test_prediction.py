"""Where Keras predicts, layers are compiled by XLA; what is exported is not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference.cases import BATCH, FEATURES, SEQUENCES, STEPS
from reference.parity import random_like, randomize

from layers import GRU, LSTM, LSTMCell, Recurrent, execution, halves, recurrent

SAME = {"atol": 2e-5, "rtol": 0}
MASK = np.array([[True] * 2 + [False] * 2, [False] * 4, [False, True, False, True]])


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the layers' compiled predictions, as they are traced."""
    found: list[Any] = []

    def counted(*args: Any, **options: Any) -> Any:
        found.append(args[0])
        return scan(*args, **options)

    scan = recurrent.scan_to_predict
    monkeypatch.setattr(recurrent, "scan_to_predict", counted)
    return found


def _x(batch: int = BATCH) -> np.ndarray:
    return random_like([(batch, STEPS, FEATURES)], seed=4)[0]


def _model(**options: Any) -> keras.Model:
    inputs = keras.Input([STEPS, FEATURES])
    model = keras.Model(inputs, keras.layers.Dense(2)(LSTM(5, **options)(inputs)))
    randomize(model)
    model.compile("sgd", "mse", jit_compile=False)
    return model


@pytest.mark.parametrize("name", SEQUENCES)
@pytest.mark.parametrize("options", [{"return_sequences": True}, {}], ids=["all", "last"])
def test_a_prediction_is_what_the_loop_computes(name: str, options: Any) -> None:
    case = SEQUENCES[name]
    layer = case.make(**options, **({"return_state": True} if case.states else {}))
    layer.build((BATCH, STEPS, FEATURES))
    randomize(layer)
    for mask in (None, MASK):
        with execution("prediction"):
            found = tf.function(lambda x, m=mask: layer(x, mask=m), autograph=False)(_x())
        for one, other in zip(tf.nest.flatten(found), tf.nest.flatten(layer(_x(), mask=mask)), strict=True):
            np.testing.assert_allclose(one, other, **SAME)


@pytest.mark.parametrize("make", [LSTM, GRU])
@pytest.mark.parametrize("batch", [1, 5])
def test_halves_and_wide_inputs_are_the_loop(make: Any, batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(halves, "_LEAST_TO_PREDICT", 0)
    layer = make(2, return_sequences=True, go_backwards=True)  # more than twice as many features
    layer.build((None, STEPS, FEATURES))
    randomize(layer)
    with execution("prediction"):
        signature = [tf.TensorSpec([None, STEPS, FEATURES])]
        predict = tf.function(lambda x: layer(x), autograph=False, input_signature=signature)
        np.testing.assert_allclose(predict(_x(batch)), layer(_x(batch)), **SAME)


def test_one_core_runs_no_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    x = tf.zeros([64, 3, 2])
    assert len(halves.parts_of_batch(LSTMCell(128), x, training=True)) == 2
    monkeypatch.setattr(halves, "usable_cores", lambda: 1)
    assert halves.parts_of_batch(LSTMCell(128), x, training=True) == (halves.WHOLE,)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_what_is_compiled_as_a_whole_runs_no_halves(jit_compile: bool) -> None:
    cell, x, parts = LSTMCell(128), tf.zeros([64, 3, 4]), []

    @tf.function(jit_compile=jit_compile, autograph=False)
    def around(x: tf.Tensor) -> tf.Tensor:
        parts.append(halves.parts_of_batch(cell, x, training=False))
        return x

    around(x)
    assert len(parts[0]) == (1 if jit_compile else 2)


def _validated(model: keras.Model) -> None:
    data = (_x(), np.zeros([BATCH, 2]))
    model.fit(*data, validation_data=data, verbose=0)


@pytest.mark.parametrize(
    "step",
    [
        lambda model: model.predict(_x(), verbose=0),
        lambda model: model.predict_on_batch(_x()),
        lambda model: model.evaluate(_x(), np.zeros([BATCH, 2]), verbose=0),
        _validated,
    ],
    ids=["predict", "predict_on_batch", "evaluate", "validation"],
)
def test_keras_predicts_and_evaluates_compiled(step: Callable[[Any], Any], calls: list[Any]) -> None:
    model = _model()
    assert not calls
    step(model)
    assert len(calls) == 1


def test_a_model_that_predicted_before_exports_without_xla(tmp_path: Path, calls: list[Any]) -> None:
    model = _model()
    expected = model.predict(_x(), verbose=0)
    _exported(model, tmp_path / "after", expected)
    assert len(calls) == 1


def test_a_model_that_was_exported_before_predicts_compiled(tmp_path: Path, calls: list[Any]) -> None:
    model = _model()
    _exported(model, tmp_path / "before", np.asarray(model(_x())))
    assert not calls
    np.testing.assert_allclose(model.predict(_x(), verbose=0), model(_x()), **SAME)
    assert len(calls) == 1


def _exported(model: keras.Model, folder: Path, expected: np.ndarray) -> None:
    """Check that a model that Keras, TensorFlow and the TFLite converter export holds no XLA."""
    model.export(folder / "keras", verbose=False)
    tf.saved_model.save(model, folder / "saved")
    for name in ("keras", "saved"):
        assert b"_XlaMustCompile" not in (folder / name / "saved_model.pb").read_bytes()
    loaded = tf.saved_model.load(folder / "keras")
    np.testing.assert_allclose(loaded.serve(_x()), expected, **SAME)
    content = tf.lite.TFLiteConverter.from_saved_model(str(folder / "keras")).convert()
    assert content[4:8] == b"TFL3"


def test_a_gradient_needs_no_training() -> None:
    layer = LSTM(5)
    layer.build((BATCH, STEPS, FEATURES))
    randomize(layer)
    x = tf.convert_to_tensor(_x())

    def gradient(x: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = tf.reduce_sum(layer(x) ** 2)
        return tape.gradient(total, x)

    in_graph = tf.function(gradient, autograph=False)
    np.testing.assert_allclose(in_graph(x), gradient(x), **SAME)
    operations = in_graph.get_concrete_function(x).graph.get_operations()
    assert sum("_XlaMustCompile" in each.node_def.attr for each in operations) == 2
    with execution("prediction"):
        np.testing.assert_allclose(tf.function(gradient, autograph=False)(x), gradient(x), **SAME)


class _Apart(LSTMCell):
    """Uses its projections apart, though its base class says that their sum is enough."""

    def update(self, x_proj: tf.Tensor, h_proj: tf.Tensor, state: Any) -> Any:
        return super().update(2.0 * x_proj, h_proj, state)


class _Scaled(LSTMCell):
    """Projects its state in another way than its base class."""

    def project_state(self, h: tf.Tensor) -> tf.Tensor:
        return super().project_state(3.0 * h)


@pytest.mark.parametrize("cell", [_Apart, _Scaled])
def test_what_a_cell_promises_ends_where_a_subclass_changes_it(cell: type[LSTMCell]) -> None:
    layer = Recurrent(cell(5), return_sequences=True)
    layer.build((BATCH, STEPS, FEATURES))
    randomize(layer)

    def gradients(how: str) -> list[tf.Tensor]:
        with tf.GradientTape() as tape, execution(how):
            total = tf.reduce_sum(layer(_x(), training=True) ** 2)
        return tape.gradient(total, layer.trainable_variables)

    for one, other in zip(gradients("own_gradient"), gradients("loop"), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4, rtol=0)
