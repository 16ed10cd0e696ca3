"""Variants of LSTM and GRU and related cells with one error each. The parity check must fail on each."""

from typing import Any

import tensorflow as tf

from layers import (
    CfCCell,
    FastGRNNCell,
    GRUCell,
    IndRNNCell,
    LSTMCell,
    MGUCell,
    MinGRUCell,
    MinLSTMCell,
    RGLRUCell,
    SLSTMCell,
    SRUCell,
)
from layers.cells.lstm import layer_norm


class OutputGateSeesOldCell(LSTMCell):
    """The peephole of o looks at c_(t-1)."""

    def update(self, x_proj: Any, h_proj: Any, state: Any) -> Any:
        _, c = super().update(x_proj, h_proj, state)
        o = (x_proj + h_proj)[:, 3 * self.units :] + self.peephole_kernel[2] * state[1]
        return tf.sigmoid(o) * tf.tanh(c), c


class PeepholesExchanged(LSTMCell):
    """i and f exchange their peepholes."""

    def update(self, x_proj: Any, h_proj: Any, state: Any) -> Any:
        p_i, p_f, _ = tf.unstack(tf.convert_to_tensor(self.peephole_kernel))
        nothing = tf.zeros_like(state[1])
        wrong = tf.concat([(p_f - p_i) * state[1], (p_i - p_f) * state[1], nothing, nothing], -1)
        return super().update(x_proj + wrong, h_proj, state)


class ProjectionSquashed(LSTMCell):
    """h = tanh((o * tanh(c)) P)."""

    def update(self, x_proj: Any, h_proj: Any, state: Any) -> Any:
        h, c = super().update(x_proj, h_proj, state)
        return tf.tanh(h), c


class NormalisedTogether(LSTMCell):
    """LN(x W + h U) instead of LN(x W) + LN(h U)."""

    def _sum(self, x_proj: Any, h_proj: Any) -> Any:
        return layer_norm(x_proj + h_proj, self.kernel_gain, self.bias)


class GatesNormalisedApart(LSTMCell):
    """Mean and variance of each gate by itself."""

    def _sum(self, x_proj: Any, h_proj: Any) -> Any:
        total = tf.convert_to_tensor(self.bias)
        for part, gain in ((x_proj, self.kernel_gain), (h_proj, self.recurrent_gain)):
            blocks = zip(tf.split(part, 4, -1), tf.split(tf.convert_to_tensor(gain), 4), strict=True)
            total += tf.concat([layer_norm(block, block_gain) for block, block_gain in blocks], -1)
        return total


class NormalisedCellCarried(LSTMCell):
    """The normalised c is kept as the state instead of c."""

    def update(self, x_proj: Any, h_proj: Any, state: Any) -> Any:
        h, c = super().update(x_proj, h_proj, state)
        return h, layer_norm(c, self.cell_gain, self.cell_bias)


class CellNotNormalised(LSTMCell):
    """h = o * tanh(c)."""

    def update(self, x_proj: Any, h_proj: Any, state: Any) -> Any:
        _, c = super().update(x_proj, h_proj, state)
        o = self._sum(x_proj, h_proj)[:, 3 * self.units :]
        return tf.sigmoid(o) * tf.tanh(c), c


class ResetAfterProduct(GRUCell):
    """g from r * (h U) instead of (r * h) U."""

    def update(self, x_proj: Any, h_proj: Any, state: Any) -> Any:
        gates = tf.sigmoid((x_proj + h_proj)[:, : 2 * self.units])
        z, r = tf.split(gates, 2, axis=-1)
        product = state[0] @ tf.convert_to_tensor(self.recurrent_kernel)[:, 2 * self.units :]
        g = tf.tanh(x_proj[:, 2 * self.units :] + r * product)
        return (z * state[0] + (1.0 - z) * g,)


class ForgetGateInverted(MGUCell):
    """h = f * h + (1 - f) * g."""

    def update(self, x_proj: Any, h_proj: Any, state: Any) -> Any:
        (h,) = super().update(x_proj, h_proj, state)
        f = tf.sigmoid((x_proj + h_proj)[:, : self.units])
        g = (h - (1.0 - f) * state[0]) / f
        return (f * state[0] + (1.0 - f) * g,)


class CandidateSeesWholeState(MGUCell):
    """g from h U instead of (f * h) U."""

    def update(self, x_proj: Any, h_proj: Any, state: Any) -> Any:
        f = tf.sigmoid((x_proj + h_proj)[:, : self.units])
        return super().update(
            x_proj, tf.concat([h_proj[:, : self.units], h_proj[:, self.units :] / f], -1), state
        )


class UnitsSeeTheirNeighbours(IndRNNCell):
    """u_j weighs the state of another unit."""

    def project_state(self, h: Any) -> Any:
        return super().project_state(tf.roll(h, 1, axis=-1))


class RecurrentWeightMissing(IndRNNCell):
    """h = relu(x W + b + h)."""

    def project_state(self, h: Any) -> Any:
        return h


class MinimalGateInverted(MinGRUCell):
    """h = z * h + (1 - z) * g."""

    def coefficients(self, x_proj: Any) -> Any:
        z, g = tf.split(x_proj, 2, axis=-1)
        return super().coefficients(tf.concat([-z, g], -1))


class CandidateSquashed(MinGRUCell):
    """g = tanh(x W_g + b_g)."""

    def coefficients(self, x_proj: Any) -> Any:
        z, g = tf.split(x_proj, 2, axis=-1)
        return super().coefficients(tf.concat([z, tf.tanh(g)], -1))


class GatesNotNormalised(MinLSTMCell):
    """h = f * h + i * g."""

    def coefficients(self, x_proj: Any) -> Any:
        i, f, g = tf.split(x_proj, 3, axis=-1)
        return tf.sigmoid(f), tf.sigmoid(i) * g


class MinimalGatesExchanged(MinLSTMCell):
    """Input and forget gate exchange their columns."""

    def coefficients(self, x_proj: Any) -> Any:
        i, f, g = tf.split(x_proj, 3, axis=-1)
        return super().coefficients(tf.concat([f, i, g], -1))


class BiasesExchanged(FastGRNNCell):
    """Gate and new content exchange their biases."""

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        self.wrong = self.bias

    def update(self, x_proj: Any, h_proj: Any, state: Any) -> Any:
        self.bias = tf.roll(tf.convert_to_tensor(self.wrong), self.units, 0)
        return super().update(x_proj, h_proj, state)


class NuMissing(FastGRNNCell):
    """h = zeta * (1 - z) * g + z * h."""

    def update(self, x_proj: Any, h_proj: Any, state: Any) -> Any:
        (h,) = super().update(x_proj, h_proj, state)
        g = tf.tanh(x_proj + h_proj + tf.convert_to_tensor(self.bias)[self.units :])
        return (h - tf.sigmoid(self.mix[1]) * g,)


class MatricesOfTheStateExchanged(FastGRNNCell):
    """U = (U_1 U_2) transposed."""

    def project_state(self, h: Any) -> Any:
        return h @ tf.transpose(tf.matmul(self.recurrent_left, self.recurrent_right))


class GateSeesNewState(SRUCell):
    """The reset gate sees c_t instead of c_(t-1)."""

    def update(self, x_proj: Any, h_proj: Any, state: Any) -> Any:
        _, c = super().update(x_proj, h_proj, state)
        _, r, _, s = tf.split(x_proj, 4, axis=-1)
        r = tf.sigmoid(r + tf.convert_to_tensor(self.state_kernel)[1] * c)
        return r * c + (1.0 - r) * s, c


class GatesSeeTheOutput(SRUCell):
    """v weighs h_(t-1) instead of c_(t-1)."""

    def update(self, x_proj: Any, h_proj: Any, state: Any) -> Any:
        v_f, v_r = tf.unstack(tf.convert_to_tensor(self.state_kernel))
        wrong = state[0] - state[1]
        nothing = tf.zeros_like(wrong)
        return super().update(
            x_proj + tf.concat([v_f * wrong, v_r * wrong, nothing, nothing], -1), h_proj, state
        )


class SkippedInputMissing(SRUCell):
    """h = r * c."""

    def update(self, x_proj: Any, h_proj: Any, state: Any) -> Any:
        columns = tf.split(x_proj, 4, axis=-1)
        return super().update(tf.concat([*columns[:3], tf.zeros_like(columns[3])], -1), h_proj, state)


class InputNotScaled(RGLRUCell):
    """h = a * h + i * g."""

    def coefficients(self, x_proj: Any) -> Any:
        a, b = super().coefficients(x_proj)
        return a, b / tf.sqrt(1.0 - a * a)


class PowerMissing(RGLRUCell):
    """a = sigmoid(decay)^r."""

    def coefficients(self, x_proj: Any) -> Any:
        a, b = super().coefficients(x_proj)
        wrong = a ** (1.0 / 8.0)
        return wrong, b * tf.sqrt((1.0 - wrong**2) / (1.0 - a**2))


class RealGatesExchanged(RGLRUCell):
    """Recurrence and input gate exchange their columns."""

    def coefficients(self, x_proj: Any) -> Any:
        r, i, g = tf.split(x_proj, 3, axis=-1)
        return super().coefficients(tf.concat([i, r, g], -1))


class ContentsExchanged(CfCCell):
    """h = (1 - s) * g + s * k."""

    def update(self, x_proj: Any, h_proj: Any, state: Any) -> Any:
        g, k, a, d = tf.split(x_proj + h_proj, 4, axis=-1)
        return super().update(tf.concat([k, g, a, d], -1), tf.zeros_like(h_proj), state)


class ContentsNotBounded(CfCCell):
    """k without its tanh."""

    def update(self, x_proj: Any, h_proj: Any, state: Any) -> Any:
        (h,) = super().update(x_proj, h_proj, state)
        _, k, a, d = tf.split(x_proj + h_proj, 4, axis=-1)
        return (h + (1.0 - tf.sigmoid(a + d)) * (k - tf.tanh(k)),)


class TimeIgnored(CfCCell):
    """s = sigmoid(a + d)."""

    def project_inputs(self, x: Any) -> Any:
        return super().project_inputs(tf.concat([x[..., :-1], tf.ones_like(x[..., -1:])], -1))


class InputGateIsASigmoid(SLSTMCell):
    """i = sigmoid(p_i) instead of exp(p_i)."""

    def update(self, x_proj: Any, h_proj: Any, state: Any) -> Any:
        i, *others = tf.split(x_proj + h_proj, 4, axis=-1)
        return super().update(tf.concat([tf.math.log_sigmoid(i), *others], -1), tf.zeros_like(h_proj), state)


class ForgetGateIsAnExponential(SLSTMCell):
    """log f = p_f."""

    def update(self, x_proj: Any, h_proj: Any, state: Any) -> Any:
        h, c, log_n = state
        f = (x_proj + h_proj)[:, self.units : 2 * self.units]
        return super().update(x_proj, h_proj, (h, c, log_n + f - tf.math.log_sigmoid(f)))


class SumOfWeightsForgotten(SLSTMCell):
    """n starts anew at every step."""

    def update(self, x_proj: Any, h_proj: Any, state: Any) -> Any:
        h, c, log_n = state
        return super().update(x_proj, h_proj, (h, c, tf.zeros_like(log_n)))


VARIANT_MUTANTS = {
    OutputGateSeesOldCell: "LSTM with peepholes",
    PeepholesExchanged: "LSTM with peepholes",
    ProjectionSquashed: "LSTM with projection",
    NormalisedTogether: "LSTM with layer normalisation",
    GatesNormalisedApart: "LSTM with layer normalisation",
    NormalisedCellCarried: "LSTM with layer normalisation",
    CellNotNormalised: "LSTM with layer normalisation",
    ResetAfterProduct: "GRU with reset before",
    ForgetGateInverted: "MGU",
    CandidateSeesWholeState: "MGU",
    UnitsSeeTheirNeighbours: "IndRNN",
    RecurrentWeightMissing: "IndRNN",
    MinimalGateInverted: "MinGRU",
    CandidateSquashed: "MinGRU",
    GatesNotNormalised: "MinLSTM",
    MinimalGatesExchanged: "MinLSTM",
    BiasesExchanged: "FastGRNN",
    GateSeesNewState: "SRU",
    GatesSeeTheOutput: "SRU",
    SkippedInputMissing: "SRU",
    InputNotScaled: "RGLRU",
    PowerMissing: "RGLRU",
    RealGatesExchanged: "RGLRU",
    ContentsExchanged: "CfC",
    ContentsNotBounded: "CfC",
    TimeIgnored: "CfC with times",
    InputGateIsASigmoid: "SLSTM",
    ForgetGateIsAnExponential: "SLSTM",
    SumOfWeightsForgotten: "SLSTM",
    NuMissing: "FastGRNN",
    MatricesOfTheStateExchanged: "FastGRNN of low rank",
}
