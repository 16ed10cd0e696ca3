"""Give all kinds of models one interface, so that one function can score them all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    import keras


class Predictor(Protocol):
    """A Keras model, a SavedModel or a .tflite file: takes inputs (N, ...), returns outputs (N, ...)."""

    def __call__(self, inputs: np.ndarray, /) -> np.ndarray: ...


class KerasPredictor:
    """A Keras model with one input and one output, called in batches."""

    def __init__(self, model: keras.Model, batch_size: int = 256) -> None:
        self._model = model
        self._batch_size = batch_size

    def __call__(self, inputs: np.ndarray, /) -> np.ndarray:
        """Return the outputs (N, ...) for inputs (N, ...)."""
        # `predict` would take tens of milliseconds more for each call.
        return in_batches(self._model.predict_on_batch, inputs, self._batch_size)


def in_batches(predictor: Predictor, inputs: np.ndarray, batch_size: int) -> np.ndarray:
    """Return the outputs of `predictor`, called with at most `batch_size` inputs at a time."""
    starts = range(0, len(inputs), batch_size)
    return np.concatenate([np.asarray(predictor(inputs[start : start + batch_size])) for start in starts])
