"""Rounds in a Keras model what an integer file rounds, and lets gradients pass as if nothing was rounded."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf

from ..._layers import layers
from .operations import Key, observed
from .places import Place, Places, Steps

_WEIGHT_BITS = 8
_LEAST_RANGE = 1e-6
"""Of weights that are all zero."""


def rounded(values: tf.Tensor, steps: Steps) -> tf.Tensor:
    """Return what is left of float32 values that were stored as integers; gradients pass unchanged.

    Args:
        values: any shape.
        steps: the integers.
    """
    scale = steps.scale[0] if len(steps.scale) == 1 else tf.constant(steps.scale)
    low, high = -(2.0 ** (steps.bits - 1)), 2.0 ** (steps.bits - 1) - 1
    stored = tf.clip_by_value(tf.round(values / scale) + steps.zero_point, low, high)
    return _straight_through(values, (stored - steps.zero_point) * scale)


def rounded_weights(weights: tf.Tensor, kind: str) -> tf.Tensor:
    """Return weights as a file holds them: in 8 bits, with one scale for each filter.

    Args:
        weights: the constant of a product.
        kind: the product, one of TensorFlow's operations: filters are on the last axis, or on the last two.
    """
    axes = list(range(weights.shape.rank - (2 if kind == "DepthwiseConv2dNative" else 1)))
    largest = tf.reduce_max(tf.abs(weights), axes, keepdims=True)
    scale = tf.maximum(largest, _LEAST_RANGE) / (2 ** (_WEIGHT_BITS - 1) - 1)
    return _straight_through(weights, tf.round(weights / scale) * scale)


@tf.custom_gradient
def _straight_through(values: tf.Tensor, rounded_values: tf.Tensor) -> Any:
    return tf.identity(rounded_values), lambda upstream: (upstream, None)


@contextmanager
def rounding(model: keras.Model, places: Places) -> Iterator[set[Key]]:
    """Let a model compute as an integer file, in the graphs that are traced in a `with` block.

    Recurrent layers run as plain loops. Models that share layers with `model` round, too. What was traced
    before the block does not change, and what is traced in it stays as it is.

    Args:
        model: a built model.
        places: where and how to round.

    Yields:
        The places that were reached, which grow as graphs are traced.
    """
    reached: set[Key] = set()

    def observe(key: Key, inputs: Sequence[tf.Tensor], output: tf.Tensor) -> tf.Tensor | None:
        place = places.get(key)
        if place is None or tf.executing_eagerly():
            return None
        reached.add(key)
        return _computed(place, key.kind, inputs, output)

    with layers.execution("loop"), observed(model, observe):
        yield reached


def _computed(place: Place, kind: str, inputs: Sequence[tf.Tensor], output: tf.Tensor) -> tf.Tensor:
    """Return the output of an operation of a graph that reads rounded inputs, rounded too."""
    if place.reads or place.weights:
        given = list(inputs)
        for number, steps in place.reads.items():
            given[number] = rounded(given[number], steps)
        for number in place.weights:
            given[number] = rounded_weights(given[number], kind)
        output = _again(output, given)
    return output if place.returns is None else rounded(output, place.returns)


def _again(output: tf.Tensor, inputs: Sequence[tf.Tensor]) -> tf.Tensor:
    """Return the output of the same operation for other inputs."""
    made = output.op
    graph = tf.compat.v1.get_default_graph()
    node = made.node_def
    copy = graph._create_op_internal(
        made.type,
        list(inputs),
        [each.dtype for each in made.outputs],
        name=f"{made.name.rpartition('/')[2]}_rounded",
        attrs={name: node.attr[name] for name in node.attr},
        op_def=made.op_def,
    )
    return copy.outputs[0]


def missing(places: Places, reached: Collection[Key]) -> list[str]:
    """Return the layers with places that a network that was traced has not reached."""
    return sorted({key.layer for key in places if key not in reached})
