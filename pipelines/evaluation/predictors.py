"""Everything that answers inputs with outputs is a Predictor, so that one metric function scores them all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    import keras


class Predictor(Protocol):
    """A Keras model, a SavedModel, a .tflite file: inputs (N, ...) -> outputs (N, K), in the same order."""

    def __call__(self, inputs: np.ndarray, /) -> np.ndarray: ...


class KerasPredictor:
    """A Keras model with one input and one output, in batches."""

    def __init__(self, model: keras.Model, batch_size: int = 256) -> None:
        self._model = model
        self._batch_size = batch_size

    def __call__(self, inputs: np.ndarray, /) -> np.ndarray:
        """Answer inputs (N, ...) with outputs (N, K)."""
        # predict_on_batch and not predict, which spends tens of milliseconds a call on its own set-up.
        return in_batches(self._model.predict_on_batch, inputs, self._batch_size)


def in_batches(predictor: Predictor, inputs: np.ndarray, batch_size: int) -> np.ndarray:
    """Ask `predictor` for at most `batch_size` inputs at a time; the last batch may be smaller."""
    starts = range(0, len(inputs), batch_size)
    return np.concatenate([np.asarray(predictor(inputs[start : start + batch_size])) for start in starts])
