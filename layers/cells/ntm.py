"""The neural Turing machine: an LSTM with a memory that it addresses by content and by location."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from ..cell_layer import CellLayer
from ..checks import require_units
from .base import Cell, affine

_SHIFTS = (-1, 0, 1)
_TINY = 1e-7
"""Keeps logarithms and quotients finite. It is far below any weight or norm, and above 0 in float16."""


@keras.saving.register_keras_serializable("unrolled")
class NeuralTuringMachineCell(Cell):
    """One step of the neural Turing machine: an LSTM controller, a memory, a write head and a read head.

    The controller also reads r, the vector that the read head returned at the step before. [h, r] together
    are one state, which is also the output:

        i = sigmoid(x_t W_i + [h, r]_(t-1) U_i + b_i)              input gate
        f = sigmoid(x_t W_f + [h, r]_(t-1) U_f + b_f)              forget gate
        g = tanh(x_t W_g + [h, r]_(t-1) U_g + b_g)                 new content
        o = sigmoid(x_t W_o + [h, r]_(t-1) U_o + b_o)              output gate
        c_t = f * c_(t-1) + i * g
        h_t = o * tanh(c_t)

    Each head (read, write) has a weighting w of the memory slots M(i), with w(i) >= 0 and sum one. Its key
    and its movement are affine in h_t, with their own columns of V:

        k = h_t V_k + d_k                                          key
        beta = softplus(h_t V_beta + d_beta)                       key strength
        q = sigmoid(h_t V_q + d_q)                                 content or location
        s = softmax(h_t V_s + d_s)                                 shift by -1, 0 or 1
        gamma = 1 + softplus(h_t V_gamma + d_gamma)                sharpness

        w_c(i) = softmax_i(beta * cosine(k, M(i)))
        w_q(i) = q * w_c(i) + (1 - q) * w_(t-1)(i)
        w_s(i) = sum_j w_q(j) s(i - j)                             slots form a ring
        w_t(i) = w_s(i)^gamma / sum_j w_s(j)^gamma

    The write head acts first: with its weighting w of M_(t-1) it erases by e and adds a. Then the read head
    reads M_t with its weighting v:

        e = sigmoid(h_t V_e + d_e)
        a = tanh(h_t V_a + d_a)
        M_t(i) = M_(t-1)(i) * (1 - w_t(i) e) + w_t(i) a
        r_t = sum_i v_t(i) M_t(i)

    All states start at zero. If a weighting sums to less than one, the first slot gets the rest, so both
    heads start there. Equal weights for all slots of an empty memory would stay equal forever.

    Args:
        units: size of h and c. The output has `units + width` numbers.
        activation: the tanh of the new content, of c and of a.
        slots: number of memory slots.
        width: numbers in a slot.
        **kwargs: the options that every cell has, by name: use_bias; kernel_, recurrent_ and bias_ with
            initializer, regularizer and constraint; dropout, recurrent_dropout, zoneout, seed. `Cell`
            describes them.

    Call arguments: `inputs` (batch, features), `states` a tuple of the five states below, `training`.
    Returns: the output (batch, units + width) and a tuple of the new states.

    Weights: kernel W (features, 4 * units), recurrent_kernel U (units + width, 4 * units) and bias b
    (4 * units,) with blocks in the order i, f, g, o; head_kernel V (units, 4 * width + 12) and head_bias d
    (4 * width + 12,) with blocks in the order k, beta, q, s, gamma of the read head, the same of the write
    head, e, a. head_kernel uses the initializer, regularizer and constraint of kernel, head_bias those of
    bias.
    States: output (batch, units + width), which is h and r; c (batch, units); memory
    (batch, slots * width), slot after slot; read_weighting v and write_weighting w (batch, slots).

    Raises:
        ValueError: `units`, `slots` or `width` is not a whole number above 0.

    Reference: A. Graves, G. Wayne and I. Danihelka, Neural Turing machines, arXiv:1410.5401 (2014).
    """

    state_names = ("output", "c", "memory", "read_weighting", "write_weighting")
    gates = 4
    multiplies_state = True
    adds_projections = True

    def __init__(
        self, units: int, activation: Any = "tanh", slots: int = 128, width: int = 20, **kwargs: Any
    ) -> None:
        super().__init__(units, activation=activation, **kwargs)
        require_units(self, slots, "slots")
        require_units(self, width, "width")
        self.slots = slots
        self.width = width

    @property
    def state_size(self) -> tuple[int, ...]:
        return self.units + self.width, self.units, self.slots * self.width, self.slots, self.slots

    @property
    def _head_columns(self) -> tuple[int, ...]:
        """Numbers of columns of the read head, the write head, e and a."""
        addressing = self.width + 2 + len(_SHIFTS) + 1
        return addressing, addressing, self.width, self.width

    def build(self, input_shape: Sequence[int | None]) -> None:
        super().build(input_shape)
        columns = sum(self._head_columns)
        self.head_kernel = self._weight("head_kernel", "kernel", (self.units, columns))
        self.head_bias = self._weight("head_bias", "bias", (columns,)) if self.use_bias else None

    def _weight(self, name: str, role: str, shape: tuple[int, ...]) -> keras.Variable:
        if name == "recurrent_kernel":
            shape = (self.output_size, *shape[1:])
        return super()._weight(name, role, shape)

    def project_inputs(self, x: tf.Tensor) -> tf.Tensor:
        return affine(x, self.kernel, self.bias)

    def project_state(self, h: tf.Tensor) -> tf.Tensor:
        return affine(h, self.recurrent_kernel)

    def update(
        self, x_proj: tf.Tensor, h_proj: tf.Tensor, state: Sequence[tf.Tensor]
    ) -> tuple[tf.Tensor, ...]:
        _, c, memory, read_weighting, write_weighting = state
        i, f, g, o = tf.split(x_proj + h_proj, 4, axis=-1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * self.activation(g)
        h = tf.sigmoid(o) * self.activation(c)
        heads = affine(h, self.head_kernel, self.head_bias)
        to_read, to_write, e, a = tf.split(heads, self._head_columns, axis=-1)
        M = tf.reshape(memory, [-1, self.slots, self.width])
        w = self._weigh(to_write, M, write_weighting)
        M = self._write(M, w, tf.sigmoid(e), self.activation(a))
        v = self._weigh(to_read, M, read_weighting)
        r = tf.reduce_sum(v[:, :, None] * M, axis=1)
        return tf.concat([h, r], -1), c, tf.reshape(M, [-1, self.slots * self.width]), v, w

    def _weigh(self, head: tf.Tensor, M: tf.Tensor, before: tf.Tensor) -> tf.Tensor:
        """Return the new weighting (batch, slots) of a head from its columns and its weighting before."""
        k, beta, q, s, gamma = tf.split(head, [self.width, 1, 1, len(_SHIFTS), 1], axis=-1)
        w = self._by_content(M, k, tf.math.softplus(beta))
        w = self._interpolate(w, _completed(before), tf.sigmoid(q))
        return self._sharpen(self._shift(w, tf.nn.softmax(s)), 1.0 + tf.math.softplus(gamma))

    def _by_content(self, M: tf.Tensor, k: tf.Tensor, beta: tf.Tensor) -> tf.Tensor:
        products = tf.reduce_sum(k[:, None, :] * M, axis=-1)
        return tf.nn.softmax(beta * products / (_norm(k) * _norm(M)[:, :, 0]))

    def _interpolate(self, by_content: tf.Tensor, before: tf.Tensor, q: tf.Tensor) -> tf.Tensor:
        return q * by_content + (1.0 - q) * before

    def _shift(self, w: tf.Tensor, s: tf.Tensor) -> tf.Tensor:
        shares = tf.split(s, len(_SHIFTS), axis=-1)
        return tf.add_n([share * _rolled(w, shift) for share, shift in zip(shares, _SHIFTS, strict=True)])

    def _sharpen(self, w: tf.Tensor, gamma: tf.Tensor) -> tf.Tensor:
        return tf.nn.softmax(gamma * tf.math.log(tf.maximum(w, _TINY)))

    def _write(self, M: tf.Tensor, w: tf.Tensor, e: tf.Tensor, a: tf.Tensor) -> tf.Tensor:
        w, e, a = w[:, :, None], e[:, None, :], a[:, None, :]
        return M * (1.0 - w * e) + w * a

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"slots": self.slots, "width": self.width}


def _completed(w: tf.Tensor) -> tf.Tensor:
    """Raise the weight of the first slot so that the weights sum to one."""
    missing = 1.0 - tf.reduce_sum(w, axis=-1, keepdims=True)
    return tf.concat([w[:, :1] + missing, w[:, 1:]], -1)


def _rolled(w: tf.Tensor, by: int) -> tf.Tensor:
    """Move every weight up by `by` slots. TFLite has no tf.roll."""
    return w if by == 0 else tf.concat([w[:, -by:], w[:, :-by]], -1)


def _norm(x: tf.Tensor) -> tf.Tensor:
    return tf.sqrt(tf.reduce_sum(x * x, axis=-1, keepdims=True) + _TINY)


@keras.saving.register_keras_serializable("unrolled")
class NeuralTuringMachine(CellLayer):
    """The neural Turing machine over a sequence.

    Every step computes the equations of `NeuralTuringMachineCell`. Padding changes neither the state nor the
    output.

    Args:
        units: size of h and c.
        activation: the tanh of the equations.
        **kwargs: the other arguments by name: those of `NeuralTuringMachineCell` (slots, width, use_bias,
            dropout, ...) and those of `Recurrent` (return_sequences, return_state, go_backwards, stateful,
            ...).

    Call arguments: `sequences` (batch, steps, features); `initial_state`, a list of the five states, zeros if
    left out; `mask` (batch, steps), False at padding; `training`.
    Returns: (batch, units + width), or (batch, steps, units + width) with return_sequences; with
    return_state a list of the output and the states.

    >>> NeuralTuringMachine(4, slots=8, width=3, return_sequences=True)(tf.ones([2, 5, 6])).shape
    TensorShape([2, 5, 7])
    """

    cell_class = NeuralTuringMachineCell
