"""A Keras callback that measures the recurrent layers after each epoch."""

from __future__ import annotations

from typing import Any

import keras

from .diagnostics import Diagnosis, diagnoser


class Diagnostics(keras.callbacks.Callback):
    """Measure every recurrent layer of the model after each epoch, with `diagnostics.diagnoser`.

    It adds these numbers to the logs for each layer, state and gate:

        diagnostics.LAYER.spectral_radius          the largest of the blocks
        diagnostics.LAYER.STATE.gradient_ratio     gradient norm of the loss at the longest lag / at lag 1
        diagnostics.LAYER.STATE.memory_ratio       the same for the layer's own last output
        diagnostics.LAYER.GATE.closed, .open       fractions of saturated activations

    Args:
        inputs, targets: a small batch, the same each time.

    Attributes:
        history: for each epoch a dict of layer path and `Diagnosis`.
    """

    def __init__(self, inputs: Any, targets: Any) -> None:
        super().__init__()
        self.inputs = inputs
        self.targets = targets
        self.history: list[dict[str, Diagnosis]] = []

    def set_model(self, model: keras.Model) -> None:
        """Prepare the measurement of a model; `fit` calls this."""
        if model is not self.model:
            self._diagnose = diagnoser(model)
        super().set_model(model)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Measure, and add the numbers to the logs."""
        self.history.append(self._diagnose(self.inputs, self.targets))
        if logs is not None:
            logs.update(scalars(self.history[-1]))


def scalars(found: dict[str, Diagnosis]) -> dict[str, float]:
    """Return the numbers of {path: Diagnosis} under the names that `Diagnostics` logs."""
    values = {}
    for path, (gradients, memory, gates, radii) in found.items():
        if len(radii):
            values[f"{path}.spectral_radius"] = float(radii.max())
        for kind, curves in (("gradient_ratio", gradients), ("memory_ratio", memory)):
            for state, norms in curves.items():
                if len(norms) > 1 and norms[1] > 0:
                    values[f"{path}.{state}.{kind}"] = float(norms[-1] / norms[1])
        for gate, (closed, opened) in gates.items():
            values[f"{path}.{gate}.closed"] = closed
            values[f"{path}.{gate}.open"] = opened
    return {f"diagnostics.{name}": value for name, value in values.items()}
