"""Training on long sequences in little memory: the backward pass recomputes each chunk of steps.

The forward pass keeps only the states at the start of each chunk. The backward pass runs each chunk again
from there. The projected inputs exist for one chunk at a time.

Reference: T. Chen et al., Training deep nets with sublinear memory cost, 2016.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from .cells.base import Cell
from .custom_gradient import in_one_call, with_gradient
from .own_gradient import backward
from .scan import Masks, empty, loop
from .states import States
from .trace import forward

Arrays = Sequence[tf.TensorArray]
Variables = Sequence[tf.Variable]


def scan_in_chunks(
    cell: Cell,
    x: tf.Tensor,
    state: States,
    masks: Masks,
    *,
    every: int,
    return_sequences: bool,
    compiled: bool,
) -> tuple[tf.Tensor | None, States]:
    """Run a cell over a sequence in chunks.

    Args:
        cell: the cell.
        x: inputs, (steps, batch, features).
        state: the states before the first step, (batch, size) each.
        masks: padding, recurrent dropout and zoneout.
        every: number of steps in a chunk.
        return_sequences: whether to return the outputs.
        compiled: compile both passes with XLA.

    Returns:
        The outputs (steps, batch, size), or None without `return_sequences`, and the last states.
    """
    padded, masks = _padded(x, masks, every)

    def run(inputs: States) -> tuple[States, States]:
        x, *state = inputs
        outputs, starts, last = _forward(
            cell, x, tuple(state), masks, every=every, return_sequences=return_sequences
        )
        return (*outputs, *last), starts

    def gradients(inputs: States, starts: States, upstream: States, variables: Variables) -> tuple:
        return _backward(cell, inputs[0], starts, masks, every=every, upstream=upstream, variables=variables)

    def plain(inputs: States) -> States:
        x, *state = inputs
        x_proj = cell.project_inputs(x)
        outputs, last = loop(cell, x_proj, tuple(state), masks, return_sequences=return_sequences)
        return last if outputs is None else (outputs, *last)

    run_all, differentiate = (in_one_call(each, compiled=compiled) for each in (run, gradients))
    results = with_gradient(run_all, differentiate, plain, (padded, *state))
    if not return_sequences:
        return None, tuple(results)
    return _first_steps(results[0], x), tuple(results[1:])


def _first_steps(sequence: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    """Return as many steps of `sequence` as `like` has."""
    sequence = sequence[: tf.shape(like)[0]]
    sequence.set_shape([like.shape[0], *sequence.shape[1:]])
    return sequence


def _padded(x: tf.Tensor, masks: Masks, every: int) -> tuple[tf.Tensor, Masks]:
    """Fill the last chunk with masked steps."""
    if x.shape[0] is not None and x.shape[0] % every == 0:
        return x, masks
    missing = -tf.shape(x)[0] % every

    def fill(sequence: tf.Tensor) -> tf.Tensor:
        return tf.pad(sequence, [[0, missing], *[[0, 0]] * (sequence.shape.rank - 1)])

    valid = tf.ones([*tf.unstack(tf.shape(x)[:2]), 1], tf.bool) if masks.valid is None else masks.valid
    kept = None if masks.kept is None else tuple(fill(part) for part in masks.kept)
    return fill(x), masks._replace(valid=fill(valid), kept=kept)


def _chunk(sequence: tf.Tensor, start: tf.Tensor, every: int) -> tf.Tensor:
    rest = sequence.shape.rank - 1
    chunk = tf.slice(sequence, [start, *[0] * rest], [every, *[-1] * rest])
    return tf.ensure_shape(chunk, [every, *sequence.shape[1:]])


def _chunk_of(x: tf.Tensor, masks: Masks, start: tf.Tensor, every: int) -> tuple[tf.Tensor, Masks]:
    valid = None if masks.valid is None else _chunk(masks.valid, start, every)
    kept = None if masks.kept is None else tuple(_chunk(part, start, every) for part in masks.kept)
    return _chunk(x, start, every), masks._replace(valid=valid, kept=kept)


def _joined(array: tf.TensorArray) -> tf.Tensor:
    """Return chunks (chunks, every, batch, size) as one sequence."""
    chunks = array.stack()
    return tf.reshape(chunks, [-1, tf.shape(chunks)[2], *chunks.shape[3:]])


def _forward(
    cell: Cell, x: tf.Tensor, state: States, masks: Masks, *, every: int, return_sequences: bool
) -> tuple[list[tf.Tensor], States, States]:
    """Return the outputs (a list of one sequence or none), the states before each chunk, the last states."""
    chunks = tf.shape(x)[0] // every
    starts = [empty(part, chunks) for part in state]
    size = [every, *state[0].shape]
    outputs = [tf.TensorArray(state[0].dtype, chunks, element_shape=size)] if return_sequences else []

    def body(n: tf.Tensor, state: States, outputs: Arrays, starts: Arrays) -> tuple:
        starts = [array.write(n, part) for array, part in zip(starts, state, strict=True)]
        x_chunk, masks_chunk = _chunk_of(x, masks, n * every, every)
        trace = forward(cell, x_chunk, state, masks_chunk)
        outputs = [array.write(n, trace.outputs(cell)) for array in outputs]
        return n + 1, trace.last, outputs, starts

    _, last, outputs, starts = tf.while_loop(
        lambda n, *_: n < chunks, body, (0, tuple(state), outputs, starts)
    )
    return [_joined(array) for array in outputs], tuple(array.stack() for array in starts), last


def _backward(
    cell: Cell,
    x: tf.Tensor,
    starts: States,
    masks: Masks,
    *,
    every: int,
    upstream: States,
    variables: Variables,
) -> tuple[States, list[tf.Tensor]]:
    """Return the gradients of the inputs and the initial states, and of the variables.

    `upstream` holds the gradient of the outputs, if they were returned, and of each last state.
    """
    outputs = len(upstream) - len(starts)
    d_outputs, d_last = upstream[:outputs], upstream[outputs:]
    chunks = tf.shape(x)[0] // every
    d_inputs = tf.TensorArray(x.dtype, size=chunks, element_shape=[every, *x.shape[1:]])

    def body(n: tf.Tensor, d_state: States, d_sums: list[tf.Tensor], d_inputs: tf.TensorArray) -> tuple:
        x_chunk, masks_chunk = _chunk_of(x, masks, n * every, every)
        state = tuple(part[n] for part in starts)
        trace = forward(cell, x_chunk, state, masks_chunk)
        d_y = tf.zeros_like(trace.before(cell))
        for part in d_outputs:
            d_y += _chunk(part, n * every, every)
        d_chunk, d_state, d_variables = backward(
            cell, x_chunk, masks_chunk, trace=trace, d_outputs=d_y, d_last=d_state, variables=variables
        )
        d_sums = [total + part for total, part in zip(d_sums, d_variables, strict=True)]
        return n - 1, d_state, d_sums, d_inputs.write(n, d_chunk)

    zeros = [tf.zeros_like(variable) for variable in variables]
    start = (chunks - 1, tuple(d_last), zeros, d_inputs)
    _, d_state, d_sums, d_inputs = tf.while_loop(lambda n, *_: n >= 0, body, start)
    return (_joined(d_inputs), *d_state), d_sums
