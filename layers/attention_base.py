"""The base classes of the attention layers: masked softmax, weighted mean, given and learned queries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from .checks import require_sequences, valid_steps
from .plain_layer import PlainLayer

Shape = Sequence[int | None]
Projected = tuple[tf.Tensor, tf.Tensor]
"""Keys and values of a memory: (batch, [heads,] steps, size) each."""

_GAP = 1e3  # exp(-1000) is 0 in every precision


def masked_softmax(scores: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
    """Return the softmax over the last axis of `scores`, computed in at least float32.

    Args:
        scores: (batch, ..., steps).
        mask: (batch, steps) or (batch, queries, steps) bool, or None. Steps where it is False get weight 0,
            however low the other scores are. If it is False at every step, all steps get the same weight.

    Returns:
        (batch, ..., steps) in the precision of `scores`.
    """
    dtype = scores.dtype
    scores = tf.cast(scores, tf.float32) if dtype.size < 4 else scores
    if mask is not None:
        for _ in range(scores.shape.rank - mask.shape.rank):
            mask = mask[:, None]
        lowest = tf.stop_gradient(tf.reduce_min(scores, axis=-1, keepdims=True))
        scores = tf.where(mask, scores, lowest - _GAP)
    return tf.cast(tf.nn.softmax(scores), dtype)


class Attention(PlainLayer):
    """A weighted mean of a memory; the base class of all attention layers.

        k, v = project_memory(memory)
        e_j = scores(q, k_j)
        a = softmax(e) over the valid steps
        y = project_context(sum_j a_j v_j)

    A subclass defines these three maps. `MemoryAttention` takes its queries as an input; `AttentionPooling`
    learns one query.

    Args:
        return_weights: return [y, a] instead of y.
        kernel_initializer: initial values of the kernels.
    """

    def __init__(
        self, *, return_weights: bool = False, kernel_initializer: Any = "glorot_uniform", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.return_weights = return_weights
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.supports_masking = True

    def project_memory(self, memory: tf.Tensor) -> Projected:
        """Map a memory (batch, steps, features) to keys and values. This happens once for all queries."""
        return memory, memory

    def scores(self, query: tf.Tensor, keys: tf.Tensor) -> tf.Tensor:
        """Return the score of every key for every query.

        Args:
            query: projected queries, (batch, [heads,] queries, size).
            keys: (batch, [heads,] steps, size).

        Returns:
            (batch, [heads,] queries, steps).
        """
        return tf.matmul(query, keys, transpose_b=True)

    def project_context(self, context: tf.Tensor) -> tf.Tensor:
        """Map weighted means (batch, [heads,] queries, size) to the output (batch, queries, size)."""
        return context

    @property
    def heads_shape(self) -> tuple[int, ...]:
        """The axes of the weights between batch and queries: () or (heads,)."""
        return ()

    def context_size(self, query_size: int | None, memory_size: int | None) -> int | None:
        """Return the size of the output for queries and a memory of these sizes."""
        return memory_size

    def weigh(
        self, query: tf.Tensor, projected: Projected, mask: tf.Tensor | None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the output and the weights.

        Args:
            query: projected queries, (batch, [heads,] queries, size).
            projected: keys and values, as `project_memory` returns them.
            mask: (batch, steps) bool, False at padding, or None.

        Returns:
            The output (batch, queries, size) and the weights (batch, [heads,] queries, steps).
        """
        keys, values = projected
        weights = masked_softmax(self.scores(tf.cast(query, keys.dtype), keys), mask)
        return self.project_context(tf.matmul(weights, values)), weights

    def kernel_weight(self, name: str, shape: Shape) -> keras.Variable:
        """Create a kernel with `kernel_initializer`."""
        return self.add_weight(shape=shape, name=name, initializer=self.kernel_initializer)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        config = super().get_config()
        config["kernel_initializer"] = keras.initializers.serialize(self.kernel_initializer)
        return config | {"return_weights": self.return_weights}


class MemoryAttention(Attention):
    """The base class of attention over a memory, with the queries as an input: layer(query, memory).

    A decoder projects its memory once and attends to it at each step:
    `attend(query, project_memory(memory), mask)` computes the same as `layer(query, memory, mask)`.

    Call arguments: `query` (batch, features) or (batch, queries, features); `memory` (batch, steps,
    features); `mask` (batch, steps) of the memory, False at padding.
    """

    def project_query(self, query: tf.Tensor) -> tf.Tensor:
        """Map queries (batch, queries, features) to (batch, [heads,] queries, size), for `scores`."""
        return query

    def build(self, query_shape: Shape, memory_shape: Shape, **_: Any) -> None:
        """Create the weights for inputs of these shapes."""
        self._check_shapes(query_shape, memory_shape)
        self.sizes = (query_shape[-1], memory_shape[-1])
        self.build_weights(*self.sizes)

    def build_weights(self, query_size: Any, memory_size: Any) -> None:
        """Create the weights for queries and a memory with these numbers of features."""

    def _check_shapes(self, query_shape: Shape, memory_shape: Shape) -> None:
        if len(query_shape) not in (2, 3):
            expected = "expected shape (batch, features) or (batch, queries, features)"
            raise ValueError(f"{self.name}: query: {expected}, got {tuple(query_shape)}")
        if len(memory_shape) != 3:
            expected = "expected shape (batch, steps, features)"
            raise ValueError(f"{self.name}: memory: {expected}, got {tuple(memory_shape)}")
        if not tf.TensorShape(query_shape[:1]).is_compatible_with(memory_shape[:1]):
            expected = f"expected the batch of the query, {query_shape[0]}"
            raise ValueError(f"{self.name}: memory: {expected}, got {memory_shape[0]}")
        sizes = (query_shape[-1], memory_shape[-1])
        expected_sizes = getattr(self, "sizes", sizes)
        if sizes != expected_sizes:
            expected = f"expected (query, memory) features {expected_sizes}"
            raise ValueError(f"{self.name}: {expected}, got {sizes}")

    def call(self, query: tf.Tensor, memory: tf.Tensor, mask: tf.Tensor | None = None) -> Any:
        """Return the results; the class docstring describes the arguments."""
        self._check_shapes(query.shape, memory.shape)
        mask = valid_steps(self, memory, mask)
        context, weights = self.attend(query, self.project_memory(memory), mask)
        return [context, weights] if self.return_weights else context

    def attend(
        self, query: tf.Tensor, projected: Projected, mask: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the output and the weights for a memory that is already projected.

        Args:
            query: (batch, features) or (batch, queries, features).
            projected: keys and values, as `project_memory` returns them.
            mask: (batch, steps) bool, False at padding, or None.

        Returns:
            The output (batch, [queries,] size) and the weights (batch, [heads,] [queries,] steps).
        """
        single = query.shape.rank == 2
        query = self.project_query(query[:, None] if single else query)
        results = self.weigh(query, projected, mask)
        return tuple(tf.squeeze(result, -2) for result in results) if single else results

    def compute_output_shape(self, query_shape: Shape, memory_shape: Shape) -> Any:
        """Return the shape of each tensor that `call` returns."""
        batch, *queries, size = query_shape
        context = (batch, *queries, self.context_size(size, memory_shape[-1]))
        weights = (batch, *self.heads_shape, *queries, memory_shape[1])
        return [context, weights] if self.return_weights else context

    def compute_mask(self, query: Any, _: Any = None) -> Any:
        """Return the mask of the query itself, because Keras may pass the mask of the memory."""
        mask = getattr(query, "_keras_mask", None)
        return [mask, None] if self.return_weights else mask


class AttentionPooling(Attention):
    """The base class of attention with one learned query, which turns a sequence into one vector.

    Call arguments: `sequences` (batch, steps, features); `mask` (batch, steps), False at padding.
    """

    def learned_query(self) -> tf.Tensor:
        """Return the query in the shape that `scores` expects, (1, [heads,] 1, size)."""
        raise NotImplementedError(f"{type(self).__name__} defines no learned_query")

    def build(self, sequences_shape: Shape) -> None:
        """Create the weights for sequences of shape (batch, steps, features)."""
        require_sequences(self, sequences_shape)
        self.build_weights(sequences_shape[-1])

    def build_weights(self, size: Any) -> None:
        """Create the weights for sequences with this number of features."""
        raise NotImplementedError(f"{type(self).__name__} defines no build_weights")

    def call(self, sequences: tf.Tensor, mask: tf.Tensor | None = None) -> Any:
        """Return the results; the class docstring describes the arguments."""
        mask = valid_steps(self, sequences, mask)
        results = self.weigh(self.learned_query(), self.project_memory(sequences), mask)
        context, weights = (tf.squeeze(result, -2) for result in results)
        return [context, weights] if self.return_weights else context

    def compute_output_shape(self, sequences_shape: Shape) -> Any:
        """Return the shape of each tensor that `call` returns."""
        batch, steps, size = sequences_shape
        context, weights = (batch, self.context_size(size, size)), (batch, *self.heads_shape, steps)
        return [context, weights] if self.return_weights else context

    def compute_mask(self, _: Any, mask: Any = None) -> Any:
        """Return no mask, because the outputs have no steps."""
        return [None, None] if self.return_weights else None
