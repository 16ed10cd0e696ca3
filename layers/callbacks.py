"""What to give `fit` as a callback."""

from __future__ import annotations

from typing import Any

import keras

from .diagnostics import Diagnosis, diagnoser


class Diagnostics(keras.callbacks.Callback):
    """After each epoch, look into the model's recurrent layers: see `diagnostics.diagnoser`.

    Adds to the logs, for each layer, state and gate,

        diagnostics.LAYER.spectral_radius          the largest of the blocks
        diagnostics.LAYER.STATE.gradient_ratio     of the loss: norm at the longest lag / at lag 1
        diagnostics.LAYER.STATE.memory_ratio       of the layer's last output: the same
        diagnostics.LAYER.GATE.closed, .open       shares of saturated activations

    and keeps everything in `history`, a `Diagnosis` by layer for each epoch.

    Args:
        inputs, targets: a small batch, the same each time.
    """

    def __init__(self, inputs: Any, targets: Any) -> None:
        super().__init__()
        self.inputs = inputs
        self.targets = targets
        self.history: list[dict[str, Diagnosis]] = []

    def set_model(self, model: keras.Model) -> None:
        """Prepare for a model; done by `fit`."""
        if model is not self.model:
            self._diagnose = diagnoser(model)
        super().set_model(model)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Look, and add to the logs."""
        self.history.append(self._diagnose(self.inputs, self.targets))
        if logs is not None:
            logs.update(scalars(self.history[-1]))


def scalars(found: dict[str, Diagnosis]) -> dict[str, float]:
    """Return the numbers that `Diagnostics` logs."""
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
