"""Small cells whose right answer can be written down by hand."""

from typing import Any

import keras
import tensorflow as tf

from layers import Cell, LSTMCell


@keras.saving.register_keras_serializable("tests")
class CountingCell(Cell):
    """The state counts steps; the output is input times count. As many features as units, no weights."""

    state_names = ("count",)

    def build(self, input_shape: Any) -> None:
        pass

    def project_inputs(self, x: Any) -> Any:
        return x

    def project_state(self, h: Any) -> Any:
        return h

    def update(self, x_proj: Any, h_proj: Any, state: Any) -> Any:
        return x_proj * (h_proj + 1.0), (h_proj + 1.0,)


class DecayCell(CountingCell):
    """h = tanh(x) + h / 2, with nothing in `project_state` that depends on h."""

    state_names = ("h",)

    def project_state(self, h: Any) -> Any:
        return tf.zeros_like(h)

    def update(self, x_proj: Any, h_proj: Any, state: Any) -> Any:
        h = tf.tanh(x_proj) + 0.5 * state[0]
        return h, (h,)


class PeepholeCell(LSTMCell):
    """Gers and Schmidhuber 2000: the input and forget gates see c through weights of their own."""

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        self.peephole = self.add_weight(shape=(2, self.units), name="peephole")

    def update(self, x_proj: Any, h_proj: Any, state: Any) -> Any:
        seen = state[1] * tf.convert_to_tensor(self.peephole)[:, None, :]
        nothing = tf.zeros_like(seen[0])
        return super().update(x_proj + tf.concat([seen[0], seen[1], nothing, nothing], -1), h_proj, state)
