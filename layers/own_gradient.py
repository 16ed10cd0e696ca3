"""The gradient of a cell over a sequence, arranged for fast training.

    forward      a loop keeps the states and the projected states of every step
    backward     each step computes the gradient of `update` and one product with the recurrent weights
    afterwards   one product computes the gradient of the recurrent weights for all steps

XLA turns the pointwise work of a step into a few vectorised passes. Everything is time-major, (steps, batch,
size), except where a docstring says otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from .cells.base import Cell
from .custom_gradient import with_gradient
from .scan import Masks, batch_first, empty, loop, stacked, steps_first, unstacked
from .states import States

_ZERO = tf.UnconnectedGradients.ZERO
_MIN_NUMBERS_FOR_HALVES = 2**12
"""Smallest batch * units for which two halves are faster than the whole batch. Measured on two CPU cores: at
32 x 64 both took the same time; at 32 x 128 halves sped up an LSTM 1.36 times and a GRU 1.42 times."""
_USUAL_BATCH = 32
"""Assumed size of a batch whose size is unknown."""


class Trace(NamedTuple):
    """The values that the backward pass needs from the forward pass, for each step."""

    x_proj: tf.Tensor
    """The projected inputs, (steps, batch, columns)."""
    h_proj: tf.Tensor
    """The projection of the state before the step, (steps, batch, columns)."""
    states: States
    """The states after the step, (steps, batch, size) each."""
    last: States
    """The states after the last step, (batch, size) each; without steps, the first ones."""


def scan_with_own_gradient(
    cell: Cell, sequences: tf.Tensor, state: States, masks: Masks, *, backwards: bool, compiled: bool
) -> tuple[tf.Tensor, States]:
    """Run a cell over sequences with the gradient of this module.

    Args:
        cell: the cell.
        sequences: (batch, steps, features).
        state: the states before the first step, (batch, size) each.
        masks: padding, recurrent dropout and zoneout.
        backwards: process the sequences from their end.
        compiled: compile both passes with XLA.

    Returns:
        The outputs (batch, steps, size) in the order of processing, and the last states.
    """

    def run(inputs: States) -> tuple[States, Trace]:
        sequences, *state = inputs
        trace = forward(cell, steps_first(sequences, backwards=backwards), tuple(state), masks)
        return (batch_first(trace.states[0]), *trace.last), trace

    def gradients(inputs: States, trace: Trace, upstream: States, variables: Sequence[tf.Variable]) -> tuple:
        d_x, d_state, d_variables = backward(
            cell,
            steps_first(inputs[0], backwards=backwards),
            inputs[1:],
            masks,
            trace=trace,
            d_outputs=steps_first(upstream[0]),
            d_last=upstream[1:],
            variables=variables,
        )
        return (batch_first(d_x, backwards=backwards), *d_state), d_variables

    def plain(inputs: States) -> States:
        sequences, *state = inputs
        x_proj = cell.project_inputs(steps_first(sequences, backwards=backwards))
        outputs, last = loop(cell, x_proj, tuple(state), masks, return_sequences=True)
        return (batch_first(outputs), *last)

    outputs, *last = with_gradient(run, gradients, plain, (sequences, *state), compiled=compiled)
    return outputs, tuple(last)


def scan_in_halves(
    cell: Cell, sequences: tf.Tensor, state: States, masks: Masks, *, backwards: bool
) -> tuple[tf.Tensor, States]:
    """Run `scan_with_own_gradient`, compiled, on both halves of the batch at the same time.

    A compiled loop runs on one core, because the products of one step are too small to be split. Two loops
    use two cores.

    Args:
        cell: the cell.
        sequences: (batch, steps, features).
        state: the states before the first step, (batch, size) each.
        masks: padding, recurrent dropout and zoneout.
        backwards: process the sequences from their end.

    Returns:
        The outputs (batch, steps, size) in the order of processing, and the last states.
    """
    half = (tf.shape(sequences)[0] if sequences.shape[0] is None else sequences.shape[0]) // 2
    halves = [
        scan_with_own_gradient(
            cell,
            sequences[rows],
            tuple(part[rows] for part in state),
            masks.of(rows),
            backwards=backwards,
            compiled=True,
        )
        for rows in (slice(None, half), slice(half, None))
    ]
    outputs, states = zip(*halves, strict=True)
    return tf.concat(outputs, 0), tuple(tf.concat(parts, 0) for parts in zip(*states, strict=True))


def halves_are_faster(cell: Cell, sequences: tf.Tensor) -> bool:
    """Return whether `scan_in_halves` is faster than one loop for sequences (batch, steps, features)."""
    batch = _USUAL_BATCH if sequences.shape[0] is None else sequences.shape[0]
    return batch > 1 and batch * math.prod(cell.state_shapes()[0]) >= _MIN_NUMBERS_FOR_HALVES


def forward(cell: Cell, x: tf.Tensor, state: States, masks: Masks) -> Trace:
    """Run the cell over inputs (steps, batch, features) and keep the values that `backward` needs."""
    steps = tf.shape(x)[0]
    x_proj = cell.project_inputs(x)
    h_proj = cell.project_previous(state[0], masks.dropped)
    arrays = [empty(h_proj, steps), *(empty(part, steps) for part in state)]

    def body(t: tf.Tensor, x_t: tf.Tensor, state: States, arrays: Sequence[tf.TensorArray]) -> tuple:
        h_proj = cell.project_previous(state[0], masks.dropped)
        state = cell.advance(x_t, h_proj, state, **masks.at(t))
        arrays = [array.write(t, part) for array, part in zip(arrays, (h_proj, *state), strict=True)]
        # The loop carries the next inputs, because XLA can't vectorise if they are read where they are used.
        return t + 1, x_proj[tf.minimum(t + 1, steps - 1)], state, arrays

    start = (0, _first(x_proj), tuple(state), arrays)
    *_, last, arrays = tf.while_loop(lambda t, *_: t < steps, body, start)
    h_proj, *states = (stacked(array, x) for array in arrays)
    return Trace(x_proj, h_proj, tuple(states), tuple(last))


def _first(sequence: tf.Tensor) -> tf.Tensor:
    """Return the first step of a sequence; zeros if it has no steps."""
    return tf.reduce_sum(sequence[:1], 0)


def backward(
    cell: Cell,
    x: tf.Tensor,
    state: States,
    masks: Masks,
    *,
    trace: Trace,
    d_outputs: tf.Tensor,
    d_last: Sequence[tf.Tensor],
    variables: Sequence[tf.Variable],
) -> tuple[tf.Tensor, States, list[tf.Tensor]]:
    """Return the gradients of the inputs, the initial states and the variables.

    Args:
        cell: the cell.
        x: inputs, (steps, batch, features).
        state: the states before the first step, (batch, size) each.
        masks: padding, recurrent dropout and zoneout.
        trace: the trace that `forward` returned.
        d_outputs: gradient of the loss with respect to the outputs, (steps, batch, size).
        d_last: the same with respect to each last state, (batch, size).
        variables: the weights of the cell.
    """
    before = tuple(
        tf.concat([first[None], after], 0)[:-1] for first, after in zip(state, trace.states, strict=True)
    )
    in_update = _used_in_update(cell, trace, state, variables)
    d_state, d_update, d_projections = _through_the_steps(
        cell, masks, trace=trace, before=before, d_outputs=d_outputs, d_last=d_last, in_update=in_update
    )
    d_x, d_variables = _projection_gradients(
        cell, x, before[0], masks, d_projections=d_projections, variables=variables
    )
    for variable, part in zip(in_update, d_update, strict=True):
        d_variables[_position(variable, variables)] += part
    return d_x, d_state, d_variables


def _through_the_steps(
    cell: Cell,
    masks: Masks,
    *,
    trace: Trace,
    before: States,
    d_outputs: tf.Tensor,
    d_last: Sequence[tf.Tensor],
    in_update: list[tf.Variable],
) -> tuple[States, list[tf.Tensor], tuple[tf.Tensor, ...]]:
    """Return the gradients of the first states, of the variables in `update`, and of both projections."""
    steps = tf.shape(d_outputs)[0]
    pieces = [unstacked(part) for part in (trace.x_proj, trace.h_proj, d_outputs, *before)]

    def body(
        t: tf.Tensor, d_state: States, d_update: list[tf.Tensor], arrays: Sequence[tf.TensorArray]
    ) -> tuple:
        x_t, h_t, d_output, *old = (piece.read(t) for piece in pieces)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([x_t, h_t, old, in_update])
            new = cell.advance(x_t, h_t, tuple(old), **masks.at(t))
        d_new = (d_state[0] + d_output, *d_state[1:])
        d_x, d_h, d_old, d_step = tape.gradient(new, (x_t, h_t, tuple(old), in_update), d_new, _ZERO)
        d_first = d_old[0] + _project_state_vjp(cell, old[0], masks, d_h)
        d_update = [total + part for total, part in zip(d_update, d_step, strict=True)]
        return t - 1, (d_first, *d_old[1:]), d_update, [arrays[0].write(t, d_x), arrays[1].write(t, d_h)]

    sums = [tf.zeros_like(variable) for variable in in_update]
    arrays = [empty(_first(part), steps) for part in (trace.x_proj, trace.h_proj)]
    start = (steps - 1, tuple(d_last), sums, arrays)
    _, d_state, d_update, arrays = tf.while_loop(lambda t, *_: t >= 0, body, start)
    return d_state, d_update, tuple(stacked(array, trace.x_proj) for array in arrays)


def _position(variable: tf.Variable, variables: Sequence[tf.Variable]) -> int:
    return next(i for i, other in enumerate(variables) if other is variable)


def _used_in_update(
    cell: Cell, trace: Trace, state: States, variables: Sequence[tf.Variable]
) -> list[tf.Variable]:
    """Return the variables that `update` itself uses, such as peepholes. Most cells have none."""
    if not variables:
        return []
    with tf.GradientTape() as tape:
        new = cell.advance(_first(trace.x_proj), _first(trace.h_proj), state)
    gradients = tape.gradient(new, list(variables))
    return [variable for variable, part in zip(variables, gradients, strict=True) if part is not None]


def _project_state_vjp(cell: Cell, h: tf.Tensor, masks: Masks, d_h_proj: tf.Tensor) -> tf.Tensor:
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(h)
        h_proj = cell.project_previous(h, masks.dropped)
    return tape.gradient(h_proj, h, d_h_proj, _ZERO)


def _projection_gradients(
    cell: Cell,
    x: tf.Tensor,
    h: tf.Tensor,
    masks: Masks,
    *,
    d_projections: tuple[tf.Tensor, ...],
    variables: Sequence[tf.Variable],
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """Return the gradients of the inputs and the variables through the projections of all steps."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        projections = cell.project_inputs(x), cell.project_previous(h, masks.dropped)
    return tape.gradient(projections, (x, list(variables)), d_projections, _ZERO)
