"""A sequence model, one step at a time: the states that its layers would keep become inputs and outputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

if TYPE_CHECKING:
    from .recurrent import Recurrent
    from .scan import States

# Layers that do to each step the same, whatever the other steps are.
_STEPWISE = (  # noqa: SIM905
    "Activation AlphaDropout Add Any Average BatchNormalization Concatenate Dense Dropout ELU Embedding "
    "GaussianDropout GaussianNoise Identity InputLayer LayerNormalization LeakyReLU Masking MaskOf Maximum "
    "Minimum Multiply NotEqual PReLU ReLU RMSNormalization Rescaling Softmax SpatialDropout1D Subtract "
    "TimeDistributed TokenDropout"
).split()


class _Carried:
    """The states of one step: those that layers start from, and those that they end with."""

    def __init__(self, given: Mapping[int, States]) -> None:
        self.given = given
        self.new: dict[int, States] = {}

    def take(self, layer: Recurrent) -> States:
        """Return the states that `layer` starts from."""
        if id(layer) in self.new:
            raise ValueError(f"{layer.name}: streaming: expected a layer that is called once, it is shared")
        return self.given[id(layer)]

    def put(self, layer: Recurrent, states: States) -> None:
        """Keep the states that `layer` ended with."""
        self.new[id(layer)] = states


_current: ContextVar[_Carried | None] = ContextVar("carried", default=None)


def carried_states() -> _Carried | None:
    """Return where recurrent layers take their states from and put them, or None outside streaming."""
    return _current.get()


@contextmanager
def _carrying(carried: _Carried) -> Iterator[None]:
    token = _current.set(carried)
    try:
        yield
    finally:
        _current.reset(token)


class OneStep:
    """One step of a sequence model: state in, state out.

    N steps give what one call on the sequence of N gives: the outputs of each step, and for a layer that
    returns its last output only, the output that the sequence would have if it ended there.

        step = OneStep(model)
        states = step.initial_states(batch_size=1)
        outputs, states = step(inputs, states)          inputs (1, 1, features) or (1, 1) tokens

    Args:
        model: a built model whose recurrent layers are all of this package.

    Attributes:
        states: size of each state by its name, LAYER_STATE ("lstm_h", "lstm_c").

    Raises:
        ValueError: a layer needs more than one step at a time (a direction from the end, attention or
            pooling over the sequence), or the model has no recurrent layer. The message names the layer.
    """

    def __init__(self, model: keras.Model) -> None:
        self.model = model
        self._layers = recurrent_layers(model)
        if not self._layers:
            raise ValueError(f"{model.name}: streaming: expected a model with a recurrent layer")
        self.states: dict[str, int] = {}
        for layer in self._layers:
            for name, size in zip(layer.cell.state_names, layer.cell.state_size, strict=True):
                key = f"{layer.name}_{name}"
                if key in self.states:
                    raise ValueError(f"{layer.name}: streaming: expected layers of different names")
                self.states[key] = size

    def initial_states(self, batch_size: int) -> dict[str, tf.Tensor]:
        """Return zeros (batch_size, size) by name."""
        values = [state for layer in self._layers for state in layer.cell.get_initial_state(batch_size)]
        return dict(zip(self.states, values, strict=True))

    def __call__(self, inputs: Any, states: Mapping[str, tf.Tensor]) -> tuple[Any, dict[str, tf.Tensor]]:
        """Return the model's outputs for one step, and the new states."""
        given, values = {}, iter(states[name] for name in self.states)
        for layer in self._layers:
            given[id(layer)] = tuple(next(values) for _ in layer.cell.state_names)
        carried = _Carried(given)
        with _carrying(carried):
            # Not __call__, which would insist on the length of the sequence.
            outputs = self.model.call(inputs, training=False)
        new = [state for layer in self._layers for state in carried.new[id(layer)]]
        return outputs, dict(zip(self.states, new, strict=True))


def recurrent_layers(model: keras.Model) -> list[Recurrent]:
    """Return the recurrent layers of a model in order; refuse one that can't take a step at a time."""
    from .recurrent import Recurrent

    found = []
    for layer in _leaves(model):
        if isinstance(layer, Recurrent):
            if layer.go_backwards:
                raise ValueError(f"{layer.name}: streaming: it starts at the end of the sequence")
            found.append(layer)
        elif type(layer).__name__ not in _STEPWISE:
            raise ValueError(
                f"{layer.name}: streaming: a {type(layer).__name__} may need more than one step at a time"
            )
    return found


def _leaves(model: keras.Layer) -> Iterator[keras.Layer]:
    """Yield the layers that compute: models, stacks and directions are looked into."""
    from .bidirectional import Bidirectional
    from .stack import Stack

    if isinstance(model, Bidirectional):
        yield model.forward_layer
        yield model.backward_layer
    elif isinstance(model, (keras.Model, Stack)):
        # A functional graph may hold operations that are no layers, a mean over the steps say.
        for layer in getattr(model, "operations", model.layers):
            yield from _leaves(layer)
    else:
        yield model
