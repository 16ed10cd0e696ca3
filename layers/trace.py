"""What the forward pass of training keeps for the backward pass. Everything is time-major."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from .cells.base import Cell
from .promises import adds_projections
from .scan import Masks, empty, stacked, unstacked
from .states import States


class Trace(NamedTuple):
    """The values that the backward pass needs from the forward pass.

    Of a cell that adds its projections one array holds everything. Its rows are one more than the steps: row
    t + 1 has the sum of both projections at step t and the states after it, row 0 the first states.
    """

    given: tuple[tf.Tensor, ...]
    """For each step, (steps, batch, ...): the projected inputs, the projected first state, and each state
    before the step; or the one array."""
    last: States
    """The states after the last step, (batch, size) each; without steps, the first ones."""

    def outputs(self, cell: Cell) -> tf.Tensor:
        """Return the first state after each step, (steps, batch, size)."""
        if adds_projections(cell):
            return _parts(cell, self.given[0][1:])[1]
        return tf.concat([self.given[2], self.last[0][None]], 0)[1:]

    def before(self, cell: Cell) -> tf.Tensor:
        """Return the first state before each step, (steps, batch, size)."""
        return _parts(cell, self.given[0][:-1])[1] if adds_projections(cell) else self.given[2]


def forward(cell: Cell, x: tf.Tensor, state: States, masks: Masks) -> Trace:
    """Run the cell over inputs (steps, batch, features) and keep what the backward pass needs."""
    run = _forward_in_sums if adds_projections(cell) else _forward_apart
    return run(cell, cell.project_inputs(x), state, masks)


def reader(cell: Cell, trace: Trace) -> Callable[[tf.Tensor], tuple[tuple[tf.Tensor, ...], States]]:
    """Return a function of a step that returns its projections, one or two, and the states before it."""
    pieces = [unstacked(each) for each in trace.given]

    def read(t: tf.Tensor) -> tuple[tuple[tf.Tensor, ...], States]:
        if not adds_projections(cell):
            x_proj, h_proj, *states = (piece.read(t) for piece in pieces)
            return (x_proj, h_proj), tuple(states)
        total, *_ = _parts(cell, pieces[0].read(t + 1))
        _, *states = _parts(cell, pieces[0].read(t))
        return (total,), tuple(states)

    return read


def first_of(cell: Cell, trace: Trace) -> tuple[tuple[tf.Tensor, ...], States]:
    """Return the projections, one or two, and states of the shapes of one step."""
    given = [_first(each) for each in trace.given]
    if adds_projections(cell):
        total, *states = _parts(cell, given[0])
        return (total,), tuple(states)
    return tuple(given[:2]), tuple(given[2:])


def advanced(cell: Cell, projections: Sequence[tf.Tensor], state: States, **masks: Any) -> States:
    """Return the states after one step.

    Args:
        cell: the cell.
        projections: those of the inputs and of the first state, or only their sum.
        state: the states before the step.
        **masks: those of the step, as `Masks.at` returns them.
    """
    x_proj, h_proj = projections if len(projections) == 2 else (projections[0], tf.zeros_like(projections[0]))
    return cell.advance(x_proj, h_proj, state, **masks)


def _parts(cell: Cell, row: tf.Tensor) -> list[tf.Tensor]:
    """Return the sum of projections and the states that stand side by side in `row`."""
    return tf.split(row, [row.shape[-1] - sum(cell.state_size), *cell.state_size], axis=-1)


def _forward_in_sums(cell: Cell, x_proj: tf.Tensor, state: States, masks: Masks) -> Trace:
    """Put the sums and the states, step by step, where the projected inputs were.

    To make arrays for them takes XLA longer, since it fills each with zeros. It also runs a loop of eight
    operations or less one after the other; with more, starting them on several cores takes longer than the
    small ones themselves.
    """
    columns, steps = x_proj.shape[-1], tf.shape(x_proj)[0]
    x_proj = tf.cast(x_proj, state[0].dtype)
    array = unstacked(tf.pad(x_proj, [[1, 0], [0, 0], [0, sum(cell.state_size)]]))
    array = array.write(0, tf.concat([tf.zeros_like(_first(x_proj)), *state], -1))

    def body(t: tf.Tensor, state: States, array: tf.TensorArray) -> tuple:
        h_proj = cell.project_previous(state[0], masks.dropped)
        total = array.read(t + 1)[:, :columns] + tf.cast(h_proj, x_proj.dtype)
        new = advanced(cell, [total], state, **masks.at(t))
        return t + 1, new, array.write(t + 1, tf.concat([total, *new], -1))

    _, last, array = tf.while_loop(lambda t, *_: t < steps, body, (0, tuple(state), array))
    given = array.stack()
    given.set_shape([None, x_proj.shape[1], given.shape[-1]])
    return Trace((given,), tuple(last))


def _forward_apart(cell: Cell, x_proj: tf.Tensor, state: States, masks: Masks) -> Trace:
    steps = tf.shape(x_proj)[0]
    h_proj = cell.project_previous(state[0], masks.dropped)
    arrays = [empty(h_proj, steps), *(empty(part, steps) for part in state)]

    def body(t: tf.Tensor, x_t: tf.Tensor, state: States, arrays: Sequence[tf.TensorArray]) -> tuple:
        h_proj = cell.project_previous(state[0], masks.dropped)
        arrays = [array.write(t, part) for array, part in zip(arrays, (h_proj, *state), strict=True)]
        new = advanced(cell, [x_t, h_proj], state, **masks.at(t))
        # The loop carries the next inputs, because XLA can't vectorise if they are read where they are used.
        return t + 1, x_proj[tf.minimum(t + 1, steps - 1)], new, arrays

    start = (0, _first(x_proj), tuple(state), arrays)
    *_, last, arrays = tf.while_loop(lambda t, *_: t < steps, body, start)
    return Trace((x_proj, *(stacked(array, x_proj) for array in arrays)), tuple(last))


def _first(sequence: tf.Tensor) -> tf.Tensor:
    """Return the first step of a sequence; zeros if it has no steps."""
    return tf.reduce_sum(sequence[:1], 0)
