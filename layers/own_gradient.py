"""The gradient of a cell over a sequence, arranged for fast training.

    forward      a loop keeps the projections and the states of every step (`trace.py`)
    backward     each step computes the gradient of `update` and one product with the recurrent weights
    afterwards   one product computes the gradient of the recurrent weights for all steps

XLA turns the pointwise work of a step into a few vectorised passes. Everything is time-major, (steps, batch,
size), except where a docstring says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import tensorflow as tf

from .cells.base import Cell
from .custom_gradient import call_compiled, call_plainly, with_gradient
from .halves import WHOLE, joined, masks_of, part_of
from .promises import multiplies_state
from .scan import Masks, batch_first, empty, loop, stacked, steps_first, unstacked
from .states import States
from .trace import Trace, advanced, first_of, forward, reader

_ZERO = tf.UnconnectedGradients.ZERO


def scan_with_own_gradient(
    cell: Cell,
    sequences: tf.Tensor,
    state: States,
    masks: Masks,
    *,
    backwards: bool,
    compiled: bool,
    parts: Sequence[slice] = (WHOLE,),
) -> tuple[tf.Tensor, States]:
    """Run a cell over sequences with the gradient of this module.

    Args:
        cell: the cell.
        sequences: (batch, steps, features).
        state: the states before the first step, (batch, size) each.
        masks: padding, recurrent dropout and zoneout.
        backwards: process the sequences from their end.
        compiled: compile both passes with XLA.
        parts: rows of the batch that run at the same time, if compiled.

    Returns:
        The outputs (batch, steps, size) in the order of processing, and the last states.
    """
    scan = _Scan(cell, masks, backwards, parts, call_compiled if compiled else call_plainly)
    given = (sequences, *state)
    outputs, *last = with_gradient(scan.run, scan.gradients, scan.plain, given)
    return outputs, tuple(last)


class _Scan(NamedTuple):
    """A cell that runs over the parts of a batch, and the gradient of that. Inputs: sequences, states."""

    cell: Cell
    masks: Masks
    backwards: bool
    parts: Sequence[slice]
    call: Callable[[Callable[..., Any], Sequence[tuple]], list[Any]]
    """Calls a function for each part."""

    def run(self, inputs: States) -> tuple[States, list[Trace]]:
        """Return the outputs and the last states, and the trace of each part."""
        calls = [(_of(inputs, rows), masks_of(self.masks, rows)) for rows in self.parts]
        results, traces = zip(*self.call(self._run, calls), strict=True)
        return joined(results), list(traces)

    def _run(self, inputs: States, masks: Masks) -> tuple[States, Trace]:
        sequences, *state = inputs
        x = steps_first(sequences, backwards=self.backwards)
        trace = forward(self.cell, x, tuple(state), masks)
        return (batch_first(trace.outputs(self.cell)), *trace.last), trace

    def gradients(
        self, inputs: States, traces: list[Trace], upstream: States, variables: Sequence[tf.Variable]
    ) -> tuple[States, list[tf.Tensor]]:
        """Return the gradients of the inputs and the variables."""
        calls = [
            (trace, _of((inputs[0], *upstream), rows), masks_of(self.masks, rows))
            for rows, trace in zip(self.parts, traces, strict=True)
        ]
        made = self.call(partial(self._gradients, variables), calls)
        d_inputs, d_variables = zip(*made, strict=True)
        return joined(d_inputs), [tf.add_n(each) for each in zip(*d_variables, strict=True)]

    def _gradients(
        self, variables: Sequence[tf.Variable], trace: Trace, given: States, masks: Masks
    ) -> tuple[States, list[tf.Tensor]]:
        sequences, d_outputs, *d_last = given
        d_x, d_state, d_variables = backward(
            self.cell,
            steps_first(sequences, backwards=self.backwards),
            masks,
            trace=trace,
            d_outputs=steps_first(d_outputs),
            d_last=d_last,
            variables=variables,
        )
        return (batch_first(d_x, backwards=self.backwards), *d_state), d_variables

    def plain(self, inputs: States) -> States:
        """Return the results of `run` by operations that TensorFlow can differentiate."""
        x_proj = self.cell.project_inputs(steps_first(inputs[0], backwards=self.backwards))
        outputs, last = loop(self.cell, x_proj, inputs[1:], self.masks, return_sequences=True)
        return (batch_first(outputs), *last)


def _of(tensors: States, rows: slice) -> States:
    return tuple(part_of(each, rows) for each in tensors)


def backward(
    cell: Cell,
    x: tf.Tensor,
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
        masks: padding, recurrent dropout and zoneout.
        trace: the trace that `forward` returned.
        d_outputs: gradient of the loss with respect to the outputs, (steps, batch, size).
        d_last: the same with respect to each last state, (batch, size).
        variables: the weights of the cell.
    """
    in_update = _used_in_update(cell, trace, variables)
    d_state, d_update, d_projections = _through_the_steps(
        cell, masks, trace=trace, d_outputs=d_outputs, d_last=d_last, in_update=in_update
    )
    d_x, d_variables = _projection_gradients(
        cell, x, trace.before(cell), masks, d_projections=d_projections, variables=variables
    )
    for variable, part in zip(in_update, d_update, strict=True):
        d_variables[_position(variable, variables)] += part
    return d_x, d_state, d_variables


def _through_the_steps(
    cell: Cell,
    masks: Masks,
    *,
    trace: Trace,
    d_outputs: tf.Tensor,
    d_last: Sequence[tf.Tensor],
    in_update: list[tf.Variable],
) -> tuple[States, list[tf.Tensor], list[tf.Tensor]]:
    """Return the gradients of the first states, of the variables in `update`, and of the projections.

    The last are two, or one for both projections of a cell that adds them.
    """
    steps = tf.shape(d_outputs)[0]
    d_h_of = _state_gradient(cell, masks)
    read, d_outputs_of = reader(cell, trace), unstacked(d_outputs)

    def body(
        t: tf.Tensor, d_state: States, d_update: list[tf.Tensor], arrays: Sequence[tf.TensorArray]
    ) -> tuple:
        projections, old = read(t)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([projections, old, in_update])
            new = advanced(cell, projections, old, **masks.at(t))
        d_new = (d_state[0] + d_outputs_of.read(t), *d_state[1:])
        d_given, d_old, d_step = tape.gradient(new, (projections, old, in_update), d_new, _ZERO)
        d_given = [tf.cast(each, cell.compute_dtype) for each in d_given]
        d_first = d_old[0] + d_h_of(old[0], d_given[-1])
        d_update = [total + part for total, part in zip(d_update, d_step, strict=True)]
        arrays = [array.write(t, part) for array, part in zip(arrays, d_given, strict=True)]
        return t - 1, (d_first, *d_old[1:]), d_update, arrays

    sums = [tf.zeros_like(variable) for variable in in_update]
    projections, _ = first_of(cell, trace)
    arrays = [empty(tf.cast(each, cell.compute_dtype), steps) for each in projections]
    start = (steps - 1, tuple(d_last), sums, arrays)
    _, d_state, d_update, arrays = tf.while_loop(lambda t, *_: t >= 0, body, start)
    return d_state, d_update, [stacked(array, d_outputs) for array in arrays]


def _position(variable: tf.Variable, variables: Sequence[tf.Variable]) -> int:
    return next(i for i, other in enumerate(variables) if other is variable)


def _used_in_update(cell: Cell, trace: Trace, variables: Sequence[tf.Variable]) -> list[tf.Variable]:
    """Return the variables that `update` itself uses, such as peepholes. Most cells have none."""
    if not variables:
        return []
    with tf.GradientTape() as tape:
        new = advanced(cell, *first_of(cell, trace))
    gradients = tape.gradient(new, list(variables))
    return [variable for variable, part in zip(variables, gradients, strict=True) if part is not None]


def _state_gradient(cell: Cell, masks: Masks) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """Return a function that maps h and the gradient of its projection to the gradient of h."""
    if multiplies_state(cell):
        # A product with the kernel as it is takes up to three times as long: it is arranged at every step.
        transposed = tf.transpose(tf.cast(cell.recurrent_kernel, cell.compute_dtype))

        def by_product(h: tf.Tensor, d_h_proj: tf.Tensor) -> tf.Tensor:
            d_h = tf.cast(tf.matmul(d_h_proj, transposed), h.dtype)
            return d_h if masks.dropped is None else d_h * masks.dropped

        return by_product

    def by_tape(h: tf.Tensor, d_h_proj: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(h)
            h_proj = cell.project_previous(h, masks.dropped)
        return tape.gradient(h_proj, h, d_h_proj, _ZERO)

    return by_tape


def _projection_gradients(
    cell: Cell,
    x: tf.Tensor,
    h: tf.Tensor,
    masks: Masks,
    *,
    d_projections: Sequence[tf.Tensor],
    variables: Sequence[tf.Variable],
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """Return the gradients of the inputs and the variables through the projections of all steps."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        projections = cell.project_inputs(x), cell.project_previous(h, masks.dropped)
    d_both = (d_projections[0], d_projections[-1])
    return tape.gradient(projections, (x, list(variables)), d_both, _ZERO)
