"""The states of recurrent layers: their type, and how a stream carries them from step to step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

import tensorflow as tf

States = tuple[tf.Tensor, ...]
"""The states of one layer, in the order of their names."""


def as_wide(mask: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    """Return a mask, whose last axis has size 1, with as many axes as `like`."""
    missing = like.shape.rank - mask.shape.rank
    return tf.reshape(mask, tf.concat([tf.shape(mask), [1] * missing], 0)) if missing else mask


def where_valid(valid: tf.Tensor, new: States, old: States) -> States:
    """Return the new states where the step is valid, (batch, 1), and the old ones where it is padding."""
    return tuple(
        tf.where(as_wide(valid, after), after, before) for after, before in zip(new, old, strict=True)
    )


class Streaming(Protocol):
    """A layer that carries states from step to step of a stream."""

    name: str

    def stream_states(self, batch_size: Any) -> dict[str, tf.Tensor]:
        """Return the states that a stream starts from by name, (batch_size, ...) each.

        While `carried_states(self)` is not None, `call` must take its first states from there and put its
        last states there, in the order of this dict.
        """


class CarriedStates:
    """The states of all layers for one step of a stream: before the step, and after it.

    Args:
        given: the states before the step, by `id` of the layer.
    """

    def __init__(self, given: Mapping[int, States]) -> None:
        self.given = given
        self.new: dict[int, States] = {}

    def take(self, layer: Streaming) -> States:
        """Return the states that `layer` starts from.

        Raises:
            ValueError: the layer was already called in this step: it is shared.
        """
        if id(layer) in self.new:
            raise ValueError(
                f"{layer.name}: streaming: expected a layer that is called once a step, got a shared layer"
            )
        return self.given[id(layer)]

    def put(self, layer: Streaming, states: States) -> None:
        """Store the states that `layer` ended with."""
        self.new[id(layer)] = states


_current: ContextVar[CarriedStates | None] = ContextVar("carried", default=None)


def carried_states(layer: Streaming) -> CarriedStates | None:
    """Return the object that a layer takes its states from and puts them in.

    It is None outside a stream, and for a layer inside another one that treats each step alone, such as
    TimeDistributed: it sees a whole sequence in each step of the stream.
    """
    carried = _current.get()
    return carried if carried is not None and id(layer) in carried.given else None


@contextmanager
def carrying(carried: CarriedStates) -> Iterator[None]:
    """Let layers that are called in the `with` block take their states from `carried` and put them there."""
    token = _current.set(carried)
    try:
        yield
    finally:
        _current.reset(token)


def after_the_past(layer: Streaming, sequences: tf.Tensor, past: int) -> tf.Tensor:
    """Return `sequences` with the `past` steps before them, and keep the last steps for a stream.

    Args:
        layer: the layer that needs the steps. Its `stream_states` must return `zero_past` of the same size.
        sequences: (batch, steps, ...).
        past: how many steps to put in front. They are zeros before the start of a sequence.

    Returns:
        (batch, past + steps, ...).
    """
    if not past:
        return sequences
    if (carried := carried_states(layer)) is None:
        return tf.pad(sequences, [[0, 0], [past, 0], *([[0, 0]] * (len(sequences.shape) - 2))])
    whole = tf.concat([*carried.take(layer), sequences], 1)
    carried.put(layer, (whole[:, -past:],))
    return whole


def zero_past(shape: Sequence[Any], dtype: str) -> dict[str, tf.Tensor]:
    """Return the first state of `after_the_past`, zeros (batch, past, ...), or no state if past is 0."""
    return {"past": tf.zeros(shape, dtype)} if shape[1] else {}
