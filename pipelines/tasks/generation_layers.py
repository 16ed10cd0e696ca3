"""Define Keras layers of networks that generate step by step, and run such a network as a `StepNetwork`."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .._layers import layers
from ..ondevice.step_network import Outputs, State


class KerasNetwork:
    """Runs a Keras model with one input and one output as a `StepNetwork` (see `ondevice.step_network`)."""

    def __init__(self, model: keras.Model) -> None:
        self._one_step = layers.OneStep(model)
        self._step = tf.function(self._one_step)
        self._output = model.output_names[0]

    def initial_state(self) -> State:
        """Return the state before the first step."""
        return self._one_step.initial_states(1)

    def __call__(self, step: np.ndarray, state: State, /) -> tuple[Outputs, State]:
        """Return the output of one step by name, and the next state."""
        output, state = self._step(tf.constant(step[None, None]), state)
        return {self._output: output[0, 0].numpy()}, state


@keras.saving.register_keras_serializable("unrolled")
class WithoutMask(keras.layers.Layer):
    """Returns its input without Keras's mask, for layers behind it that are told what is padding.

    Keras warns of a mask that ends at a layer which does not take masks. Can run step by step.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return the input."""
        return tf.identity(inputs)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        """Return no mask."""

    def stream_states(self, batch_size: Any) -> dict[str, tf.Tensor]:
        """Return no states: nothing is carried from step to step."""
        return {}


@keras.saving.register_keras_serializable("unrolled")
class Columns(keras.layers.Layer):
    """Selects the features from `start` to `stop` of each step. Can run step by step.

    Args:
        start, stop: the range of features, counted from 0, without `stop` itself.
        squeeze: remove the feature axis; only for a single feature.

    Call arguments: `sequences` (batch, steps, features).
    Returns: (batch, steps, stop - start), with `squeeze` (batch, steps).
    """

    def __init__(self, start: int, stop: int, squeeze: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.start = start
        self.stop = stop
        self.squeeze = squeeze

    def call(self, sequences: tf.Tensor) -> tf.Tensor:
        """Return the selected features."""
        return sequences[:, :, self.start] if self.squeeze else sequences[:, :, self.start : self.stop]

    def stream_states(self, batch_size: Any) -> dict[str, tf.Tensor]:
        """Return no states: nothing is carried from step to step."""
        return {}

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"start": self.start, "stop": self.stop, "squeeze": self.squeeze}


@keras.saving.register_keras_serializable("unrolled")
class RecentAttention(keras.layers.Layer):
    """Scaled dot-product attention of each step over the last `window` steps. Can run step by step.

        q_t = x_t W_q,   k_t = x_t W_k,   v_t = x_t W_v
        a_tj = softmax over the window t - window < j <= t of q_t k_j / sqrt(units)
        y_t = sum_j a_tj v_j

    Steps before the start have no weight. Source: A. Vaswani et al., Attention is all you need, NeurIPS
    2017, here with one head and within a window.

    Args:
        window: the number of steps in the window, including the current one.
        units: the size of queries, keys and values.

    Call arguments: `sequences` (batch, steps, features). Returns: (batch, steps, units).
    """

    def __init__(self, window: int, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.window = window
        self.units = units

    def build(self, sequences_shape: tuple[int | None, ...]) -> None:
        """Create the weights (features, units) of queries, keys and values."""
        shape = (sequences_shape[-1], self.units)
        self.query_kernel, self.key_kernel, self.value_kernel = (
            self.add_weight(shape=shape, name=f"{role}_kernel") for role in ("query", "key", "value")
        )

    def call(self, sequences: tf.Tensor) -> tf.Tensor:
        """Return the attended steps (batch, steps, units)."""
        steps = tf.shape(sequences)[1]
        # A column of ones distinguishes real steps from the zeros before the start.
        marked = tf.concat([sequences, tf.ones_like(sequences[:, :, :1])], axis=2)
        memory = layers.states.after_the_past(self, marked, self.window - 1)
        features, real = memory[:, :, :-1], memory[:, None, :, -1]
        scores = tf.matmul(sequences @ self.query_kernel, features @ self.key_kernel, transpose_b=True)
        lag = tf.range(steps)[:, None] + self.window - 1 - tf.range(tf.shape(memory)[1])[None]
        in_window = tf.cast((lag >= 0) & (lag < self.window), scores.dtype) * real
        weights = tf.nn.softmax(scores * self.units**-0.5 - 1e4 * (1 - in_window))
        return weights @ (features @ self.value_kernel)

    def stream_states(self, batch_size: Any) -> dict[str, tf.Tensor]:
        """Return the states before the first step: zeros for the steps of the window."""
        features = self.query_kernel.shape[0] + 1
        past = (batch_size, self.window - 1, features)
        return layers.states.zero_past(past, self.compute_dtype)

    def compute_output_shape(self, sequences_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of what `call` returns."""
        return (*sequences_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return super().get_config() | {"window": self.window, "units": self.units}
