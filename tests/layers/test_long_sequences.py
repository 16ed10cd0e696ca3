"""On a device, long sequences run in nested loops, which answer as one loop does."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import layers
from layers import scan

FEATURES, UNITS = 3, 4


@pytest.fixture(autouse=True)
def short_is_long(monkeypatch):
    monkeypatch.setattr(scan, "LONG", 5)
    monkeypatch.setattr(scan, "_MOST_PARTS", 3)


def built(cell: str, steps: int, *, masked: bool) -> keras.Model:
    keras.utils.set_random_seed(1)
    given = keras.Input([steps, FEATURES], 1, name="x")
    x = keras.layers.Masking()(given) if masked else given
    model = keras.Model(given, getattr(layers, cell)(UNITS, return_sequences=True, return_state=True)(x))
    for weight in model.weights:
        weight.assign(tf.random.normal(weight.shape, seed=2))
    return model


def answers(model: keras.Model, x: np.ndarray, execution: str) -> list[np.ndarray]:
    with layers.execution(execution):
        return [np.asarray(each) for each in tf.function(model)(x)]


@pytest.mark.parametrize("cell", ["SimpleRNN", "GRU", "LSTM", "MinGRU"])
@pytest.mark.parametrize("steps", [6, 9, 10, 27, 31])
def test_nested_loops_answer_as_written_out_steps(cell, steps):
    model = built(cell, steps, masked=False)
    x = np.random.default_rng(steps).normal(size=[1, steps, FEATURES]).astype(np.float32)
    for nested, plain in zip(answers(model, x, "loop"), answers(model, x, "unrolled"), strict=True):
        np.testing.assert_allclose(nested, plain, atol=1e-6)


@pytest.mark.parametrize(("first", "last"), [(0, 4), (1, 31), (7, 8), (11, 29), (26, 31), (0, 0)])
def test_padding_before_and_after(first, last):
    """Here the nested loops start and end in the middle of their parts."""
    model = built("LSTM", 31, masked=True)
    x = np.zeros([1, 31, FEATURES], np.float32)
    x[:, first:last] = np.random.default_rng(0).normal(size=x[:, first:last].shape)
    for nested, plain in zip(answers(model, x, "loop"), answers(model, x, "unrolled"), strict=True):
        np.testing.assert_allclose(nested, plain, atol=1e-6)


def test_the_loops_are_nested():
    """Else the tests above would compare one loop with itself."""
    model = built("GRU", 31, masked=False)
    with layers.execution("loop"):
        traced = tf.function(model).get_concrete_function(tf.TensorSpec([1, 31, FEATURES]))
    definition = traced.graph.as_graph_def()
    nodes = [*definition.node, *(node for each in definition.library.function for node in each.node_def)]
    assert sum(node.op in ("While", "StatelessWhile") for node in nodes) == 4  # 31 steps: 3 x 3 x 3 x 3
