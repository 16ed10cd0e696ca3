"""Train a decoder on the true sequences of a context, and guide its attention."""

from __future__ import annotations

import math
from typing import Any

import keras
import tensorflow as tf

from ..ondevice.vocabulary import END


@keras.saving.register_keras_serializable("unrolled")
class WordSpotting(keras.layers.Layer):
    """Scores each word at each place. In training it adds a loss for these scores.

        s_jw = u_w f_j + b_w,   z_w = log sum_j exp(s_jw),   loss = weight * mean over examples of
        - sum_w [y_w log sigmoid(z_w) + (1 - y_w) log(1 - sigmoid(z_w))]

    with y_w = 1 if a caption of the image has the word w, so that some place must score it high. This teaches
    the encoder what is in the image before the decoder has learned where to look. After H. Fang et al.,
    From captions to visual concepts and back, CVPR 2015, section 3; their noisy-or over places is close to
    this for small probabilities.

    Args:
        ids: the number of word ids, including END.
        weight: the weight of the loss.

    Call arguments: `features` (batch, places, channels), `words` (batch, ids). Returns: s, (batch,
    places, ids).
    """

    def __init__(self, ids: int, weight: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ids = ids
        self.weight = weight

    def build(self, features_shape: tuple[Any, ...], words_shape: tuple[Any, ...]) -> None:
        """Create u and b; b starts low, because an image has few of the words."""
        places, channels = features_shape[1:]
        rare = keras.initializers.Constant(-3.0 - math.log(places))
        self.kernel = self.add_weight(shape=(channels, self.ids), name="kernel")
        self.bias = self.add_weight(shape=(self.ids,), name="bias", initializer=rare)

    def call(self, features: tf.Tensor, words: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Return the scores; in training, add the loss."""
        spots = features @ self.kernel + self.bias
        if training and self.weight:
            scores = tf.reduce_logsumexp(spots, axis=1)
            present = tf.reduce_max(tf.one_hot(words, self.ids, dtype=scores.dtype), axis=1)
            losses = tf.nn.sigmoid_cross_entropy_with_logits(present, scores)[:, END + 1 :]
            self.add_loss(self.weight * tf.reduce_mean(tf.reduce_sum(losses, axis=1)))
        return spots

    def compute_output_shape(self, features_shape: tuple[Any, ...], words_shape: tuple[Any, ...]) -> Any:
        """Return the shape of what `call` returns."""
        return (*features_shape[:2], self.ids)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"ids": self.ids, "weight": self.weight}


@keras.saving.register_keras_serializable("unrolled")
class TeacherForcing(keras.layers.Layer):
    """Runs a decoder over several true sequences of each context, to predict each next token.

    Args:
        decoder: tokens (batch, steps), context (batch, places, channels) and, if it is given, source (batch,
            places) -> log-probabilities (batch, steps, classes) and attention (batch, steps, places).
        attention_guidance: the weight of a loss that draws attention to places, - sum_j g_tj log a_tj, the
            mean over the steps with a guide g. It is `alignment`, or comes from `WordSpotting`, whose scores
            tell where the next word is. With these scores s_jw, taken as constants, and w the word after
            step t:

                g_tj = softmax_j(s_jw),   v_t = 1 - entropy(g_t) / log places
                loss = - sum_t v_t sum_j g_tj log a_tj / number of steps

            The factor v_t discounts words that could be anywhere, such as "the". Without guidance,
            attention is nearly uniform at first and then learns almost nothing from the words. After C. Liu
            et al., Attention correctness in neural image captioning, AAAI 2017, where people marked the
            places.
        attention_regularization: weight of (1 - sum_t a_tj)^2, mean over places j and sequences, in training
            (doubly stochastic attention: Show, Attend and Tell, section 4.2.1).
        scheduled_sampling: share of the tokens read in training that the decoder itself predicts in a first
            pass over the true ones. Sources: S. Bengio et al., Scheduled sampling for sequence prediction
            with recurrent neural networks, NeurIPS 2015; in two passes: T. Mihaylova and A. Martins, ACL SRW
            2019.

    Call arguments: `tokens` (batch, steps, sequences), the token before each step; `context` (batch, places,
    channels); `spots` (batch, places, ids), the scores of `WordSpotting`, or None; `source` (batch, places)
    int32, END at padding, or None; `alignment` (batch, steps * places), what the attention at each step
    should be, step by step, or zeros where it is not known, or None. For one sequence a context.
    Returns: log-probabilities (batch, steps, sequences, classes).
    """

    def __init__(
        self,
        decoder: keras.Model,
        *,
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
        self,
        tokens: tf.Tensor,
        context: tf.Tensor,
        spots: tf.Tensor | None = None,
        *,
        source: tf.Tensor | None = None,
        alignment: tf.Tensor | None = None,
        training: bool = False,
    ) -> tf.Tensor:
        """Return the log-probabilities; in training, add the losses of attention."""
        batch, steps, sequences = tf.unstack(tf.shape(tokens))
        true = read = tf.reshape(tf.transpose(tokens, [0, 2, 1]), [-1, steps])
        given = [context] if source is None else [context, source]
        repeated = [tf.repeat(each, sequences, axis=0) for each in given]
        if training and self.scheduled_sampling:
            read = self._mixed(read, self.decoder([read, *repeated], training=True)[0])
        log_probabilities, weights = self.decoder([read, *repeated], training=training)
        if training and self.attention_guidance:
            toward = (
                _given_loss(weights, alignment) if spots is None else _guidance_loss(weights, spots, true)
            )
            self.add_loss(self.attention_guidance * toward)
        if training and self.attention_regularization:
            real = tf.cast(true != END, weights.dtype)[:, :, None]
            uneven = tf.square(1 - tf.reduce_sum(weights * real, axis=1))
            self.add_loss(self.attention_regularization * tf.reduce_mean(uneven))
        outputs = tf.reshape(log_probabilities, [batch, sequences, steps, log_probabilities.shape[-1]])
        return tf.transpose(outputs, [0, 2, 1, 3])

    def _mixed(self, read: tf.Tensor, log_probabilities: tf.Tensor) -> tf.Tensor:
        """Replace some tokens with predicted ones, except the start token and the tokens after the end."""
        predicted = tf.argmax(log_probabilities, axis=-1, output_type=tf.int32)
        predicted = tf.concat([read[:, :1], predicted[:, :-1]], axis=1)
        chosen = keras.random.uniform(tf.shape(read), seed=self._seeds) < self.scheduled_sampling
        return tf.where(chosen & (read != END) & (predicted != END), predicted, read)

    def compute_output_shape(self, tokens_shape: tuple[Any, ...], **_: Any) -> Any:
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
        """Create the layer, decoder included."""
        return cls(keras.saving.deserialize_keras_object(config.pop("decoder")), **config)


def _given_loss(weights: tf.Tensor, alignment: tf.Tensor) -> tf.Tensor:
    """Return the cross-entropy of attention (batch, steps, places) and what it should be."""
    alignment = tf.reshape(alignment, tf.shape(weights))
    losses = -tf.reduce_sum(alignment * tf.math.log(weights + 1e-9), axis=-1)
    guided = tf.cast(tf.reduce_sum(alignment, axis=-1) > 0, losses.dtype)
    return tf.reduce_sum(losses) / tf.maximum(1.0, tf.reduce_sum(guided))


def _guidance_loss(weights: tf.Tensor, spots: tf.Tensor, read: tf.Tensor) -> tf.Tensor:
    """Return the loss of attention (batch * sequences, steps, places) outside the places of spotted words."""
    batch, places = tf.shape(spots)[0], spots.shape[1]
    following = tf.reshape(read[:, 1:], [batch, -1])
    places_of_words = tf.transpose(tf.stop_gradient(spots), [0, 2, 1])
    log_guide = tf.nn.log_softmax(tf.gather(places_of_words, following, batch_dims=1))
    guide = tf.exp(log_guide)
    certainty = 1 + tf.reduce_sum(guide * log_guide, axis=-1) / math.log(places)
    counted = tf.cast(following != END, weights.dtype)
    attention = tf.math.log(tf.reshape(weights[:, :-1], [batch, -1, places]) + 1e-9)
    losses = -tf.reduce_sum(guide * attention, axis=-1) * certainty * counted
    return tf.reduce_sum(losses) / tf.maximum(1.0, tf.reduce_sum(counted))
