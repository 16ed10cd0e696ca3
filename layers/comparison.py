"""Compare a converted model with the original on random inputs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .rebuild import is_graph

_BATCH, _LENGTH = 2, 5
_MANY = 200
"""Steps from which a graph is made: a step of a loop without one takes about 5 ms."""
_ALLOWED = 1e-3
"""The largest difference, as a share of the largest output or of 1: float32 leaves about 1e-6."""


def require_same(old: keras.Model, new: keras.Model) -> None:
    """Compare the outputs of two models on random inputs, in evaluation.

    Models whose inputs can't be made up, such as texts, are not compared. Subclassed models get inputs of the
    shapes that they were built with. The states of stateful layers and all other variables stay as they are.

    Args:
        old: the original model.
        new: the converted model.

    Raises:
        ValueError: the outputs differ.
    """
    with _variables_kept(old), _variables_kept(new):
        inputs, expected = _answered(old)
        if inputs is None:
            return
        found = _outputs(new, inputs)
    for wanted, got in zip(expected, found, strict=True):
        known = np.isfinite(wanted)  # random inputs may be none that the model can take
        require_close(old.name, got[known], wanted[known], _ALLOWED)


def require_close(name: str, got: np.ndarray, wanted: np.ndarray, allowed: float) -> None:
    """Check that a converted model answers as the original.

    Args:
        name: of the model, for the message.
        got, wanted: the outputs of both, of the same shape.
        allowed: the largest difference, as a share of the largest output if that is above 1.

    Raises:
        ValueError: an output differs by more, or is no number.
    """
    scale = max(1.0, float(np.max(np.abs(wanted), initial=0.0)))
    difference = float(np.max(np.abs(got - wanted), initial=0.0)) / scale
    if not difference <= allowed:
        raise ValueError(
            f"{name}: the converted model differs from the original by {difference:.2g} of its "
            "largest output on random inputs; please report this model"
        )


def _answered(model: keras.Model) -> tuple[Any, list[np.ndarray]]:
    """Return random inputs in the structure of the model's own, and its outputs; None if it has no answer.

    Inputs that are declared as floats may be tokens: if numbers are refused, zeros and ones are tried.
    """
    tensors = _tensors_given_to(model)
    if tensors is None or any(tensor.dtype == "string" for tensor in keras.tree.flatten(tensors)):
        return None, []
    for draw in (_numbers, _zeros_and_ones):
        rng = np.random.default_rng(0)
        inputs = keras.tree.map_structure(lambda tensor, draw=draw, rng=rng: draw(tensor, rng), tensors)
        try:
            return inputs, _outputs(model, inputs)
        except Exception:
            continue
    return None, []


def _tensors_given_to(model: keras.Model) -> Any:
    """Return symbolic inputs in the structure of the model's own; None if nothing is known about them."""
    if is_graph(model):
        return model.inputs[0] if isinstance(model, keras.Sequential) else model.input
    shapes = (model.get_build_config() or {}).get("input_shape")
    if shapes is None:
        return None
    return keras.tree.map_shape_structure(lambda shape: keras.KerasTensor(shape, "float32"), shapes)


def _numbers(tensor: keras.KerasTensor, rng: np.random.Generator) -> Any:
    if "float" not in tensor.dtype:
        return _zeros_and_ones(tensor, rng)
    return keras.ops.convert_to_tensor(rng.normal(size=_shape(tensor)), tensor.dtype)


def _zeros_and_ones(tensor: keras.KerasTensor, rng: np.random.Generator) -> Any:
    return keras.ops.convert_to_tensor(rng.integers(0, 2, _shape(tensor)), tensor.dtype)


def _shape(tensor: keras.KerasTensor) -> list[int]:
    batch, *rest = tensor.shape
    return [batch or _BATCH, *(size or _LENGTH for size in rest)]


def answers(model: keras.Model, inputs: Any) -> Any:
    """Return the outputs of a model in evaluation.

    Args:
        model: a built model.
        inputs: arrays or tensors (batch, ...) in the structure that the model takes.
    """

    def call(given: Any) -> Any:
        return model(given, training=False)

    if max((each.shape[1] for each in keras.tree.flatten(inputs) if len(each.shape) > 1), default=0) < _MANY:
        return call(inputs)
    try:
        return tf.function(call, autograph=False)(keras.tree.map_structure(tf.convert_to_tensor, inputs))
    except Exception:  # such as a layer of the user that needs values
        return call(inputs)


def _outputs(model: keras.Model, inputs: Any) -> list[np.ndarray]:
    outputs = keras.tree.flatten(answers(model, inputs))
    return [keras.ops.convert_to_numpy(keras.ops.cast(output, "float32")) for output in outputs]


@contextmanager
def _variables_kept(model: keras.Model) -> Iterator[None]:
    """Give the variables that are not trained, such as states and seeds, their values back."""
    states = [
        state
        for layer in model._flatten_layers()
        for state in keras.tree.flatten(getattr(layer, "states", None))
        if hasattr(state, "assign")
    ]
    kept = [(each, keras.ops.convert_to_numpy(each)) for each in (*model.non_trainable_variables, *states)]
    try:
        yield
    finally:
        for variable, value in kept:
            variable.assign(value)
