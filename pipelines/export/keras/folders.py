"""Read a SavedModel: rebuild the layers that Keras 2 described in it, or take a signature as it is."""

from __future__ import annotations

import logging
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from ..._layers import layers
from ...errors import UserError
from .error_text import why_not_loaded
from .keras2_folder import rebuilt
from .model_inputs import random_inputs
from .saved_model import arguments
from .signature import signature_model

log = logging.getLogger(__name__)

_GRAPH = "saved_model.pb"
_ALLOWED = 1e-3
"""The largest difference of a rebuilt model, as a share of its largest output: as for converted models."""
_LENGTH = 5


def load_folder(folder: Path, *, signature: str | None = None, safe_mode: bool = True) -> keras.Model:
    """Load the model of a SavedModel.

    Keras 2 describes its layers in the folder. They are rebuilt, and compared with the signature. Any other
    folder, or one whose layers can't be rebuilt, gives a model of one signature, which runs as TensorFlow
    wrote it.

    Args:
        folder: a folder with saved_model.pb.
        signature: take this signature, even if there are layers. Default: `serving_default`, or the only one.
        safe_mode: refuse layers that hold Python code.

    Raises:
        UserError: the folder is no SavedModel, has no such signature, or takes inputs that no device has.
    """
    if not (folder / _GRAPH).is_file():
        raise UserError(f"{folder}: expected a file, or the folder of a SavedModel with {_GRAPH}")
    if signature is None:
        try:
            if (model := rebuilt(folder, safe_mode=safe_mode)) is not None:
                _compare(model, signature_model(folder))
                return model
        except (
            UserError,
            ValueError,
            TypeError,
            KeyError,
            AttributeError,
            OSError,
            tf.errors.OpError,
        ) as error:
            reason = (
                str(error).removeprefix(f"{folder}: ")
                if isinstance(error, UserError)
                else why_not_loaded(error)
            )
            log.warning(
                "%s: its layers can't be rebuilt, so it runs as TensorFlow wrote it, as a loop only: %s",
                folder,
                reason,
            )
    return signature_model(folder, signature)


def _compare(model: keras.Model, original: keras.Model) -> None:
    """Check that the rebuilt layers answer as the signature.

    Raises:
        ValueError: they answer otherwise, or have other inputs or outputs.
    """
    specs = {
        each.name: (tuple(size or _LENGTH for size in each.shape[1:]), str(each.dtype))
        for each in model.inputs
    }
    drawn = random_inputs(model, specs)
    names = sorted(each.name for each in original.inputs)
    if sorted(drawn) != names:
        raise ValueError(f"its layers take {sorted(drawn)}, its signature {names}")
    wanted = original(arguments(original, drawn), training=False)
    found = keras.tree.flatten(model(arguments(model, drawn), training=False))
    by_shape = sorted((np.asarray(each) for each in wanted.values()), key=_order)
    for got, expected in zip(sorted(map(np.asarray, found), key=_order), by_shape, strict=True):
        layers.comparison.require_close(model.name, got, expected, _ALLOWED)


def _order(output: np.ndarray) -> tuple[tuple[int, ...], float]:
    """The key that brings the outputs of both models into one order: their names may differ."""
    return output.shape, float(np.abs(output).mean())
