"""Makes a Keras model of a foreign network, and checks it against the network's own answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import keras
import numpy as np

from ..._layers import layers
from ...errors import UserError
from ..keras.model_inputs import random_inputs
from .recurrent import Used
from .value import BatchElsewhereError, RefusedError, Value, computed, whole

ALLOWED = 1e-4
"""The largest difference, as a share of the largest answer or of 1. float32 leaves about 1e-6."""
_EXAMPLES = (11, 13, 17, 19, 23)
"""Sizes that open axes have in examples, all different, so that no size is taken for another one."""
_OTHERS = (10, 12, 14, 18, 20)
"""Sizes of open axes in the check. What depends on the sizes above fails there."""


@dataclass(frozen=True)
class Given:
    """An input of a foreign network."""

    name: str
    type: str
    sizes: tuple[int | str, ...]
    """Each a number, or the name of a size that is open."""

    def shape(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """Return its shape with these sizes."""
        return tuple(sizes.get(size, 0) if isinstance(size, str) else size for size in self.sizes)


class Network:
    """A foreign network: what this module needs to know of it. PyTorch and ONNX have one subclass each."""

    name: str
    """What messages start with: a file or a class."""
    inputs: Sequence[Given]

    def walk(self, values: Sequence[Value], arrays: Sequence[np.ndarray], used: Used) -> list[Value]:
        """Return the outputs, made of the inputs.

        Args:
            values: the inputs.
            arrays: an example of the inputs.
            used: which results of recurrent layers are read.

        Raises:
            UserError: an operation has no counterpart. The message says which, and where.
        """
        raise NotImplementedError

    def answers(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Run the network itself."""
        raise NotImplementedError


def assembled(network: Network, batch: int | None = None) -> keras.Model:
    """Return a Keras model that computes the same as a foreign network.

    Its inputs have the batch first, and else the order of the foreign axes. Its outputs, too.

    Args:
        batch: the axis of the batch in every input. By default the first one, or the second one if a
            recurrent layer has it there.

    Raises:
        BatchAxisError: a recurrent layer has the batch at another axis.
        UserError: an operation has no counterpart, or the model's answers differ from the network's.
    """
    for given in network.inputs:
        if given.type not in ("float32", "float64", "int32", "int64"):
            raise UserError(
                f"{network.name}: {given.name}: expected float32, float64, int32 or int64, found {given.type}"
            )
        if len(given.sizes) < 2 and not given.type.startswith("int"):
            raise UserError(f"{network.name}: {given.name}: expected a batch, found {len(given.sizes)} axes")
    if batch is not None:
        return _assembled(network, batch)
    try:
        return _assembled(network, 0)
    except BatchAxisError as first:
        if any(len(given.sizes) < 2 for given in network.inputs):
            raise
        try:
            return _assembled(network, 1)
        except BatchAxisError:
            raise first from None


class BatchAxisError(UserError):
    """A layer found the batch at another axis than the one that was tried."""


def place(network: str, where: str, reason: Exception) -> UserError:
    """Return the error of one operation of a network."""
    kind = BatchAxisError if isinstance(reason, BatchElsewhereError) else UserError
    return kind(f"{network}: {reason}" if where in ("", network) else f"{network}: {where}: {reason}")


def _assembled(network: Network, batch: int) -> keras.Model:
    used = Used()
    _build(network, batch, used)
    model, batches = _build(network, batch, Used(used.found))
    _verify(network, model, batch, batches)
    return model


def _build(network: Network, batch: int, used: Used) -> tuple[keras.Model, list[int]]:
    """Return the model, and at which axis each of the network's outputs has the batch."""
    sizes = _sizes(network, _EXAMPLES)
    tensors: list[Any] = []
    values: list[Value] = []
    arrays: list[np.ndarray] = []
    for given in network.inputs:
        shape = given.shape(sizes)
        others = [axis for axis in range(len(shape)) if axis != batch]
        known = [given.sizes[axis] if isinstance(given.sizes[axis], int) else None for axis in others]
        dtype = "int32" if given.type.startswith("int") else "float32"
        tensors.append(keras.Input(known, name=_plain(given.name), dtype=dtype))
        order = [0 if axis == batch else others.index(axis) + 1 for axis in range(len(shape))]
        values.append(computed(shape, order, tensors[-1]))
        rng = np.random.default_rng(len(arrays))
        array = np.zeros(shape) if dtype == "int32" else rng.normal(size=shape)
        arrays.append(array.astype(given.type))
    outputs = network.walk(values, arrays, used)
    made = [_output(network, each) for each in outputs]
    model = keras.Model(_one(tensors), _one(made), name=_plain(network.name.rpartition("/")[2]))
    return model, [each.batch for each in outputs]


def _output(network: Network, value: Any) -> Any:
    if not isinstance(value, Value):
        raise UserError(f"{network.name}: expected outputs that depend on the inputs, found a constant")
    try:
        return whole(value)
    except RefusedError as error:
        raise place(network.name, "output", error) from None


def _one(tensors: list[Any]) -> Any:
    return tensors[0] if len(tensors) == 1 else tensors


def _sizes(network: Network, choices: Sequence[int]) -> dict[str, int]:
    names = dict.fromkeys(size for given in network.inputs for size in given.sizes if isinstance(size, str))
    return dict(zip(names, [*choices, *range(29, 29 + len(names))], strict=False))


def _verify(network: Network, model: keras.Model, batch: int, batches: Sequence[int]) -> None:
    """Compare the model with the network on random inputs, one batch after the other."""
    sizes = _sizes(network, _OTHERS)
    shapes = [given.shape(sizes) for given in network.inputs]
    specs = {
        tensor.name: (tuple(np.delete(shape, batch)), str(tensor.dtype))
        for tensor, shape in zip(model.inputs, shapes, strict=True)
    }
    drawn = list(random_inputs(model, specs).values())
    rows = shapes[0][batch]
    for start in range(0, len(drawn[0]) - rows + 1, rows):
        ours = [array[start : start + rows] for array in drawn]
        theirs = [
            np.moveaxis(array, 0, batch).astype(given.type)
            for array, given in zip(ours, network.inputs, strict=True)
        ]
        found = keras.tree.flatten(model(_one(ours), training=False))
        for position, (got, wanted) in enumerate(zip(found, network.answers(theirs), strict=True)):
            _require_same(network, np.asarray(got), np.moveaxis(wanted, batches[position], 0))
        if start // rows == 3:
            break


def _require_same(network: Network, got: np.ndarray, wanted: np.ndarray) -> None:
    if got.shape != wanted.shape:
        raise UserError(
            f"{network.name}: the converted model answers in the shape {got.shape} instead of {wanted.shape} "
            "for sequences of another length: expected a network for any length, or inputs of a fixed one"
        )
    try:
        layers.comparison.require_close(network.name, got, wanted, ALLOWED)
    except ValueError as error:
        raise UserError(str(error)) from None


def _plain(name: str) -> str:
    """Return a name that Keras takes."""
    return re.sub(r"\W+", "_", name).strip("_") or "model"


def unique_names(taken: Iterable[str]) -> Callable[[str], str]:
    """Return a function that makes names of layers unique.

    Args:
        taken: names that no layer may have: those of the inputs.
    """
    seen = set(map(_plain, taken))

    def unique(name: str) -> str:
        name = _plain(name)
        choices = (name if i == 0 else f"{name}_{i}" for i in count())
        chosen = next(each for each in choices if each not in seen)
        seen.add(chosen)
        return chosen

    return unique
