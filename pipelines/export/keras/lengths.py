"""One file for sequences of any length: a model that takes padded sequences and their `length`.

The length becomes a mask, which recurrent layers respect. Random sequences show
whether the other layers respect it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..._layers import layers
from ...errors import UserError
from .error_text import first_reason
from .saved_model import InputSpecs

LENGTH = "length"
"""The name of the input: (batch,) int32, 1 to the number of steps."""
_TRIED = 8  # sequences; a single one may hide a maximum over the padding
_SAME = 1e-4  # as a share of an output's largest number: float32 sums depend on the order


class WithLength(keras.Model):
    """A model of padded sequences. Its outputs are those of `model` for the sequences cut at their lengths.

    Call arguments: {name: (batch, steps, features), "length": (batch,)}. The padding may hold any numbers.
    Returns: what `model` returns. An output with one row per step has zeros in the padding.

    Args:
        model: a Sequential or Functional model of one sequence.
        name: the name of its input.
        steps: the largest length.
        features: the size of the last axis of the input.

    Raises:
        UserError: `model` can't process shorter sequences, or a layer mixes steps and ignores the mask.
    """

    def __init__(self, model: keras.Model, name: str, steps: int, features: int) -> None:
        super().__init__(name=model.name)
        self.model, self._given, self._steps = model, name, steps
        count = model.inputs[0].shape[0] or _TRIED
        x = np.random.default_rng(0).normal(size=(count, steps, features)).astype(np.float32)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # layers without masks: the error below names them
                one, all_ = (keras.tree.flatten(answer_to_cut(model, x, length)) for length in (1, steps))
                self._by_step = [
                    first.ndim > 1 and (first.shape[1], whole.shape[1]) == (1, steps)
                    for first, whole in zip(one, all_, strict=True)
                ]
                exact = all(self._answers_as_cut(x, length) for length in {1, steps // 2, steps - 1})
        except (ValueError, tf.errors.InvalidArgumentError) as error:
            raise UserError(
                f"lengths: {model.name}: can't process shorter sequences: {first_reason(error)}"
            ) from None
        if not exact:
            raise UserError(
                f"lengths: {model.name}: expected layers that respect a mask, got {_without_mask(model)}"
            )
        self.built = True

    def call(self, inputs: Mapping[str, tf.Tensor]) -> Any:
        """Return the outputs for padded sequences (the arguments are those of the class)."""
        valid = tf.range(self._steps) < inputs[LENGTH][:, None]

        def shown(output: tf.Tensor) -> tf.Tensor:
            mask = tf.reshape(valid, [-1, self._steps, *[1] * (output.shape.rank - 2)])
            return tf.where(mask, output, tf.zeros_like(output))

        return self._by_steps(shown, self.model.call(inputs[self._given], training=False, mask=valid))

    def padded(self, answer: Any) -> Any:
        """Pad the outputs for a cut sequence with zeros, as this model does."""

        def fill(output: tf.Tensor) -> np.ndarray:
            behind = self._steps - output.shape[1]
            return np.pad(output, [(0, 0), (0, behind), *[(0, 0)] * (output.ndim - 2)])

        return self._by_steps(fill, answer)

    def _by_steps(self, change: Callable[[tf.Tensor], Any], outputs: Any) -> Any:
        """Apply `change` to the outputs that have one row per step; keep the others."""
        flat = zip(keras.tree.flatten(outputs), self._by_step, strict=True)
        changed = [change(output) if by_step else output for output, by_step in flat]
        return keras.tree.pack_sequence_as(outputs, changed)

    def _answers_as_cut(self, x: np.ndarray, length: int) -> bool:
        wanted = keras.tree.flatten(self.padded(answer_to_cut(self.model, x, length)))
        got = keras.tree.flatten(self.call({self._given: tf.constant(x), LENGTH: tf.fill([len(x)], length)}))
        return all(
            np.allclose(one, other, rtol=0, atol=_SAME * max(1.0, float(np.abs(other).max())))
            for one, other in zip(got, wanted, strict=True)
        )


def with_length(model: keras.Model, specs: InputSpecs) -> tuple[WithLength, InputSpecs]:
    """Return the model that takes lengths, and the shapes and types of its inputs.

    Args:
        model: a Sequential or Functional model of one sequence.
        specs: shape without the batch, and dtype, of its input.

    Raises:
        UserError: the model does not take one float sequence, or a layer ignores the mask.
    """
    told = {name: (kind, tuple(shape)) for name, (shape, kind) in specs.items()}
    ((name, (shape, kind)),) = specs.items() if len(specs) == 1 else [("", ((), ""))]
    if (
        len(shape) != 2
        or not kind.startswith("float")
        or name == LENGTH
        or not getattr(model, "inputs", None)
    ):
        raise UserError(
            f"lengths: {model.name}: expected a Sequential or Functional model of one float sequence "
            f"(steps, features), got inputs {told}"
        )
    if stateful := [each.name for each in model._flatten_layers() if getattr(each, "stateful", False)]:
        raise UserError(
            f"lengths: {stateful[0]}: expected a layer that starts each sequence anew, found a stateful one"
        )
    steps, features = int(shape[0] or 0), int(shape[1] or 0)
    if steps < 2:
        raise UserError(f"lengths: {name}: expected at least 2 steps, got {steps}")
    return WithLength(model, name, steps, features), {**specs, LENGTH: ((), "int32")}


def drawn_lengths(count: int, steps: int) -> np.ndarray:
    """Draw lengths. Every second length is `steps`, so that calibration sees all steps."""
    lengths = np.random.default_rng(0).integers(1, steps + 1, count).astype(np.int32)
    lengths[::2] = steps
    return lengths


def checked_lengths(lengths: np.ndarray, count: int, steps: int) -> np.ndarray:
    """Check the lengths that the user gave, and return them.

    Raises:
        UserError: they are not integers (count,) from 1 to `steps`.
    """
    if lengths.shape != (count,) or lengths.dtype.kind not in "iu":
        raise UserError(
            f"calibration: {LENGTH}: expected integers ({count},), got {lengths.dtype} {lengths.shape}"
        )
    if lengths.min() < 1 or lengths.max() > steps:
        raise UserError(
            f"calibration: {LENGTH}: expected 1 to {steps}, got {lengths.min()} to {lengths.max()}"
        )
    return lengths.astype(np.int32)


def answer_to_cut(model: keras.Model, x: np.ndarray, length: int) -> Any:
    """Return the model's outputs for the first `length` steps of x (batch, steps, features)."""
    # __call__ would refuse any other number of steps.
    return model.call(tf.constant(x[:, :length]), training=False)


def _without_mask(model: keras.Model) -> str:
    """Name the layers that do not support masks."""
    named = [
        f"{layer.name} ({type(layer).__name__})"
        for layer in model._flatten_layers(recursive=True, include_self=False)
        if not (layer.supports_masking or layer._layers)
        and not isinstance(layer, (keras.layers.InputLayer, layers.Cell))
    ]
    return ", ".join(named) or "one that makes its own mask, or mixes steps in spite of the mask"
