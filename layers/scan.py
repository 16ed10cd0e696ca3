"""Run a cell over a sequence: the executions, and the hand-arranged gradient.

Everything here is time-major: inputs and outputs are (steps, batch, size). What travels from step to step
is `carry` = (last output, *states): a masked step repeats it, output included, as in Keras.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

import tensorflow as tf

if TYPE_CHECKING:
    from .cells.base import Cell

EXECUTIONS = ("auto", "loop")
_execution: ContextVar[str] = ContextVar("execution", default="auto")

Tensors = Sequence[tf.Tensor]


@contextmanager
def execution(name: str) -> Iterator[None]:
    """Choose how recurrent layers traced inside run; "loop" is the portable while loop for export.

    "auto" takes the hand-arranged gradient in training and the loop otherwise.
    """
    if name not in EXECUTIONS:
        raise ValueError(f"unknown execution {name!r}: expected one of {', '.join(EXECUTIONS)}")
    token = _execution.set(name)
    try:
        yield
    finally:
        _execution.reset(token)


class Masks(NamedTuple):
    """What modulates the steps: `valid` (steps, batch, 1) bool or None, `state` (batch, units) or None."""

    valid: tf.Tensor | None = None
    """False where a step is padding."""
    state: tf.Tensor | None = None
    """Recurrent dropout: multiplies the state before its projection."""
    zero_output: bool = False
    """Whether a masked step gives zeros instead of the output before."""


def scan(
    cell: Cell,
    x_proj: tf.Tensor,
    state: Tensors,
    masks: Masks,
    training: bool = False,
    return_sequences: bool = True,
) -> tuple[tf.Tensor | None, tuple[tf.Tensor, ...]]:
    """Run `cell` over projected inputs (steps, batch, columns) from `state`.

    Returns the outputs (steps, batch, units), which are not to be relied on without `return_sequences`,
    and the last carry.
    """
    by_hand = training and _execution.get() == "auto" and cell.compute_dtype == cell.variable_dtype
    by_hand = by_hand and x_proj.shape[0] != 0  # its arrays take their shapes from the first step
    if by_hand:
        return _scan_with_own_gradient(cell, x_proj, state, masks)
    return _loop(cell, x_proj, state, masks, return_sequences)


def advance(
    cell: Cell, x_proj: tf.Tensor, h_proj: tf.Tensor, carry: Tensors, valid: tf.Tensor | None, masks: Masks
) -> tuple[tf.Tensor, ...]:
    """Return the carry after one step; all that a step does beside the product with the state."""
    output, state = cell.update(x_proj, h_proj, carry[1:])
    if valid is None:
        return (output, *state)
    kept = (tf.zeros_like(output) if masks.zero_output else carry[0], *carry[1:])
    return tuple(tf.where(valid, new, old) for new, old in zip((output, *state), kept, strict=True))


def _first_carry(cell: Cell, x_proj: tf.Tensor, state: Tensors) -> tuple[tf.Tensor, ...]:
    return (tf.zeros([tf.shape(x_proj)[1], cell.output_size], x_proj.dtype), *state)


def _project_state(cell: Cell, h: tf.Tensor, masks: Masks) -> tf.Tensor:
    return cell.project_state(h if masks.state is None else h * masks.state)


def _unstacked(sequence: tf.Tensor) -> tf.TensorArray:
    array = tf.TensorArray(sequence.dtype, size=tf.shape(sequence)[0], element_shape=sequence.shape[1:])
    return array.unstack(sequence)


def _empty(like: tf.Tensor, steps: tf.Tensor) -> tf.TensorArray:
    return tf.TensorArray(like.dtype, size=steps, element_shape=like.shape)


def _valid_at(masks: Masks, t: tf.Tensor) -> tf.Tensor | None:
    return None if masks.valid is None else masks.valid[t]


def _loop(
    cell: Cell, x_proj: tf.Tensor, state: Tensors, masks: Masks, return_sequences: bool
) -> tuple[tf.Tensor | None, tuple[tf.Tensor, ...]]:
    """Run the plain while loop; its gradient is TensorFlow's.

    Outputs are collected only where they are wanted, and padding at the ends is passed over: on a device
    that is most of the work.
    """
    steps = tf.shape(x_proj)[0]
    start, stop = _range(x_proj, masks, return_sequences)
    x_steps = _unstacked(x_proj)
    first = _first_carry(cell, x_proj, state)

    outputs = [_empty(first[0], steps)] if return_sequences else []

    def body(t: tf.Tensor, carry: Tensors, outputs: Sequence[tf.TensorArray]) -> Any:
        h_proj = _project_state(cell, carry[1], masks)
        carry = advance(cell, x_steps.read(t), h_proj, carry, _valid_at(masks, t), masks)
        return t + 1, carry, [array.write(t, carry[0]) for array in outputs]

    _, carry, outputs = tf.while_loop(
        lambda t, *_: t < stop, body, (start, first, outputs), maximum_iterations=steps
    )
    return (_stack(outputs[0], x_proj) if outputs else None), carry


def _range(x_proj: tf.Tensor, masks: Masks, return_sequences: bool) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the first step to run and the one after the last.

    Masked steps before the first valid one change nothing and give zeros, which is what an output that was
    never written is, too, if its shape is known; after the last valid one they may repeat an output.
    """
    steps = tf.shape(x_proj)[0]
    if masks.valid is None or not x_proj.shape.is_fully_defined():
        return tf.constant(0), steps
    t = tf.range(steps)
    valid = tf.reduce_any(masks.valid, axis=[1, 2])
    start = tf.reduce_min(tf.where(valid, t, steps))
    repeats = return_sequences and not masks.zero_output
    return start, steps if repeats else tf.reduce_max(tf.where(valid, t + 1, 0))


def _stack(array: tf.TensorArray, like: tf.Tensor) -> tf.Tensor:
    stacked = array.stack()
    stacked.set_shape([like.shape[0], like.shape[1], stacked.shape[-1]])
    return stacked


def _scan_with_own_gradient(
    cell: Cell, x_proj: tf.Tensor, state: Tensors, masks: Masks
) -> tuple[tf.Tensor, tuple[tf.Tensor, ...]]:
    """Run the loop with a gradient that does in the loop only what must be there.

    The backward loop recomputes `update` and carries the gradient of the state through one product a
    step; the gradient of the recurrent weights is one large product after it.
    """

    @tf.custom_gradient
    def run(x_proj: tf.Tensor, *state: tf.Tensor) -> Any:
        trace = _record(cell, x_proj, state, masks)

        def gradient(*upstream: tf.Tensor, variables: Sequence[tf.Variable] = ()) -> Any:
            d_x, d_state, d_variables = _backward(cell, x_proj, trace, masks, upstream, variables)
            return ((d_x, *d_state), d_variables) if variables else (d_x, *d_state)

        return (trace.outputs, *trace.last), gradient

    outputs, *last = run(x_proj, *state)
    return outputs, tuple(last)


class _Trace(NamedTuple):
    """What the backward pass needs of the forward pass; all (steps, batch, size) but `last`."""

    outputs: tf.Tensor
    h_proj: tf.Tensor
    states_before: tuple[tf.Tensor, ...]
    last: tuple[tf.Tensor, ...]


def _record(cell: Cell, x_proj: tf.Tensor, state: Tensors, masks: Masks) -> _Trace:
    steps = tf.shape(x_proj)[0]
    x_steps = _unstacked(x_proj)
    first = _first_carry(cell, x_proj, state)
    arrays = [_empty(x_proj[0], steps), *(_empty(part, steps) for part in first)]

    def body(t: tf.Tensor, carry: Tensors, arrays: Sequence[tf.TensorArray]) -> Any:
        h_proj = _project_state(cell, carry[1], masks)
        new = advance(cell, x_steps.read(t), h_proj, carry, _valid_at(masks, t), masks)
        kept = (h_proj, new[0], *carry[1:])
        return t + 1, new, [array.write(t, part) for array, part in zip(arrays, kept, strict=True)]

    _, last, arrays = tf.while_loop(lambda t, *_: t < steps, body, (0, first, arrays))
    h_proj, outputs, *states = (_stack(array, x_proj) for array in arrays)
    return _Trace(outputs, h_proj, tuple(states), last)


def _backward(
    cell: Cell,
    x_proj: tf.Tensor,
    trace: _Trace,
    masks: Masks,
    upstream: Tensors,
    variables: Sequence[tf.Variable],
) -> tuple[tf.Tensor, Tensors, list[tf.Tensor]]:
    d_outputs, *d_last = upstream
    steps = tf.shape(x_proj)[0]
    pieces = [_unstacked(part) for part in (x_proj, trace.h_proj, d_outputs, *trace.states_before)]
    in_update = _used_in_update(cell, x_proj, trace, masks, variables)

    def body(t: tf.Tensor, d_carry: Tensors, d_update: Tensors, arrays: Sequence[tf.TensorArray]) -> Any:
        x_t, h_t, d_output, *state = (piece.read(t) for piece in pieces)
        d_new = (d_carry[0] + d_output, *d_carry[1:])
        carry = (tf.zeros_like(d_output), *state)  # no gradient depends on the value of the output
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([x_t, h_t, carry, in_update])
            new = advance(cell, x_t, h_t, carry, _valid_at(masks, t), masks)
        sources = (x_t, h_t, carry, in_update)
        d_x, d_h_proj, d_carry, d_step = tape.gradient(new, sources, d_new, tf.UnconnectedGradients.ZERO)
        d_h = d_carry[1] + _project_state_vjp(cell, state[0], masks, d_h_proj)
        d_update = [total + part for total, part in zip(d_update, d_step, strict=True)]
        arrays = [arrays[0].write(t, d_x), arrays[1].write(t, d_h_proj)]
        return t - 1, (d_carry[0], d_h, *d_carry[2:]), d_update, arrays

    start = (
        steps - 1,
        tuple(d_last),
        [tf.zeros_like(variable) for variable in in_update],
        [_empty(x_proj[0], steps) for _ in range(2)],
    )
    _, d_carry, d_update, arrays = tf.while_loop(lambda t, *_: t >= 0, body, start)
    d_x, d_h_proj = (_stack(array, x_proj) for array in arrays)
    d_variables = _project_state_gradient(cell, trace.states_before[0], masks, d_h_proj, variables)
    for variable, part in zip(in_update, d_update, strict=True):
        index = next(i for i, other in enumerate(variables) if other is variable)
        d_variables[index] += part
    return d_x, d_carry[1:], d_variables


def _used_in_update(
    cell: Cell, x_proj: tf.Tensor, trace: _Trace, masks: Masks, variables: Sequence[tf.Variable]
) -> list[tf.Variable]:
    """Return the variables that `update` itself uses (peepholes, say); most cells have none."""
    if not variables:
        return []
    carry = (trace.outputs[0], *(states[0] for states in trace.states_before))
    with tf.GradientTape() as tape:
        new = advance(cell, x_proj[0], trace.h_proj[0], carry, _valid_at(masks, 0), masks)
    gradients = tape.gradient(new, list(variables))
    return [variable for variable, part in zip(variables, gradients, strict=True) if part is not None]


def _project_state_vjp(cell: Cell, h: tf.Tensor, masks: Masks, d_h_proj: tf.Tensor) -> tf.Tensor:
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(h)
        h_proj = _project_state(cell, h, masks)
    return tape.gradient(h_proj, h, d_h_proj, tf.UnconnectedGradients.ZERO)


def _project_state_gradient(
    cell: Cell, h: tf.Tensor, masks: Masks, d_h_proj: tf.Tensor, variables: Sequence[tf.Variable]
) -> list[tf.Tensor]:
    with tf.GradientTape() as tape:
        h_proj = _project_state(cell, h, masks)
    return list(tape.gradient(h_proj, list(variables), d_h_proj, tf.UnconnectedGradients.ZERO))
