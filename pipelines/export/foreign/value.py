"""Tensors of a foreign network, each with the Keras tensor that holds it.

A Keras tensor keeps the batch first and, in a sequence, the steps second. Foreign networks exchange axes
freely: `Value.order` notes where each axis is, so that an exchange needs no operation until a layer needs it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import keras


class RefusedError(ValueError):
    """A step of the foreign network has no counterpart here. The message is the reason, without the place."""


class BatchElsewhereError(RefusedError):
    """A layer expects the batch at another axis than the one that was taken for it."""


@dataclass(frozen=True)
class Value:
    """A tensor of the foreign network that depends on its inputs."""

    shape: tuple[int, ...]
    """Its shape there, for the example that the network was run on."""
    order: tuple[int | None, ...]
    """For each axis the axis of the Keras tensor, where the batch is 0; None for an axis of size 1 that the
    Keras tensor does not have."""
    read: Callable[[], Any]
    """Returns the Keras tensor. A layer is only made when one of its outputs is read."""
    last: Value | None = None
    """The last step of a sequence (axis 1 of the Keras tensor), if the layer returns it."""
    parts: tuple[Value, ...] = ()
    """The values that are stacked along the first axis, if it is a stack."""
    folded: tuple[tuple[int, ...], tuple[int | None, ...]] | None = None
    """The sizes and the order of two axes, batch and steps, that the foreign tensor has as its first one."""
    unpadded: tuple[Value, int, int] | None = None
    """If zeros are before and after the steps of (batch, channels, steps): the rest, and how many zeros."""

    @property
    def batch(self) -> int:
        """The axis of the batch."""
        return self.order.index(0)


def lazily(make: Callable[[], Any]) -> Callable[[], Any]:
    """Return a function that makes a Keras tensor when it is first called."""
    return cache(make)


def changed(value: Value, shape: Sequence[int], order: Sequence[int | None], **changes: Any) -> Value:
    """Return the same Keras tensor as a value with other axes."""
    return replace(
        value, shape=tuple(shape), order=tuple(order), **{"parts": (), "unpadded": None, **changes}
    )


def computed(shape: Sequence[int], order: Sequence[int | None], tensor: Any) -> Value:
    """Return a value whose Keras tensor exists."""
    return Value(tuple(shape), tuple(order), lambda: tensor)


def axis_of(value: Value, axis: int) -> int:
    """Return the axis of the Keras tensor for an axis of the foreign tensor.

    Raises:
        RefusedError: it is the axis of the batch, or the Keras tensor lacks it.
    """
    found = value.order[axis]
    if found == 0:
        raise RefusedError(f"works along the batch, axis {axis % len(value.order)}")
    if found is None:
        raise RefusedError(f"works along axis {axis % len(value.order)} of size 1")
    return found


def arranged(value: Value, axes: Sequence[int]) -> Any:
    """Return a Keras tensor with the foreign axes in this order, the batch first. Axes of size 1 are added.

    Raises:
        BatchElsewhereError: the first of `axes` is not the batch.
    """
    if value.folded:
        raise RefusedError("mixes the batch with the steps")
    if value.order[axes[0]] != 0:
        raise BatchElsewhereError(f"expected the batch at axis {axes[0]}, found it at axis {value.batch}")
    tensor = value.read()
    wanted = [value.order[axis] for axis in axes]
    real = [axis for axis in wanted if axis is not None]
    if real != sorted(real):
        tensor = keras.layers.Permute(real[1:])(tensor)
    if None in wanted:
        sizes = iter(tensor.shape)
        full = [1 if axis is None else next(sizes) for axis in wanted]
        tensor = _reshaped(tensor, full[1:])
    return tensor


def whole(value: Value) -> Any:
    """Return a Keras tensor with the batch first, then all other axes in the foreign order."""
    return arranged(value, [value.batch, *_others(value)])


def transposed(value: Value, axes: Sequence[int]) -> Value:
    """Return the value with its axes in another order."""
    axes = [axis % len(value.shape) for axis in axes]
    last = value.last
    if last is not None:
        steps = value.order.index(1)
        last = transposed(last, [axis - (axis > steps) for axis in axes if axis != steps])
    return changed(value, [value.shape[i] for i in axes], [value.order[i] for i in axes], last=last)


def unsqueezed(value: Value, axis: int) -> Value:
    """Return the value with a new axis of size 1."""
    axis %= len(value.shape) + 1
    last = value.last
    if last is not None:
        last = unsqueezed(last, axis - (axis > value.order.index(1)))
    shape, order = (
        [*value.shape[:axis], 1, *value.shape[axis:]],
        [*value.order[:axis], None, *value.order[axis:]],
    )
    return changed(value, shape, order, last=last)


def squeezed(value: Value, axes: Sequence[int] | None = None) -> Value:
    """Return the value without these axes of size 1, by default without all of them."""
    count = len(value.shape)
    given = range(count) if axes is None else [axis % count for axis in axes]
    for axis in sorted(given, reverse=True):
        if value.shape[axis] == 1 and value.order[axis] != 0:
            value = selected(value, axis, 0)
        elif value.shape[axis] == 1 and axes is not None:
            raise RefusedError(f"removes the axis of the batch, {axis}")
    return value


def selected(value: Value, axis: int, index: int) -> Value:
    """Return the value at one index of an axis."""
    axis %= len(value.shape)
    if value.parts and axis == 0:
        return value.parts[index]
    shape = [*value.shape[:axis], *value.shape[axis + 1 :]]
    order = [*value.order[:axis], *value.order[axis + 1 :]]
    place = value.order[axis]
    if place is None:
        last = value.last
        if last is not None:
            last = selected(last, axis - (axis > value.order.index(1)), 0)
        return changed(value, shape, order, last=last)
    place = axis_of(value, axis)
    if place == 1 and value.last is not None and index in (-1, value.shape[axis] - 1):
        return value.last
    # the last index also in sequences of another length
    index = -1 if index == value.shape[axis] - 1 else index
    lower = [None if each is None else each - (each > place) for each in order]
    return Value(tuple(shape), tuple(lower), lazily(lambda: value.read()[_at(place, index)]))


def sliced(value: Value, axis: int, part: slice) -> Value:
    """Return a part of an axis."""
    axis %= len(value.shape)
    size = value.shape[axis]
    kept = range(size)[part]
    if kept == range(size):
        return value
    if value.last is not None and value.order[axis] == 1 and kept == range(size - 1, size):
        return unsqueezed(value.last, axis)
    place = axis_of(value, axis)
    if part.stop is not None and part.stop >= size:
        part = slice(part.start, None, part.step)  # up to the end, also in sequences of another length
    shape = [*value.shape[:axis], len(kept), *value.shape[axis + 1 :]]
    return Value(tuple(shape), value.order, lazily(lambda: value.read()[_at(place, part)]))


def stacked(values: Sequence[Value]) -> Value:
    """Return values of one shape as one value with a new first axis."""
    first = values[0]
    if len(values) == 1:
        return unsqueezed(first, 0)
    order = (1, *(None if axis is None else axis + (axis > 0) for axis in first.order))

    def read() -> Any:
        return keras.ops.stack([each.read() for each in values], 1)

    return Value((len(values), *first.shape), order, lazily(read), parts=tuple(values))


def joined(values: Sequence[Value], axis: int) -> Value:
    """Return the values one after the other along an axis."""
    first, axis = values[0], axis % len(values[0].shape)
    parts = [part for each in values for part in _along_first_axis(each)]
    if axis == 0 and len(parts) == sum(each.shape[0] for each in values):
        return stacked(parts)
    shape = [*first.shape[:axis], sum(each.shape[axis] for each in values), *first.shape[axis + 1 :]]
    if all(each.order == first.order for each in values) and first.order[axis] is not None:
        place, order, tensors = axis_of(first, axis), first.order, [each.read() for each in values]
    elif any(each.batch != first.batch for each in values):
        raise RefusedError("joins tensors with the batch at different axes")
    else:
        order = batch_first(first)
        place, tensors = order[axis], [whole(each) for each in values]
        if place == 0:
            raise RefusedError("joins tensors along the batch")
    return computed(shape, order, keras.layers.Concatenate(axis=place)(tensors))


def _along_first_axis(value: Value) -> tuple[Value, ...]:
    """Return the values that are stacked along the first axis, if it is a stack."""
    return (selected(value, 0, 0),) if value.order[0] is None else value.parts


def reshaped(value: Value, shape: Sequence[int]) -> Value:
    """Return the value in another shape, which must keep the batch apart from the other axes.

    Args:
        shape: the new shape for the example, without -1.
    """
    if list(value.shape) == list(shape):
        return value
    for axis in reversed([axis for axis, place in enumerate(value.order) if place is None]):
        value = selected(value, axis, 0)
    if list(value.shape) == list(shape):
        return value
    if (found := _folded(value, shape)) is not None:
        return found
    rows, batch = value.shape[value.batch], value.batch
    before, after = math.prod(value.shape[:batch]), math.prod(value.shape[batch + 1 :])
    for place, size in enumerate(shape):
        sides = math.prod(shape[:place]), math.prod(shape[place + 1 :])
        if size == rows and sides == (before, after):
            break
    else:
        raise RefusedError(f"{value.shape} to {tuple(shape)} mixes the batch, axis {batch}, with other axes")
    tensor = whole(value)
    others = [*shape[:place], *shape[place + 1 :]]
    target = _open_sizes([value.shape[axis] for axis in _others(value)], tensor.shape[1:], others)
    order = [0 if axis == place else axis + (axis < place) for axis in range(len(shape))]
    return computed(shape, order, _reshaped(tensor, target))


def _folded(value: Value, shape: Sequence[int]) -> Value | None:
    """Return the value with batch and steps as one axis, or as two again, if that is the new shape."""
    if value.folded:
        sizes, order = value.folded
        if tuple(shape) != (*sizes, *value.shape[1:]):
            raise RefusedError("mixes the batch with the steps")
        return changed(value, shape, (*order, *value.order[1:]), folded=None)
    sizes, order = value.shape[:2], value.order[:2]
    if set(order) == {0, 1} and tuple(shape) == (math.prod(sizes), *value.shape[2:]):
        return changed(value, shape, (0, *value.order[2:]), folded=(sizes, order), last=None)
    return None


def _open_sizes(old: Sequence[int], known: Sequence[int | None], new: Sequence[int]) -> list[int | None]:
    """Return the new sizes, None where one depends on a size that the Keras tensor leaves open."""
    sizes: list[int | None] = list(new)
    i = j = 0
    while i < len(old) and j < len(new):
        end_i, end_j = i + 1, j + 1
        while (left := math.prod(old[i:end_i])) != (right := math.prod(new[j:end_j])):
            end_i, end_j = end_i + (left < right), end_j + (left > right)
        if None in known[i:end_i]:
            if end_j - j > 1:
                raise RefusedError("splits an axis whose size is open: expected a fixed number of steps")
            sizes[j] = None
        i, j = end_i, end_j
    return sizes


def _reshaped(tensor: Any, sizes: Sequence[int | None]) -> Any:
    if list(sizes).count(None) > 1:
        raise RefusedError("reshapes a tensor of two open sizes: expected a fixed number of steps")
    return keras.layers.Reshape([-1 if size is None else size for size in sizes])(tensor)


def _others(value: Value) -> list[int]:
    return [axis for axis in range(len(value.shape)) if axis != value.batch]


def batch_first(value: Value) -> tuple[int, ...]:
    """Return the order of the tensor that `whole` returns."""
    return tuple(
        0 if axis == value.batch else axis + (axis < value.batch) for axis in range(len(value.shape))
    )


def _at(place: int, key: Any) -> tuple[Any, ...]:
    return (*[slice(None)] * place, key)
