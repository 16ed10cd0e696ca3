"""Multi-head scaled dot-product attention over a memory, and as pooling over a sequence."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from .attention_base import Attention, AttentionPooling, MemoryAttention, Projected
from .cells.base import affine
from .checks import require_units


class _MultiHead(Attention):
    """Several attention heads side by side, each with its own keys and values."""

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        *,
        use_bias: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        require_units(self, num_heads, "num_heads")
        require_units(self, key_dim, "key_dim")
        self.num_heads = num_heads
        self.key_dim = key_dim
        self.use_bias = use_bias

    @property
    def heads_shape(self) -> tuple[int, ...]:
        """The axes of the weights between batch and queries: (heads,)."""
        return (self.num_heads,)

    def context_size(self, query_size: int | None, memory_size: int | None) -> int | None:
        """Return the size of the query, which residual connections need."""
        return query_size

    def _affine_weights(self, role: str, inputs: int, columns: int) -> None:
        setattr(self, f"{role}_kernel", self.kernel_weight(f"{role}_kernel", (inputs, columns)))
        bias = None
        if self.use_bias:
            bias = self.add_weight(shape=(columns,), name=f"{role}_bias", initializer="zeros")
        setattr(self, f"{role}_bias", bias)

    def _project(self, role: str, x: tf.Tensor) -> tf.Tensor:
        return affine(x, getattr(self, f"{role}_kernel"), getattr(self, f"{role}_bias"))

    def _by_head(self, x: tf.Tensor) -> tf.Tensor:
        """Split (batch, steps, heads * key_dim) into (batch, heads, steps, key_dim)."""
        shape = tf.shape(x)
        cut = tf.reshape(x, [shape[0], shape[1], self.num_heads, self.key_dim])
        return tf.transpose(cut, [0, 2, 1, 3])

    def project_memory(self, memory: tf.Tensor) -> Projected:
        """Return the keys and the values of every head."""
        return self._by_head(self._project("key", memory)), self._by_head(self._project("value", memory))

    def scores(self, query: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
        return super().scores(query * self.key_dim**-0.5, keys)

    def project_context(self, context: tf.Tensor) -> tf.Tensor:
        shape = tf.shape(context)
        merged = tf.transpose(context, [0, 2, 1, 3])
        merged = tf.reshape(merged, [shape[0], shape[2], self.num_heads * self.key_dim])
        return self._project("output", merged)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"num_heads": self.num_heads, "key_dim": self.key_dim, "use_bias": self.use_bias}
        return super().get_config() | own


@keras.saving.register_keras_serializable("unrolled")
class MultiHeadAttention(_MultiHead, MemoryAttention):
    """Multi-head scaled dot-product attention; computes the same as `keras.layers.MultiHeadAttention`.

        q_i = W_q x_i + b_q      k_j = W_k m_j + b_k      v_j = W_v m_j + b_v      each split into heads
        e_hij = q_hi . k_hj / sqrt(key_dim)
        a_hi = softmax(e_hi) over the valid steps
        y_i = W_o [z_1i; z_2i; ...] + b_o      z_hi = sum_j a_hij v_hj

    Args:
        num_heads: number of heads.
        key_dim: size of the queries, keys and values of one head.
        use_bias: whether to add the biases b.
        return_weights: also return the weights a.
        kernel_initializer: initial values of the kernels W.

    Call arguments: `query` x (batch, query features) or (batch, queries, query features); `memory` m (batch,
    steps, features); `mask` (batch, steps) of the memory, False at padding. In a decoder, `project_memory`
    and `attend` compute k and v once.
    Returns: (batch, [queries,] query features); with `return_weights` a list of this output and the weights
    (batch, heads, [queries,] steps).
    Masking: padding gets weight 0. If every step is padding, all steps get the same weight.
    Weights: query_kernel, key_kernel and value_kernel (inputs, heads * key_dim) with their biases, in blocks
    of key_dim columns a head; output_kernel (heads * key_dim, query features) and output_bias.

    Raises:
        ValueError: a size is not a whole number above 0, or an input has the wrong shape.

    Reference: A. Vaswani et al., Attention is all you need, NeurIPS 2017.
    """

    def build_weights(self, query_size: Any, memory_size: Any) -> None:
        """Create the four kernels and their biases."""
        columns = self.num_heads * self.key_dim
        self._affine_weights("query", query_size, columns)
        self._affine_weights("key", memory_size, columns)
        self._affine_weights("value", memory_size, columns)
        self._affine_weights("output", columns, query_size)

    def project_query(self, query: tf.Tensor) -> tf.Tensor:
        return self._by_head(self._project("query", query))


@keras.saving.register_keras_serializable("unrolled")
class MultiHeadAttentionPooling(_MultiHead, AttentionPooling):
    """Multi-head attention with one learned query a head: several weighted means over time, combined.

        k_t = W_k x_t + b_k      v_t = W_v x_t + b_v      each split into heads
        e_ht = q_h . k_ht / sqrt(key_dim)
        a_h = softmax(e_h) over the valid steps
        y = W_o [z_1; z_2; ...] + b_o      z_h = sum_t a_ht v_ht

    Args:
        num_heads: number of heads.
        key_dim: size of the query, keys and values of one head.
        use_bias: whether to add the biases b.
        return_weights: also return the weights a.
        kernel_initializer: initial values of the kernels W and of q.

    Call arguments: `sequences` x (batch, steps, features); `mask` (batch, steps), False at padding.
    Returns: (batch, features); with `return_weights` a list of this output and the weights
    (batch, heads, steps).
    Masking: padding gets weight 0. If every step is padding, all steps get the same weight.
    Weights: query q (heads, key_dim); key_kernel and value_kernel (features, heads * key_dim) with their
    biases, in blocks of key_dim columns a head; output_kernel (heads * key_dim, features) and output_bias.

    Raises:
        ValueError: a size is not a whole number above 0, or an input has the wrong shape.

    References: A. Vaswani et al., Attention is all you need, NeurIPS 2017; J. Lee et al., Set transformer,
    ICML 2019 (pooling with a learned query).
    """

    def build_weights(self, size: Any) -> None:
        """Create q, and the three kernels and their biases."""
        columns = self.num_heads * self.key_dim
        self.query = self.kernel_weight("query", (self.num_heads, self.key_dim))
        self._affine_weights("key", size, columns)
        self._affine_weights("value", size, columns)
        self._affine_weights("output", columns, size)

    def learned_query(self) -> tf.Tensor:
        """Return q, (1, heads, 1, key_dim)."""
        return tf.convert_to_tensor(self.query)[None, :, None]
