"""AdamW that counts the steps in which it clipped the gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("unrolled")
class CountingAdamW(keras.optimizers.AdamW):
    """`keras.optimizers.AdamW` that counts the steps in which `global_clipnorm` scaled the gradients down.

    The weights change as with AdamW. The norm is the one that Keras compares with `global_clipnorm`: an
    embedding row that occurs twice counts as two gradients, not as their sum. The counts are optimizer
    variables, so a checkpoint keeps them.

    Args:
        **kwargs: the arguments of `keras.optimizers.AdamW`: learning_rate, weight_decay, global_clipnorm, ...
    """

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Create the variables of AdamW and the counts for these weights."""
        if self.built:
            return
        super().build(variables)
        options: dict[str, Any] = {"shape": (), "aggregation": "only_first_replica"}
        self._counted = self.add_variable(name="counted_steps", dtype="int32", **options)
        self._clipped = self.add_variable(name="clipped_steps", dtype="int32", **options)
        self._norms = self.add_variable(name="gradient_norms", dtype="float32", **options)

    def _clip_gradients(self, gradients: list[Any]) -> list[Any]:
        # Only here are the gradients the ones that Keras clips: unscaled and accumulated.
        squares = [ops.sum(ops.square(gradient)) for gradient in gradients if gradient is not None]
        norm = ops.sqrt(ops.sum(ops.stack(squares)))
        self.assign_add(self._counted, 1)
        self.assign_add(self._norms, norm)
        if self.global_clipnorm:
            self.assign_add(self._clipped, norm > self.global_clipnorm)
        return super()._clip_gradients(gradients)

    def take_counts(self) -> dict[str, float]:
        """Return the counts since the last call, and reset them to zero.

        Returns:
            `clipped_steps`, and `gradient_norm`, the mean norm before clipping. A gradient that is NaN does
            not count as clipped and makes the mean NaN.
        """
        counts = (self._counted, self._clipped, self._norms)
        steps, clipped, norms = (float(ops.convert_to_numpy(count)) for count in counts)
        for count in counts:
            count.assign(ops.zeros_like(count))
        return {"clipped_steps": clipped, "gradient_norm": norms / max(steps, 1.0)}
