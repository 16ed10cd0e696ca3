"""The loss of networks that read labels from a longer sequence, without knowing where each label is."""

from __future__ import annotations

import keras

from ..ondevice.ctc import BLANK


@keras.saving.register_keras_serializable("unrolled")
class CTCLoss(keras.losses.Loss):
    """The negative log-likelihood of labels in nats a sequence, summed over all paths that have them.

        loss = - log sum over paths with these labels of prod over t of p_t(path_t)

    The blank is class 0, since that is END, which pads labels and is no character: so a network has as many
    classes as there are ids. `ondevice.ctc` says what a path is, and reads the network's answers.

    Source: A. Graves et al., Connectionist temporal classification, ICML 2006; computed by
    `keras.ops.ctc_loss`.

    Call arguments: targets of `ctc_targets` (batch, 1 + labels); log-probabilities or logits (batch, steps,
    classes), whose steps behind the end of a sequence do not count.
    """

    def __init__(self, name: str = "ctc_loss", **kwargs: object) -> None:
        super().__init__(name=name, **kwargs)

    def call(self, targets: keras.KerasTensor, outputs: keras.KerasTensor) -> keras.KerasTensor:
        """Return the loss of each sequence, (batch,)."""
        targets = keras.ops.cast(targets, "int32")
        steps, labels = targets[:, 0], targets[:, 1:]
        count = keras.ops.sum(keras.ops.cast(labels != BLANK, "int32"), axis=1)
        return keras.ops.ctc_loss(labels, outputs, count, steps, mask_index=BLANK)
