"""A recurrent layer that moves along a text as it draws: the soft window over characters."""

from __future__ import annotations

import math
from typing import Any

import keras
import tensorflow as tf

from .._layers import layers
from ..config import Cell
from .stepping import run_steps


@keras.saving.register_keras_serializable("unrolled")
class CharacterWindow(keras.layers.Layer):
    """A recurrent layer, and a window over the characters of a text that only moves on.

        h_t     = cell([x_t, w_(t-1)], h_(t-1)),        w_0 = 0
        a, b, c = softplus(V h_t + d)                   K of each
        kappa_t = kappa_(t-1) + c,                      kappa_0 = 0
        phi_tu  = sum over k of a_k exp(-b_k (kappa_tk - u)^2),    u = 0, 1, .. the places of the text
        w_t     = sum over u of phi_tu onehot(text_u)

    So the network learns how many steps a character takes, and where in the text it is. The place behind the
    last character has a phi, too, if the text is padded: the window has passed the text when that is the
    largest. Everything but the cell is computed in float32 in files of every precision, since kappa sums up
    the errors of all steps.

    Source: A. Graves, Generating sequences with recurrent neural networks, 2013, section 5.1; there a, b and
    c are exp(V h_t + d), which can explode early in training.

    Args:
        cell: the name of the recurrent cell.
        size: the units of the cell.
        characters: the number of ids, END included.
        gaussians: K.
        pace: the steps that a character takes at first, before training.

    Call arguments: `steps` x (batch, steps, features); `text` (batch, places) int32, the characters' ids, END
    at padding, which is behind the text.
    Returns: h (batch, steps, size), w (batch, steps, characters - 1) and phi (batch, steps, places), at
    padding, too.
    States in a stream: those of the cell, `kappa` (batch, K), and `window`, the last w.
    Weights: those of the cell, V (size, 3 K) and d (3 K).
    """

    def __init__(
        self,
        cell: Cell,
        size: int,
        characters: int,
        *,
        gaussians: int = 10,
        pace: float = 15.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.size, self.characters, self.gaussians, self.pace = size, characters, gaussians, pace
        self.cell_name = cell
        self.cell = layers.by_name(cell)(size).cell

    def build(self, steps_shape: Any, text_shape: Any = None) -> None:
        """Create the weights. At first all phi together are about 1 wide, and the window moves at `pace`."""
        self.cell.build((None, steps_shape[2] + self.characters - 1))
        first = [1 / self.gaussians] * self.gaussians + [0.5] * self.gaussians
        first += [1 / self.pace] * self.gaussians
        self.kernel = self.add_weight(shape=(self.size, 3 * self.gaussians), name="kernel")
        first_bias = _Values([_before_softplus(y) for y in first])
        self.bias = self.add_weight(shape=(len(first),), name="bias", initializer=first_bias)

    def stream_states(self, batch_size: Any) -> dict[str, tf.Tensor]:
        """Return the states before the first step: zeros."""
        states = dict(zip(self.cell.state_names, self.cell.get_initial_state(batch_size), strict=True))
        sizes = {"kappa": self.gaussians, "window": self.characters - 1}
        return states | {name: tf.zeros((batch_size, n), self.compute_dtype) for name, n in sizes.items()}

    def call(self, steps: tf.Tensor, text: tf.Tensor, training: bool = False) -> list[tf.Tensor]:
        """Return the outputs of the cell, the characters in the window, and the weight of each place."""
        with tf.name_scope(layers.IN_FLOAT):
            # END has no column: -1 becomes zeros
            onehot = tf.one_hot(tf.cast(text, tf.int32) - 1, self.characters - 1, dtype=self.compute_dtype)
            places = tf.range(tf.shape(text)[1])
            places = tf.cast(places, self.compute_dtype)[None, None]

        def advance(x: tf.Tensor, before: Any) -> tuple[tuple[tf.Tensor, ...], tf.Tensor]:
            *states, kappa, window = before
            output, states = self.cell(tf.concat([x, window], axis=-1), states)
            with tf.name_scope(layers.IN_FLOAT):
                numbers = tf.nn.softplus(tf.matmul(output, self.kernel) + self.bias)
                height, narrow, moved = tf.split(numbers, 3, axis=-1)
                kappa += moved
                distance = tf.square(kappa[:, :, None] - places)
                phi = tf.reduce_sum(height[:, :, None] * tf.exp(-narrow[:, :, None] * distance), axis=1)
                window = tf.matmul(phi[:, None], onehot)[:, 0]
            return (*states, kappa, window), phi

        return run_steps(self, advance, steps, training=training)

    def compute_output_shape(self, steps_shape: Any, text_shape: Any) -> Any:
        """Return the shapes of what `call` returns."""
        return [(*steps_shape[:2], size) for size in (self.size, self.characters - 1, text_shape[1])]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {name: getattr(self, name) for name in ("size", "characters", "gaussians", "pace")}
        return super().get_config() | own | {"cell": self.cell_name}


class _Values(keras.initializers.Initializer):
    """The given values."""

    def __init__(self, values: list[float]) -> None:
        self._values = values

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        return keras.ops.convert_to_tensor(self._values, dtype)


def _before_softplus(y: float) -> float:
    """Return x with softplus(x) = y."""
    return math.log(math.expm1(y))
