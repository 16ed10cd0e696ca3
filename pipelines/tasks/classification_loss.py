"""The loss of a classifier with label smoothing."""

from __future__ import annotations

import keras


class SmoothedCrossEntropy(keras.losses.Loss):
    """The cross-entropy of integer targets with label smoothing.

        loss = -sum_k q_k log p_k    with q = (1 - smoothing) onehot(target) + smoothing / labels

    Args:
        smoothing: from 0 (plain cross-entropy) to 1.

    Targets are integers (batch,). Outputs are probabilities (batch, labels).
    """

    def __init__(self, smoothing: float) -> None:
        super().__init__(name="smoothed_cross_entropy")
        self.smoothing = smoothing

    def call(self, targets: keras.KerasTensor, outputs: keras.KerasTensor) -> keras.KerasTensor:
        """Return the loss of each example, (batch,)."""
        wanted = keras.ops.one_hot(keras.ops.cast(targets, "int32"), outputs.shape[-1])
        return keras.losses.categorical_crossentropy(wanted, outputs, label_smoothing=self.smoothing)
