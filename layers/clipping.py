"""Clipping of gradients by their global norm that counts what it does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("unrolled")
class CountingAdamW(keras.optimizers.AdamW):
    """`keras.optimizers.AdamW` that counts the steps whose gradients `global_clipnorm` scaled down.

    The updates are the same. The norm is the one that Keras clips by, where an embedding's row that occurs
    twice counts as two gradients, not as their sum. The counts are among the optimizer's variables: what
    saves and restores those keeps them.

    Arguments: as `keras.optimizers.AdamW`.
    """

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Make the variables of AdamW, then the counts."""
        if self.built:
            return
        super().build(variables)
        options: dict[str, Any] = {"shape": (), "aggregation": "only_first_replica"}
        self._counted = self.add_variable(name="counted_steps", dtype="int32", **options)
        self._clipped = self.add_variable(name="clipped_steps", dtype="int32", **options)
        self._norms = self.add_variable(name="gradient_norms", dtype="float32", **options)

    def _clip_gradients(self, gradients: list[Any]) -> list[Any]:
        # The one place where Keras holds what it clips: gradients unscaled and accumulated.
        squares = [ops.sum(ops.square(gradient)) for gradient in gradients if gradient is not None]
        norm = ops.sqrt(ops.sum(ops.stack(squares)))
        self.assign_add(self._counted, 1)
        self.assign_add(self._norms, norm)
        if self.global_clipnorm:
            self.assign_add(self._clipped, norm > self.global_clipnorm)
        return super()._clip_gradients(gradients)

    def take_counts(self) -> dict[str, float]:
        """Return `clipped_steps` and the mean `gradient_norm`, before clipping, since the last call.

        A gradient that is no number does not count as clipped, but makes the mean none.
        """
        counts = (self._counted, self._clipped, self._norms)
        steps, clipped, norms = (float(ops.convert_to_numpy(count)) for count in counts)
        for count in counts:
            count.assign(ops.zeros_like(count))
        return {"clipped_steps": clipped, "gradient_norm": norms / max(steps, 1.0)}
