"""Attention inside Keras models: masks, precision, unknown shapes, files, .tflite and errors."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from reference.cases import BATCH, CASES, FEATURES, OVER_MEMORY, STEPS
from reference.parity import random_like, randomize

from layers import (
    GRU,
    AdditiveAttention,
    MultiHeadAttention,
    MultiHeadAttentionPooling,
    MultiplicativeAttention,
)

QUERIES = 5
SAME = {"atol": 3e-6, "rtol": 0}
"""Rounding: the same float32 numbers are added, possibly in another order."""

POOLING = {name: case.make for name, case in CASES.items() if "AttentionPooling" in name}
BY_INPUTS = {name: (make, 2) for name, make in OVER_MEMORY.items()} | {
    name: (make, 1) for name, make in POOLING.items()
}


def _arrays(count: int) -> list[np.ndarray]:
    """Return query and memory, or only the memory for pooling."""
    return random_like([(BATCH, QUERIES, FEATURES), (BATCH, STEPS, FEATURES)], seed=4)[-count:]


def _built(make: Callable[..., Any], count: int, **options: Any) -> Any:
    layer = make(return_weights=True, **options)
    layer.build(*(array.shape for array in _arrays(count)))
    randomize(layer)
    return layer


@pytest.fixture(scope="module")
def translator() -> keras.Model:
    """Two sentences: every attention reads the first, with queries from the second."""
    source = keras.Input((None,), dtype="int32", name="source")
    target = keras.Input((None,), dtype="int32", name="target")
    memory = keras.layers.Embedding(7, FEATURES, mask_zero=True)(source)
    query = keras.layers.Embedding(9, FEATURES, mask_zero=True)(target)
    outputs: list[Any] = []
    for number, make in enumerate(OVER_MEMORY.values()):
        layer = make(return_weights=True, name=f"layer_{number}")
        context, weights = layer(query, memory)
        outputs += [context, weights, GRU(3)(context), *layer(query[:, 0], memory)]
    model = keras.Model([source, target], outputs)
    randomize(model)
    return model


LONG = [np.array([[3, 4, 5, 0, 0], [6, 1, 2, 0, 0]]), np.array([[1, 2, 0], [7, 8, 0]])]
SHORT = [words[:, :count] for words, count in zip(LONG, (3, 2), strict=True)]


def test_masks_of_embeddings_arrive_and_go_on(translator: keras.Model) -> None:
    """Padding of the memory has no weight. The mask of the query goes on to the next layer."""
    long, short = translator(LONG), translator(SHORT)
    for start in range(0, len(long), 5):
        context, weights, read, one, weights_of_one = long[start : start + 5]
        np.testing.assert_array_equal(weights[..., 3:], 0.0)
        np.testing.assert_allclose(tf.reduce_sum(weights, -1), np.ones(weights.shape[:-1]), atol=1e-6)
        np.testing.assert_allclose(context[:, :2], short[start], **SAME)
        np.testing.assert_allclose(read, short[start + 2], **SAME)
        np.testing.assert_allclose(one, short[start + 3], **SAME)
        np.testing.assert_allclose(weights_of_one[..., :3], short[start + 4], **SAME)


def test_symbolic_shapes_are_those_of_the_results(translator: keras.Model) -> None:
    for symbolic, result in zip(translator.outputs, translator(LONG), strict=True):
        assert tf.TensorShape(symbolic.shape).is_compatible_with(result.shape)
        assert len(symbolic.shape) == len(result.shape)


def test_files_compute_the_same(translator: keras.Model, tmp_path: Path) -> None:
    translator.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    translator.export(tmp_path / "saved", verbose=False)
    saved = tf.saved_model.load(str(tmp_path / "saved"))
    for result, exported, expected in zip(again(LONG), saved.serve(LONG), translator(LONG), strict=True):
        np.testing.assert_array_equal(result, expected)
        np.testing.assert_allclose(exported, expected, **SAME)


@pytest.mark.parametrize("name", BY_INPUTS)
def test_unknown_shapes_in_a_graph(name: str) -> None:
    make, count = BY_INPUTS[name]
    layer = _built(make, count)
    specs = [tf.TensorSpec([None, None, FEATURES])] * count

    @tf.function(input_signature=[*specs, tf.TensorSpec([None, None], tf.bool)])
    def run(*inputs: Any) -> Any:
        results = layer(*inputs[:-1], mask=inputs[-1])
        assert results[0].shape[-1] == FEATURES
        return results

    mask = np.arange(STEPS) < np.array([4, 1, 2])[:, None]
    for result, expected in zip(run(*_arrays(count), mask), layer(*_arrays(count), mask=mask), strict=True):
        np.testing.assert_allclose(result, expected, **SAME)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16", "float64"])
@pytest.mark.parametrize("name", BY_INPUTS)
def test_precision(name: str, policy: str) -> None:
    make, count = BY_INPUTS[name]
    layer, full = _built(make, count, dtype=policy), _built(make, count)
    mask = np.arange(STEPS) < np.array([4, 1, 2])[:, None]
    with tf.GradientTape() as tape:
        results = layer(*_arrays(count), mask=mask)
        loss = tf.reduce_sum(tf.sin(tf.cast(results[0], "float32")))
    tolerance = {"float64": 1e-5}.get(policy, 0.1)  # bfloat16: 8 bits of values up to 8, added up
    for result, expected in zip(results, full(*_arrays(count), mask=mask), strict=True):
        assert result.dtype == layer.compute_dtype
        np.testing.assert_allclose(tf.cast(result, "float32"), expected, atol=tolerance, rtol=0)
    for variable, gradient in zip(
        layer.trainable_variables, tape.gradient(loss, layer.trainable_variables), strict=True
    ):
        assert gradient.dtype == variable.dtype
        assert np.isfinite(tf.cast(gradient, "float32")).all()


def test_softmax_is_in_float32() -> None:
    """In bfloat16 a sum of 1,000 equal weights would stop growing after 256 of them."""
    memory = np.ones((1, 1000, 4), np.float32)
    layer = MultiplicativeAttention("dot", dtype="mixed_bfloat16")
    np.testing.assert_allclose(tf.cast(layer(memory[:, 0], memory), "float32"), np.ones((1, 4)), rtol=0.01)


def test_memory_of_no_steps() -> None:
    layer = AdditiveAttention(5)
    np.testing.assert_array_equal(layer(np.ones((2, 3)), np.ones((2, 0, 4))), np.zeros((2, 4)))


def test_attention_learns_to_look_up() -> None:
    """The query is a key. The answer is the value of that key, at any step."""
    generator = np.random.default_rng(3)
    order = np.array([generator.permutation(6) for _ in range(256)])
    keys, values = np.eye(6, dtype=np.float32)[order], generator.normal(size=(256, 6, 1)).astype("float32")
    asked = generator.integers(0, 6, 256)
    answers = values[order == asked[:, None]]
    query, memory = keras.Input((6,)), keras.Input((None, 7))
    context = AdditiveAttention(16)(query, memory)
    model = keras.Model([query, memory], context[:, -1:])
    model.compile(keras.optimizers.Adam(0.05), "mse")
    inputs = [np.eye(6, dtype=np.float32)[asked], np.concatenate([keys, values], -1)]
    losses = model.fit(inputs, answers, epochs=30, batch_size=64, verbose=0).history["loss"]
    assert losses[-1] < 0.1 * losses[0]


@pytest.mark.parametrize("name", BY_INPUTS)
def test_converts_to_builtin_ops_and_computes_the_same(name: str, tmp_path: Path) -> None:
    make, count = BY_INPUTS[name]
    layer = _built(make, count)
    arrays = dict(zip(["query", "memory"][-count:], (array[:1] for array in _arrays(count)), strict=True))
    arrays["mask"] = np.array([[True, True, False, True]])

    def serve(given: dict[str, Any]) -> dict[str, Any]:
        *inputs, mask = (given[key] for key in arrays)
        return dict(zip(("context", "weights"), layer(*inputs, mask=mask), strict=True))

    archive = keras.export.ExportArchive()
    archive.track(layer)
    specs = {key: tf.TensorSpec(array.shape, array.dtype, key) for key, array in arrays.items()}
    archive.add_endpoint("serve", serve, [specs])
    archive.write_out(str(tmp_path), verbose=False)
    content = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path), signature_keys=["serve"]).convert()
    interpreter = Interpreter(model_content=content)  # knows builtin ops only
    result = interpreter.get_signature_runner("serve")(**arrays)
    for key, expected in serve(arrays).items():
        np.testing.assert_allclose(result[key], expected, **SAME)


def _call(layer: Any, *shapes: tuple[int, ...], **options: Any) -> Callable[[], Any]:
    return lambda: layer(*(np.ones(shape, np.float32) for shape in shapes), **options)


def _twice(layer: Any, first: list[tuple[int, ...]], second: list[tuple[int, ...]]) -> Callable[[], Any]:
    return lambda: [_call(layer, *shapes)() for shapes in (first, second)]


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "no units": (lambda: AdditiveAttention(0), "AdditiveAttention: units: expected .* got 0"),
    "no heads": (lambda: MultiHeadAttention(0, 5), "MultiHeadAttention: num_heads: expected .* got 0"),
    "half a key": (
        lambda: MultiHeadAttentionPooling(2, 2.5),
        "MultiHeadAttentionPooling: key_dim: expected .* got 2.5",
    ),
    "unknown score": (
        lambda: MultiplicativeAttention("location", name="mine"),
        r"mine: score: expected one of \('general', 'dot'\), got 'location'",
    ),
    "query of another rank": (
        _call(AdditiveAttention(5, name="mine"), (3,), (3, 4, 2)),
        r"mine: query: expected shape \(batch, features\) or \(batch, queries, features\), got \(3,\)",
    ),
    "memory of another rank": (
        _call(AdditiveAttention(5, name="mine"), (3, 2), (3, 4)),
        r"mine: memory: expected shape \(batch, steps, features\), got \(3, 4\)",
    ),
    "dot of other features": (
        _call(MultiplicativeAttention("dot", name="mine"), (3, 5), (3, 4, 2)),
        "mine: score='dot': expected the same number of features in query and memory, got 5 and 2",
    ),
    "memory of another batch": (
        _call(MultiplicativeAttention(name="mine"), (3, 5), (1, 4, 2)),
        "mine: memory: expected the batch of the query, 3, got 1",
    ),
    "other features than built for": (
        _twice(MultiHeadAttention(2, 3, name="mine"), [(3, 5), (3, 4, 2)], [(3, 5), (3, 4, 1)]),
        r"mine: expected \(query, memory\) features \(5, 2\), got \(5, 1\)",
    ),
    "mask of another length": (
        _call(AdditiveAttention(5, name="mine"), (3, 2), (3, 4, 2), mask=np.ones((3, 5), bool)),
        r"mine: mask: expected shape \(3, 4\), got \(3, 5\)",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused(what: str) -> None:
    act, message = REFUSED[what]
    with pytest.raises(ValueError, match=message):
        act()
