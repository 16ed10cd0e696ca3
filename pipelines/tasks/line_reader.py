"""An encoder for texts whose last line is a question about the lines before it."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from .._layers import layers
from ..ondevice.vocabulary import END

_RARELY = -2.5  # first bias of the gate: most lines have nothing to do with a question


@keras.saving.register_keras_serializable("unrolled")
class LineReader(keras.layers.Layer):
    """Reads the lines of a text several times, each time with a better question (attention over sentences).

        l_j = sum of p_k * e_t over the pieces t of line j      k the place of the piece in the line
        q_j = l_J                                               J the last line, which is the question
        q_j = reduce(l, q)_j                                    once for each hop (`QueryReduction`)

    Each piece gets the last q of its line and the answer q_J, so the encoder's output has a place for each
    piece as that of recurrent layers has. It doesn't get e: a network with few stories learns them by their
    words.

    Args:
        hops: how often the lines are read.
        lines: the number of lines that are read, the last ones of a text.
        longest: the number of places of a line that are told apart; the places behind are as the last one.
        separator: the token between two lines.

    Call arguments: `vectors` e (batch, places, size); `source` (batch, places) int32, the tokens, END at
    padding, which is behind the text.
    Returns: (batch, places, 2 * size): the last q of the line, and q_J.
    Weights: places p (longest, size), and those of each `QueryReduction`.
    """

    def __init__(self, hops: int, lines: int, longest: int, separator: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.hops, self.lines, self.longest, self.separator = hops, lines, longest, separator
        self.reductions = [QueryReduction(i < hops - 1, name=f"hop_{i + 1}") for i in range(hops)]

    def build(self, vectors_shape: Any, source_shape: Any = None) -> None:
        """Create p; at first all places of a line count the same."""
        size = vectors_shape[-1]
        self.places = self.add_weight(shape=(self.longest, size), name="places", initializer="ones")
        for reduction in self.reductions:
            reduction.build((None, self.lines, size))

    def call(self, vectors: tf.Tensor, source: tf.Tensor) -> tf.Tensor:
        """Return what each place of the source is told."""
        members = self._members(source, vectors.dtype)
        with tf.name_scope(layers.IN_FLOAT):
            place = tf.reduce_sum(members * tf.cumsum(members, axis=2), axis=1) - 1.0
            place = tf.cast(tf.clip_by_value(place, 0.0, self.longest - 1.0), tf.int32)
            lines = tf.matmul(members, vectors * tf.gather(self.places, place))
            told = tf.reduce_max(members, axis=2)[:, :-1]
        query = lines[:, -1:] + tf.zeros_like(lines)
        for reduction in self.reductions:
            query = reduction(lines, query, told)
        with tf.name_scope(layers.IN_FLOAT):
            of_line = tf.matmul(members, query, transpose_a=True)
            answer = query[:, -1:] + tf.zeros_like(of_line)
            return tf.concat([of_line, answer], axis=-1)

    def _members(self, source: tf.Tensor, dtype: Any) -> tf.Tensor:
        """Return (batch, lines, places): 1 where a place is a piece of a line. The last is the question."""
        with tf.name_scope(layers.IN_FLOAT):
            ends = tf.cast(source == self.separator, dtype)
            line = self.lines - 1.0 - tf.cumsum(ends, axis=1, reverse=True)
            pieces = tf.cast((source != END) & (source != self.separator), dtype)
            numbers = tf.range(self.lines, dtype=dtype)[None, :, None]
            return tf.cast(tf.abs(line[:, None] - numbers) < 0.5, dtype) * pieces[:, None]

    def compute_output_shape(self, vectors_shape: Any, source_shape: Any = None) -> Any:
        """Return the shape of what `call` returns."""
        return (*vectors_shape[:2], 2 * vectors_shape[2])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {name: getattr(self, name) for name in ("hops", "lines", "longest", "separator")}
        return super().get_config() | own


@keras.saving.register_keras_serializable("unrolled")
class QueryReduction(keras.layers.Layer):
    """One hop of a query-reduction network: a question becomes, line by line, an easier one.

        z_j = sigmoid(w . (l_j * q_j) + b)          what line j has to do with the question
        c_j = tanh(W [l_j, q_j] + d)                the question after line j
        h_j = (1 - z_j) h_(j-1) + z_j c_j,   h_0 = 0
        r_j = h_j, or h_j + the same from the last line to the first

    The gates don't read h, so all lines are computed at once: h_j = sum over i <= j of a_ji c_i with
    a_ji = z_i (1 - z_(i+1)) .. (1 - z_j), an attention over the lines. The last line, which is the question,
    is not read: there z is 0.

    Source: M. Seo, S. Min, A. Farhadi and H. Hajishirzi, Query-reduction networks for question answering,
    ICLR 2017.

    Args:
        both: whether to read in both directions.

    Call arguments: `lines` l and `query` q (batch, lines, size); `told` (batch, lines - 1), 0 where there is
    no line.
    Returns: r, (batch, lines, size).
    Weights: those of `gate` (size -> 1) and of `candidate` (2 * size -> size).
    """

    def __init__(self, both: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.both = both
        self.gate = keras.layers.Dense(1, bias_initializer=keras.initializers.Constant(_RARELY), name="gate")

    def build(self, lines_shape: Any, query_shape: Any = None, told_shape: Any = None) -> None:
        """Create the weights of the gate and of the candidate."""
        size = lines_shape[-1]
        self.candidate = keras.layers.Dense(size, activation="tanh", name="candidate")
        self.gate.build((None, None, size))
        self.candidate.build((None, None, 2 * size))

    def call(self, lines: tf.Tensor, query: tf.Tensor, told: tf.Tensor) -> tf.Tensor:
        """Return the reduced query after each line."""
        candidate = self.candidate(tf.concat([lines, query], axis=-1))
        with tf.name_scope(layers.IN_FLOAT):
            read = tf.pad(told, [[0, 0], [0, 1]])
            score = self.gate(lines * query)[:, :, 0]
            return tf.matmul(_attention(score, read, both=self.both), candidate)

    def compute_output_shape(self, lines_shape: Any, query_shape: Any = None, told_shape: Any = None) -> Any:
        """Return the shape of what `call` returns."""
        return lines_shape

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"both": self.both}


def _attention(score: tf.Tensor, read: tf.Tensor, *, both: bool) -> tf.Tensor:
    """Return a, (batch, lines, lines): how much of the candidate of line i is in the state after line j.

    Args:
        score: the logits of the gate, (batch, lines).
        read: 0 where the gate is closed, else 1.
        both: add that of the other direction.
    """
    opened = (tf.sigmoid(score) * read)[:, None]
    kept = -tf.math.softplus(score) * read  # log(1 - z)
    count = score.shape[1]
    earlier = tf.constant([[float(i <= j) for i in range(count)] for j in range(count)], score.dtype)
    weights = opened * earlier * _kept_between(tf.cumsum(kept, axis=1))
    if both:
        later = tf.transpose(earlier)
        weights += opened * later * _kept_between(tf.cumsum(kept, axis=1, reverse=True))
    return weights


def _kept_between(total: tf.Tensor) -> tf.Tensor:
    """Return exp(total_j - total_i), (batch, lines j, lines i), at most 1: the other half is not used."""
    return tf.exp(tf.minimum(total[:, :, None] - total[:, None], 0.0))
