"""Small cells with obvious answers."""

from typing import Any

import keras
import tensorflow as tf

from layers import Cell


@keras.saving.register_keras_serializable("tests")
class CountingCell(Cell):
    """Counts the steps in a state and returns input times count. It has no weights."""

    state_names = ("y", "count")

    def build(self, input_shape: Any) -> None:
        pass

    def project_inputs(self, x: Any) -> Any:
        return x

    def project_state(self, h: Any) -> Any:
        return h

    def update(self, x_proj: Any, h_proj: Any, state: Any) -> Any:
        count = state[1] + 1.0
        return x_proj * count, count


class DecayCell(CountingCell):
    """h = tanh(x) + h / 2, with nothing in `project_state` that depends on h."""

    state_names = ("h",)

    def project_state(self, h: Any) -> Any:
        return tf.zeros_like(h)

    def update(self, x_proj: Any, h_proj: Any, state: Any) -> Any:
        h = tf.tanh(x_proj) + 0.5 * state[0]
        return (h,)
