"""One file for sequences of any length: a model that takes padded sequences and their lengths.

The length becomes a mask, which recurrent layers and attention respect. Random sequences show whether the
other layers respect it.
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
from ..verify.reference import Arrays
from .error_text import first_reason
from .model_inputs import random_inputs, token_inputs
from .saved_model import InputSpecs, arguments

LENGTH = "length"
"""The name of the input, (batch,) int32, 1 to the number of steps. If there are several sequences whose
lengths may differ, each has its own, NAME_length."""
_TRIED = 8  # sequences; a single one may hide a maximum over the padding
_SAME = 1e-4  # as a share of an output's largest number: float32 sums depend on the order


class WithLength(keras.Model):
    """A model of padded sequences. Its outputs are those of `model` for the sequences cut at their lengths.

    Call arguments: {name: (batch, steps, ...), "length": (batch,)}. The padding may hold any values that the
    model takes.
    Returns: what `model` returns. An output with one row per step has zeros in the padding.

    Args:
        model: a Sequential or Functional model. Its embeddings are changed so that they pass on the mask of
            a length.
        specs: shape without the batch, and dtype, of each input.
        length_of: the name of the length, by the name of each sequence.

    Attributes:
        length_of: the same.
        most: the largest length, by its name.

    Raises:
        UserError: `model` can't process shorter sequences, or a layer mixes steps and ignores the mask.
    """

    def __init__(self, model: keras.Model, specs: InputSpecs, length_of: Mapping[str, str]) -> None:
        super().__init__(name=model.name)
        self.model, self.length_of = model, dict(length_of)
        self._fillings = _fillings(model)
        self.most = {length: int(specs[name][0][0] or 0) for name, length in length_of.items()}
        for layer in model._flatten_layers():
            if isinstance(layer, keras.layers.Embedding) and not layer.mask_zero:
                layer.supports_masking, layer.compute_mask = True, lambda inputs, mask=None: mask
        count = model.inputs[0].shape[0] or _TRIED
        x = {name: array[:count] for name, array in random_inputs(model, specs).items()}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # layers without masks: the error below names them
                self._by_step = self._outputs_by_step(x)
                exact = all(self._answers_as_cut(x, lengths) for lengths in self._tried())
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
        valid = {name: tf.range(most) < inputs[name][:, None] for name, most in self.most.items()}

        def shown(output: tf.Tensor, length: str) -> tf.Tensor:
            return tf.where(_like(valid[length], output), output, tf.zeros_like(output))

        names = [each.name for each in self.model.inputs]
        masks = [valid[self.length_of[name]] if name in self.length_of else None for name in names]
        given = {name: inputs[name] for name in names}
        for name in self._fillings.keys() & self.length_of.keys():
            value = tf.constant(self._fillings[name], given[name].dtype)
            given[name] = tf.where(_like(valid[self.length_of[name]], given[name]), given[name], value)
        answer = self.model.call(arguments(self.model, given), training=False, mask=masks)
        return self._by_steps(shown, answer)

    def padded(self, answer: Any) -> Any:
        """Pad the outputs for cut sequences with zeros, as this model does."""

        def fill(output: tf.Tensor, length: str) -> np.ndarray:
            behind = self.most[length] - output.shape[1]
            return np.pad(output, [(0, 0), (0, behind), *[(0, 0)] * (output.ndim - 2)])

        return self._by_steps(fill, answer)

    def _by_steps(self, change: Callable[[tf.Tensor, str], Any], outputs: Any) -> Any:
        """Apply `change` to the outputs that have one row per step; keep the others."""
        flat = zip(keras.tree.flatten(outputs), self._by_step, strict=True)
        changed = [output if length is None else change(output, length) for output, length in flat]
        return keras.tree.pack_sequence_as(outputs, changed)

    def _outputs_by_step(self, x: Arrays) -> list[str | None]:
        """Return for each output the length that its steps have; None if it has no steps."""
        whole = self._cut(x, self.most)
        found: list[str | None] = [None] * len(whole)
        for name, most in self.most.items():
            for i, one in enumerate(self._cut(x, {**self.most, name: 1})):
                if one.ndim > 1 and (one.shape[1], whole[i].shape[1]) == (1, most):
                    found[i] = name
        return found

    def _tried(self) -> list[dict[str, int]]:
        """Return the lengths to try: short, middling and long ones, in different orders for each sequence."""
        choices = {name: (1, most // 2, most - 1) for name, most in self.most.items()}
        return [
            {name: each[(i + place) % len(each)] for place, (name, each) in enumerate(choices.items())}
            for i in range(3)
        ]

    def _cut(self, x: Arrays, lengths: Mapping[str, int]) -> list[Any]:
        cut = {name: lengths[length] for name, length in self.length_of.items()}
        return keras.tree.flatten(answer_to_cut(self.model, x, cut))

    def _answers_as_cut(self, x: Arrays, lengths: Mapping[str, int]) -> bool:
        wanted = keras.tree.flatten(self.padded(self._cut(x, lengths)))
        count = len(next(iter(x.values())))
        given = {name: tf.constant(array) for name, array in x.items()}
        given |= {name: tf.fill([count], length) for name, length in lengths.items()}
        return all(
            np.allclose(one, other, rtol=0, atol=_SAME * max(1.0, float(np.abs(other).max())))
            for one, other in zip(keras.tree.flatten(self.call(given)), wanted, strict=True)
        )


def _like(mask: tf.Tensor, sequences: tf.Tensor) -> tf.Tensor:
    """Return a mask (batch, steps) with as many axes as the sequences have."""
    return tf.reshape(mask, [-1, mask.shape[1], *[1] * (sequences.shape.rank - 2)])


def _fillings(model: keras.Model) -> dict[str, float]:
    """Return the value that means padding, by input, where the model makes a mask of it."""
    graph = getattr(model, "_functional", None) or model
    found: dict[str, float] = {}
    for operation in graph.operations:
        value = getattr(operation, "mask_value", 0 if getattr(operation, "mask_zero", False) else None)
        for node in operation._inbound_nodes if value is not None else ():
            found |= {each.name: value for each in graph.inputs if each is node.input_tensors[0]}
    return found


def with_length(model: keras.Model, specs: InputSpecs) -> tuple[WithLength, InputSpecs]:
    """Return the model that takes lengths, and the shapes and types of its inputs.

    Args:
        model: a Sequential or Functional model, which is changed.
        specs: shape without the batch, and dtype, of each input.

    Raises:
        UserError: the model takes no sequence, or a layer ignores the mask.
    """
    names = _sequences(model, specs)
    if not names or LENGTH in specs:
        told = {name: (kind, tuple(shape)) for name, (shape, kind) in specs.items()}
        raise UserError(
            f"lengths: {model.name}: expected a Sequential or Functional model of sequences (steps, ...), "
            f"got inputs {told}"
        )
    if stateful := [each.name for each in model._flatten_layers() if getattr(each, "stateful", False)]:
        raise UserError(
            f"lengths: {stateful[0]}: expected a layer that starts each sequence anew, found a stateful one"
        )
    steps = {name: int(specs[name][0][0] or 0) for name in names}
    if short := [name for name in names if steps[name] < 2]:
        raise UserError(f"lengths: {short[0]}: expected at least 2 steps, got {steps[short[0]]}")
    made = _made(model, specs, names, same_steps=len(set(steps.values())) == 1)
    return made, {**specs, **dict.fromkeys(made.most, ((), "int32"))}


def _made(model: keras.Model, specs: InputSpecs, names: list[str], *, same_steps: bool) -> WithLength:
    """Return the model with a length of each sequence if they may differ, else with one for all."""
    if len(names) > 1:
        try:
            return WithLength(model, specs, {name: f"{name}_{LENGTH}" for name in names})
        except UserError:
            if not same_steps:
                raise
    return WithLength(model, specs, dict.fromkeys(names, LENGTH))


def _sequences(model: keras.Model, specs: InputSpecs) -> list[str]:
    """Return the inputs that have steps: those of open length, or else tokens and (steps, features)."""
    inputs = getattr(model, "inputs", None) or []
    if opened := [each.name for each in inputs if len(each.shape) > 1 and each.shape[1] is None]:
        return opened
    tokens = token_inputs(model) if inputs else set()
    return [each.name for each in inputs if len(specs[each.name][0]) > (each.name not in tokens)]


def is_length(name: str) -> bool:
    """Return whether an input of this name may be a length."""
    return name == LENGTH or name.endswith(f"_{LENGTH}")


def all_lengths(model: WithLength, count: int, given: Arrays) -> dict[str, np.ndarray]:
    """Return the lengths of all examples by name: (count,) int32 each.

    Those that are not given are drawn. Every second length is the largest, so that calibration sees all
    steps.

    Args:
        model: the model that takes them.
        count: the number of examples.
        given: lengths by name, from the user.

    Raises:
        UserError: they have other names, or are not integers (count,) from 1 to the number of steps.
    """
    if given.keys() - model.most.keys():
        raise UserError(f"calibration: expected lengths {sorted(model.most)}, got {sorted(given)}")
    made = {}
    for seed, (name, most) in enumerate(model.most.items()):
        lengths = np.random.default_rng(seed).integers(1, most + 1, count).astype(np.int32)
        lengths[::2] = most
        made[name] = _checked(name, given[name], count, most) if name in given else lengths
    return made


def _checked(name: str, lengths: np.ndarray, count: int, most: int) -> np.ndarray:
    if lengths.shape != (count,) or lengths.dtype.kind not in "iu":
        raise UserError(
            f"calibration: {name}: expected integers ({count},), got {lengths.dtype} {lengths.shape}"
        )
    if lengths.min() < 1 or lengths.max() > most:
        raise UserError(f"calibration: {name}: expected 1 to {most}, got {lengths.min()} to {lengths.max()}")
    return lengths.astype(np.int32)


def answer_to_cut(model: keras.Model, x: Arrays, lengths: Mapping[str, int]) -> Any:
    """Return the model's outputs for the first steps of its inputs.

    Args:
        model: a Sequential or Functional model.
        x: arrays (batch, steps, ...) by the model's input names.
        lengths: the number of steps by input name; other inputs are taken whole.
    """
    cut = {name: tf.constant(array[:, : lengths.get(name)]) for name, array in x.items() if name in lengths}
    whole = {name: tf.constant(array) for name, array in x.items() if name not in lengths}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "You are using a softmax")  # of attention to the only step
        # __call__ would refuse any other number of steps.
        return model.call(arguments(model, {**cut, **whole}), training=False)


def _without_mask(model: keras.Model) -> str:
    """Name the layers that do not support masks."""
    named = [
        f"{layer.name} ({type(layer).__name__})"
        for layer in model._flatten_layers(recursive=True, include_self=False)
        if not (layer.supports_masking or layer._layers)
        and not isinstance(layer, (keras.layers.InputLayer, layers.Cell))
    ]
    return ", ".join(named) or "one that makes its own mask, or mixes steps in spite of the mask"
