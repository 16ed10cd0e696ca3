"""Training of the decoder: it reads true captions, and is shown where to look."""

from __future__ import annotations

import math
from typing import Any

import keras
import tensorflow as tf

from .captions import END


@keras.saving.register_keras_serializable("unrolled")
class TeacherForcing(keras.layers.Layer):
    """Reads the true captions of a picture, several of them, and guesses each next word.

    Args:
        decoder: see `build_decoder`.
        attention_guidance: weight of a loss by which attention learns to be where the word that comes next
            was spotted. With s_jw of `encoder.WordSpotting`, taken as given, and w the word after t:

                g_tj = softmax_j(s_jw),   v_t = 1 - entropy(g_t) / log places
                loss = - sum_t v_t sum_j g_tj log a_tj / number of steps

            so that words that could be anywhere, such as "the", don't count. Attention starts out nearly
            even, and learns next to nothing from the words alone while it is. After C. Liu et al., Attention
            correctness in neural image captioning, AAAI 2017, where people marked the places.
        attention_regularization: weight of (1 - sum_t a_tj)^2, mean over places j and captions, in training
            (doubly stochastic attention: Show, Attend and Tell, section 4.2.1).
        scheduled_sampling: in training this share of the words read is what the decoder itself guesses in
            a first pass over the true ones. References: S. Bengio et al., Scheduled sampling for sequence
            prediction with recurrent neural networks, NeurIPS 2015; in two passes: T. Mihaylova and
            A. Martins, ACL SRW 2019.

    Call arguments: `tokens` (batch, steps, captions), `features` (batch, places, channels), `spots` (batch,
    places, ids). Returns: log-probabilities (batch, steps, captions, words + 1).
    """

    def __init__(
        self,
        decoder: keras.Model,
        attention_guidance: float = 0.0,
        attention_regularization: float = 0.0,
        scheduled_sampling: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.decoder = decoder
        self.attention_guidance = attention_guidance
        self.attention_regularization = attention_regularization
        self.scheduled_sampling = scheduled_sampling
        self._seeds = keras.random.SeedGenerator()

    def call(
        self, tokens: tf.Tensor, features: tf.Tensor, spots: tf.Tensor, training: bool = False
    ) -> tf.Tensor:
        """See the class."""
        batch, steps, captions = tf.unstack(tf.shape(tokens))
        true = read = tf.reshape(tf.transpose(tokens, [0, 2, 1]), [-1, steps])
        of_each = tf.repeat(features, captions, axis=0)
        if training and self.scheduled_sampling:
            read = self._mixed(read, self.decoder([read, of_each], training=True)[0])
        log_probabilities, weights = self.decoder([read, of_each], training=training)
        if training and self.attention_guidance:
            self.add_loss(self.attention_guidance * _misled(weights, spots, true))
        if training and self.attention_regularization:
            real = tf.cast(true != END, weights.dtype)[:, :, None]
            unlike = tf.square(1 - tf.reduce_sum(weights * real, axis=1))
            self.add_loss(self.attention_regularization * tf.reduce_mean(unlike))
        of_batch = tf.reshape(log_probabilities, [batch, captions, steps, log_probabilities.shape[-1]])
        return tf.transpose(of_batch, [0, 2, 1, 3])

    def _mixed(self, read: tf.Tensor, log_probabilities: tf.Tensor) -> tf.Tensor:
        """Put guesses in the place of words, never of the start or of what follows the end."""
        guessed = tf.argmax(log_probabilities, axis=-1, output_type=tf.int32)
        guessed = tf.concat([read[:, :1], guessed[:, :-1]], axis=1)
        lot = keras.random.uniform(tf.shape(read), seed=self._seeds) < self.scheduled_sampling
        return tf.where(lot & (read != END) & (guessed != END), guessed, read)

    def compute_output_shape(
        self, tokens_shape: tuple[Any, ...], features_shape: tuple[Any, ...], spots_shape: tuple[Any, ...]
    ) -> Any:
        """Return the shape of what `call` returns."""
        return (*tokens_shape, self.decoder.outputs[0].shape[-1])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {
            "decoder": keras.saving.serialize_keras_object(self.decoder),
            "attention_guidance": self.attention_guidance,
            "attention_regularization": self.attention_regularization,
            "scheduled_sampling": self.scheduled_sampling,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> TeacherForcing:
        """Make the layer, decoder included."""
        return cls(keras.saving.deserialize_keras_object(config.pop("decoder")), **config)


def _misled(weights: tf.Tensor, spots: tf.Tensor, read: tf.Tensor) -> tf.Tensor:
    """Return the loss of attention (batch * captions, steps, places) that isn't where words were spotted."""
    batch, places = tf.shape(spots)[0], spots.shape[1]
    following = tf.reshape(read[:, 1:], [batch, -1])
    places_of_words = tf.transpose(tf.stop_gradient(spots), [0, 2, 1])
    spotted = tf.nn.log_softmax(tf.gather(places_of_words, following, batch_dims=1))
    there = tf.exp(spotted)
    clear = 1 + tf.reduce_sum(there * spotted, axis=-1) / math.log(places)
    counted = tf.cast(following != END, weights.dtype)
    looked = tf.math.log(tf.reshape(weights[:, :-1], [batch, -1, places]) + 1e-9)
    losses = -tf.reduce_sum(there * looked, axis=-1) * clear * counted
    return tf.reduce_sum(losses) / tf.maximum(1.0, tf.reduce_sum(counted))
