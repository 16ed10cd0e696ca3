"""A Keras model as a TensorFlow SavedModel: `serve` for one example, `serve_batch` for any number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from .._layers import layers
from ..evaluation import in_batches

InputSpecs = Mapping[str, tuple[Sequence[int], str]]
"""By input name: shape without the batch, and dtype. {"tokens": ((50,), "int32")}"""


def write_saved_model(
    model: keras.Model, folder: Path, input_specs: InputSpecs, output_name: str = "probabilities"
) -> None:
    """Write `model` into `folder`, recurrent layers as portable while loops.

    Signatures: `serve` with a static batch of 1, which is what converts to .tflite; `serve_batch` with any
    batch, for servers. A model with several inputs is called with a dictionary of them by name.

    Args:
        model: a built model with one output.
        folder: made, or overwritten.
        input_specs: see `InputSpecs`.
        output_name: the name of the output in both signatures.
    """

    def serve(inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        given = inputs if len(inputs) > 1 else next(iter(inputs.values()))
        return {output_name: model(given, training=False)}

    archive = keras.export.ExportArchive()
    archive.track(model)
    with layers.execution("loop"):
        for name, batch in (("serve", 1), ("serve_batch", None)):
            archive.add_endpoint(name, serve, [_tensor_specs(input_specs, batch)])
        archive.write_out(str(folder), verbose=False)


def _tensor_specs(input_specs: InputSpecs, batch: int | None) -> dict[str, tf.TensorSpec]:
    return {
        name: tf.TensorSpec((batch, *shape), dtype, name=name) for name, (shape, dtype) in input_specs.items()
    }


class SavedModelPredictor:
    """The signature `serve_batch` of a SavedModel with one input and one output, in batches."""

    def __init__(self, folder: Path, batch_size: int = 256) -> None:
        self._module = tf.saved_model.load(str(folder))  # holds the variables that the signature uses
        self._serve = self._module.signatures["serve_batch"]
        ((self._input, self._spec),) = self._serve.structured_input_signature[1].items()
        (self._output,) = self._serve.structured_outputs
        self._batch_size = batch_size

    def __call__(self, inputs: np.ndarray, /) -> np.ndarray:
        """Answer inputs (N, ...) with outputs (N, K)."""
        return in_batches(self._answer, inputs, self._batch_size)

    def _answer(self, batch: np.ndarray, /) -> np.ndarray:
        given = {self._input: tf.constant(batch, self._spec.dtype)}
        return self._serve(**given)[self._output].numpy()
