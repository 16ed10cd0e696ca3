"""Give all kinds of models one interface, so that one function can score them all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    import keras

    from ..data.examples import Features


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


class StreamPredictor:
    """A Keras model that carries states, called on long sequences piece by piece, with the state kept.

    Answers are those of the model on the whole sequences, in memory that does not grow with their length.

    Args:
        model: a model that `layers.OneStep` can run: inputs (N, steps, ...), outputs (N, steps, ...).
        batch_size: sequences at a time.
        steps: steps at a time.
    """

    def __init__(self, model: keras.Model, batch_size: int = 256, steps: int = 4096) -> None:
        import tensorflow as tf

        from .._layers import layers

        self._step = layers.OneStep(model)
        self._compiled = tf.function(self._step, autograph=False)
        self._batch_size, self._steps = batch_size, steps

    def __call__(self, inputs: np.ndarray, /) -> np.ndarray:
        """Return the outputs (N, steps, ...) for inputs (N, steps, ...)."""
        return in_batches(self._in_pieces, inputs, self._batch_size)

    def _in_pieces(self, batch: np.ndarray, /) -> np.ndarray:
        states, outputs = self._step.initial_states(len(batch)), []
        for start in range(0, batch.shape[1], self._steps):
            made, states = self._compiled(batch[:, start : start + self._steps], states)
            outputs.append(made.numpy())
        return np.concatenate(outputs, axis=1)


def of_network(model: keras.Model, features: Features) -> Predictor:
    """Return the predictor of a network: piece by piece where it was trained on one long sequence."""
    return StreamPredictor(model) if features.in_order else KerasPredictor(model)


def in_batches(predictor: Predictor, inputs: np.ndarray, batch_size: int) -> np.ndarray:
    """Return the outputs of `predictor`, called with at most `batch_size` inputs at a time."""
    starts = range(0, len(inputs), batch_size)
    return np.concatenate([np.asarray(predictor(inputs[start : start + batch_size])) for start in starts])
