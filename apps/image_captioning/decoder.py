"""From what stands at each place of a picture to a sentence, word by word.

Two recurrent layers with attention between them: the first reads the words so far and decides where to look,
the second takes what is seen there and decides what to say,

    h_t = RNN([w_t, mean_j f_j])        w_t the word before, f_j the features of place j
    a_tj = softmax_j(v . tanh(W h_t + U f_j + b)),   c_t = sum_j a_tj f_j
    s_t = RNN([h_t, c_t])
    p_t = softmax(V tanh(D [s_t, c_t]))

Show, Attend and Tell (K. Xu et al., ICML 2015) looks with the state of the one layer that speaks, so that no
step can begin before the last has ended; here both layers run over the whole sentence at once in training.
The two layers are those of P. Anderson et al., Bottom-up and top-down attention, CVPR 2018, without the way
back from the second to the first.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

import layers

from .captions import END, Vocabulary
from .config import CaptioningConfig

CELLS = {"simple_rnn": layers.SimpleRNN, "lstm": layers.LSTM, "gru": layers.GRU}


class _OfAPicture(keras.layers.Layer):
    """Looks at the same features in every step; carries nothing from one to the next."""

    def stream_states(self, batch_size: Any) -> dict[str, tf.Tensor]:
        """Return no states: see `layers.OneStep`."""
        return {}


@keras.saving.register_keras_serializable("unrolled")
class Glance(_OfAPicture):
    """Each step beside the mean of a picture's features.

    Call arguments: `steps` (batch, steps, size), `features` (batch, places, channels). Returns: (batch,
    steps, size + channels).
    """

    def call(self, steps: tf.Tensor, features: tf.Tensor) -> tf.Tensor:
        """See the class."""
        mean = tf.reduce_mean(features, axis=1, keepdims=True)
        return tf.concat([steps, mean + tf.zeros_like(steps[:, :, :1])], axis=-1)

    def compute_output_shape(self, steps_shape: tuple[Any, ...], features_shape: tuple[Any, ...]) -> Any:
        """Return the shape of what `call` returns."""
        return (*steps_shape[:2], steps_shape[2] + features_shape[2])


@keras.saving.register_keras_serializable("unrolled")
class Look(_OfAPicture):
    """Additive attention of each step over the places of a picture.

    Args:
        units: size of the hidden layer of the score.

    Call arguments: `query` (batch, steps, size), `features` (batch, places, channels). Returns: what is seen
    (batch, steps, channels), and how much each place weighs, (batch, steps, places).
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.attention = layers.AdditiveAttention(units, return_weights=True, name="attention")

    def build(self, query_shape: tuple[Any, ...], features_shape: tuple[Any, ...]) -> None:
        """Make the weights of the score."""
        self.attention.build(query_shape, features_shape)

    def call(self, query: tf.Tensor, features: tf.Tensor) -> list[tf.Tensor]:
        """See the class."""
        return self.attention(query, features)

    def compute_output_shape(self, query_shape: tuple[Any, ...], features_shape: tuple[Any, ...]) -> Any:
        """Return the shapes of what `call` returns."""
        return [(*query_shape[:2], features_shape[2]), (*query_shape[:2], features_shape[1])]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"units": self.units}


def build_decoder(config: CaptioningConfig, vocabulary: Vocabulary, places: int) -> keras.Model:
    """Return the decoder: the word before each, and features -> log-probabilities of the words, attention.

    `tokens` (batch, steps), `features` (batch, places, units) -> (batch, steps, words + 1), the first one of
    END, and (batch, steps, places).
    """
    tokens = keras.Input([None], dtype="int32", name="tokens")
    features = keras.Input([places, config.units], name="features")
    cell = CELLS[config.cell]
    x = keras.layers.Embedding(vocabulary.start + 1, config.embedding, name="words")(tokens)
    x = keras.layers.Dropout(config.dropout, name="words_dropout")(x)
    x = Glance(name="glance")(x, features)
    query = cell(config.units, return_sequences=True, name="looking")(x)
    context, weights = Look(config.attention_units, name="look")(query, features)
    x = keras.layers.Concatenate(name="read_and_seen")([query, context])
    x = keras.layers.Dropout(config.dropout, name="seen_dropout")(x)
    x = cell(config.units, return_sequences=True, name="speaking")(x)
    x = keras.layers.Concatenate(name="said_and_seen")([x, context])
    x = keras.layers.Dropout(config.dropout, name="said_dropout")(x)
    x = keras.layers.Dense(config.units, activation="tanh", name="hidden")(x)
    x = keras.layers.Dropout(config.dropout, name="hidden_dropout")(x)
    logits = keras.layers.Dense(len(vocabulary.known) + 1, name="logits")(x)
    # The last operation of the graph stays in float32 in every precision.
    log_probabilities = keras.layers.Activation("log_softmax", name="log_probabilities")(logits)
    return keras.Model([tokens, features], [log_probabilities, weights], name="decoder")


@keras.saving.register_keras_serializable("unrolled")
class Greedy(keras.layers.Layer):
    """Says the most probable word, again and again, up to END: the whole sentence in one graph.

    Args:
        decoder: see `build_decoder`.
        start: the id before the first word.
        max_words: no sentence is longer.

    Call arguments: `features` (batch, places, channels). Returns: ids (batch, max_words) int32, END behind
    the last word.
    """

    def __init__(self, decoder: keras.Model, start: int, max_words: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.decoder = decoder
        self.start = start
        self.max_words = max_words

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """See the class."""
        step = layers.OneStep(self.decoder)
        before = tf.ones_like(features[:, 0, 0], tf.int32) * self.start
        said = tf.TensorArray(tf.int32, size=self.max_words, element_shape=before.shape)  # unwritten: END

        def going_on(t: tf.Tensor, before: tf.Tensor, *_: Any) -> tf.Tensor:
            return (t < self.max_words) & tf.reduce_any(before != END)

        def say(t: tf.Tensor, before: tf.Tensor, states: dict[str, tf.Tensor], said: tf.TensorArray) -> Any:
            (log_probabilities, _), states = step([before[:, None], features], states)
            word = tf.argmax(log_probabilities[:, 0], axis=-1, output_type=tf.int32)
            word = tf.where(before == END, END, word)
            return t + 1, word, states, said.write(t, word)

        with layers.execution("unrolled"):
            first = (tf.constant(0), before, step.initial_states(tf.shape(features)[0]), said)
            *_, said = tf.while_loop(going_on, say, first, maximum_iterations=self.max_words)
        return tf.transpose(tf.ensure_shape(said.stack(), [self.max_words, features.shape[0]]))

    def compute_output_shape(self, features_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the shape of what `call` returns."""
        return (features_shape[0], self.max_words)

    def compute_output_spec(self, features: Any) -> keras.KerasTensor:
        """Return shape and dtype."""
        return keras.KerasTensor(self.compute_output_shape(features.shape), "int32")

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        decoder = keras.saving.serialize_keras_object(self.decoder)
        return super().get_config() | {"decoder": decoder, "start": self.start, "max_words": self.max_words}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Greedy:
        """Make the layer, decoder included."""
        return cls(keras.saving.deserialize_keras_object(config.pop("decoder")), **config)
