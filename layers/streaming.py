"""A sequence model, one step at a time: the states that its layers would keep become inputs and outputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import keras
import tensorflow as tf

from .bidirectional import Bidirectional
from .pcen import PCEN
from .stack import Stack
from .states import CarriedStates, Streaming, carrying
from .stepwise import is_stepwise


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
        carried = CarriedStates(given)
        with carrying(carried):
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
