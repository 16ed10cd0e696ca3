"""The states of recurrent layers: their type, and how a stream carries them from step to step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

import tensorflow as tf

States = tuple[tf.Tensor, ...]
"""The states of one layer, in the order of their names."""


class Streaming(Protocol):
    """What a layer defines that carries something from step to step."""

    name: str

    def stream_states(self, batch_size: Any) -> dict[str, tf.Tensor]:
        """Return the states that a stream starts from by name, each (batch_size, ...).

        While `carried_states()` is not None, `call` must take what it starts from there, in this order, and
        put there what it ends with.
        """


class CarriedStates:
    """The states of one step: those that layers start from, and those that they end with."""

    def __init__(self, given: Mapping[int, States]) -> None:
        self.given = given
        self.new: dict[int, States] = {}

    def take(self, layer: Streaming) -> States:
        """Return the states that `layer` starts from."""
        if id(layer) in self.new:
            raise ValueError(f"{layer.name}: streaming: expected a layer that is called once, it is shared")
        return self.given[id(layer)]

    def put(self, layer: Streaming, states: States) -> None:
        """Keep the states that `layer` ended with."""
        self.new[id(layer)] = states


_current: ContextVar[CarriedStates | None] = ContextVar("carried", default=None)


def carried_states() -> CarriedStates | None:
    """Return where layers take their states from and put them, or None outside streaming."""
    return _current.get()


@contextmanager
def carrying(carried: CarriedStates) -> Iterator[None]:
    token = _current.set(carried)
    try:
        yield
    finally:
        _current.reset(token)


def after_the_past(layer: Streaming, sequences: tf.Tensor, past: int) -> tf.Tensor:
    """Return `sequences` (batch, steps, ...) after the `past` steps before them; in a stream keep the last.

    Before the start there are zeros. What a layer's `stream_states` holds for it is `zero_past`.
    """
    if not past:
        return sequences
    if (carried := carried_states()) is None:
        return tf.pad(sequences, [[0, 0], [past, 0], *([[0, 0]] * (len(sequences.shape) - 2))])
    whole = tf.concat([*carried.take(layer), sequences], 1)
    carried.put(layer, (whole[:, -past:],))
    return whole


def zero_past(shape: Sequence[Any], dtype: str) -> dict[str, tf.Tensor]:
    """Return the state of `after_the_past` at the start, of shape (batch, past, ...); none for no past."""
    return {"past": tf.zeros(shape, dtype)} if shape[1] else {}
