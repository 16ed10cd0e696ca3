"""Run a sequence model one step at a time: the states of its layers become inputs and outputs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from typing import Any

import keras
import tensorflow as tf

from .bidirectional import Bidirectional
from .keras_rnn import KerasRNN
from .last_steps import LastSteps
from .pcen import PCEN
from .stack import Stack
from .stateful import StatefulLayer
from .states import CarriedStates, Streaming, carrying
from .stepwise import is_stepwise
from .windowed import Windowed


class OneStep:
    """One step of a sequence model: states in, states out.

    N steps compute the same as one call on a sequence of N steps. A layer that returns only its last output
    returns the output of the sequence up to this step. A step may be a packet of
    several elements of the sequence, such as the samples of one frame.

        step = OneStep(model)
        states = step.initial_states(batch_size=1)
        outputs, states = step(inputs, states)

    Args:
        model: a built model of layers that treat each step alone (`stepwise.is_stepwise`) and of layers
            that carry states: the recurrent layers of this package, causal convolutions, spectrograms.
        taken: names that no state may have, such as those of inputs and outputs.

    Call arguments:
        inputs: (batch, packet, features), or (batch, packet) tokens or samples.
        states: the state before the step by name, (batch, ...) each.

    Returns:
        The model's outputs, and the states after the step by name.

    Attributes:
        states: shape of each state without the batch, by its name LAYER_STATE ("lstm_h", "lstm_c"). If a name
            of a layer's states is taken, they are called LAYER_2_STATE.

    Raises:
        ValueError: a layer needs the whole sequence (a backward direction, attention or pooling over the
            sequence), or no layer carries a state. The message names the layer.
    """

    def __init__(self, model: keras.Model, taken: Collection[str] = ()) -> None:
        self.model = model
        self._layers = streaming_layers(model)
        self.states: dict[str, tuple[int, ...]] = {}
        for layer in self._layers:
            states = layer.stream_states(1)
            prefix = next(
                each
                for each in numbered(layer.name)
                if {*taken, *self.states}.isdisjoint(f"{each}_{name}" for name in states)
            )
            for name, state in states.items():
                self.states[f"{prefix}_{name}"] = tuple(state.shape[1:])
        if not self.states:
            raise ValueError(f"{model.name}: streaming: expected a model with a layer that carries a state")

    def initial_states(self, batch_size: int) -> dict[str, tf.Tensor]:
        """Return the states at the start of a stream by name: zeros (batch_size, ...)."""
        values = [state for layer in self._layers for state in layer.stream_states(batch_size).values()]
        return dict(zip(self.states, values, strict=True))

    def __call__(self, inputs: Any, states: Mapping[str, tf.Tensor]) -> tuple[Any, dict[str, tf.Tensor]]:
        """Return the model's outputs for one step and the new states."""
        given, values = {}, iter(states[name] for name in self.states)
        for layer in self._layers:
            given[id(layer)] = tuple(next(values) for _ in layer.stream_states(1))
        carried = CarriedStates(given)
        # model(inputs) would refuse inputs that are shorter than the sequence.
        with carrying(carried), _inner_models_take_any_length(self.model):
            options = {"training": False} if self.model._call_has_training_arg else {}
            outputs = self.model.call(inputs, **options)
        new = [state for layer in self._layers for state in carried.new.get(id(layer), ())]
        return outputs, dict(zip(self.states, new, strict=True))


def numbered(name: str) -> Iterator[str]:
    """Yield names to choose from: `name`, then it with a number from 2 on, NAME_2."""
    yield name
    yield from (f"{name}_{number}" for number in count(2))


def streaming_layers(model: keras.Model) -> list[Streaming]:
    """Return the layers that carry a state, in order.

    Raises:
        ValueError: a layer needs the whole sequence; the message names it.
    """
    found = []
    for layer in _leaves(model):
        if getattr(layer, "go_backwards", False):
            raise ValueError(f"{layer.name}: streaming: it starts at the end of the sequence")
        if hasattr(layer, "stream_states"):
            found.append(layer)
        elif not is_stepwise(layer):
            raise ValueError(
                f"{layer.name}: streaming: {type(layer).__name__} needs the whole sequence, "
                "so it cannot run step by step"
            )
    return found


@contextmanager
def _inner_models_take_any_length(model: keras.Model) -> Iterator[None]:
    """Let Functional models inside a model take steps instead of the sequences that they were built for."""
    inner = [each for each in model._flatten_layers(include_self=False) if isinstance(each, keras.Model)]
    checking = [each for each in inner if not hasattr(each, "_manual_input_spec")]
    for each in checking:
        each._manual_input_spec = None  # what the setter of Functional sets; a Sequential does not read it
    try:
        yield
    finally:
        for each in checking:
            del each._manual_input_spec


def _leaves(model: keras.Layer) -> Iterator[keras.Layer]:
    """Yield the layers that compute, including those inside models, stacks, directions and PCEN."""
    if isinstance(model, Bidirectional):
        yield model.forward_layer
        yield model.backward_layer
    elif isinstance(model, PCEN):
        yield model.average
    elif isinstance(model, (keras.Model, Stack)):
        # A functional graph may hold operations that are not layers, such as a mean over the steps.
        operations = getattr(model, "operations", model.layers)
        behind = _behind_windows(operations)
        for layer in operations:
            if id(layer) in behind:
                continue
            leaves = list(_leaves(layer))
            if _sees_one_step(layer):
                if any(hasattr(each, "stream_states") for each in leaves):
                    raise ValueError(f"{layer.name}: streaming: it reads steps made of a last output")
                if leaves == [layer]:
                    continue
            yield from leaves
    else:
        yield model


def _sees_one_step(layer: Any) -> bool:
    """Return whether all inputs of a layer in a functional graph come from last outputs or last states."""
    given = [tensor for node in layer._inbound_nodes for tensor in node.input_tensors]
    known: dict[int, bool] = {}
    return bool(given) and not any(_has_time(each, known) for each in given)


def _behind_windows(operations: Iterable[Any]) -> set[int]:
    """Return the `id` of the operations of a functional graph that read windows of a stream.

    In each step of a stream they see the whole window, so they carry nothing.
    """
    found: set[int] = set()
    for each in operations:
        given = [tensor for node in each._inbound_nodes for tensor in node.input_tensors]
        sources = [tensor._keras_history.operation for tensor in given]
        if any(isinstance(source, LastSteps) or id(source) in found for source in sources):
            found.add(id(each))
    return found


def _has_time(tensor: Any, known: dict[int, bool]) -> bool:
    """Return whether a tensor may have an axis of steps, which `known` remembers."""
    if id(tensor) not in known:
        layer, node_index, place = tensor._keras_history
        recurrent = isinstance(layer, (StatefulLayer, KerasRNN, Windowed))
        before = layer._inbound_nodes[node_index].input_tensors
        known[id(tensor)] = not (recurrent and (place or not layer.return_sequences)) and (
            not before or any(_has_time(each, known) for each in before)
        )
    return known[id(tensor)]
