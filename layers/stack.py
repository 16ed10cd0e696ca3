"""Deep recurrent networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from .bidirectional import Bidirectional
from .checks import FEATURES, require_rate, require_sequences, valid_steps
from .plain_layer import PlainLayer
from .recurrent import Recurrent
from .windowed import Windowed, last_valid_step

CONNECTIONS = ("plain", "residual", "skip")


@keras.saving.register_keras_serializable("unrolled")
class Stack(PlainLayer):
    """Several recurrent layers: each reads the output sequence of the layer below.

        h_1 = layer_1(x)
        plain:     h_n = layer_n(D(h_(n-1)))              y = h_N
        residual:  h_n = layer_n(D(h_(n-1))) + h_(n-1)    y = h_N
        skip:      h_n = layer_n([x; D(h_(n-1))])         y = [h_1; h_2; ...; h_N]

    D is dropout. If the top layer returns only its last output, "residual" and "skip" use the last valid
    step of the layers below.

    Args:
        layers: `Recurrent`, `Bidirectional`, `TemporalConvolution` or `CausalTransformer` layers from bottom
            to top. All but the top one need return_sequences=True, and none may have return_state.
        dropout: fraction to drop between two layers in training.
        seed: seed of the dropout masks.
        connections: "plain", "residual" or "skip", as above. "residual" and "skip" need at least two
            layers, none with go_backwards; "residual" needs layers of one output size.

    Call arguments: `sequences` (batch, steps, features); `mask` (batch, steps), False at padding; `training`.
    Returns: the output of the top layer, (batch, size) or (batch, steps, size); with "skip" the features of
    all layers together.
    Masking: padding changes neither the states nor the outputs of a layer.

    Raises:
        TypeError: a layer is none of these.
        ValueError: the layers do not match each other or the connections; the message names the layer.

    References: A. Graves, A. Mohamed and G. Hinton, Speech recognition with deep recurrent neural
    networks, ICASSP 2013; A. Graves, Generating sequences with recurrent neural networks, 2013 (skip);
    Y. Wu et al., Google's neural machine translation system, 2016 (residual).
    """

    def __init__(
        self,
        layers: Sequence[keras.layers.Layer],
        dropout: float = 0.0,
        *,
        seed: int | None = None,
        connections: str = "plain",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not layers:
            raise ValueError(f"{self.name}: layers: expected at least one layer, got none")
        for position, layer in enumerate(layers):
            where = f"{self.name}: layers[{position}] ({layer.name})"
            self._check_layer(layer, where, on_top=layer is layers[-1])
        require_rate(self, "dropout", dropout)
        self.layers = list(layers)
        self.dropout = dropout
        self.seed = seed
        self.connections = connections
        self._check_connections()
        self.dropout_layer = keras.layers.Dropout(dropout, seed=seed)
        self.return_sequences = layers[-1].return_sequences
        self.return_state = False
        self.supports_masking = True

    @staticmethod
    def _check_layer(layer: keras.layers.Layer, where: str, *, on_top: bool) -> None:
        if not isinstance(layer, (Recurrent, Bidirectional, Windowed)):
            expected = "expected a Recurrent, Bidirectional, TemporalConvolution or CausalTransformer layer"
            raise TypeError(f"{where}: {expected}, got {type(layer).__name__}")
        if layer.return_state:
            raise ValueError(f"{where}: expected return_state=False in a Stack")
        if not on_top and not layer.return_sequences:
            raise ValueError(f"{where}: expected return_sequences=True below the top")
        if not on_top and isinstance(layer, Bidirectional) and layer.merge_mode is None:
            raise ValueError(f"{where}: expected one output below the top, got merge_mode=None")

    def _check_connections(self) -> None:
        where = f"{self.name}: connections={self.connections!r}"
        if self.connections not in CONNECTIONS:
            raise ValueError(
                f"{self.name}: connections: expected one of {CONNECTIONS}, got {self.connections!r}"
            )
        if self.connections == "plain":
            return
        if len(self.layers) < 2:
            raise ValueError(f"{where}: expected two layers or more, got {len(self.layers)}")
        for position, layer in enumerate(self.layers):
            if getattr(layer, "forward_layer", layer).go_backwards:
                raise ValueError(f"{where}: layers[{position}] ({layer.name}): expected go_backwards=False")
        if getattr(self.layers[-1], "merge_mode", "") is None:
            raise ValueError(f"{where}: expected one output of the top layer, got merge_mode=None")
        sizes = self._output_sizes()
        if self.connections == "residual" and len(set(sizes)) > 1:
            raise ValueError(f"{where}: expected layers of one output size, got {sizes}")

    def _output_sizes(self) -> list[int]:
        return [_output_size(layer) for layer in self.layers]

    def build(self, sequences_shape: Sequence[int | None]) -> None:
        """Build every layer for the outputs of the one below."""
        first = getattr(self.layers[0], "forward_layer", self.layers[0])
        axes = FEATURES if isinstance(first, Windowed) else first.cell.step_axes
        require_sequences(self, sequences_shape, axes)
        shape = tuple(sequences_shape)
        for layer in self.layers:
            if not layer.built:
                layer.build(shape)
                layer.built = True
            shape = layer.compute_output_shape(shape)
            if self.connections == "skip":
                shape = (*shape[:-1], shape[-1] + sequences_shape[-1])

    def call(self, sequences: tf.Tensor, mask: tf.Tensor | None = None, training: bool = False) -> tf.Tensor:
        """Return the results; the class docstring describes the arguments."""
        mask = valid_steps(self, sequences, mask)
        outputs = [self.layers[0](sequences, mask=mask, training=training)]
        for layer in self.layers[1:]:
            below = self.dropout_layer(outputs[-1], training=training)
            if self.connections == "skip":
                below = tf.concat([_matching(below, sequences), below], axis=-1)
            output = layer(below, mask=mask, training=training)
            if self.connections == "residual":
                output += _matching(output, outputs[-1], mask)
            outputs.append(output)
        if self.connections == "skip":
            return tf.concat([_matching(outputs[-1], output, mask) for output in outputs], axis=-1)
        return outputs[-1]

    def reset_state(self) -> None:
        """Set the kept states of stateful layers to zeros."""
        for layer in self.layers:
            if getattr(layer, "stateful", isinstance(layer, Bidirectional)):
                layer.reset_state()

    def reset_states(self) -> None:
        """Do what `reset_state` does; Keras 2 had this name."""
        self.reset_state()

    def compute_output_shape(self, sequences_shape: Sequence[int | None]) -> Any:
        """Return the shape of the output."""
        shape: Any = tuple(sequences_shape)
        for layer in self.layers:
            shape = layer.compute_output_shape(shape)
        return (*shape[:-1], sum(self._output_sizes())) if self.connections == "skip" else shape

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return the mask that the top layer returns."""
        return self.layers[-1].compute_mask(inputs, mask)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        config = super().get_config()
        config["layers"] = [keras.saving.serialize_keras_object(layer) for layer in self.layers]
        return config | {"dropout": self.dropout, "seed": self.seed, "connections": self.connections}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Stack:
        """Create the stack and its layers from the config that `get_config` returns."""
        layers = [keras.saving.deserialize_keras_object(layer) for layer in config["layers"]]
        return cls(**(config | {"layers": layers}))


def _output_size(layer: Any) -> int:
    """Return the size of the last axis of a layer's output."""
    if isinstance(layer, Windowed):
        return layer.units
    if not isinstance(layer, Bidirectional):
        return layer.cell.output_size
    sizes = [each.cell.output_size for each in (layer.forward_layer, layer.backward_layer)]
    return sum(sizes) if layer.merge_mode == "concat" else sizes[0]


def _matching(output: tf.Tensor, other: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
    """Return `other`, or its last valid step if `output` has no steps, in the precision of `output`."""
    if output.shape.rank < other.shape.rank:
        other = last_valid_step(other, mask)
    return tf.cast(other, output.dtype)
