"""A sequence model, one step at a time: the states that its layers would keep become inputs and outputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

import keras
import tensorflow as tf

from .scan import States
from .stepwise import is_stepwise


class Streaming(Protocol):
    """What a layer defines that carries something from step to step."""

    name: str

    def stream_states(self, batch_size: Any) -> dict[str, tf.Tensor]:
        """Return the states that a stream starts from by name, each (batch_size, ...).

        While `carried_states()` is not None, `call` must take what it starts from there, in this order, and
        put there what it ends with.
        """


class _Carried:
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


_current: ContextVar[_Carried | None] = ContextVar("carried", default=None)


def carried_states() -> _Carried | None:
    """Return where layers take their states from and put them, or None outside streaming."""
    return _current.get()


@contextmanager
def _carrying(carried: _Carried) -> Iterator[None]:
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


class OneStep:
    """One step of a sequence model: state in, state out.

    N steps give what one call on the sequence of N gives: the outputs of each step, and for a layer that
    returns its last output only, the output that the sequence would have if it ended there. A step may be a
    packet of several elements of the sequence, such as the samples of one frame.

        step = OneStep(model)
        states = step.initial_states(batch_size=1)
        outputs, states = step(inputs, states)    inputs (1, packet, features), (1, packet) tokens or samples

    Args:
        model: a built model of stepwise layers and of layers that stream: recurrent ones of this package,
            causal convolutions, spectrograms.

    Attributes:
        states: shape of each state, without the batch, by its name LAYER_STATE ("lstm_h", "lstm_c").

    Raises:
        ValueError: a layer needs more than one step at a time (a direction from the end, attention or
            pooling over the sequence), or none carries a state. The message names the layer.
    """

    def __init__(self, model: keras.Model) -> None:
        self.model = model
        self._layers = streaming_layers(model)
        self.states: dict[str, tuple[int, ...]] = {}
        for layer in self._layers:
            for name, state in layer.stream_states(1).items():
                key = f"{layer.name}_{name}"
                if key in self.states:
                    raise ValueError(f"{layer.name}: streaming: expected layers of different names")
                self.states[key] = tuple(state.shape[1:])
        if not self.states:
            raise ValueError(f"{model.name}: streaming: expected a model with a layer that carries a state")

    def initial_states(self, batch_size: int) -> dict[str, tf.Tensor]:
        """Return by name what a stream starts from, (batch_size, ...) each: zeros."""
        values = [state for layer in self._layers for state in layer.stream_states(batch_size).values()]
        return dict(zip(self.states, values, strict=True))

    def __call__(self, inputs: Any, states: Mapping[str, tf.Tensor]) -> tuple[Any, dict[str, tf.Tensor]]:
        """Return the model's outputs for one step, and the new states."""
        given, values = {}, iter(states[name] for name in self.states)
        for layer in self._layers:
            given[id(layer)] = tuple(next(values) for _ in layer.stream_states(1))
        carried = _Carried(given)
        with _carrying(carried):
            # Not __call__, which would insist on the length of the sequence.
            outputs = self.model.call(inputs, training=False)
        new = [state for layer in self._layers for state in carried.new.get(id(layer), ())]
        return outputs, dict(zip(self.states, new, strict=True))


def streaming_layers(model: keras.Model) -> list[Streaming]:
    """Return the layers that carry a state in order; refuse one that can't take a step at a time."""
    found = []
    for layer in _leaves(model):
        if getattr(layer, "go_backwards", False):
            raise ValueError(f"{layer.name}: streaming: it starts at the end of the sequence")
        if hasattr(layer, "stream_states"):
            found.append(layer)
        elif not is_stepwise(layer):
            raise ValueError(
                f"{layer.name}: streaming: a {type(layer).__name__} may need more than one step at a time"
            )
    return found


def _leaves(model: keras.Layer) -> Iterator[keras.Layer]:
    """Yield the layers that compute: models, stacks, directions and averages are looked into."""
    from .bidirectional import Bidirectional
    from .pcen import PCEN
    from .stack import Stack

    if isinstance(model, Bidirectional):
        yield model.forward_layer
        yield model.backward_layer
    elif isinstance(model, PCEN):
        yield model.average
    elif isinstance(model, (keras.Model, Stack)):
        # A functional graph may hold operations that are no layers, a mean over the steps say.
        for layer in getattr(model, "operations", model.layers):
            yield from _leaves(layer)
    else:
        yield model
