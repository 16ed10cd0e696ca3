"""Deep recurrent networks: layers one on another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from .bidirectional import Bidirectional
from .checks import require_rate, require_sequences, valid_steps
from .recurrent import Recurrent


@keras.saving.register_keras_serializable("unrolled")
class Stack(keras.layers.Layer):
    """Recurrent layers one on another: each reads the sequence that the one below it gives.

    Reference: A. Graves, A. Mohamed and G. Hinton, Speech recognition with deep recurrent neural
    networks, ICASSP 2013.

    Args:
        layers: `Recurrent` or `Bidirectional` layers from bottom to top. All but the top one must have
            return_sequences=True, and none return_state: take deeper states from the layers one by one.
        dropout: fraction dropped between two layers in training.
        seed: of the dropout masks.

    Call arguments: `sequences` (batch, steps, features), `mask` (batch, steps), `training`.
    Returns: what the top layer returns.
    """

    def __init__(
        self,
        layers: Sequence[keras.layers.Layer],
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not layers:
            raise ValueError(f"{self.name}: layers: expected at least one layer, got none")
        for position, layer in enumerate(layers):
            self._check_layer(layer, f"{self.name}: layers[{position}] ({layer.name})", layer is layers[-1])
        require_rate(self, "dropout", dropout)
        self.layers = list(layers)
        self.dropout = dropout
        self.seed = seed
        self.dropout_layer = keras.layers.Dropout(dropout, seed=seed)
        self.return_sequences = layers[-1].return_sequences
        self.return_state = False
        self.supports_masking = True

    @staticmethod
    def _check_layer(layer: keras.layers.Layer, where: str, on_top: bool) -> None:
        if not isinstance(layer, (Recurrent, Bidirectional)):
            raise TypeError(
                f"{where}: expected a Recurrent or Bidirectional layer, got {type(layer).__name__}"
            )
        if layer.return_state:
            raise ValueError(f"{where}: expected return_state=False in a Stack")
        if not on_top and not layer.return_sequences:
            raise ValueError(f"{where}: expected return_sequences=True below the top")
        if not on_top and isinstance(layer, Bidirectional) and layer.merge_mode is None:
            raise ValueError(f"{where}: expected one output below the top, got merge_mode=None")

    def build(self, sequences_shape: Sequence[int | None]) -> None:
        """Build every layer on the one below."""
        require_sequences(self, sequences_shape)
        shape = tuple(sequences_shape)
        for layer in self.layers:
            if not layer.built:
                layer.build(shape)
                layer.built = True
            shape = layer.compute_output_shape(shape)

    def call(self, sequences: tf.Tensor, mask: tf.Tensor | None = None, training: bool = False) -> tf.Tensor:
        """See the class."""
        mask = valid_steps(self, sequences, mask)
        for layer in self.layers[:-1]:
            sequences = layer(sequences, mask=mask, training=training)
            sequences = self.dropout_layer(sequences, training=training)
        return self.layers[-1](sequences, mask=mask, training=training)

    def compute_output_shape(self, sequences_shape: Sequence[int | None]) -> Any:
        """Return the shape of what the top layer returns."""
        shape: Any = tuple(sequences_shape)
        for layer in self.layers:
            shape = layer.compute_output_shape(shape)
        return shape

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Pass the mask on with sequences."""
        return self.layers[-1].compute_mask(inputs, mask)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        config = super().get_config()
        config["layers"] = [keras.saving.serialize_keras_object(layer) for layer in self.layers]
        return config | {"dropout": self.dropout, "seed": self.seed}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Stack:
        """Make the stack, its layers included."""
        layers = [keras.saving.deserialize_keras_object(layer) for layer in config["layers"]]
        return cls(**(config | {"layers": layers}))
