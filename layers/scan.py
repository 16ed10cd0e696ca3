"""Run a cell over a sequence: the executions.

Everything here is time-major: inputs and outputs are (steps, batch, size). What travels from step to step
are the states; the first is the output.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import tensorflow as tf

from .cells.base import Cell
from .states import States

EXECUTIONS = ("auto", "loop", "own_gradient", "compiled", "unrolled", "fused")
_execution: ContextVar[str] = ContextVar("execution", default="auto")


@contextmanager
def execution(name: str) -> Iterator[None]:
    """Choose how recurrent layers that run, or are traced, inside compute; the numbers are the same.

    "auto": "compiled" for training in a graph (that is: in `fit`), else "loop".
    "loop": a plain while loop with TensorFlow's gradient: what is exported.
    "own_gradient": a while loop whose gradient is arranged by hand.
    "compiled": the same by XLA, anew for every shape of the inputs; large batches as two halves at once.
    "unrolled": every step written out, for export; where the number of steps is unknown, "loop".
    "fused": one TFLite operation, for export of LSTM layers without a mask; see `fused_lstm`.

    Cells that are linear in their state (`MinGRU`) take all steps at once in the last two, while the
    sequences are not too large.
    """
    if name not in EXECUTIONS:
        raise ValueError(f"unknown execution {name!r}: expected one of {', '.join(EXECUTIONS)}")
    token = _execution.set(name)
    try:
        yield
    finally:
        _execution.reset(token)


def chosen_execution(training: bool) -> str:
    """Return the execution to use now: any but "auto"."""
    name = _execution.get()
    if name != "auto":
        return name
    return "compiled" if training and not tf.executing_eagerly() else "loop"


class Masks(NamedTuple):
    """What modulates the steps."""

    valid: tf.Tensor | None = None
    """(steps, batch, 1) bool, False where a step is padding: it leaves the states as they are."""
    dropped: tf.Tensor | None = None
    """Recurrent dropout (batch, units): multiplies the state before its projection."""
    kept: States | None = None
    """Zoneout in training, (steps, batch, size) bool for each state: True where the old one stays."""

    def at(self, t: tf.Tensor) -> dict[str, Any]:
        """Return `valid` and `kept` of step t, by name, for `Cell.advance`."""
        return {
            "valid": None if self.valid is None else self.valid[t],
            "kept": None if self.kept is None else tuple(part[t] for part in self.kept),
        }

    def of(self, rows: slice) -> Masks:
        """Return the masks of some rows of the batch."""
        valid = None if self.valid is None else self.valid[:, rows]
        dropped = None if self.dropped is None else self.dropped[rows]
        return Masks(
            valid, dropped, None if self.kept is None else tuple(part[:, rows] for part in self.kept)
        )


def steps_first(sequences: tf.Tensor, backwards: bool = False) -> tf.Tensor:
    """Return sequences (batch, steps, size) as (steps, batch, size), from their end with `backwards`."""
    sequences = tf.transpose(sequences, [1, 0, 2])
    return tf.reverse(sequences, [0]) if backwards else sequences


def batch_first(sequences: tf.Tensor, backwards: bool = False) -> tf.Tensor:
    """Undo `steps_first`."""
    sequences = tf.reverse(sequences, [0]) if backwards else sequences
    return tf.transpose(sequences, [1, 0, 2])


def unstacked(sequence: tf.Tensor) -> tf.TensorArray:
    """Return an array to read the steps of `sequence` from."""
    array = tf.TensorArray(sequence.dtype, size=tf.shape(sequence)[0], element_shape=sequence.shape[1:])
    return array.unstack(sequence)


def empty(like: tf.Tensor, steps: tf.Tensor) -> tf.TensorArray:
    """Return an array of `steps` tensors like one; what is never written is zero."""
    return tf.TensorArray(like.dtype, size=steps, element_shape=like.shape)


def stacked(array: tf.TensorArray, like: tf.Tensor) -> tf.Tensor:
    """Return the array's tensors as a sequence, steps and batch as in the sequence `like`."""
    sequence = array.stack()
    sequence.set_shape([like.shape[0], like.shape[1], sequence.shape[-1]])
    return sequence


def loop(
    cell: Cell, x_proj: tf.Tensor, state: States, masks: Masks, return_sequences: bool
) -> tuple[tf.Tensor | None, States]:
    """Run `cell` over projected inputs (steps, batch, columns) in a plain while loop.

    Returns the outputs (steps, batch, size), None without `return_sequences`, and the last states. Outputs
    are collected only where they are wanted, and padding at the ends is passed over: on a device that is
    most of the work.
    """
    steps = tf.shape(x_proj)[0]
    start, stop = _range(x_proj, masks, return_sequences)
    x_steps = unstacked(x_proj)
    outputs = [empty(state[0], steps)] if return_sequences else []

    def body(t: tf.Tensor, state: States, outputs: Sequence[tf.TensorArray]) -> tuple:
        h_proj = cell.project_previous(state[0], masks.dropped)
        state = cell.advance(x_steps.read(t), h_proj, state, **masks.at(t))
        return t + 1, state, [array.write(t, state[0]) for array in outputs]

    # XLA takes gradients of bounded loops only; on a device the bound would cost three operations a step.
    bound = None if _execution.get() == "loop" else steps
    _, state, outputs = tf.while_loop(
        lambda t, *_: t < stop, body, (start, state, outputs), maximum_iterations=bound
    )
    return (stacked(outputs[0], x_proj) if outputs else None), state


def unrolled(
    cell: Cell, x_proj: tf.Tensor, state: States, masks: Masks, return_sequences: bool
) -> tuple[tf.Tensor | None, States]:
    """Do what `loop` does as straight-line operations; the number of steps must be known, and above 0."""
    outputs = []
    # One operation for all steps: TFLite takes many times as long to cut them out one by one.
    if masks.valid is not None:
        masks = masks._replace(valid=tf.unstack(masks.valid))
    for t, x_t in enumerate(tf.unstack(x_proj)):
        h_proj = cell.project_previous(state[0], masks.dropped)
        state = cell.advance(x_t, h_proj, state, **masks.at(t))
        outputs.append(state[0])
    return (tf.stack(outputs) if return_sequences else None), state


def _range(x_proj: tf.Tensor, masks: Masks, return_sequences: bool) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the first step to run and the one after the last.

    Masked steps before the first valid one change nothing and give zeros, which is what an output that was
    never written is, too, if its shape is known; those after the last valid one repeat an output.
    """
    steps = tf.shape(x_proj)[0]
    if masks.valid is None or not x_proj.shape.is_fully_defined():
        return tf.constant(0), steps
    t = tf.range(steps)
    valid = tf.reduce_any(masks.valid, axis=[1, 2])
    start = tf.reduce_min(tf.where(valid, t, steps))
    return start, steps if return_sequences else tf.reduce_max(tf.where(valid, t + 1, 0))
