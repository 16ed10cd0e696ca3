"""Prepare any Keras model for export: convert its layers, find example inputs, and compute its outputs."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import keras
import numpy as np

from ..._layers import layers
from ...errors import UserError
from ..prepared_model import PreparedModel
from ..verify.reference import Reference
from .lengths import WithLength, all_lengths, answer_to_cut, is_length, with_length
from .model_inputs import (
    Arrays,
    by_name,
    check_sizes,
    checked_inputs,
    input_specs,
    one_by_one,
    random_inputs,
    whole_inputs,
)
from .names import input_names, output_names
from .plain import plain
from .saved_model import arguments
from .texts import without_texts
from .training_loss import without_ctc_loss

log = logging.getLogger(__name__)

_MOST_VERIFIED = 64
_MOST_CALIBRATED = 200


def prepare(
    model: keras.Model,
    name: str,
    *,
    calibration: Arrays | np.ndarray | None = None,
    steps: int | None = None,
    lengths: bool = False,
) -> PreparedModel:
    """Replace the layers of a built Keras model by this project's, and compute the model's outputs.

    The model itself is not changed. A CTC loss at its end is cut off. Texts are left to the host.

    Args:
        name: the model's name in messages.
        calibration: real inputs (N, ...), by name if there are several; with `lengths` also "length" (N,) if
            they are padded. Texts become tokens. By default random inputs are drawn.
        steps: the length of the sequences, if the model leaves it open.
        lengths: make files that take the length of each sequence as a second input.

    Raises:
        UserError: the model can't be converted, or the inputs don't fit it.
    """
    cut = without_ctc_loss(model)
    if cut is not model and isinstance(calibration, Mapping):
        dropped = {each.name for each in model.inputs} - {each.name for each in cut.inputs}
        calibration = {key: array for key, array in calibration.items() if key not in dropped}
    rest, host = without_texts(cut)
    with plain(rest):
        made = _prepared(rest, name, host.tokens(calibration), steps=steps, lengths=lengths)
    return replace(made, host=host)


def _prepared(
    model: keras.Model,
    name: str,
    calibration: Arrays | np.ndarray | None,
    *,
    steps: int | None,
    lengths: bool,
) -> PreparedModel:
    check_sizes(model)
    try:
        ours = layers.convert_model(model)
    except (TypeError, ValueError) as error:
        raise UserError(f"{name}: {error}") from None
    given = dict(calibration) if isinstance(calibration, Mapping) else calibration
    known = _taken_lengths(given, ours) if lengths and isinstance(given, dict) else {}
    if given is not None:
        given = by_name(ours, given, input_names(model, ours))
    specs = input_specs(ours, given, steps)
    inputs = random_inputs(ours, specs) if given is None else checked_inputs(given, specs)
    if lengths:
        ours, specs = with_length(ours, specs)
        inputs |= all_lengths(ours, len(next(iter(inputs.values()))), known)
    examples = one_by_one({key: array[:_MOST_CALIBRATED] for key, array in inputs.items()})
    verified = {key: array[:_MOST_VERIFIED] for key, array in inputs.items()}
    outputs = _answers(model, ours, verified)
    _tell_of_no_numbers(outputs)
    reference = Reference(verified, outputs, sigmoids=_sigmoids(model, list(outputs)))
    drawn = given is None
    return PreparedModel(ours, specs, examples, reference, whole_inputs(ours, specs), random_inputs=drawn)


def _tell_of_no_numbers(outputs: Arrays) -> None:
    for name, output in outputs.items():
        finite = np.isfinite(output) if output.dtype.kind == "f" else np.ones(output.shape, bool)
        if lacking := int((~finite.reshape(len(output), -1).all(axis=1)).sum()):
            log.warning(
                "output %r of the Keras model is infinite or NaN in %d of %d examples; integer files are "
                "compared on the other answers: give inputs that the model can take by --calibration",
                name,
                lacking,
                len(output),
            )


def _taken_lengths(given: dict[str, np.ndarray], model: keras.Model) -> dict[str, np.ndarray]:
    """Take the lengths out of the inputs that the user gave."""
    own = {each.name for each in getattr(model, "inputs", None) or []}
    return {name: given.pop(name) for name in list(given) if is_length(name) and name not in own}


def _answers(model: keras.Model, ours: keras.Model, inputs: Arrays) -> dict[str, np.ndarray]:
    """Return the outputs of the Keras model, (N, ...) by name."""
    rows, size = [], _fixed_batch(model)
    for batch in one_by_one(inputs) if _wants_one(model, ours) else [inputs]:
        for layer in model._flatten_layers():
            if getattr(layer, "stateful", False) and hasattr(layer, "reset_state"):
                layer.reset_state()
        whole = {key: np.repeat(array, size, axis=0) for key, array in batch.items()}
        rows.append(keras.tree.map_structure(partial(_first_of, size), _answer(model, ours, whole)))
    first = rows[0]
    names = list(first) if isinstance(first, dict) else output_names(model, len(keras.tree.flatten(first)))
    flat = [
        [row[name] for name in names] if isinstance(row, dict) else keras.tree.flatten(row) for row in rows
    ]
    return {name: np.concatenate([np.asarray(row[i]) for row in flat]) for i, name in enumerate(names)}


def _fixed_batch(model: keras.Model) -> int:
    """Return the size of the batch that a stateful model was built for; 1 if it is open."""
    given = keras.tree.flatten(getattr(model, "inputs", None) or [])
    return max((each.shape[0] or 1 for each in given), default=1)


def _first_of(repeated: int, answers: Any) -> Any:
    return answers[::repeated]


def _wants_one(model: keras.Model, ours: keras.Model) -> bool:
    """Return whether the model takes only one example at a time."""
    given = getattr(model, "inputs", None)
    return not given or isinstance(ours, WithLength) or any(each.shape[0] is not None for each in given)


def _answer(model: keras.Model, ours: keras.Model, batch: Arrays) -> Any:
    network = ours.model if isinstance(ours, WithLength) else ours
    names = {name: old for old, name in input_names(model, network).items()}
    if isinstance(ours, WithLength):
        cut = {names[name]: int(batch[length][0]) for name, length in ours.length_of.items()}
        return ours.padded(answer_to_cut(model, {old: batch[name] for name, old in names.items()}, cut))
    given = {names.get(name, name): array for name, array in batch.items()}
    return layers.comparison.answers(model, arguments(model, given))


def _sigmoids(model: keras.Model, names: list[str]) -> set[str]:
    """Return the names of the outputs that a sigmoid computes."""
    made = keras.tree.flatten(getattr(model, "outputs", None) or [])
    operations = [getattr(each, "_keras_history", (None,))[0] for each in made]
    return {name for name, each in zip(names, operations, strict=False) if _is_sigmoid(each)}


def _is_sigmoid(operation: Any) -> bool:
    while isinstance(operation, keras.layers.Wrapper):
        operation = operation.layer
    activation = getattr(operation, "activation", None)
    return activation is keras.activations.sigmoid or type(operation).__name__ == "Sigmoid"
