"""Record the states, gates and gradients of recurrent layers in a model, for `diagnostics`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import tensorflow as tf

from .cells.base import Cell
from .recurrent import Recurrent
from .scan import Masks, batch_first, empty, stacked, steps_first, unstacked
from .states import States


@dataclass
class Recording:
    """A record of a layer's last call: time-major, in the order of processing."""

    probes: States = ()
    """Zeros (steps, batch, size) for each state. They are added to the state after each step, so that the
    gradient with respect to a probe is the gradient with respect to the state."""
    last: States = ()
    """The states after the last step, (batch, size) each."""
    gates: tf.Tensor | None = None
    """The results of all calls of `recurrent_activation`, side by side: (steps, batch, gates * units). This
    is right for every cell, because it does not depend on what the gates read."""
    valid: tf.Tensor | None = None
    """(steps, batch, 1) bool, False at padding."""


class Observation(NamedTuple):
    """The gradient norms and gates of a layer, time-major, in the order of processing."""

    of_loss: States
    """For each state (steps, batch): the norm of the gradient of the loss with respect to it."""
    of_last_output: States
    """For each state (steps, batch): the norm of the gradient of the sum of the layer's last output."""
    gates: tf.Tensor | None
    """Activations of the gates, (steps, batch, gates * units), or None for a cell without gates."""
    valid: tf.Tensor | None
    """(steps, batch, 1) bool, False at padding, or None without a mask."""


def observe(
    layers: Sequence[Recurrent], loss: Callable[..., tf.Tensor], *arguments: Any
) -> list[Observation]:
    """Call `loss` once and return an `Observation` of each layer.

    Stateful layers keep the states that they had before.

    Args:
        layers: the layers to observe.
        loss: takes the arguments as tensors, then the list of the layers' `Recording`s; it calls the layers
            and returns a scalar.
        *arguments: arrays, or dicts of arrays by input name.
    """
    return _keeping_states(layers, lambda *tensors: _observe(layers, loss, *tensors), *arguments)


def observer(layers: Sequence[Recurrent], loss: Callable[..., tf.Tensor]) -> Callable[..., list[Observation]]:
    """Return a function of `*arguments` that does what `observe` does.

    It is traced once for each shape of its arguments, and is fast from its second call on.
    """

    @tf.function(autograph=False)
    def traced(*tensors: tf.Tensor) -> list[Observation]:
        return _observe(layers, loss, *tensors)

    def call(*tensors: Any) -> list[Observation]:
        # traced(*tensors) would make TensorFlow warn about functions that are traced for one call only.
        return traced.get_concrete_function(*tensors)(*tensors)

    return lambda *arguments: _keeping_states(layers, call, *arguments)


def _keeping_states(
    layers: Sequence[Recurrent], call: Callable[..., list[Observation]], *arguments: Any
) -> list[Observation]:
    carried = [variable for layer in layers for variable in layer.states or ()]
    before = [tf.identity(variable) for variable in carried]
    seen = call(*(_tensors(argument) for argument in arguments))
    for variable, value in zip(carried, before, strict=True):
        variable.assign(value)
    return seen


def _observe(
    layers: Sequence[Recurrent], loss: Callable[..., tf.Tensor], *tensors: tf.Tensor
) -> list[Observation]:
    with (
        tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape,
        recorded(layers, tape) as recordings,
    ):
        value = loss(*tensors, recordings)
    return _observations(tape, value, recordings)


def _observations(tape: tf.GradientTape, loss: tf.Tensor, recordings: list[Recording]) -> list[Observation]:
    of_loss = _gradients(tape, loss, [recording.probes for recording in recordings])
    return [
        Observation(
            _norms(gradients),
            _norms(_gradients(tape, recording.last[:1], recording.probes)),
            recording.gates,
            recording.valid,
        )
        for gradients, recording in zip(of_loss, recordings, strict=True)
    ]


def _tensors(argument: Any) -> Any:
    """Return an array, or a dict of arrays by input name, as tensors."""
    if isinstance(argument, Mapping):
        return {name: tf.convert_to_tensor(array) for name, array in argument.items()}
    return tf.convert_to_tensor(argument)


def _gradients(tape: tf.GradientTape, value: Any, probes: Any) -> Any:
    return tape.gradient(value, probes, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def _norms(gradients: States) -> States:
    return tuple(tf.norm(_one_axis(gradient), axis=-1) for gradient in gradients)


def _one_axis(sequence: tf.Tensor) -> tf.Tensor:
    """Return (steps, batch, ...) as (steps, batch, size)."""
    return tf.reshape(sequence, tf.concat([tf.shape(sequence)[:2], [math.prod(sequence.shape[2:])]], 0))


@contextmanager
def recorded(layers: Sequence[Recurrent], tape: tf.GradientTape) -> Iterator[list[Recording]]:
    """Yield a `Recording` of each layer, filled when the layer is called. `tape` watches the probes."""
    with ExitStack() as stack:
        yield [stack.enter_context(_recorded(layer, tape)) for layer in layers]


@contextmanager
def _recorded(layer: Recurrent, tape: tf.GradientTape) -> Iterator[Recording]:
    recording = Recording()

    def scan(sequences: tf.Tensor, state: States, masks: Masks, **_: Any) -> tuple[tf.Tensor, States]:
        x_proj = layer.cell.project_inputs(steps_first(sequences, backwards=layer.go_backwards))
        recording.valid = masks.valid
        recording.probes = tuple(
            tf.zeros([tf.shape(x_proj)[0], tf.shape(part)[0], *part.shape[1:]], part.dtype) for part in state
        )
        tape.watch(recording.probes)
        outputs, recording.gates, recording.last = _loop(
            layer.cell, x_proj, state, masks, probes=recording.probes
        )
        return batch_first(outputs), recording.last

    with _replaced(layer, "_scan", scan):
        yield recording


def _loop(
    cell: Cell, x_proj: tf.Tensor, state: States, masks: Masks, *, probes: States
) -> tuple[tf.Tensor, tf.Tensor | None, States]:
    """Run the cell over projected inputs; return the outputs, the gates and the last states."""
    x_steps, *probe_steps = (unstacked(sequence) for sequence in (x_proj, *probes))

    def step(x_t: tf.Tensor, state: States, valid: tf.Tensor | None) -> tuple[States, list[tf.Tensor]]:
        with _gates_of_a_step(cell) as gates:
            state = cell.advance(x_t, cell.project_previous(state[0]), state, valid=valid)
        return state, [tf.concat(gates, -1)] if gates else []

    def body(t: tf.Tensor, state: States, arrays: Sequence[tf.TensorArray]) -> tuple:
        state, gates = step(x_steps.read(t), state, masks.at(t)["valid"])
        state = tuple(part + probe.read(t) for part, probe in zip(state, probe_steps, strict=True))
        kept = (state[0], *gates)
        return t + 1, state, [array.write(t, part) for array, part in zip(arrays, kept, strict=True)]

    steps = tf.shape(x_proj)[0]
    _, gates = step(tf.zeros_like(x_proj[0]), state, None)  # only their shapes are used
    arrays = [empty(part, steps) for part in (state[0], *gates)]
    _, state, arrays = tf.while_loop(lambda t, *_: t < steps, body, (0, state, arrays))
    outputs, *of_gates = (stacked(array, x_proj) for array in arrays)
    return outputs, of_gates[0] if of_gates else None, state


@contextmanager
def _gates_of_a_step(cell: Cell) -> Iterator[list[tf.Tensor]]:
    """Collect the results of the calls of `recurrent_activation`."""
    gates: list[tf.Tensor] = []
    activation: Any = getattr(cell, "recurrent_activation", None)

    def recurrent_activation(x: tf.Tensor) -> tf.Tensor:
        gates.append(activation(x))
        return gates[-1]

    with ExitStack() as stack:
        if activation is not None:
            stack.enter_context(_replaced(cell, "recurrent_activation", recurrent_activation))
        yield gates


@contextmanager
def _replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Replace an attribute inside a `with` block without Keras tracking the change."""
    attributes = vars(owner)
    before = {name: attributes[name]} if name in attributes else {}
    attributes[name] = value
    try:
        yield
    finally:
        del attributes[name]
        attributes.update(before)
