"""Measure recurrent layers: gradients by lag, saturated gates, spectral radius of the recurrent kernel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from .bidirectional import Bidirectional
from .pcen import PCEN
from .recording import Observation, Recording, observe, observer
from .recurrent import Recurrent
from .stack import Stack

CLOSED, OPEN = 0.1, 0.9
"""A gate activation below CLOSED or above OPEN counts as saturated."""


class Saturation(NamedTuple):
    """Fractions of a gate's activations over all units, steps and sequences, from 0 to 1."""

    closed: float
    """Fraction of activations below 0.1."""
    open: float
    """Fraction of activations above 0.9."""


class Diagnosis(NamedTuple):
    """The measurements of one layer."""

    gradient_by_lag: dict[str, np.ndarray]
    """For each state (steps,): norm of the gradient of the model's loss, by steps before the end."""
    memory_by_lag: dict[str, np.ndarray]
    """For each state (steps,): the same for the sum of the layer's last output, through the steps only."""
    gate_saturation: dict[str, Saturation]
    """For each gate: fractions of saturated activations."""
    spectral_radius: np.ndarray
    """(blocks,): largest |eigenvalue| of each block of the recurrent kernel."""


def gradient_by_lag(
    layer: Recurrent, sequences: Any, loss: Callable[[tf.Tensor], tf.Tensor] = tf.reduce_sum
) -> dict[str, np.ndarray]:
    """Return how much a loss at the end of a sequence depends on each earlier state: ||dL/ds_t|| by T - t.

    A curve that falls exponentially shows a vanishing gradient: the layer can't learn from steps that far
    back. A curve that rises exponentially shows an exploding one. Dropout and random zoneout are off, as in
    evaluation.

    Args:
        layer: a `Recurrent` layer.
        sequences: (batch, steps, features).
        loss: function of the last output (batch, units); by default its sum.

    Returns:
        For each of `cell.state_names` an array (steps,). Entry n is the norm of the gradient with respect to
        the state n steps before the end, averaged over the sequences.
    """
    seen = _observed(layer, sequences, loss)
    return _by_lag(layer, seen.of_loss, seen.valid)


def gate_saturation(layer: Recurrent, sequences: Any) -> dict[str, Saturation]:
    """Return the fractions of each gate's activations that are below 0.1 and above 0.9.

    A gate that is always closed passes nothing, and a saturated sigmoid learns slowly.

    Args:
        layer: a `Recurrent` layer.
        sequences: (batch, steps, features).

    Returns:
        A `Saturation` for each of the cell's `gate_names`. The dict is empty for a cell without gate names.
    """
    return _saturation(layer, _observed(layer, sequences, tf.reduce_sum))


def spectral_radius(layer: Recurrent) -> np.ndarray:
    """Return the largest |eigenvalue| of each block of the recurrent kernel.

    Without gates and activation, each step multiplies a gradient by about this value: below 1 the gradient
    vanishes, above 1 it explodes. A tanh makes the factor smaller.

    Args:
        layer: a built `Recurrent` layer.

    Returns:
        (blocks,) in the order of the kernel's columns. A value is NaN if its block holds NaN or infinity.
        A kernel that is a vector (IndRNN) counts as a diagonal matrix. The array is empty if the kernel is
        not square (a projection), a convolution, or missing (minGRU).
    """
    kernel = getattr(layer.cell, "recurrent_kernel", None)
    if kernel is None:
        return np.zeros(0)
    matrix = tf.cast(kernel, tf.float64).numpy()
    matrix = np.diag(matrix) if matrix.ndim == 1 else matrix
    *others, rows, columns = matrix.shape
    if others or rows != layer.cell.units or columns % rows:
        return np.zeros(0)
    return np.array([_largest_eigenvalue(block) for block in np.split(matrix, columns // rows, axis=1)])


def _largest_eigenvalue(matrix: np.ndarray) -> float:
    return float(np.abs(np.linalg.eigvals(matrix)).max()) if np.isfinite(matrix).all() else np.nan


def recurrent_layers(model: keras.layers.Layer) -> dict[str, Recurrent]:
    """Return every `Recurrent` layer inside a model by its path, such as "encoder.0.backward".

    In the path, a layer of a `Stack` has its number, a layer of a `Bidirectional` its direction, any other
    layer its name.
    """
    return dict(_walk(model, ""))


def _walk(layer: keras.layers.Layer, path: str) -> Iterator[tuple[str, Recurrent]]:
    inside: dict[str, keras.layers.Layer]
    match layer:
        case Recurrent():
            yield path or layer.name, layer
            return
        case PCEN():
            return  # its average has no weights
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
    """Return a function that measures every recurrent layer of a model on a batch.

    The gradients are those of the model's own loss, through all layers after the recurrent one. If these
    read more than the last output (attention, pooling), the gradient also reaches early states directly.
    Masked steps do not count as steps. A layer that the model calls several times is measured in its last
    call. The model does not change, and no random number is drawn. The function is fast from its second call
    on.

    Args:
        model: a compiled model.

    Returns:
        A function of inputs and targets that returns a `Diagnosis` for each path of `recurrent_layers`.
    """
    found = recurrent_layers(model)

    def loss(inputs: Any, targets: Any, _: list[Recording]) -> tf.Tensor:
        return model.compute_loss(inputs, targets, model(inputs, training=False), training=False)

    measure = observer(list(found.values()), loss)

    def diagnose(inputs: Any, targets: Any) -> dict[str, Diagnosis]:
        seen = measure(inputs, targets) if found else []
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

    return observe([layer], of_last_output, tf.cast(sequences, layer.compute_dtype))[0]


def _by_lag(layer: Recurrent, norms: Sequence[tf.Tensor], valid: tf.Tensor | None) -> dict[str, np.ndarray]:
    """Average norms (steps, batch) over the sequences, by valid steps before the end of each."""
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
