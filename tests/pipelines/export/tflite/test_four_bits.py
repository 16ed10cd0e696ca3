"""Files with weights of four bits: what is stored how, and what it costs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

import layers
from pipelines.errors import ExportError, UserError
from pipelines.export.any_model import convert
from pipelines.export.tflite.flatbuffer import pack, parse
from pipelines.export.tflite.passes import round_four_bits
from pipelines.ondevice.model import Model

STEPS, FEATURES = 6, 8
X = np.cumsum(np.random.default_rng(0).normal(size=(60, STEPS, FEATURES)), axis=2).astype(np.float32)
X /= np.std(X)
INT4, INT8 = schema.TensorType.INT4, schema.TensorType.INT8


def network(units: int = 12) -> keras.Model:
    keras.utils.set_random_seed(1)
    inputs = keras.Input((STEPS, FEATURES), name="x")
    return keras.Model(inputs, keras.layers.Dense(2, name="y")(layers.GRU(units, name="gru")(inputs)))


def constants(content: bytes) -> Iterator[tuple[Any, np.ndarray]]:
    """Yield each constant tensor with its bytes."""
    model = parse(content)
    for tensor in (tensor for graph in model.subgraphs for tensor in graph.tensors):
        data = model.buffers[tensor.buffer].data
        if data is not None:
            yield tensor, data


def error(content: bytes, model: keras.Model, x: np.ndarray) -> float:
    wanted = np.asarray(model(x))
    return float(np.sqrt(np.mean((Model(content).predict(x) - wanted) ** 2)) / np.std(wanted))


@pytest.mark.parametrize("execution", ["loop", "unrolled", "step"])
def test_matrices_take_half_a_byte_a_weight_and_the_last_layer_a_whole_one(execution: str) -> None:
    content = convert(network(), "int4", execution, X)
    found = {tuple(tensor.shape): (tensor.type, len(data)) for tensor, data in constants(content)}
    assert found[36, 8] == (INT4, 36 * 8 // 2)
    assert found[36, 12] == (INT4, 36 * 12 // 2)
    assert found[2, 12] == (INT8, 2 * 12)
    assert sum(tensor.type == INT4 for tensor, _ in constants(content)) == 2, "one copy for all steps"


def test_weights_are_rounded_for_the_inputs_that_are_given() -> None:
    model = network()
    for_inputs, for_weights = convert(model, "int4", "loop", X[:40]), convert(model, "int4", "loop", "random")
    assert error(for_inputs, model, X[40:]) < 0.8 * error(for_weights, model, X[40:]) < 0.4


def test_without_inputs_the_answers_are_better_than_with_plain_rounding(monkeypatch) -> None:
    def plain(weights: np.ndarray, moments: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        scales = np.abs(weights).max(axis=1) / 7
        return np.round(weights / scales[:, None]).astype(np.int8), scales

    model = network(40)
    best = convert(model, "int4")
    monkeypatch.setattr(round_four_bits, "round_to_four_bits", plain)
    assert error(best, model, X) < error(convert(model, "int4"), model, X)


def embedding(width: int) -> tuple[keras.Model, np.ndarray]:
    keras.utils.set_random_seed(1)
    tokens = keras.Input((STEPS,), dtype="int32", name="tokens")
    hidden = layers.GRU(6)(keras.layers.Embedding(50, width, name="table")(tokens))
    model = keras.Model(tokens, keras.layers.Dense(2)(hidden))
    model.get_layer("table").embeddings.assign(np.random.default_rng(2).normal(size=(50, width)))
    return model, np.random.default_rng(1).integers(0, 50, (30, STEPS)).astype(np.int32)


@pytest.mark.parametrize("execution", ["loop", "step"])
def test_a_table_of_embeddings_is_looked_up_in_four_bits(execution: str) -> None:
    model, tokens = embedding(8)
    content = convert(model, "int4", execution, tokens)
    found = {tuple(tensor.shape): (tensor.type, len(data)) for tensor, data in constants(content)}
    assert found[50, 8] == (INT4, 50 * 8 // 2)
    if execution == "loop":
        assert error(content, model, tokens) < 0.3


def test_a_file_that_looks_up_half_bytes_is_not_run() -> None:
    model, tokens = embedding(8)
    file = parse(convert(model, "int4", "loop", tokens))
    (table,) = (each for each in file.subgraphs[0].tensors if list(each.shape) == [50, 8])
    table.shape = [57, 7]  # as many bytes
    with pytest.raises(UserError, match=r"EMBEDDING_LOOKUP: expected rows of whole bytes, found \(57, 7\)"):
        Model(pack(file))


def test_a_table_of_odd_width_is_stored_in_float16() -> None:
    """LiteRT reads rows of four bits wrongly if they don't end with a whole byte."""
    model, tokens = embedding(7)
    content = convert(model, "int4", "loop", tokens)
    kinds = {tuple(tensor.shape): tensor.type for tensor, _ in constants(content)}
    assert kinds[50, 7] == schema.TensorType.FLOAT16
    assert error(content, model, tokens) < 0.3


def test_convolutions_are_rounded_for_the_patches_that_they_read() -> None:
    keras.utils.set_random_seed(1)
    inputs = keras.Input((9, 7, 3), name="image")
    hidden = keras.layers.Conv2D(16, (3, 2), strides=2, padding="same", activation="relu")(inputs)
    hidden = keras.layers.Conv2D(12, 2, dilation_rate=(2, 1))(hidden)
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(hidden))
    images = np.random.default_rng(0).normal(size=(60, 9, 7, 3)).astype(np.float32).cumsum(axis=1) / 2
    for_inputs = convert(model, "int4", "loop", images[:40])
    assert sum(tensor.type == INT4 for tensor, _ in constants(for_inputs)) == 2
    for_weights = convert(model, "int4", "loop", "random")
    assert error(for_inputs, model, images[40:]) < 0.9 * error(for_weights, model, images[40:]) < 0.3


def test_a_model_without_weights_for_four_bits_is_refused() -> None:
    x = keras.Input((STEPS, FEATURES), name="x")
    with pytest.raises(ExportError, match="no weights that TFLite can hold in four bits; use dynamic_int8"):
        convert(keras.Model(x, keras.ops.tanh(x)), "int4")


def test_tflite_has_no_fused_lstm_of_four_bits() -> None:
    x = keras.Input((STEPS, FEATURES), name="x")
    with pytest.raises(ExportError, match="no fused LSTM in this precision; use loop or unrolled or step"):
        convert(keras.Model(x, layers.LSTM(4)(x)), "int4", "fused")
