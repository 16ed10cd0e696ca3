"""Sequences that go on from call to call, for any layer that streams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from .plain_layer import PlainLayer
from .states import CarriedStates, carrying


@keras.saving.register_keras_serializable("unrolled")
class Continued(PlainLayer):
    """Starts each call of a layer from the states that the call before ended with, until `reset_state()`.

    It does for `TemporalConvolution` and `CausalTransformer` what stateful=True does for recurrent layers.
    The gradient ends at the start of a call.

    Args:
        layer: a layer that streams and carries a state.

    Call arguments: `sequences` (batch, steps, features); row i of a batch continues row i of the one before.
    Returns: what the layer returns.

    Raises:
        ValueError: the batch size is not fixed.
    """

    def __init__(self, layer: keras.layers.Layer, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, sequences_shape: Sequence[int | None]) -> None:
        """Build the layer, and make its states for this batch size."""
        batch = sequences_shape[0]
        if batch is None:
            raise ValueError(f"{self.name}: expected a fixed batch size, got None")
        if not self.layer.built:
            self.layer.build(sequences_shape)
            self.layer.built = True
        self._kept = tf.Module()  # not among the weights
        self._kept.states = [
            tf.Variable(zeros, trainable=False) for zeros in self.layer.stream_states(batch).values()
        ]

    def call(self, sequences: tf.Tensor) -> tf.Tensor:
        """Return the results; the class docstring describes the arguments."""
        given = tuple(tf.stop_gradient(tf.convert_to_tensor(each)) for each in self._kept.states)
        carried = CarriedStates({id(self.layer): given})
        with carrying(carried):
            outputs = self.layer(sequences)
        for variable, value in zip(self._kept.states, carried.new[id(self.layer)], strict=True):
            variable.assign(value)
        return outputs

    def reset_state(self) -> None:
        """Start the next call from the start of a sequence."""
        first = self.layer.stream_states(self._kept.states[0].shape[0]).values()
        for variable, value in zip(self._kept.states, first, strict=True):
            variable.assign(value)

    def compute_output_shape(self, sequences_shape: Sequence[int | None]) -> Any:
        """Return the shape of what the layer returns."""
        return self.layer.compute_output_shape(sequences_shape)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"layer": keras.saving.serialize_keras_object(self.layer)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Continued:
        """Create the layer and the one inside it."""
        return cls(**(config | {"layer": keras.saving.deserialize_keras_object(config["layer"])}))
