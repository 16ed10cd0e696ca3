"""Recurrent layers under observation, wherever they sit in a model: for `diagnostics`."""

from __future__ import annotations

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
    """What a layer did in its last call, time-major, in the order of processing."""

    probes: States = ()
    """Zeros (steps, batch, size) for each state, added to it after each step: the gradient with respect to
    them is the gradient with respect to the states."""
    last: States = ()
    """The states after the last step."""
    gates: tf.Tensor | None = None
    """What `recurrent_activation` gave, its calls side by side: (steps, batch, gates * units). So it is right
    for any cell, whatever goes into a gate beside the two projections."""
    valid: tf.Tensor | None = None
    """(steps, batch, 1) bool, False at padding."""


class Observation(NamedTuple):
    """What was seen of a layer, time-major, in the order of processing; norms are (steps, batch) each."""

    of_loss: States
    """For each state the norm of the gradient of the loss with respect to it."""
    of_last_output: States
    """The same of the sum of the layer's last output."""
    gates: tf.Tensor | None
    valid: tf.Tensor | None


def observer(layers: Sequence[Recurrent], loss: Callable[..., tf.Tensor]) -> Callable[..., list[Observation]]:
    """Return a function of the arguments of `loss` that tells what the layers do while `loss` calls them.

    `loss` takes the layers' `Recording`s as its last argument. Stateful layers keep the states they carry.
    The function is traced once for arguments of one shape; it is quick from its second call on.
    """

    @tf.function(autograph=False)
    def observe(*arguments: tf.Tensor) -> list[Observation]:
        with (
            tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape,
            recorded(layers, tape) as recordings,
        ):
            value = loss(*arguments, recordings)
        of_loss = _gradients(tape, value, [recording.probes for recording in recordings])
        return [
            Observation(
                _norms(gradients),
                _norms(_gradients(tape, recording.last[:1], recording.probes)),
                recording.gates,
                recording.valid,
            )
            for gradients, recording in zip(of_loss, recordings, strict=True)
        ]

    def call(*arguments: Any) -> list[Observation]:
        carried = [variable for layer in layers for variable in layer.states or ()]
        before = [tf.identity(variable) for variable in carried]
        tensors = [_tensors(argument) for argument in arguments]
        # Not observe(*tensors): TensorFlow would warn of functions that are traced for one call only.
        seen = observe.get_concrete_function(*tensors)(*tensors)
        for variable, value in zip(carried, before, strict=True):
            variable.assign(value)
        return seen

    return call


def _tensors(argument: Any) -> Any:
    """Return arrays as tensors, those of a model with several inputs by name."""
    if isinstance(argument, Mapping):
        return {name: tf.convert_to_tensor(array) for name, array in argument.items()}
    return tf.convert_to_tensor(argument)


def _gradients(tape: tf.GradientTape, value: Any, probes: Any) -> Any:
    return tape.gradient(value, probes, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def _norms(gradients: States) -> States:
    return tuple(tf.norm(gradient, axis=-1) for gradient in gradients)


@contextmanager
def recorded(layers: Sequence[Recurrent], tape: tf.GradientTape) -> Iterator[list[Recording]]:
    """Record what the layers do inside; `tape` watches the probes."""
    with ExitStack() as stack:
        yield [stack.enter_context(_recorded(layer, tape)) for layer in layers]


@contextmanager
def _recorded(layer: Recurrent, tape: tf.GradientTape) -> Iterator[Recording]:
    recording = Recording()

    def scan(sequences: tf.Tensor, state: States, masks: Masks, training: bool) -> tuple[tf.Tensor, States]:
        x_proj = layer.cell.project_inputs(steps_first(sequences, layer.go_backwards))
        recording.valid = masks.valid
        recording.probes = tuple(
            tf.zeros([tf.shape(x_proj)[0], tf.shape(part)[0], part.shape[1]], part.dtype) for part in state
        )
        tape.watch(recording.probes)
        outputs, recording.gates, recording.last = _loop(layer.cell, x_proj, state, masks, recording.probes)
        return batch_first(outputs), recording.last

    with _replaced(layer, "_scan", scan):
        yield recording


def _loop(
    cell: Cell, x_proj: tf.Tensor, state: States, masks: Masks, probes: States
) -> tuple[tf.Tensor, tf.Tensor | None, States]:
    """Run as `scan.loop`; return the outputs, the gates and the last states."""
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
    _, gates = step(tf.zeros_like(x_proj[0]), state, None)  # only for their shapes
    arrays = [empty(part, steps) for part in (state[0], *gates)]
    _, state, arrays = tf.while_loop(lambda t, *_: t < steps, body, (0, state, arrays))
    outputs, *of_gates = (stacked(array, x_proj) for array in arrays)
    return outputs, of_gates[0] if of_gates else None, state


@contextmanager
def _gates_of_a_step(cell: Cell) -> Iterator[list[tf.Tensor]]:
    """Collect what `recurrent_activation` gives, call by call."""
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
    """Give `owner` another attribute for a while, past the tracking that Keras does."""
    attributes = vars(owner)
    before = {name: attributes[name]} if name in attributes else {}
    attributes[name] = value
    try:
        yield
    finally:
        del attributes[name]
        attributes.update(before)
