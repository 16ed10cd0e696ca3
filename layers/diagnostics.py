"""Seeing gradients: how far back a loss reaches, how often gates are shut, how a recurrence amplifies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from .bidirectional import Bidirectional
from .pcen import PCEN
from .recording import Observation, Recording, observer
from .recurrent import Recurrent
from .stack import Stack

CLOSED, OPEN = 0.1, 0.9
"""A gate below the one or above the other counts as saturated."""


class Saturation(NamedTuple):
    """Shares of a gate's activations, over units, steps and sequences."""

    closed: float
    """Below 0.1."""
    open: float
    """Above 0.9."""


class Diagnosis(NamedTuple):
    """What was found in one layer."""

    gradient_by_lag: dict[str, np.ndarray]
    """Of the model's loss, for each state (steps,): see `gradient_by_lag`."""
    memory_by_lag: dict[str, np.ndarray]
    """The same of the sum of the layer's own last output: what reaches back through the steps alone."""
    gate_saturation: dict[str, Saturation]
    """For each gate: see `gate_saturation`."""
    spectral_radius: np.ndarray
    """For each block (blocks,): see `spectral_radius`."""


def gradient_by_lag(
    layer: Recurrent, sequences: Any, loss: Callable[[tf.Tensor], tf.Tensor] = tf.reduce_sum
) -> dict[str, np.ndarray]:
    """Return how much a loss at the end of a sequence depends on each state before: ||dL/ds_t|| by T - t.

    A curve that falls exponentially is a vanishing gradient, one that rises an exploding one: what happened
    that many steps before the end can't be learned, or upsets everything. Dropout and zoneout's chance are
    off, as in evaluation.

    Args:
        layer: a `Recurrent` layer.
        sequences: (batch, steps, features).
        loss: of the last output (batch, units); by default its sum.

    Returns:
        For each of `cell.state_names` an array (steps,): the norm of the gradient with respect to that state
        as it is handed to the next step, at lag 0, 1, 2..., averaged over the sequences.
    """
    seen = _observed(layer, sequences, loss)
    return _by_lag(layer, seen.of_loss, seen.valid)


def gate_saturation(layer: Recurrent, sequences: Any) -> dict[str, Saturation]:
    """Return for each gate of the cell the shares of its activations below 0.1 and above 0.9.

    A gate that is always shut passes nothing, and a sigmoid near its ends learns slowly. `sequences` is
    (batch, steps, features). A cell's `gate_names` are in the order in which `update` computes the gates,
    by `recurrent_activation`; a cell without them has none.
    """
    return _saturation(layer, _observed(layer, sequences, tf.reduce_sum))


def spectral_radius(layer: Recurrent) -> np.ndarray:
    """Return the largest |eigenvalue| of each block (units, units) of the recurrent kernel: (blocks,).

    By as much does a step without gates or activation multiply a gradient in the long run: below 1 it
    vanishes, above 1 it explodes; a tanh shrinks it further. Blocks are in the order of the kernel's columns,
    NaN where the kernel has come to hold no numbers. A kernel that is a vector (IndRNN) counts
    as a diagonal. There are none where the kernel is not square (a projection), or missing (minGRU).
    """
    kernel = getattr(layer.cell, "recurrent_kernel", None)
    if kernel is None:
        return np.zeros(0)
    matrix = tf.cast(kernel, tf.float64).numpy()
    matrix = np.diag(matrix) if matrix.ndim == 1 else matrix
    rows, columns = matrix.shape
    if rows != layer.cell.units or columns % rows:
        return np.zeros(0)
    return np.array([_largest_eigenvalue(block) for block in np.split(matrix, columns // rows, axis=1)])


def _largest_eigenvalue(matrix: np.ndarray) -> float:
    return float(np.abs(np.linalg.eigvals(matrix)).max()) if np.isfinite(matrix).all() else np.nan


def recurrent_layers(model: keras.layers.Layer) -> dict[str, Recurrent]:
    """Return every `Recurrent` layer inside `model` by its path, such as "encoder.0.backward".

    The layers of a `Stack` are called by number, those of a `Bidirectional` by direction, others by name.
    """
    return dict(_walk(model, ""))


def _walk(layer: keras.layers.Layer, path: str) -> Iterator[tuple[str, Recurrent]]:
    inside: dict[str, keras.layers.Layer]
    match layer:
        case Recurrent():
            yield path or layer.name, layer
            return
        case PCEN():
            return  # its average has nothing to learn
        case Bidirectional():
            inside = {"forward": layer.forward_layer, "backward": layer.backward_layer}
        case Stack():
            inside = {str(number): each for number, each in enumerate(layer.layers)}
        case _:
            children = layer._flatten_layers(include_self=False, recursive=False)
            inside = {child.name: child for child in children}
    for name, child in inside.items():
        yield from _walk(child, f"{path}.{name}" if path else name)


def diagnoser(model: keras.Model) -> Callable[[Any, Any], dict[str, Diagnosis]]:
    """Return a function of inputs and targets that looks into every recurrent layer of a compiled model.

    It gives {path: what was found}, see `recurrent_layers`. The gradients are those of the model's own loss
    on the batch, through all that follows the layer: where that reads more than the last output (attention,
    pooling), they reach early states directly, too. A masked step counts as none. A layer that the model
    calls more than once is seen in its last call. Nothing in the model changes, and no random number is
    drawn. The function is quick from its second call on.
    """
    found = recurrent_layers(model)

    def loss(inputs: Any, targets: Any, _: list[Recording]) -> tf.Tensor:
        return model.compute_loss(inputs, targets, model(inputs, training=False), training=False)

    observe = observer(list(found.values()), loss)

    def diagnose(inputs: Any, targets: Any) -> dict[str, Diagnosis]:
        seen = observe(inputs, targets) if found else []
        return {
            path: Diagnosis(
                _by_lag(layer, one.of_loss, one.valid),
                _by_lag(layer, one.of_last_output, one.valid),
                _saturation(layer, one),
                spectral_radius(layer),
            )
            for (path, layer), one in zip(found.items(), seen, strict=True)
        }

    return diagnose


def _observed(layer: Recurrent, sequences: Any, loss: Callable[[tf.Tensor], tf.Tensor]) -> Observation:
    def of_last_output(sequences: tf.Tensor, recordings: list[Recording]) -> tf.Tensor:
        layer(sequences)
        return loss(tf.cast(recordings[0].last[0], layer.compute_dtype))

    return observer([layer], of_last_output)(tf.cast(sequences, layer.compute_dtype))[0]


def _by_lag(layer: Recurrent, norms: Sequence[tf.Tensor], valid: tf.Tensor | None) -> dict[str, np.ndarray]:
    """Average norms (steps, batch) over the sequences: those so many valid steps before their end."""
    by_lag = {}
    for name, of_steps in zip(layer.cell.state_names, norms, strict=False):
        counted = np.ones(of_steps.shape, bool) if valid is None else valid.numpy()[:, :, 0]
        lags = np.cumsum(counted[::-1], axis=0)[::-1][counted] - 1
        by_lag[name] = np.bincount(lags, of_steps.numpy()[counted]) / np.bincount(lags)
    return by_lag


def _saturation(layer: Recurrent, seen: Observation) -> dict[str, Saturation]:
    names = getattr(layer.cell, "gate_names", ())
    if not names or seen.gates is None:
        return {}
    values = seen.gates.numpy()
    if seen.valid is not None:
        values = values[seen.valid.numpy()[:, :, 0]]
    return {
        name: Saturation(float((gate < CLOSED).mean()), float((gate > OPEN).mean()))
        for name, gate in zip(names, np.split(values, len(names), axis=-1), strict=True)
    }
