"""Multi-head scaled dot-product attention: over a memory with a query, and as pooling."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from .attention_base import Attention, AttentionPooling, MemoryAttention, Projected
from .cells.base import affine
from .checks import require_units


class _MultiHead(Attention):
    """Several attentions side by side, each with keys and values of its own."""

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        use_bias: bool = True,
        return_weights: bool = False,
        kernel_initializer: Any = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(return_weights, kernel_initializer, **kwargs)
        require_units(self, num_heads, "num_heads")
        require_units(self, key_dim, "key_dim")
        self.num_heads = num_heads
        self.key_dim = key_dim
        self.use_bias = use_bias

    @property
    def heads_shape(self) -> tuple[int, ...]:
        """Each head has weights of its own."""
        return (self.num_heads,)

    def context_size(self, query_size: int | None, memory_size: int | None) -> int | None:
        """Return that of the query, for residual connections."""
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
        """Cut (batch, steps, heads * key_dim) into (batch, heads, steps, key_dim)."""
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
    """Multi-head scaled dot-product attention; the numbers of `keras.layers.MultiHeadAttention`.

        q_i = W_q x_i + b_q      k_j = W_k m_j + b_k      v_j = W_v m_j + b_v      each cut into heads
        e_hij = q_hi . k_hj / sqrt(key_dim)
        a_hi = softmax(e_hi) over the valid steps
        y_i = W_o [z_1i; z_2i; ...] + b_o      z_hi = sum_j a_hij v_hj

    Reference: A. Vaswani et al., Attention is all you need, NeurIPS 2017.

    Args:
        num_heads: number of heads.
        key_dim: size of the queries, keys and values of one head.
        use_bias: whether to add the b.
        return_weights: return the weights a, too.
        kernel_initializer: of the W.

    Call arguments: `query` x (batch, query features) or (batch, queries, query features), `memory` m (batch,
    steps, features), `mask` (batch, steps) of the memory, False at padding, whose weight is 0; where every
    step is padding, all weigh the same. In a decoder, `project_memory` and `attend` compute k and v once.
    Returns: (batch, [queries,] query features); with `return_weights` a list of that and
    (batch, heads, [queries,] steps).
    Weights: kernel (inputs, heads * key_dim) and bias of query, key and value, in blocks of key_dim columns a
    head; output_kernel (heads * key_dim, query features), output_bias.
    """

    def build_weights(self, query_size: Any, memory_size: Any) -> None:
        """Make the four maps."""
        columns = self.num_heads * self.key_dim
        self._affine_weights("query", query_size, columns)
        self._affine_weights("key", memory_size, columns)
        self._affine_weights("value", memory_size, columns)
        self._affine_weights("output", columns, query_size)

    def project_query(self, query: tf.Tensor) -> tf.Tensor:
        return self._by_head(self._project("query", query))


@keras.saving.register_keras_serializable("unrolled")
class MultiHeadAttentionPooling(_MultiHead, AttentionPooling):
    """Multi-head attention of one learned query: several weighted means over time, put together.

        k_t = W_k x_t + b_k      v_t = W_v x_t + b_v      each cut into heads
        e_ht = q_h . k_ht / sqrt(key_dim)
        a_h = softmax(e_h) over the valid steps
        y = W_o [z_1; z_2; ...] + b_o      z_h = sum_t a_ht v_ht

    References: A. Vaswani et al., Attention is all you need, NeurIPS 2017; J. Lee et al., Set transformer,
    ICML 2019 (as pooling with a learned query).

    Args:
        num_heads: number of heads.
        key_dim: size of the query, keys and values of one head.
        use_bias: whether to add the b.
        return_weights: return the weights a, too.
        kernel_initializer: of the W and q.

    Call arguments: `sequences` (batch, steps, features), `mask` (batch, steps), False at padding, whose
    weight is 0; where every step is padding, all weigh the same.
    Returns: (batch, features); with `return_weights` a list of that and (batch, heads, steps).
    Weights: query (heads, key_dim); the others as in `MultiHeadAttention`.
    """

    def build_weights(self, size: Any) -> None:
        """Make the query and the three maps."""
        columns = self.num_heads * self.key_dim
        self.query = self.kernel_weight("query", (self.num_heads, self.key_dim))
        self._affine_weights("key", size, columns)
        self._affine_weights("value", size, columns)
        self._affine_weights("output", columns, size)

    def learned_query(self) -> tf.Tensor:
        """Return q as one query a head."""
        return tf.convert_to_tensor(self.query)[None, :, None]
