"""The inputs of a Keras model: their shapes, their types, and examples from the user or at random."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np

from ..._layers import layers
from ...archives import MOST_BYTES
from ...errors import UserError
from ..verify.reference import Arrays
from .saved_model import InputSpecs

_RANDOM_EXAMPLES = 32
_MOST_NUMBERS = MOST_BYTES // (4 * _RANDOM_EXAMPLES)
"""The most numbers that an input may have for one example, so that random ones fit into memory."""
_MOST_INSIDE = MOST_BYTES // 8
"""The most numbers that any other tensor may have for one example."""

_PASSING_IDS = (keras.layers.Dropout, keras.layers.Identity, keras.layers.Masking, keras.layers.Reshape)


def check_sizes(model: keras.Model) -> None:
    """Check the sizes of every tensor that a model's graph declares.

    Raises:
        UserError: a tensor would not fit into memory.
    """
    for given in getattr(model, "inputs", None) or []:
        _check_size(given.name, given.shape[1:], _MOST_NUMBERS)
    for tensor in _tensors(_graph(model)):
        _check_size(tensor.name, tensor.shape[1:], _MOST_INSIDE)


def _tensors(graph: Any) -> Iterator[Any]:
    for operation in getattr(graph, "operations", ()):
        for node in operation._inbound_nodes:
            yield from (tensor for tensor in node.output_tensors if tensor is not None)
        yield from _tensors(_graph(operation))


def _check_size(name: str, shape: tuple[int | None, ...], most: int) -> None:
    numbers = math.prod(size for size in shape if size is not None)
    if numbers > most:
        raise UserError(f"{name}: expected at most {most:,} numbers an example, found {numbers:,}")


def by_name(
    model: keras.Model, given: Arrays | np.ndarray, names: Mapping[str, str]
) -> dict[str, np.ndarray]:
    """Return inputs by the names of the model; a model with one input needs no name.

    Args:
        model: the converted model. Its inputs are called as in a saved file of the original.
        given: an array, or arrays by name.
        names: the name in `model` by the name in the original, which differs in memory if Keras made it up.

    Raises:
        UserError: a single array is given for a model with several inputs.
    """
    known = [each.name for each in getattr(model, "inputs", None) or []]
    arrays = dict(given) if isinstance(given, Mapping) else {"inputs": np.asarray(given)}
    if len(known) == 1 and len(arrays) == 1:
        return {known[0]: next(iter(arrays.values()))}
    if len(known) > 1 and not isinstance(given, Mapping):
        raise UserError(f"calibration: expected arrays by name, {known}, since the model has several inputs")
    return {names.get(name, name): array for name, array in arrays.items()}


def token_inputs(model: keras.Model) -> set[str]:
    """Return the names of inputs that hold token ids, of whatever type: an Embedding looks them up."""
    graph = _graph(model)
    return {each.name for each in getattr(graph, "inputs", None) or [] if _is_looked_up(graph, each)}


def whole_inputs(model: keras.Model, specs: InputSpecs) -> list[str]:
    """Return the names of inputs that are no sequences: numbers (batch, features) beside sequences."""
    tokens = token_inputs(model)
    flat = [name for name, (shape, _) in specs.items() if len(shape) < 2 and name not in tokens]
    return flat if len(flat) < len(specs) else []


def _is_looked_up(graph: Any, tensor: Any) -> bool:
    for operation in getattr(graph, "operations", ()):
        for node in operation._inbound_nodes:
            places = [i for i, each in enumerate(node.input_tensors) if each is tensor]
            if places and _looks_up(operation, places[0], graph, node):
                return True
    return False


def _looks_up(operation: Any, place: int, graph: Any, node: Any) -> bool:
    """Return whether an operation is an Embedding, has one behind its input, or passes ids on to one."""
    if isinstance(operation, keras.layers.Embedding):
        return True
    inner = _graph(operation)
    if getattr(inner, "operations", None):
        return _is_looked_up(inner, inner.inputs[place])
    passes = isinstance(operation, (*_PASSING_IDS, layers.TokenDropout)) or type(operation).__name__ == "Cast"
    return passes and any(_is_looked_up(graph, each) for each in node.output_tensors)


def _graph(model: Any) -> Any:
    return getattr(model, "_functional", None) or model


def input_specs(model: keras.Model, calibration: Arrays | None, steps: int | None) -> InputSpecs:
    """Return the shape without the batch, and the type, by input name.

    Args:
        model: a built model.
        calibration: examples from the user. Their shapes set the sizes that the model leaves open.
        steps: the size of every other open dimension.

    Raises:
        UserError: the examples have other names than the inputs, or a size is still open or too large.
    """
    if not getattr(model, "inputs", None):
        if calibration is None:
            raise UserError(
                f"{model.name}: expected --calibration, since this model does not name its inputs"
            )
        return {name: (array.shape[1:], str(array.dtype)) for name, array in calibration.items()}
    if calibration is not None and calibration.keys() != {given.name for given in model.inputs}:
        names = sorted(given.name for given in model.inputs)
        raise UserError(f"calibration: expected inputs {names}, got {sorted(calibration)}")
    specs = {}
    for given in model.inputs:
        known = () if calibration is None else calibration[given.name].shape[1:]
        shape = [
            known[i] if size is None and i < len(known) else size for i, size in enumerate(given.shape[1:])
        ]
        shape = [steps if size is None else size for size in shape]
        opened = [size for i, size in enumerate(shape) if given.shape[i + 1] is None]
        if steps is not None and calibration is not None and opened and steps not in opened:
            raise UserError(f"steps: {steps}, but the calibration inputs of {given.name} have {opened[0]}")
        if None in shape:
            raise UserError(
                f"{given.name}: the model leaves its length open, {tuple(given.shape)}: expected --steps"
            )
        _check_size(given.name, tuple(shape), _MOST_NUMBERS)
        specs[given.name] = (tuple(shape), str(given.dtype))
    return specs


def random_inputs(model: keras.Model, specs: InputSpecs) -> dict[str, np.ndarray]:
    """Draw examples: normally distributed numbers, and token ids that are valid in every embedding."""
    rng = np.random.default_rng(0)
    sizes = [each.input_dim for each in model._flatten_layers() if isinstance(each, keras.layers.Embedding)]
    tokens, made = token_inputs(model), {}
    for name, (shape, kind) in specs.items():
        full = (_RANDOM_EXAMPLES, *(size or 1 for size in shape))
        if name in tokens or np.dtype(kind).kind in "iu":
            made[name] = rng.integers(1, max(2, min(sizes, default=2)), full).astype(kind)
        else:
            made[name] = rng.normal(size=full).astype(kind)
    return made


def checked_inputs(calibration: Arrays, specs: InputSpecs) -> dict[str, np.ndarray]:
    """Return the examples in the types of the model's inputs.

    Raises:
        UserError: they are empty or not finite, their numbers differ, or a shape or type is wrong.
    """
    counts = {len(array) for array in calibration.values()}
    if len(counts) != 1 or 0 in counts:
        raise UserError(
            f"calibration: expected the same number of examples for every input, at least 1, "
            f"got {sorted(counts)}"
        )
    for name, (shape, kind) in specs.items():
        array = calibration[name]
        if array.shape[1:] != tuple(shape) or not np.can_cast(array.dtype, kind, "same_kind"):
            raise UserError(
                f"calibration: {name}: expected {kind} (N, {', '.join(map(str, shape))}), "
                f"got {array.dtype} {array.shape}"
            )
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise UserError(f"calibration: {name}: expected finite numbers")
    return {name: calibration[name].astype(kind) for name, (_, kind) in specs.items()}


def one_by_one(inputs: Arrays) -> list[dict[str, np.ndarray]]:
    """Return the examples one by one, each with a batch of 1."""
    count = len(next(iter(inputs.values())))
    return [{name: array[i : i + 1] for name, array in inputs.items()} for i in range(count)]
