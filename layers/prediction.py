"""Run a cell over sequences without a gradient, compiled by XLA."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from .cells.base import Cell
from .custom_gradient import call_compiled
from .halves import joined, masks_of, part_of
from .scan import Masks, batch_first, empty, loop, stacked, steps_first
from .states import States

_MOST_FEATURES = 2
"""Inputs of up to so many times the size of the output are projected step by step."""


def scan_to_predict(
    cell: Cell,
    sequences: tf.Tensor,
    state: States,
    masks: Masks,
    *,
    backwards: bool,
    parts: Sequence[slice],
    return_sequences: bool,
) -> tuple[tf.Tensor | None, States]:
    """Run a cell over sequences.

    Args:
        cell: the cell.
        sequences: (batch, steps, features), with at least one step.
        state: the states before the first step, (batch, size) each.
        masks: padding.
        backwards: process the sequences from their end.
        parts: rows of the batch that run at the same time.
        return_sequences: whether to return the outputs.

    Returns:
        The outputs (batch, steps, size) in the order of processing, or None without `return_sequences`, and
        the last states.
    """

    def run(sequences: tf.Tensor, state: States, masks: Masks) -> States:
        x = steps_first(sequences, backwards=backwards)
        scan = _step_by_step if _is_small(cell, x) else _projected_first
        outputs, last = scan(cell, x, state, masks, return_sequences=return_sequences)
        return last if outputs is None else (batch_first(outputs), *last)

    calls = [
        (part_of(sequences, rows), tuple(part_of(each, rows) for each in state), masks_of(masks, rows))
        for rows in parts
    ]
    made = joined(call_compiled(run, calls))
    return (made[0], made[1:]) if return_sequences else (None, made)


def _is_small(cell: Cell, x: tf.Tensor) -> bool:
    return x.shape.rank == 3 and x.shape[2] <= _MOST_FEATURES * cell.output_size


def _projected_first(
    cell: Cell, x: tf.Tensor, state: States, masks: Masks, *, return_sequences: bool
) -> tuple[tf.Tensor | None, States]:
    return loop(cell, cell.project_inputs(x), state, masks, return_sequences=return_sequences)


def _step_by_step(
    cell: Cell, x: tf.Tensor, state: States, masks: Masks, *, return_sequences: bool
) -> tuple[tf.Tensor | None, States]:
    """Project the inputs of each step at that step.

    To read projected inputs, which are several times as long, takes XLA more time than to compute them.
    """
    steps = tf.shape(x)[0]
    arrays = [empty(state[0], steps)] if return_sequences else []

    def body(t: tf.Tensor, state: States, arrays: list[tf.TensorArray]) -> tuple:
        x_proj, h_proj = cell.project_inputs(x[t]), cell.project_previous(state[0])
        state = cell.advance(x_proj, h_proj, state, **masks.at(t))
        return t + 1, state, [array.write(t, state[0]) for array in arrays]

    _, last, arrays = tf.while_loop(lambda t, *_: t < steps, body, (0, tuple(state), arrays))
    return (stacked(arrays[0], x) if arrays else None), tuple(last)
