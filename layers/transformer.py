"""A causal Transformer block whose keys and values of past steps are the state of a stream."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from .attention_base import masked_softmax
from .cells.base import affine
from .cells.lstm import layer_norm
from .checks import require_units
from .spectrogram import IN_FLOAT
from .states import States
from .windowed import Windowed


@keras.saving.register_keras_serializable("unrolled")
class CausalTransformer(Windowed):
    """A Transformer block over a sequence; it stands where a recurrent layer stands.

        x'_t = x_t W_x + b_x                                     left out if x has `units` features
        q_t, k_t, v_t = N(x'_t) [W_q, W_k, W_v] + b_qkv          each split into heads
        e_tj = q_t . k_(t - j) / sqrt(units / heads) + p_j       j = 0, ..., window - 1
        u_t = x'_t + [sum_j softmax(e_t)_j v_(t - j)] W_o + b_o
        y_t = u_t + relu(N'(u_t) W_1 + b_1) W_2 + b_2

    N is layer normalisation, p_j a learned bias for each head and distance. Keys and values before the first
    step are zeros, which a query may attend to.

    Args:
        units: size of the output; a multiple of `heads`.
        return_sequences: return the output of every step instead of the last output only.
        heads: number of heads.
        window: the number of steps that a step attends to, itself included.
        expansion: the inner size of the two last maps, as a multiple of `units`.
        **kwargs: the arguments of every Keras layer.

    Call arguments: `sequences` (batch, steps, features); `mask` (batch, steps), False at padding.
    Returns: (batch, units), or (batch, steps, units) with return_sequences.
    Masking: for padding at the end: the last output is that of the last valid step. Steps of padding between
    valid ones are read as they are.
    Weights: input_kernel and input_bias, if needed; attention_kernel (units, 3 * units) in the order q, k, v,
    attention_bias, position_bias p (heads, window), output_kernel, output_bias, inner_kernel, inner_bias,
    outer_kernel, outer_bias; gain_1, shift_1, gain_2, shift_2 of N and N'.
    State in a stream: `keys` and `values`, the last window - 1 of each (the key-value cache).

    Raises:
        ValueError: units is not a multiple of heads.

    References: A. Vaswani et al., Attention is all you need, NeurIPS 2017; R. Xiong et al., On layer
    normalization in the Transformer architecture, ICML 2020 (N before each part); C. Raffel et al., Exploring
    the limits of transfer learning, 2020 (a bias by distance).

    >>> CausalTransformer(8, return_sequences=True)(tf.ones([2, 5, 3])).shape
    TensorShape([2, 5, 8])
    """

    def __init__(
        self,
        units: int,
        return_sequences: bool = False,
        *,
        heads: int = 4,
        window: int = 32,
        expansion: int = 2,
        **kwargs: Any,
    ) -> None:
        super().__init__(units, return_sequences, **kwargs)
        for name, value in (("heads", heads), ("window", window), ("expansion", expansion)):
            require_units(self, value, name)
        if units % heads:
            raise ValueError(f"{self.name}: units: expected a multiple of heads={heads}, got {units}")
        self.heads = heads
        self.window = window
        self.expansion = expansion

    def build_weights(self, features: int) -> None:
        """Create the maps, their biases and the normalisations."""
        units, inner = self.units, self.expansion * self.units
        self._input = self._affine("input", features, units) if features != units else None
        self._attention = self._affine("attention", units, 3 * units)
        self.position_bias = self.bias("position_bias", self.heads, self.window)
        self._output = self._affine("output", units, units)
        self._inner = self._affine("inner", units, inner)
        self._outer = self._affine("outer", inner, units)
        self._norms = [
            (
                self.add_weight(shape=(units,), name=f"gain_{number}", initializer="ones"),
                self.bias(f"shift_{number}", units),
            )
            for number in (1, 2)
        ]

    def _affine(self, name: str, inputs: int, columns: int) -> tuple[keras.Variable, keras.Variable]:
        return self.kernel(f"{name}_kernel", inputs, columns), self.bias(f"{name}_bias", columns)

    def pasts(self) -> dict[str, tuple[int, int]]:
        """Return the number of kept keys and values, and their size."""
        return dict.fromkeys(("keys", "values"), (self.window - 1, self.units)) if self.window > 1 else {}

    def outputs_of(self, sequences: tf.Tensor, before: States) -> tuple[tf.Tensor, States]:
        """Return what the block gives, and all keys and values."""
        x = sequences if self._input is None else affine(sequences, *self._input)
        query, *new = tf.split(affine(layer_norm(x, *self._norms[0]), *self._attention), 3, axis=-1)
        wholes = [tf.concat(pair, 1) for pair in zip(before, new, strict=True)] if before else new
        keys, values = map(self._by_head, wholes)
        query = self._by_head(query) * (self.units // self.heads) ** -0.5
        weights = self._weights(tf.matmul(query, keys, transpose_b=True), one=sequences.shape[1] == 1)
        x += affine(self._merged(tf.matmul(weights, values)), *self._output)
        inner = tf.nn.relu(affine(layer_norm(x, *self._norms[1]), *self._inner))
        return x + affine(inner, *self._outer), tuple(wholes) if before else ()

    def _weights(self, scores: tf.Tensor, *, one: bool) -> tf.Tensor:
        """Return the weight of each key, (batch, heads, steps, kept + steps), from products with queries."""
        bias = tf.cast(self.position_bias, scores.dtype)
        if one:  # a step of a stream sees the whole window
            return tf.nn.softmax(scores + bias[None, :, None, ::-1])
        steps, keys = tf.shape(scores)[2], tf.shape(scores)[3]
        ages = self.window - 1 + tf.range(steps)[:, None] - tf.range(keys)
        seen = (ages >= 0) & (ages < self.window)
        of_pairs = tf.gather(bias, tf.clip_by_value(ages, 0, self.window - 1), axis=1)
        with tf.name_scope(IN_FLOAT):  # in 8 bits, scores of what is not seen would leave no room for others
            return masked_softmax(scores + of_pairs, seen[None])

    def _by_head(self, x: tf.Tensor) -> tf.Tensor:
        """Split (batch, steps, units) into (batch, heads, steps, units / heads)."""
        shape = tf.shape(x)
        size = self.units // self.heads
        return tf.transpose(tf.reshape(x, [shape[0], shape[1], self.heads, size]), [0, 2, 1, 3])

    def _merged(self, x: tf.Tensor) -> tf.Tensor:
        """Join heads again, (batch, steps, units)."""
        shape = tf.shape(x)
        merged = tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [shape[0], shape[2], self.units])
        return tf.ensure_shape(merged, [None, x.shape[2], self.units])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = ("heads", "window", "expansion")
        return super().get_config() | {name: getattr(self, name) for name in own}
