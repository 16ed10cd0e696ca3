"""Additive and multiplicative attention: over a memory with a query, and as pooling."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from .attention_base import Attention, AttentionPooling, MemoryAttention, Projected
from .cells.base import affine
from .checks import require_units

SCORES = ("general", "dot")


class _Additive(Attention):
    """The score of a hidden layer: e_j = v . tanh(q + k_j)."""

    score: keras.Variable

    def __init__(
        self,
        units: int,
        return_weights: bool = False,
        kernel_initializer: Any = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(return_weights, kernel_initializer, **kwargs)
        require_units(self, units)
        self.units = units

    def scores(self, query: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
        hidden = tf.tanh(query[:, :, None] + keys[:, None])
        return affine(hidden, self.score)[..., 0]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"units": self.units}


@keras.saving.register_keras_serializable("unrolled")
class AdditiveAttention(_Additive, MemoryAttention):
    """Additive attention: a small network scores each step of the memory for the query.

        e_ij = v . tanh(W q_i + U m_j + b)
        a_i = softmax(e_i) over the valid steps
        y_i = sum_j a_ij m_j

    Reference: D. Bahdanau, K. Cho and Y. Bengio, Neural machine translation by jointly learning to align
    and translate, ICLR 2015.

    Args:
        units: size of the hidden layer of the score.
        return_weights: return the weights a, too.
        kernel_initializer: of W, U and v.

    Call arguments: `query` (batch, query features) or (batch, queries, query features), `memory` (batch,
    steps, features), `mask` (batch, steps) of the memory, False at padding, whose weight is 0; where every
    step is padding, all weigh the same. In a decoder, `project_memory` and `attend` compute U m once.
    Returns: (batch, [queries,] features); with `return_weights` a list of that and (batch, [queries,] steps).
    Weights: query_kernel W (query features, units), memory_kernel U (features, units), bias b (units,),
    score v (units, 1).
    """

    def build_weights(self, query_size: Any, memory_size: Any) -> None:
        """Make W, U, b and v."""
        self.query_kernel = self.kernel_weight("query_kernel", (query_size, self.units))
        self.memory_kernel = self.kernel_weight("memory_kernel", (memory_size, self.units))
        self.bias = self.add_weight(shape=(self.units,), name="bias", initializer="zeros")
        self.score = self.kernel_weight("score", (self.units, 1))

    def project_query(self, query: tf.Tensor) -> tf.Tensor:
        return affine(query, self.query_kernel)

    def project_memory(self, memory: tf.Tensor) -> Projected:
        """Return U m + b and the memory itself."""
        return affine(memory, self.memory_kernel, self.bias), memory


@keras.saving.register_keras_serializable("unrolled")
class AdditiveAttentionPooling(_Additive, AttentionPooling):
    """A weighted mean over time, the weights learned.

        e_t = v . tanh(W x_t + b)
        a = softmax(e) over the valid steps
        y = sum_t a_t x_t

    References: D. Bahdanau, K. Cho and Y. Bengio, Neural machine translation by jointly learning to align
    and translate, ICLR 2015 (the score); Z. Yang et al., Hierarchical attention networks for document
    classification, NAACL 2016 (without a query, as pooling).

    Args:
        units: size of the hidden layer of the score.
        return_weights: return the weights a, too.
        kernel_initializer: of W and v.

    Call arguments: `sequences` (batch, steps, features), `mask` (batch, steps), False at padding, whose
    weight is 0; where every step is padding, all weigh the same.
    Returns: (batch, features); with `return_weights` a list of that and (batch, steps).
    Weights: kernel W (features, units), bias b (units,), score v (units, 1).
    """

    def build_weights(self, size: Any) -> None:
        """Make W, b and v."""
        self.kernel = self.kernel_weight("kernel", (size, self.units))
        self.bias = self.add_weight(shape=(self.units,), name="bias", initializer="zeros")
        self.score = self.kernel_weight("score", (self.units, 1))

    def learned_query(self) -> tf.Tensor:
        """Return b, which is what W q + b of a query that never changes comes to."""
        return tf.convert_to_tensor(self.bias)[None, None]

    def project_memory(self, memory: tf.Tensor) -> Projected:
        """Return W x and the sequence itself."""
        return affine(memory, self.kernel), memory


@keras.saving.register_keras_serializable("unrolled")
class MultiplicativeAttention(MemoryAttention):
    """Multiplicative attention: the score is a product of the query and each step of the memory.

        e_ij = q_i W m_j        score="general"
        e_ij = q_i . m_j        score="dot"; query and memory have the same features
        a_i = softmax(e_i) over the valid steps
        y_i = sum_j a_ij m_j

    Reference: M. Luong, H. Pham and C. Manning, Effective approaches to attention-based neural machine
    translation, EMNLP 2015.

    Args:
        score: "general" or "dot".
        return_weights: return the weights a, too.
        kernel_initializer: of W.

    Call arguments, returns: as `AdditiveAttention`.
    Weights: kernel W (query features, features) with score="general", else none.
    """

    def __init__(
        self,
        score: str = "general",
        return_weights: bool = False,
        kernel_initializer: Any = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(return_weights, kernel_initializer, **kwargs)
        if score not in SCORES:
            raise ValueError(f"{self.name}: score: expected one of {SCORES}, got {score!r}")
        self.score = score

    def build_weights(self, query_size: Any, memory_size: Any) -> None:
        """Make W, if the score has one."""
        if self.score == "general":
            self.kernel = self.kernel_weight("kernel", (query_size, memory_size))
        elif query_size != memory_size:
            expected = "score='dot': expected as many features of the query as of the memory"
            raise ValueError(f"{self.name}: {expected}, got {query_size} and {memory_size}")

    def project_query(self, query: tf.Tensor) -> tf.Tensor:
        return affine(query, self.kernel) if self.score == "general" else query

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"score": self.score}


@keras.saving.register_keras_serializable("unrolled")
class MultiplicativeAttentionPooling(AttentionPooling):
    """A weighted mean over time, each step weighed by its product with a vector that is learned.

        e_t = u . x_t
        a = softmax(e) over the valid steps
        y = sum_t a_t x_t

    This is Luong's "dot" with a learned query; "general" would be the same, as u = q W is learned whole.
    Reference: M. Luong, H. Pham and C. Manning, Effective approaches to attention-based neural machine
    translation, EMNLP 2015.

    Args:
        return_weights: return the weights a, too.
        kernel_initializer: of u.

    Call arguments, returns: as `AdditiveAttentionPooling`.
    Weights: query u (features, 1).
    """

    def build_weights(self, size: Any) -> None:
        """Make u."""
        self.query = self.kernel_weight("query", (size, 1))

    def learned_query(self) -> tf.Tensor:
        """Return u as one query."""
        return tf.transpose(tf.convert_to_tensor(self.query))[None]
