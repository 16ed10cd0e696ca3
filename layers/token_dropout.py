"""Dropout of whole tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from .checks import require_rate
from .plain_layer import PlainLayer


@keras.saving.register_keras_serializable("unrolled")
class TokenDropout(PlainLayer):
    """Replace a fraction of the tokens with the unknown token in training.

    The network learns what an unknown token means, and learns not to depend on a single word.

    Args:
        rate: fraction to replace, in [0, 1).
        unknown: id of the unknown token.
        seed: seed of the choice.

    Call arguments: `tokens` (batch, steps), whole numbers; `training`.
    Returns: tokens of the same shape and type.
    Masking: 0 is padding and is never replaced.

    Raises:
        ValueError: `rate` is not in [0, 1).

    Reference: A. Dai and Q. Le, Semi-supervised sequence learning, NeurIPS 2015.
    """

    def __init__(self, rate: float, unknown: int = 1, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        require_rate(self, "rate", rate)
        self.rate = rate
        self.unknown = unknown
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, tokens: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return the results; the class docstring describes the arguments."""
        if not training or not self.rate:
            return tokens
        dropped = keras.random.uniform(tf.shape(tokens), seed=self.seed_generator) < self.rate
        return tf.where(dropped & (tokens != 0), tf.cast(self.unknown, tokens.dtype), tokens)

    def compute_output_spec(self, tokens: keras.KerasTensor, **_: Any) -> keras.KerasTensor:
        """Return the spec of `tokens`."""
        return keras.KerasTensor(tokens.shape, tokens.dtype)

    def compute_output_shape(self, tokens_shape: Sequence[int | None]) -> Sequence[int | None]:
        """Return the shape of `tokens`."""
        return tokens_shape

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"rate": self.rate, "unknown": self.unknown, "seed": self.seed}
