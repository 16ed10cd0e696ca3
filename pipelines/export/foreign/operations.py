"""Operations that PyTorch and ONNX share, on `Value`s."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from ..._layers import layers
from .value import RefusedError, Value, arranged, axis_of, batch_first, computed, lazily, unsqueezed, whole

Weights = Sequence[np.ndarray | None]


@dataclass(frozen=True)
class Window:
    """What a convolution sees."""

    size: int
    stride: int
    dilation: int
    padding: tuple[int, int]
    """Zeros before and after the sequence."""


def with_weights(layer: Any, tensor: Any, weights: Weights) -> Any:
    """Return the output of a new layer with these weights, in the layer's own order; None is left out."""
    output = layer(tensor)
    layer.set_weights([each for each in weights if each is not None])
    return output


def pointwise(function: Callable[[Any], Any], value: Value) -> Value:
    """Return a function of each number."""
    read = lazily(lambda: function(value.read()))
    return Value(value.shape, value.order, read, folded=value.folded)


def clipped(value: Value, low: float | None, high: float | None) -> Value:
    """Return the numbers within bounds."""
    low, high = -np.inf if low is None else low, np.inf if high is None else high
    if low == 0:
        return pointwise(keras.layers.ReLU(max_value=None if high == np.inf else high), value)
    return pointwise(lambda x: keras.ops.clip(x, low, high), value)


def combined(function: Any, values: Sequence[Any], shape: Sequence[int]) -> Value:
    """Return a function of two tensors, one of which may be a constant or a number.

    Args:
        shape: the shape of the result for the example.
    """
    numbers = (int, float)
    tensors, order = _together(
        [np.asarray(each, np.float32) if isinstance(each, numbers) else each for each in values]
    )
    return computed(shape, order, function(*tensors))


def embedding(tokens: Any, table: np.ndarray | None, name: str) -> Value:
    """Return the rows of a table (tokens, size) at the given indices."""
    if not isinstance(tokens, Value) or table is None:
        raise RefusedError("expected indices that depend on the network's inputs")
    layer = keras.layers.Embedding(*table.shape, name=name)
    output = with_weights(layer, tokens.read(), [table])
    return computed((*tokens.shape, table.shape[1]), (*tokens.order, len(output.shape) - 1), output)


def dense(x: Value, kernel: np.ndarray, bias: np.ndarray | None, name: str) -> Value:
    """Return x W + b over the last axis.

    Args:
        kernel: W, (features, units).
    """
    tensor, order = _with_last_axis(x)
    layer = keras.layers.Dense(kernel.shape[1], use_bias=bias is not None, name=name)
    output = with_weights(layer, tensor, [kernel, bias])
    return replace(computed((*x.shape[:-1], kernel.shape[1]), order, output), folded=x.folded)


def conv1d(x: Value, weights: Weights, window: Window, *, groups: int, name: str) -> Value:
    """Return the convolution of (batch, channels, steps).

    Args:
        weights: the kernel (filters, channels / groups, size) and the bias (filters,) or None.
    """
    kernel, bias = weights
    assert kernel is not None
    before, after = window.padding
    if x.unpadded is not None:
        x, *more = x.unpadded
        before, after = before + more[0], after + more[1]
    filters, channels, seen = len(kernel), x.shape[1], window.dilation * (window.size - 1) + 1
    options = {"dilation_rate": window.dilation, "use_bias": bias is not None, "name": name}
    tensor = arranged(x, (0, 2, 1))
    if groups == 1 and before and (before, after, window.stride) == (seen - 1, 0, 1):
        layer = layers.CausalConv1D(filters, window.size, **options)
    else:
        tensor = keras.layers.ZeroPadding1D((before, after))(tensor) if before or after else tensor
        options["strides"] = window.stride
        if groups == 1:
            layer = keras.layers.Conv1D(filters, window.size, **options)
        elif groups == channels:
            layer = keras.layers.DepthwiseConv1D(window.size, depth_multiplier=filters // channels, **options)
            kernel = kernel.reshape(channels, -1, window.size)
        else:
            raise RefusedError(f"expected 1 group or one for each of {channels} channels, got {groups}")
    kernel = kernel.transpose(2, 1, 0) if groups == 1 else kernel.transpose(2, 0, 1)
    output = with_weights(layer, tensor, [kernel, bias])
    steps = (x.shape[2] + before + after - seen) // window.stride + 1
    return computed((x.shape[0], filters, steps), (0, 2, 1), output)


def padded(x: Value, before: int, after: int) -> Value:
    """Return (batch, channels, steps) with zeros before and after the steps."""
    if len(x.shape) != 3 or min(before, after) < 0:
        raise RefusedError("expected zeros around the steps of (batch, channels, steps)")
    read = lazily(lambda: keras.layers.ZeroPadding1D((before, after))(arranged(x, (0, 2, 1))))
    shape = (*x.shape[:2], x.shape[2] + before + after)
    return Value(shape, (0, 2, 1), read, unpadded=(x, before, after))


def layer_norm(x: Value, count: int, weights: Weights, *, epsilon: float, name: str) -> Value:
    """Normalise over the last `count` axes.

    Args:
        weights: gain and bias, or None for each.
    """
    if count == 1:
        tensor, order = _with_last_axis(x)
    elif x.batch >= len(x.shape) - count:
        raise RefusedError("normalises along the batch")
    else:
        tensor, order = whole(x), batch_first(x)
    rank = len(tensor.shape)
    layer = keras.layers.LayerNormalization(
        list(range(rank - count, rank)) if count > 1 else -1,
        epsilon=epsilon,
        scale=weights[0] is not None,
        center=weights[1] is not None,
        name=name,
    )
    return computed(x.shape, order, with_weights(layer, tensor, weights))


def batch_norm(x: Value, weights: Weights, *, epsilon: float, name: str) -> Value:
    """Normalise each channel, axis 1, by its stored mean and variance.

    Args:
        weights: gain and bias, or None for each; mean and variance.
    """
    layer = keras.layers.BatchNormalization(
        axis_of(x, 1),
        epsilon=epsilon,
        scale=weights[0] is not None,
        center=weights[1] is not None,
        name=name,
    )
    return computed(x.shape, x.order, with_weights(layer, x.read(), weights))


def prelu(x: Value, slopes: np.ndarray | None, name: str) -> Value:
    """Return x, and x times its slope where it is negative.

    Args:
        slopes: (1,), or (channels,) along axis 1.
    """
    assert slopes is not None
    tensor = x.read()
    rank = len(tensor.shape)
    channels = None if slopes.size == 1 else axis_of(x, 1)
    shared = [axis for axis in range(1, rank) if axis != channels]
    shape = [slopes.size if axis == channels else 1 for axis in range(1, rank)]
    layer = keras.layers.PReLU(shared_axes=shared, name=name)
    return computed(x.shape, x.order, with_weights(layer, tensor, [slopes.reshape(shape)]))


def softmax(x: Value, axis: int, *, logarithm: bool = False) -> Value:
    """Return exp(x) / sum(exp(x)) along an axis, or its logarithm."""
    place = axis_of(x, axis)
    if logarithm:
        return pointwise(lambda tensor: keras.ops.log_softmax(tensor, axis=place), x)
    return pointwise(lambda tensor: keras.layers.Softmax(axis=_last(place, tensor))(tensor), x)


def reduced(function: Any, x: Value, axes: Sequence[int], *, keep: bool) -> Value:
    """Return the mean or the maximum over some axes.

    Args:
        keep: keep these axes, with size 1.
    """
    axes = [axis % len(x.shape) for axis in axes]
    places = [axis_of(x, axis) for axis in axes]
    left = [i for i in range(len(x.shape)) if i not in axes]
    order = {
        axis: None if (place := x.order[axis]) is None else place - sum(each < place for each in places)
        for axis in left
    }
    kept = range(len(x.shape)) if keep else left
    shape = [x.shape[axis] if axis in order else 1 for axis in kept]
    tensor = lazily(lambda: function(x.read(), axis=tuple(places)))
    return Value(tuple(shape), tuple(order.get(axis) for axis in kept), tensor)


def pooled(kind: str, x: Value, size: int, stride: int) -> Value:
    """Return the "average" or "max" of windows of (batch, channels, steps)."""
    pooling = keras.layers.AveragePooling1D if kind == "average" else keras.layers.MaxPooling1D
    output = pooling(size, stride)(arranged(x, (0, 2, 1)))
    return computed((*x.shape[:2], (x.shape[2] - size) // stride + 1), (0, 2, 1), output)


def _with_last_axis(x: Value) -> tuple[Any, tuple[int | None, ...]]:
    """Return a Keras tensor whose last axis is that of the value, and its order."""
    if x.order[-1] is None or axis_of(x, -1) != len(x.read().shape) - 1:
        return whole(x), batch_first(x)
    return x.read(), x.order


def _last(place: int, tensor: Any) -> int:
    """Return -1 for the last axis, the usual way to write it."""
    return -1 if place == len(tensor.shape) - 1 else place


def _together(values: Sequence[Value | np.ndarray]) -> tuple[list[Any], tuple[int | None, ...]]:
    """Return tensors that broadcast as the foreign ones do, and the order of what is computed from them.

    Args:
        values: one `Value` at least; arrays are constants.

    Raises:
        RefusedError: the batch is at different axes, or a constant differs from example to example.
    """
    rank = max(np.ndim(each) if isinstance(each, np.ndarray) else len(each.shape) for each in values)
    full: list[Any] = []
    for each in values:
        while isinstance(each, Value) and len(each.shape) < rank:
            each = unsqueezed(each, 0)
        full.append(each)
    known = [each for each in full if isinstance(each, Value)]
    first = known[0]
    if any(each.batch != first.batch for each in known):
        raise RefusedError("combines tensors with the batch at different axes")
    same = all(each.order == first.order for each in known)
    order = first.order if same else batch_first(first)
    tensors = [
        _constant(each, order, first) if not isinstance(each, Value) else each.read() if same else whole(each)
        for each in full
    ]
    return tensors, order


def _constant(array: np.ndarray, order: Sequence[int | None], like: Value) -> np.ndarray:
    """Return a constant with its axes in the order of a Keras tensor."""
    array = array.reshape([*[1] * (len(order) - array.ndim), *array.shape])
    for axis, place in enumerate(order):
        if place == 0 and array.shape[axis] > 1:
            first = array.take([0], axis)
            if not np.array_equal(array, np.broadcast_to(first, array.shape)):
                raise RefusedError("combines a tensor with a constant that differs from example to example")
            array = first
        if place is None and array.shape[axis] > 1:
            raise RefusedError(f"combines {like.shape} with a constant of shape {array.shape}")
    real = [axis for axis, place in enumerate(order) if place is not None]
    axes = sorted(real, key=lambda axis: order[axis] or 0)
    rest = [axis for axis, place in enumerate(order) if place is None]
    return array.transpose([*axes, *rest]).reshape([array.shape[axis] for axis in axes])
