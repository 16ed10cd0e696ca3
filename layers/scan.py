"""Run a cell over a sequence: the choice of the execution, and the executions "loop" and "unrolled".

Everything here is time-major: inputs and outputs are (steps, batch, size); in convolutional cells, a size
stands for several axes. A cell passes its states from step
to step. The first state is the output.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import tensorflow as tf
from tensorflow.python.eager import record  # the only ways to see tapes, and graphs around this one
from tensorflow.python.framework.func_graph import FuncGraph

from .cells.base import Cell
from .states import States

EXECUTIONS = ("auto", "loop", "own_gradient", "compiled", "prediction", "unrolled", "fused")
LONG = 512
"""Longer sequences of known length run in nested loops on a device."""
_STEPS_OF_KERAS = frozenset(
    {
        "one_step_on_data",
        "one_step_on_data_distributed",
        "one_step_on_iterator",
        "multi_step_on_data",
        "multi_step_on_iterator",
    }
)
"""Names of the functions in Keras's trainer that predict, evaluate and train."""
_MOST_PARTS = 32  # of a nested loop
_execution: ContextVar[str] = ContextVar("execution", default="auto")


@contextmanager
def execution(name: str) -> Iterator[None]:
    """Choose how recurrent layers compute inside a `with` block. The results are the same.

    The choice holds for layers that are called or traced inside the block.

    Args:
        name: one of these.

            "auto": "compiled" for training in a graph (as `fit` trains) and for a call that a tape in a graph
                sees; "prediction" where Keras predicts or evaluates; otherwise "loop".
            "loop": a plain while loop with TensorFlow's gradient. This is what export uses by default.
            "own_gradient": a while loop with the gradient of `own_gradient.py`.
            "compiled": the same, compiled by XLA once for each shape of the inputs. A large batch
                is split into two halves that run at the same time.
            "prediction": a loop without a gradient, compiled by XLA once for each shape, for functions of
                your own that predict. Where a gradient may be wanted, it is "compiled", and outside graphs
                "loop".
            "unrolled": straight-line operations, for export. A sequence of unknown length uses "loop".
            "fused": one TFLite operation, for export of LSTM layers without a mask and with a batch of 1.

    "own_gradient" and "compiled" compute all steps of a linear cell (`MinGRU`, `MinLSTM`, `RGLRU`) at once by
    a parallel scan, except for very large inputs and in training with `checkpoint_every`. The others
    compute one step after the other.

    Raises:
        ValueError: the name is unknown. A layer that can't run as "fused" raises it when it is called.
    """
    if name not in EXECUTIONS:
        raise ValueError(f"unknown execution {name!r}: expected one of {', '.join(EXECUTIONS)}")
    token = _execution.set(name)
    try:
        yield
    finally:
        _execution.reset(token)


def chosen_execution(*, training: bool) -> str:
    """Return the execution to use now. It is never "auto"."""
    name = _execution.get()
    if name not in ("auto", "prediction"):
        return name
    if tf.executing_eagerly():
        return "loop"
    if training or record.could_possibly_record():
        return "compiled"
    return "prediction" if name == "prediction" or _is_step_of_keras() else "loop"


def _is_step_of_keras() -> bool:
    """Return whether Keras traces a step of `fit`, `evaluate` or `predict` now. Nobody exports these."""
    graph = tf.compat.v1.get_default_graph()
    while isinstance(graph, FuncGraph):
        if graph.name in _STEPS_OF_KERAS:
            return True
        graph = graph.outer_graph
    return False


class Masks(NamedTuple):
    """Masks of padding, recurrent dropout and zoneout. None means no mask."""

    valid: tf.Tensor | None = None
    """(steps, batch, 1) bool, False at padding. Such a step does not change the states."""
    dropped: tf.Tensor | None = None
    """Recurrent dropout, (batch, units). It multiplies the first state before its projection."""
    kept: States | None = None
    """Zoneout in training, (steps, batch, size) bool for each state, True where the old value stays."""

    def at(self, t: tf.Tensor) -> dict[str, Any]:
        """Return `valid` and `kept` of step t, by name, for `Cell.advance`."""
        return {
            "valid": None if self.valid is None else self.valid[t],
            "kept": None if self.kept is None else tuple(part[t] for part in self.kept),
        }

    def of(self, rows: slice) -> Masks:
        """Return the masks for these rows of the batch."""
        valid = None if self.valid is None else self.valid[:, rows]
        dropped = None if self.dropped is None else self.dropped[rows]
        return Masks(
            valid, dropped, None if self.kept is None else tuple(part[:, rows] for part in self.kept)
        )


def steps_first(sequences: tf.Tensor, *, backwards: bool = False) -> tf.Tensor:
    """Turn (batch, steps, ...) into (steps, batch, ...); `backwards` also reverses the steps."""
    sequences = tf.transpose(sequences, [1, 0, *range(2, sequences.shape.rank)])
    return tf.reverse(sequences, [0]) if backwards else sequences


def batch_first(sequences: tf.Tensor, *, backwards: bool = False) -> tf.Tensor:
    """Turn (steps, batch, ...) into (batch, steps, ...); `backwards` also reverses the steps."""
    sequences = tf.reverse(sequences, [0]) if backwards else sequences
    return tf.transpose(sequences, [1, 0, *range(2, sequences.shape.rank)])


def unstacked(sequence: tf.Tensor) -> tf.TensorArray:
    """Return an array that holds the steps of `sequence`. Each may be read several times."""
    array = tf.TensorArray(
        sequence.dtype,
        size=tf.shape(sequence)[0],
        element_shape=sequence.shape[1:],
        clear_after_read=False,
    )
    return array.unstack(sequence)


def empty(like: tf.Tensor, steps: tf.Tensor) -> tf.TensorArray:
    """Return an array for `steps` tensors shaped as `like`. Entries that are never written are zero."""
    return tf.TensorArray(like.dtype, size=steps, element_shape=like.shape)


def stacked(array: tf.TensorArray, like: tf.Tensor) -> tf.Tensor:
    """Return the tensors of an array as a sequence with the steps and the batch of the sequence `like`."""
    sequence = array.stack()
    sequence.set_shape([like.shape[0], like.shape[1], *sequence.shape[2:]])
    return sequence


def loop(
    cell: Cell, x_proj: tf.Tensor, state: States, masks: Masks, *, return_sequences: bool
) -> tuple[tf.Tensor | None, States]:
    """Run a cell in a plain while loop.

    The loop collects outputs only with `return_sequences`, and skips padding at both ends. On a device this
    saves most of the work.

    Args:
        cell: the cell.
        x_proj: projected inputs, (steps, batch, columns).
        state: the states before the first step, (batch, size) each.
        masks: padding, recurrent dropout and zoneout.
        return_sequences: whether to collect the outputs.

    Returns:
        The outputs (steps, batch, size), or None without `return_sequences`, and the last states.
    """
    long = x_proj.shape.is_fully_defined() and x_proj.shape[0] > LONG
    if long and return_sequences and _execution.get() == "loop":
        return _nested(cell, x_proj, state, masks)
    steps = tf.shape(x_proj)[0]
    start, stop = _range(x_proj, masks, return_sequences=return_sequences)
    x_steps = unstacked(x_proj)
    outputs = [empty(state[0], steps)] if return_sequences else []

    def body(t: tf.Tensor, state: States, outputs: Sequence[tf.TensorArray]) -> tuple:
        h_proj = cell.project_previous(state[0], masks.dropped)
        state = cell.advance(x_steps.read(t), h_proj, state, **masks.at(t))
        return t + 1, state, [array.write(t, state[0]) for array in outputs]

    # XLA needs a bound to differentiate the loop. On a device the bound costs three operations a step.
    bound = None if _execution.get() == "loop" else steps
    _, state, outputs = tf.while_loop(
        lambda t, *_: t < stop, body, (start, state, outputs), maximum_iterations=bound
    )
    return (stacked(outputs[0], x_proj) if outputs else None), state


def _nested(cell: Cell, x_proj: tf.Tensor, state: States, masks: Masks) -> tuple[tf.Tensor, States]:
    """Run a cell over a long sequence of known length, in loops inside loops, and collect its outputs.

    At every step TFLite copies the whole array that a loop collects. Here the innermost loop collects a few
    steps, and each loop around it collects what the inner one has made, so that every array is short.
    """
    steps = x_proj.shape[0]
    depth = math.ceil(math.log(steps, _MOST_PARTS))
    parts = next(n for n in range(2, _MOST_PARTS + 1) if n**depth >= steps)
    start, stop = _range(x_proj, masks, return_sequences=True)

    def run(x: tf.Tensor, first: tf.Tensor, state: States, level: int) -> tuple[tf.Tensor, States]:
        """Run `parts**level` steps, from the step `first` on."""
        inner = parts ** (level - 1)
        x = unstacked(x if level == 1 else tf.reshape(x, [parts, inner, *x.shape[1:]]))

        def body(n: tf.Tensor, state: States, made: tf.TensorArray) -> tuple:
            t = first + n * inner
            if level > 1:
                outputs, state = run(x.read(n), t, state, level - 1)
            else:
                h_proj = cell.project_previous(state[0], masks.dropped)
                state = cell.advance(x.read(n), h_proj, state, **masks.at(t))
                outputs = state[0]
            return n + 1, state, made.write(n, outputs)

        low, high = ((t - first + inner - 1) // inner for t in (start - inner + 1, stop))
        low, high = tf.maximum(low, 0), tf.minimum(high, parts)
        made = tf.TensorArray(state[0].dtype, parts, element_shape=[parts] * (level - 1) + [*state[0].shape])
        _, state, made = tf.while_loop(lambda n, *_: n < high, body, (low, state, made))
        return made.stack(), state

    padded = tf.pad(x_proj, [[0, parts**depth - steps], *[[0, 0]] * (x_proj.shape.rank - 1)])
    outputs, state = run(padded, tf.constant(0), state, depth)
    return tf.reshape(outputs, [parts**depth, *state[0].shape])[:steps], state


def unrolled(
    cell: Cell, x_proj: tf.Tensor, state: States, masks: Masks, *, return_sequences: bool
) -> tuple[tf.Tensor | None, States]:
    """Run a cell as straight-line operations.

    Args:
        cell: the cell.
        x_proj: projected inputs, (steps, batch, columns). The number of steps is known and above 0.
        state: the states before the first step, (batch, size) each.
        masks: padding, recurrent dropout and zoneout.
        return_sequences: whether to return the outputs.

    Returns:
        The outputs (steps, batch, size), or None without `return_sequences`, and the last states.
    """
    outputs = []
    # One unstack for all steps. In TFLite one slice for each step takes many times as long.
    if masks.valid is not None:
        masks = masks._replace(valid=tf.unstack(masks.valid))
    for t, x_t in enumerate(tf.unstack(x_proj)):
        h_proj = cell.project_previous(state[0], masks.dropped)
        state = cell.advance(x_t, h_proj, state, **masks.at(t))
        outputs.append(state[0])
    return (tf.stack(outputs) if return_sequences else None), state


def _range(x_proj: tf.Tensor, masks: Masks, *, return_sequences: bool) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the first step to run and the one after the last.

    Masked steps before the first valid one change nothing and have zeros as outputs. An entry of `outputs`
    that is never written is zero too, if its shape is known. Masked steps after the last valid one repeat
    an output, so they run only where outputs are collected.
    """
    steps = tf.shape(x_proj)[0]
    if masks.valid is None or not x_proj.shape.is_fully_defined():
        return tf.constant(0), steps
    t = tf.range(steps)
    valid = tf.reduce_any(masks.valid, axis=[1, 2])
    start = tf.reduce_min(tf.where(valid, t, steps))
    return start, steps if return_sequences else tf.reduce_max(tf.where(valid, t + 1, 0))
