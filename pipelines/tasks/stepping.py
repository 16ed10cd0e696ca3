"""Run a recurrent layer with inner feedback over all steps of a sequence, or one step of a stream."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from .._layers import layers

_ZERO = tf.UnconnectedGradients.ZERO
States = tuple[tf.Tensor, ...]
Advance = Callable[[tf.Tensor, States], tuple[States, tf.Tensor]]
"""advance(x, states): one step. Takes (batch, features) and the states before it; returns the states after it
and the weight of each place. The first state is the layer's output, the last one is what was attended to."""


def run_steps(layer: Any, advance: Advance, steps: tf.Tensor, *, training: bool) -> list[tf.Tensor]:
    """Return the outputs of all steps, what they attended to and the weights, (batch, steps, ...) each.

    In a stream, the states come from the step before and go to the next. In training the loop is compiled by
    XLA, as that of other recurrent layers (`layers.execution`).

    Args:
        layer: has `stream_states`.
        advance: computes one step.
        steps: (batch, steps, features).
        training: whether to train as `layers.execution` says. Then the gradient reaches the steps, the states
            and the variables, but no other tensor that `advance` uses.
    """
    carried = layers.states.carried_states(layer)
    if carried is not None:
        states = carried.take(layer)
    else:
        states = tuple(layer.stream_states(tf.shape(steps)[0]).values())
    how = layers.scan.chosen_execution(training=training)
    if carried is None and how in ("own_gradient", "compiled"):
        return _with_own_gradient(advance, steps, states, compiled=how == "compiled")
    run = _once if steps.shape[1] == 1 else _looped
    outputs, last = run(advance, steps, states)
    if carried is not None:
        carried.put(layer, last)
    return outputs


def _once(advance: Advance, steps: tf.Tensor, states: States) -> tuple[list[tf.Tensor], States]:
    """Return what a single step gives, without a loop: this is what runs on a device."""
    states, weights = advance(steps[:, 0], states)
    return [each[:, None] for each in (states[0], states[-1], weights)], states


def _looped(advance: Advance, steps: tf.Tensor, states: States) -> tuple[list[tf.Tensor], States]:
    """Return what all steps give, one after the other."""
    x = layers.scan.steps_first(steps)
    (*before, weights), last = _forward(advance, x, states)
    return [layers.scan.batch_first(each) for each in (before[0], before[-1], weights)], last


def _forward(advance: Advance, x: tf.Tensor, states: States) -> tuple[list[tf.Tensor], States]:
    """Return all states and the weights of all steps, (steps, batch, ...) each, and the last states."""
    scan = layers.scan
    count, given = tf.shape(x)[0], scan.unstacked(x)
    like, weights = advance(x[0], states)
    arrays = tuple(scan.empty(each, count) for each in (*like, weights))

    def body(t: tf.Tensor, states: Any, arrays: Any) -> Any:
        states, weights = advance(given.read(t), states)
        written = zip(arrays, (*states, weights), strict=True)
        return t + 1, tuple(states), tuple(array.write(t, each) for array, each in written)

    _, states, arrays = tf.while_loop(lambda t, *_: t < count, body, (tf.constant(0), states, arrays))
    return [scan.stacked(array, x) for array in arrays], states


def _with_own_gradient(
    advance: Advance, steps: tf.Tensor, states: States, *, compiled: bool
) -> list[tf.Tensor]:
    """Do the same with a gradient that keeps the states only and computes each step again.

    XLA can't compile the gradient that TensorFlow makes of a loop of unknown length.
    """
    scan = layers.scan

    def run(inputs: States) -> tuple[States, list[tf.Tensor]]:
        kept, _ = _forward(advance, scan.steps_first(inputs[0]), inputs[1:])
        return tuple(scan.batch_first(each) for each in (kept[0], kept[-2], kept[-1])), kept

    def gradients(
        inputs: States, kept: Sequence[tf.Tensor], upstream: States, variables: Sequence[tf.Variable]
    ) -> tuple[States, list[tf.Tensor]]:
        before = [tf.concat([a[None], b[:-1]], 0) for a, b in zip(inputs[1:], kept[:-1], strict=True)]
        of_steps = [scan.steps_first(inputs[0]), *before, *map(scan.steps_first, upstream)]
        d_x, d_first, d_variables = _backward(advance, of_steps, list(variables))
        return (scan.batch_first(d_x), *d_first), d_variables

    def plain(inputs: States) -> States:
        return tuple(_looped(advance, inputs[0], inputs[1:])[0])

    own = layers.custom_gradient
    passes = (own.in_one_call(each, compiled=compiled) for each in (run, gradients))
    return list(own.with_gradient(*passes, plain, (steps, *states)))


def _backward(
    advance: Advance, of_steps: Sequence[tf.Tensor], variables: list[tf.Variable]
) -> tuple[tf.Tensor, States, list[tf.Tensor]]:
    """Return the gradients of the inputs, the first states and the variables.

    Args:
        advance: computes one step.
        of_steps: (steps, batch, ...) each: the inputs, the states before each step, and the gradients of its
            output, of what it attended to and of the weights.
        variables: those that `advance` uses.
    """
    x, *before, _, _, _ = of_steps
    pieces = [layers.scan.unstacked(each) for each in of_steps]

    def body(t: tf.Tensor, d_states: States, sums: list[tf.Tensor], array: tf.TensorArray) -> Any:
        x_t, *old, d_output, d_attended, d_weights = (piece.read(t) for piece in pieces)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([x_t, old, variables])
            new, weights = advance(x_t, tuple(old))
        d_new = [d_states[0] + d_output, *d_states[1:]]
        d_new[-1] += d_attended
        wanted, given = (x_t, tuple(old), variables), (tuple(d_new), d_weights)
        d_x, d_old, d_step = tape.gradient((tuple(new), weights), wanted, given, _ZERO)
        sums = [total + part for total, part in zip(sums, d_step, strict=True)]
        return t - 1, d_old, sums, array.write(t, d_x)

    count = tf.shape(x)[0]
    d_states = tuple(tf.zeros_like(each[0]) for each in before)
    start = (count - 1, d_states, [tf.zeros_like(each) for each in variables], layers.scan.empty(x[0], count))
    _, d_states, sums, array = tf.while_loop(lambda t, *_: t >= 0, body, start)
    return layers.scan.stacked(array, x), d_states, sums
