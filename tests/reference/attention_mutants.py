"""Attention layers with one error each. The parity check must fail on each of them."""

from typing import Any

import tensorflow as tf

from layers import (
    AdditiveAttention,
    AdditiveAttentionPooling,
    MultiHeadAttention,
    MultiHeadAttentionPooling,
    MultiplicativeAttention,
    MultiplicativeAttentionPooling,
)


class MaskIgnored(AdditiveAttention):
    """Padding is attended to."""

    def weigh(self, query: Any, projected: Any, mask: Any) -> Any:
        return super().weigh(query, projected, None)


class KernelsExchanged(AdditiveAttention):
    """The query is projected by the memory's kernel, the memory by the query's."""

    def build_weights(self, *sizes: Any) -> None:
        super().build_weights(*sizes)
        self.query_kernel, self.memory_kernel = self.memory_kernel, self.query_kernel


class BiasMissing(AdditiveAttention):
    """Has a bias but never adds it."""

    def project_memory(self, memory: Any) -> Any:
        keys, values = super().project_memory(memory)
        return keys - self.bias, values


class TanhMissing(AdditiveAttentionPooling):
    """e = v . (W x + b)."""

    def scores(self, query: Any, keys: Any) -> Any:
        return tf.matmul((query[:, :, None] + keys[:, None]), self.score)[..., 0]


class PaddingCounted(AdditiveAttentionPooling):
    """Weights of padding are set to zero after the softmax: the others don't sum to one."""

    def weigh(self, query: Any, projected: Any, mask: Any) -> Any:
        _, weights = super().weigh(query, projected, None)
        weights = weights * tf.cast(mask, weights.dtype)[:, None]
        return tf.matmul(weights, projected[1]), weights


class KernelTransposed(MultiplicativeAttention):
    """q W^T m."""

    def project_query(self, query: Any) -> Any:
        return tf.matmul(query, tf.convert_to_tensor(self.kernel), transpose_b=True)


class SoftmaxOverQueries(MultiplicativeAttention):
    """The weights of a step sum to one over the queries."""

    def weigh(self, query: Any, projected: Any, mask: Any) -> Any:
        weights = tf.nn.softmax(self.scores(query, projected[0]), axis=-2)
        return tf.matmul(weights, projected[1]), weights


class ScaledDot(MultiplicativeAttentionPooling):
    """Luong's score has no scale."""

    def scores(self, query: Any, keys: Any) -> Any:
        return super().scores(query, keys) * keys.shape[-1] ** -0.5


class ScaleMissing(MultiHeadAttention):
    """q . k, not divided by sqrt(key_dim)."""

    def scores(self, query: Any, keys: Any) -> Any:
        return super().scores(query, keys) * self.key_dim**0.5


class ScaleOfAllHeads(MultiHeadAttention):
    """Divided by the square root of all heads' sizes together."""

    def scores(self, query: Any, keys: Any) -> Any:
        return super().scores(query, keys) * self.num_heads**-0.5


class KeysAndValuesExchanged(MultiHeadAttention):
    """Attends by the values, and returns the mean of the keys."""

    def project_memory(self, memory: Any) -> Any:
        return super().project_memory(memory)[::-1]


class HeadsExchanged(MultiHeadAttention):
    """The means go to the output in the wrong order of heads."""

    def project_context(self, context: Any) -> Any:
        return super().project_context(tf.reverse(context, [1]))


class HeadsInterleaved(MultiHeadAttention):
    """A head takes every n-th column instead of a block of columns."""

    def _by_head(self, x: Any) -> Any:
        cut = tf.reshape(x, [*x.shape[:2], self.key_dim, self.num_heads])
        return tf.transpose(cut, [0, 3, 1, 2])


class OutputBiasMissing(MultiHeadAttentionPooling):
    """The output bias is left out."""

    def project_context(self, context: Any) -> Any:
        return super().project_context(context) - self.output_bias


class FirstQueryForAll(MultiHeadAttentionPooling):
    """Every head has the query of the first."""

    def learned_query(self) -> Any:
        return tf.repeat(super().learned_query()[:, :1], self.num_heads, axis=1)


MUTANTS = {
    MaskIgnored: "additive",
    KernelsExchanged: "additive",
    BiasMissing: "additive",
    TanhMissing: "additive pooling",
    PaddingCounted: "additive pooling",
    KernelTransposed: "general",
    SoftmaxOverQueries: "general",
    ScaledDot: "multiplicative pooling",
    ScaleMissing: "multi-head",
    ScaleOfAllHeads: "multi-head",
    KeysAndValuesExchanged: "multi-head",
    HeadsExchanged: "multi-head",
    HeadsInterleaved: "multi-head",
    OutputBiasMissing: "multi-head pooling",
    FirstQueryForAll: "multi-head pooling",
}
"""Each mutant, and the equations in test_attention.py that must fail on it."""
