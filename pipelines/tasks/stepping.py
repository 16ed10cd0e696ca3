"""Run a recurrent layer with inner feedback over all steps of a sequence, or one step of a stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from .._layers import layers

States = tuple[tf.Tensor, ...]
Advance = Callable[[tf.Tensor, Any], tuple[States, tf.Tensor]]
"""advance(x, states): one step. Takes (batch, features) and the states before it; returns the states after it
and the weight of each place. The first state is the layer's output, the last one is what was attended to."""


def run_steps(layer: Any, advance: Advance, steps: tf.Tensor) -> list[tf.Tensor]:
    """Return the outputs of all steps, what they attended to and the weights, (batch, steps, ...) each.

    In a stream, the states come from the step before and go to the next.

    Args:
        layer: has `stream_states`.
        advance: computes one step.
        steps: (batch, steps, features).
    """
    carried = layers.states.carried_states(layer)
    first = layer.stream_states(tf.shape(steps)[0]).values() if carried is None else carried.take(layer)
    run = _once if steps.shape[1] == 1 else _looped
    outputs, last = run(advance, steps, tuple(first))
    if carried is not None:
        carried.put(layer, last)
    return outputs


def _once(advance: Advance, steps: tf.Tensor, states: States) -> tuple[list[tf.Tensor], States]:
    """Return what a single step gives, without a loop: this is what runs on a device."""
    states, weights = advance(steps[:, 0], states)
    return [each[:, None] for each in (states[0], states[-1], weights)], states


def _looped(advance: Advance, steps: tf.Tensor, states: States) -> tuple[list[tf.Tensor], States]:
    """Return what all steps give, one after the other."""
    scan = layers.scan
    x = scan.steps_first(steps)
    count, given = tf.shape(x)[0], scan.unstacked(x)
    like = advance(x[0], states)
    arrays = tuple(scan.empty(each, count) for each in (like[0][0], like[0][-1], like[1]))

    def body(t: tf.Tensor, states: Any, arrays: Any) -> Any:
        states, weights = advance(given.read(t), states)
        written = (states[0], states[-1], weights)
        return t + 1, states, tuple(a.write(t, each) for a, each in zip(arrays, written, strict=True))

    _, states, arrays = tf.while_loop(lambda t, *_: t < count, body, (tf.constant(0), states, arrays))
    return [scan.batch_first(scan.stacked(array, x)) for array in arrays], states
