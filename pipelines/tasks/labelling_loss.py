"""The loss of a network that answers with a label at every step."""

from __future__ import annotations

import keras

from ..data.windows import NO_EVENT


class LabellingLoss(keras.losses.Loss):
    """The cross-entropy of the steps that have a target, with label smoothing.

        loss = mean over steps of - sum_k q_k log p_k    with q = (1 - smoothing) onehot + smoothing / labels

    Args:
        smoothing: from 0 (plain cross-entropy) to 1.

    Targets are integers (batch, steps): `windows.UNSCORED` for a step without one, `windows.NO_EVENT` for the
    last label. Outputs are probabilities (batch, steps, labels).
    """

    def __init__(self, smoothing: float) -> None:
        super().__init__(name="labelling")
        self.smoothing = smoothing

    def call(self, targets: keras.KerasTensor, outputs: keras.KerasTensor) -> keras.KerasTensor:
        """Return the loss of each sequence, (batch,)."""
        labels = outputs.shape[-1]
        targets = keras.ops.cast(targets, "int32")
        targets = keras.ops.where(targets == NO_EVENT, labels - 1, targets)
        scored = keras.ops.cast(targets >= 0, outputs.dtype)
        wanted = keras.ops.one_hot(keras.ops.maximum(targets, 0), labels)
        each = keras.losses.categorical_crossentropy(wanted, outputs, label_smoothing=self.smoothing)
        total = keras.ops.maximum(keras.ops.sum(scored, axis=-1), 1)
        return keras.ops.sum(each * scored, axis=-1) / total
