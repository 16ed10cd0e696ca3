"""Additive and multiplicative attention over a memory, and as pooling over a sequence."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from .attention_base import Attention, AttentionPooling, MemoryAttention, Projected
from .cells.base import affine
from .checks import require_units

SCORES = ("general", "dot")


class _Additive(Attention):
    """The additive score, e_j = v . tanh(q + k_j)."""

    score: keras.Variable

    def __init__(
        self,
        units: int,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
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

    Args:
        units: size of the hidden layer of the score.
        return_weights: also return the weights a.
        kernel_initializer: initial values of W, U and v.

    Call arguments: `query` q (batch, query features) or (batch, queries, query features); `memory` m (batch,
    steps, features); `mask` (batch, steps) of the memory, False at padding. In a decoder, `project_memory`
    and `attend` compute U m once.
    Returns: (batch, [queries,] features); with `return_weights` a list of this output and the weights (batch,
    [queries,] steps).
    Masking: padding gets weight 0. If every step is padding, all steps get the same weight.
    Weights: query_kernel W (query features, units), memory_kernel U (features, units), bias b (units,),
    score v (units, 1).

    Raises:
        ValueError: `units` is not a whole number above 0, or an input has the wrong shape.

    Reference: D. Bahdanau, K. Cho and Y. Bengio, Neural machine translation by jointly learning to align
    and translate, ICLR 2015.
    """

    def build_weights(self, query_size: Any, memory_size: Any) -> None:
        """Create W, U, b and v."""
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
    """A mean over time in which a small network learns the weight of each step.

        e_t = v . tanh(W x_t + b)
        a = softmax(e) over the valid steps
        y = sum_t a_t x_t

    Args:
        units: size of the hidden layer of the score.
        return_weights: also return the weights a.
        kernel_initializer: initial values of W and v.

    Call arguments: `sequences` x (batch, steps, features); `mask` (batch, steps), False at padding.
    Returns: (batch, features); with `return_weights` a list of this output and the weights (batch, steps).
    Masking: padding gets weight 0. If every step is padding, all steps get the same weight.
    Weights: kernel W (features, units), bias b (units,), score v (units, 1).

    Raises:
        ValueError: `units` is not a whole number above 0, or an input has the wrong shape.

    References: D. Bahdanau, K. Cho and Y. Bengio, Neural machine translation by jointly learning to align
    and translate, ICLR 2015 (the score); Z. Yang et al., Hierarchical attention networks for document
    classification, NAACL 2016 (pooling without a query).
    """

    def build_weights(self, size: Any) -> None:
        """Create W, b and v."""
        self.kernel = self.kernel_weight("kernel", (size, self.units))
        self.bias = self.add_weight(shape=(self.units,), name="bias", initializer="zeros")
        self.score = self.kernel_weight("score", (self.units, 1))

    def learned_query(self) -> tf.Tensor:
        """Return b: for a constant query, W q + b is a constant vector."""
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

    Args:
        score: "general" or "dot".
        return_weights: also return the weights a.
        kernel_initializer: initial values of W.

    Call arguments: `query` q (batch, query features) or (batch, queries, query features); `memory` m (batch,
    steps, features); `mask` (batch, steps) of the memory, False at padding.
    Returns: (batch, [queries,] features); with `return_weights` a list of this output and the weights (batch,
    [queries,] steps).
    Masking: padding gets weight 0. If every step is padding, all steps get the same weight.
    Weights: kernel W (query features, features) with score="general"; none with "dot".

    Raises:
        ValueError: the score is unknown, an input has the wrong shape, or with "dot" query and memory have
            different numbers of features.

    Reference: M. Luong, H. Pham and C. Manning, Effective approaches to attention-based neural machine
    translation, EMNLP 2015.
    """

    def __init__(
        self,
        score: str = "general",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if score not in SCORES:
            raise ValueError(f"{self.name}: score: expected one of {SCORES}, got {score!r}")
        self.score = score

    def build_weights(self, query_size: Any, memory_size: Any) -> None:
        """Create W for the score "general". The score "dot" has no weights."""
        if self.score == "general":
            self.kernel = self.kernel_weight("kernel", (query_size, memory_size))
        elif query_size != memory_size:
            expected = "score='dot': expected the same number of features in query and memory"
            raise ValueError(f"{self.name}: {expected}, got {query_size} and {memory_size}")

    def project_query(self, query: tf.Tensor) -> tf.Tensor:
        return affine(query, self.kernel) if self.score == "general" else query

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"score": self.score}


@keras.saving.register_keras_serializable("unrolled")
class MultiplicativeAttentionPooling(AttentionPooling):
    """A mean over time in which the weight of each step is its product with a learned vector.

        e_t = u . x_t
        a = softmax(e) over the valid steps
        y = sum_t a_t x_t

    This is Luong's score "dot" with a learned query. "general" would add nothing, since u = q W is one
    vector.

    Args:
        return_weights: also return the weights a.
        kernel_initializer: initial values of u.

    Call arguments: `sequences` x (batch, steps, features); `mask` (batch, steps), False at padding.
    Returns: (batch, features); with `return_weights` a list of this output and the weights (batch, steps).
    Masking: padding gets weight 0. If every step is padding, all steps get the same weight.
    Weights: query u (features, 1).

    Raises:
        ValueError: an input has the wrong shape.

    Reference: M. Luong, H. Pham and C. Manning, Effective approaches to attention-based neural machine
    translation, EMNLP 2015.
    """

    def build_weights(self, size: Any) -> None:
        """Create u."""
        self.query = self.kernel_weight("query", (size, 1))

    def learned_query(self) -> tf.Tensor:
        """Return u as one query."""
        return tf.transpose(tf.convert_to_tensor(self.query))[None]
