"""Attention computes the equations of its papers, and mutants of it fail the same check."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference import attention as reference
from reference.attention_mutants import MUTANTS
from reference.parity import random_like, randomize

import layers

BATCH, QUERIES, STEPS, FEATURES, UNITS = 2, 3, 6, 4, 5
HEADS, KEY_DIM = 2, 7

TOLERANCE = 1e-5
"""Rounding of float32: weighted means of sums of at most 14 products of size 3, about 1e-6."""

MASK = np.array([[True, True, False, True, False, False], [False, True, True, True, True, True]])
"""Rows with padding between, after and before the valid steps."""


class Equations(NamedTuple):
    make: Callable[..., Any]
    reference: Callable[..., tuple[np.ndarray, np.ndarray]]
    query_size: int | None
    """None for pooling."""


_ADDITIVE: dict[str, Any] = {"units": UNITS}
_HEADS: dict[str, Any] = {"num_heads": HEADS, "key_dim": KEY_DIM}
_multi_head = partial(reference.multi_head, heads=HEADS)
_multi_head_pooling = partial(reference.multi_head_pooling, heads=HEADS)

EQUATIONS = {
    "additive": Equations(partial(layers.AdditiveAttention, **_ADDITIVE), reference.additive, 3),
    "general": Equations(layers.MultiplicativeAttention, reference.general, 3),
    "dot": Equations(partial(layers.MultiplicativeAttention, score="dot"), reference.dot, FEATURES),
    "multi-head": Equations(partial(layers.MultiHeadAttention, **_HEADS), _multi_head, 3),
    "additive pooling": Equations(
        partial(layers.AdditiveAttentionPooling, **_ADDITIVE), reference.additive_pooling, None
    ),
    "multiplicative pooling": Equations(
        layers.MultiplicativeAttentionPooling, reference.multiplicative_pooling, None
    ),
    "multi-head pooling": Equations(
        partial(layers.MultiHeadAttentionPooling, **_HEADS), _multi_head_pooling, None
    ),
}
OF_QUERIES = [name for name, equations in EQUATIONS.items() if equations.query_size]


def _arrays(query_size: int | None) -> list[np.ndarray]:
    """Return the inputs: queries, unless the layer is pooling, and a memory."""
    shapes = [(BATCH, QUERIES, query_size)] if query_size else []
    return random_like([*shapes, (BATCH, STEPS, FEATURES)], seed=4)


def _built(make: Callable[..., Any], query_size: int | None) -> Any:
    layer = make(return_weights=True)
    layer.build(*(array.shape for array in _arrays(query_size)))
    randomize(layer)
    return layer


def check(layer: Any, equations: Equations, query_size: int | None, mask: np.ndarray | None) -> None:
    """Assert that contexts and weights equal the reference."""
    inputs = _arrays(query_size)
    valid = np.ones((BATCH, STEPS), bool) if mask is None else mask
    weights = [weight.astype("float64") for weight in layer.get_weights()]
    expected = equations.reference(*(array.astype("float64") for array in inputs), valid, weights)
    for result, wanted in zip(layer(*inputs, mask=mask), expected, strict=True):
        np.testing.assert_allclose(result, wanted, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("mask", [None, MASK], ids=["no mask", "mask"])
@pytest.mark.parametrize("name", EQUATIONS)
def test_computes_its_equations(name: str, mask: np.ndarray | None) -> None:
    equations = EQUATIONS[name]
    check(_built(equations.make, equations.query_size), equations, equations.query_size, mask)


@pytest.mark.parametrize("mutant", MUTANTS)
def test_parity_fails_on_mutant(mutant: Any) -> None:
    """Query and memory have the same number of features, so that exchanged kernels fit too."""
    equations = EQUATIONS[MUTANTS[mutant]]
    query_size = None if equations.query_size is None else FEATURES
    options = getattr(equations.make, "keywords", {})
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        check(_built(partial(mutant, **options), query_size), equations, query_size, MASK)


def test_mutants_are_of_every_kind() -> None:
    assert set(MUTANTS.values()) | {"dot"} == set(EQUATIONS)
    for mutant, name in MUTANTS.items():
        assert mutant.__mro__[1] is getattr(EQUATIONS[name].make, "func", EQUATIONS[name].make)


@pytest.mark.parametrize("name", OF_QUERIES)
def test_one_query_is_one_of_many(name: str) -> None:
    equations = EQUATIONS[name]
    layer = _built(equations.make, equations.query_size)
    query, memory = _arrays(equations.query_size)
    contexts, weights = layer(query, memory, mask=MASK)
    context, weights_of_one = layer(query[:, 1], memory, mask=MASK)
    np.testing.assert_allclose(context, contexts[:, 1], atol=1e-6, rtol=0)
    np.testing.assert_allclose(weights_of_one, weights[..., 1, :], atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", OF_QUERIES)
def test_memory_projected_once_for_all_steps_of_a_decoder(name: str) -> None:
    equations = EQUATIONS[name]
    layer = _built(equations.make, equations.query_size)
    query, memory = (tf.constant(array) for array in _arrays(equations.query_size))
    projected = layer.project_memory(memory)
    steps = [layer.attend(query[:, t], projected, tf.constant(MASK)) for t in range(QUERIES)]
    contexts, weights = layer(query, memory, mask=MASK)
    np.testing.assert_allclose(tf.stack([step[0] for step in steps], 1), contexts, atol=1e-6, rtol=0)
    np.testing.assert_allclose(tf.stack([step[1] for step in steps], -2), weights, atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", EQUATIONS)
def test_padding_alone_weighs_the_same(name: str) -> None:
    equations = EQUATIONS[name]
    layer = _built(equations.make, equations.query_size)
    _, weights = layer(*_arrays(equations.query_size), mask=np.zeros((BATCH, STEPS), bool))
    np.testing.assert_allclose(weights, np.full(weights.shape, 1 / STEPS), atol=1e-6)


@pytest.mark.parametrize("scale", [-1e6, -30.0, 30.0, 1e6])
@pytest.mark.parametrize("name", ["dot", "multiplicative pooling"])
def test_padding_weighs_nothing_whatever_the_scores(name: str, scale: float) -> None:
    equations = EQUATIONS[name]
    layer = equations.make(return_weights=True)
    ones = np.ones((BATCH, STEPS, FEATURES), np.float32)
    layer.build(*[ones.shape] * (2 if equations.query_size else 1))
    layer.set_weights([np.full(weight.shape, scale) for weight in layer.get_weights()])
    inputs = [scale * ones[:, :1], ones] if equations.query_size else [ones]
    _, weights = layer(*inputs, mask=MASK)
    expected = MASK / MASK.sum(1, keepdims=True)
    np.testing.assert_allclose(np.reshape(weights, expected.shape), expected, atol=1e-6)


@pytest.mark.parametrize("mask", [None, MASK], ids=["no mask", "mask"])
@pytest.mark.parametrize("use_bias", [True, False])
def test_multi_head_equals_keras(use_bias: bool, mask: np.ndarray | None) -> None:
    ours = layers.MultiHeadAttention(HEADS, KEY_DIM, use_bias=use_bias, return_weights=True)
    stock = keras.layers.MultiHeadAttention(HEADS, KEY_DIM, use_bias=use_bias)
    query, memory = _arrays(3)
    stock.build(query.shape, memory.shape)
    randomize(stock)
    ours.build(query.shape, memory.shape)
    pairs = zip(ours.get_weights(), stock.get_weights(), strict=True)
    ours.set_weights([other.reshape(mine.shape) for mine, other in pairs])
    over_steps = None if mask is None else mask[:, None]
    expected = stock(query, memory, attention_mask=over_steps, return_attention_scores=True)
    for result, wanted in zip(ours(query, memory, mask=mask), expected, strict=True):
        np.testing.assert_allclose(result, wanted, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("mask", [None, MASK], ids=["no mask", "mask"])
@pytest.mark.parametrize("kind", ["additive", "dot"])
def test_equals_keras_where_the_equations_agree(kind: str, mask: np.ndarray | None) -> None:
    """Keras's additive score has no kernels, so ours are the identity here. Its scale is our v."""
    query, memory = _arrays(FEATURES)
    if kind == "dot":
        ours, stock = layers.MultiplicativeAttention("dot", return_weights=True), keras.layers.Attention()
    else:
        ours = layers.AdditiveAttention(FEATURES, return_weights=True)
        stock = keras.layers.AdditiveAttention()
        stock.build([query.shape, memory.shape])
        randomize(stock)
        ours.build(query.shape, memory.shape)
        identity = np.eye(FEATURES, dtype=np.float32)
        ours.set_weights([identity, identity, np.zeros(FEATURES), stock.get_weights()[0][:, None]])
    masks = None if mask is None else [None, tf.constant(mask)]
    expected = stock([query, memory], mask=masks, return_attention_scores=True)
    for result, wanted in zip(ours(query, memory, mask=mask), expected, strict=True):
        np.testing.assert_allclose(result, wanted, atol=TOLERANCE, rtol=0)
