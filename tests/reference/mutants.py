"""Cells with one error each. The parity check must fail on each of them."""

from typing import Any

import tensorflow as tf

from layers import GRUCell, LSTMCell, SimpleRNNCell


class GatesExchanged(LSTMCell):
    """Input and forget gate exchange their columns."""

    def update(self, x_proj: Any, h_proj: Any, state: Any) -> Any:
        x_proj, h_proj = (_blocks(part, 4, [1, 0, 2, 3]) for part in (x_proj, h_proj))
        return super().update(x_proj, h_proj, state)


class OutputGateMissing(LSTMCell):
    """h = tanh(c)."""

    def update(self, x_proj: Any, h_proj: Any, state: Any) -> Any:
        _, c = super().update(x_proj, h_proj, state)
        return tf.tanh(c), c


class CellStateNotSquashed(LSTMCell):
    """h = o * c instead of o * tanh(c)."""

    def update(self, x_proj: Any, h_proj: Any, state: Any) -> Any:
        _, c = super().update(x_proj, h_proj, state)
        return tf.sigmoid(tf.split(x_proj + h_proj, 4, axis=-1)[3]) * c, c


class StatesExchanged(LSTMCell):
    """Returns (c, h) for (h, c)."""

    def update(self, x_proj: Any, h_proj: Any, state: Any) -> Any:
        h, c = super().update(x_proj, h_proj, state)
        return c, h


class BiasMissing(LSTMCell):
    """Has a bias but never adds it."""

    def project_inputs(self, x: Any) -> Any:
        return super().project_inputs(x) - self.bias


class UpdateGateInverted(GRUCell):
    """h = (1 - z) h + z g."""

    def update(self, x_proj: Any, h_proj: Any, state: Any) -> Any:
        z = tf.sigmoid((x_proj + h_proj)[..., : self.units])
        h = super().update(x_proj, h_proj, state)[0]
        g = (h - z * state[0]) / (1.0 - z)
        h = (1.0 - z) * state[0] + z * g
        return (h,)


class ResetBeforeProduct(GRUCell):
    """g from (r * h) U instead of r * (h U)."""

    def update(self, x_proj: Any, h_proj: Any, state: Any) -> Any:
        z, r = tf.split(tf.sigmoid((x_proj + h_proj)[..., : 2 * self.units]), 2, axis=-1)
        product = self.project_state(r * state[0])
        g = tf.tanh((x_proj + product)[..., 2 * self.units :])
        h = z * state[0] + (1.0 - z) * g
        return (h,)


class BiasesSwapped(GRUCell):
    """The recurrent bias on the inputs, the input bias on the state."""

    def project_inputs(self, x: Any) -> Any:
        return super().project_inputs(x) - self.bias[0] + self.bias[1]

    def project_state(self, h: Any) -> Any:
        return super().project_state(h) - self.bias[1] + self.bias[0]


class ResetAndUpdateExchanged(GRUCell):
    """z and r exchange their columns."""

    def update(self, x_proj: Any, h_proj: Any, state: Any) -> Any:
        x_proj, h_proj = (_blocks(part, 3, [1, 0, 2]) for part in (x_proj, h_proj))
        return super().update(x_proj, h_proj, state)


class RecurrentKernelTransposed(SimpleRNNCell):
    """h U^T instead of h U."""

    def project_state(self, h: Any) -> Any:
        return tf.einsum("...i,ji->...j", h, tf.convert_to_tensor(self.recurrent_kernel))


class RecurrentTermDeleted(SimpleRNNCell):
    """Forgets at every step."""

    def project_state(self, h: Any) -> Any:
        return tf.zeros_like(super().project_state(h))


class InputsReversed(SimpleRNNCell):
    """Reads the sequence from its end (projections are time-major)."""

    def project_inputs(self, x: Any) -> Any:
        return tf.reverse(super().project_inputs(x), [0])


def _blocks(packed: Any, count: int, order: list[int]) -> Any:
    parts = tf.split(packed, count, axis=-1)
    return tf.concat([parts[index] for index in order], axis=-1)


MUTANTS = {
    GatesExchanged: "LSTM",
    OutputGateMissing: "LSTM",
    CellStateNotSquashed: "LSTM",
    StatesExchanged: "LSTM",
    BiasMissing: "LSTM",
    UpdateGateInverted: "GRU",
    ResetBeforeProduct: "GRU",
    BiasesSwapped: "GRU",
    ResetAndUpdateExchanged: "GRU",
    RecurrentKernelTransposed: "SimpleRNN",
    RecurrentTermDeleted: "SimpleRNN",
    InputsReversed: "SimpleRNN",
}
"""Each mutant, and the case of test_reference.py that must fail on it."""
