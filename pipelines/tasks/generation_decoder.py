"""Layers of a decoder that generates tokens from a context, such as the features of an image."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from .._layers import layers
from ..config import AttentionKind
from ..ondevice.vocabulary import END


class ContextLayer(keras.layers.Layer):
    """A layer that reads the same context at every step and carries no state between steps."""

    def stream_states(self, batch_size: Any) -> dict[str, tf.Tensor]:
        """Return no states: the layer can run step by step without any."""
        return {}


@keras.saving.register_keras_serializable("unrolled")
class ContextMean(ContextLayer):
    """Concatenates each step with the mean of the context.

    Call arguments: `steps` (batch, steps, size), `context` (batch, places, channels), `source` (batch,
    places) int32 or None: places where it is END are padding and do not count.
    Returns: (batch, steps, size + channels).
    """

    def call(self, steps: tf.Tensor, context: tf.Tensor, source: tf.Tensor | None = None) -> tf.Tensor:
        """Return each step, concatenated with the mean of the context."""
        if source is None:
            mean = tf.reduce_mean(context, axis=1, keepdims=True)
        else:
            real = tf.cast(source != END, context.dtype)[:, :, None]
            total = tf.reduce_sum(context * real, axis=1, keepdims=True)
            mean = total / tf.maximum(1.0, tf.reduce_sum(real, axis=1, keepdims=True))
        return tf.concat([steps, mean + tf.zeros_like(steps[:, :, :1])], axis=-1)

    def compute_output_shape(
        self, steps_shape: tuple[Any, ...], context_shape: tuple[Any, ...], source_shape: Any = None
    ) -> Any:
        """Return the shape of what `call` returns."""
        return (*steps_shape[:2], steps_shape[2] + context_shape[2])


@keras.saving.register_keras_serializable("unrolled")
class ContextAttention(ContextLayer):
    """Attention of each step over the places of a context.

    Args:
        units: the size of the hidden layer of additive attention, or of the keys of all heads together.
            Multiplicative attention has none.
        kind: additive, multiplicative or multi_head.
        heads: the number of heads of multi_head.

    Call arguments: `query` (batch, steps, size), `context` (batch, places, channels), `source` (batch,
    places) int32 or None: places where it is END are padding and get no weight.
    Returns: the attended context, (batch, steps, channels) or with multi_head (batch, steps, size), and the
    weight of each place (batch, steps, places), with multi_head the mean over the heads.
    """

    def __init__(self, units: int, kind: AttentionKind = "additive", heads: int = 4, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.kind = kind
        self.heads = heads
        options: dict[str, Any] = {"return_weights": True, "name": "attention"}
        if kind == "multi_head":
            self.attention = layers.MultiHeadAttention(heads, max(1, units // heads), **options)
        elif kind == "multiplicative":
            self.attention = layers.MultiplicativeAttention(**options)
        elif kind == "additive":
            self.attention = layers.AdditiveAttention(units, **options)
        else:
            raise ValueError(
                f"{self.name}: kind: expected additive, multiplicative or multi_head, got {kind!r}"
            )

    def build(
        self, query_shape: tuple[Any, ...], context_shape: tuple[Any, ...], source_shape: Any = None
    ) -> None:
        """Create the weights of the score."""
        self.attention.build(query_shape, context_shape)

    def call(self, query: tf.Tensor, context: tf.Tensor, source: tf.Tensor | None = None) -> list[tf.Tensor]:
        """Return the attended context and the weight of each place."""
        mask = None if source is None else source != END
        attended, weights = self.attention(query, context, mask=mask)
        return [attended, self._by_place(weights)]

    def _by_place(self, weights: tf.Tensor) -> tf.Tensor:
        """Return the mean over the heads, if there are several."""
        return tf.reduce_mean(weights, axis=1) if self.kind == "multi_head" else weights

    def compute_output_shape(
        self, query_shape: tuple[Any, ...], context_shape: tuple[Any, ...], source_shape: Any = None
    ) -> Any:
        """Return the shapes of what `call` returns."""
        size = self.attention.context_size(query_shape[2], context_shape[2])
        return [(*query_shape[:2], size), (*query_shape[:2], context_shape[1])]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"units": self.units, "kind": self.kind, "heads": self.heads}
        return super().get_config() | own


@keras.saving.register_keras_serializable("unrolled")
class GreedyDecoder(keras.layers.Layer):
    """Generates the most probable token at every step up to END, for the whole sequence in one graph.

    Args:
        decoder: tokens (batch, steps), context (batch, places, channels) and, if it is given, source (batch,
            places) -> log-probabilities (batch, steps, classes) and attention; class END ends the sequence.
        start: the token before the first one.
        max_tokens: the maximum length of a sequence.

    Call arguments: `context` (batch, places, channels), `source` (batch, places) int32 or None.
    Returns: tokens (batch, max_tokens) int32, END after the last one.
    """

    def __init__(self, decoder: keras.Model, start: int, max_tokens: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.decoder = decoder
        self.start = start
        self.max_tokens = max_tokens

    def call(self, context: tf.Tensor, source: tf.Tensor | None = None) -> tf.Tensor:
        """Return the tokens (batch, max_tokens), int32."""
        read = [context] if source is None else [context, source]
        step = layers.OneStep(self.decoder)
        start = tf.ones_like(context[:, 0, 0], tf.int32) * self.start
        # Elements that are never written are 0, which is END.
        tokens = tf.TensorArray(tf.int32, size=self.max_tokens, element_shape=start.shape)

        def unfinished(t: tf.Tensor, previous: tf.Tensor, *_: Any) -> tf.Tensor:
            return (t < self.max_tokens) & tf.reduce_any(previous != END)

        def generate(t: tf.Tensor, previous: tf.Tensor, states: Any, tokens: tf.TensorArray) -> Any:
            (log_probabilities, _), states = step([previous[:, None], *read], states)
            token = tf.argmax(log_probabilities[:, 0], axis=-1, output_type=tf.int32)
            token = tf.where(previous == END, END, token)
            return t + 1, token, states, tokens.write(t, token)

        with layers.execution("unrolled"):
            first = (tf.constant(0), start, step.initial_states(tf.shape(context)[0]), tokens)
            *_, tokens = tf.while_loop(unfinished, generate, first, maximum_iterations=self.max_tokens)
        return tf.transpose(tf.ensure_shape(tokens.stack(), [self.max_tokens, context.shape[0]]))

    def compute_output_shape(
        self, context_shape: tuple[Any, ...], source_shape: Any = None
    ) -> tuple[Any, ...]:
        """Return the shape of what `call` returns."""
        return (context_shape[0], self.max_tokens)

    def compute_output_spec(self, context: Any, source: Any = None) -> keras.KerasTensor:
        """Return shape and dtype of what `call` returns."""
        return keras.KerasTensor(self.compute_output_shape(context.shape), "int32")

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        decoder = keras.saving.serialize_keras_object(self.decoder)
        own = {"decoder": decoder, "start": self.start, "max_tokens": self.max_tokens}
        return super().get_config() | own

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> GreedyDecoder:
        """Create the layer, decoder included."""
        return cls(keras.saving.deserialize_keras_object(config.pop("decoder")), **config)
