"""The neural Turing machine in NumPy, number by number as in the paper, and mutants with one error each.

As in `cells`, nothing of the reference looks at the code under test.
"""

import math
from typing import Any

import numpy as np
import tensorflow as tf
from reference.cells import by_gate, sigmoid

from layers import NeuralTuringMachineCell


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


def softmax(values: list[float]) -> list[float]:
    total = sum(math.exp(value) for value in values)
    return [math.exp(value) / total for value in values]


def cosine(u: np.ndarray, v: np.ndarray) -> float:
    """Equation 6."""
    return float(np.dot(u, v)) / (math.sqrt(np.dot(u, u)) * math.sqrt(np.dot(v, v)))


def weighting(emitted: np.ndarray, memory: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Equations 5 to 9 of Graves, Wayne and Danihelka 2014, for one head and one example."""
    slots, width = memory.shape
    key, (strength, gate), shift, sharpness = np.split(emitted, [width, width + 2, width + 5])
    strength, gate, sharpness = softplus(strength), sigmoid(gate), 1.0 + softplus(sharpness[0])
    shift = dict(zip((-1, 0, 1), softmax(list(shift)), strict=True))
    content = softmax([strength * cosine(key, memory[i]) for i in range(slots)])
    gated = [gate * content[i] + (1.0 - gate) * before[i] for i in range(slots)]
    shifted = [0.0] * slots
    for j in range(slots):
        for offset, share in shift.items():
            shifted[(j + offset) % slots] += gated[j] * share
    total = sum(value**sharpness for value in shifted)
    return np.array([value**sharpness / total for value in shifted])


def one_example(x: np.ndarray, state: list[np.ndarray], weights: list[np.ndarray]) -> list[np.ndarray]:
    """One step: the LSTM controller on x and the last read, then equations 3 and 4 (write), then 2 (read)."""
    output, c, flat, read_weighting, write_weighting = state
    W, U, b = (by_gate(packed, "ifgo") for packed in weights[:3])
    before = {gate: x @ W[gate] + output @ U[gate] + b[gate] for gate in "ifgo"}
    c = sigmoid(before["f"]) * c + sigmoid(before["i"]) * np.tanh(before["g"])
    h = sigmoid(before["o"]) * np.tanh(c)
    width = len(output) - len(c)
    memory = flat.reshape(-1, width).copy()
    read_head, write_head, erase, add = np.split(
        h @ weights[3] + weights[4], [width + 6, 2 * (width + 6), 2 * (width + 6) + width]
    )
    write_weighting = weighting(write_head, memory, write_weighting)
    for i, weight in enumerate(write_weighting):
        memory[i] = memory[i] * (1.0 - weight * sigmoid(erase)) + weight * np.tanh(add)
    read_weighting = weighting(read_head, memory, read_weighting)
    read = sum(weight * memory[i] for i, weight in enumerate(read_weighting))
    return [np.concatenate([h, read]), c, memory.ravel(), read_weighting, write_weighting]


def ntm_step(x: np.ndarray, state: tuple[np.ndarray, ...], weights: list[np.ndarray]) -> tuple:
    """One step for a batch; the weightings in `state` must sum to one."""
    rows = [one_example(x[n], [part[n] for part in state], weights) for n in range(len(x))]
    return tuple(np.stack(parts) for parts in zip(*rows, strict=True))


class ShiftReversed(NeuralTuringMachineCell):
    """s(j - i) instead of s(i - j)."""

    def _shift(self, w: Any, s: Any) -> Any:
        return super()._shift(w, tf.reverse(s, [-1]))


class StrengthMissing(NeuralTuringMachineCell):
    """softmax(cosine) without beta."""

    def _by_content(self, M: Any, k: Any, beta: Any) -> Any:
        return super()._by_content(M, k, tf.ones_like(beta))


class SharpeningMissing(NeuralTuringMachineCell):
    """w = w_s."""

    def _sharpen(self, w: Any, gamma: Any) -> Any:
        return w


class EraseAndAddExchanged(NeuralTuringMachineCell):
    """Erases by a, adds e."""

    def _write(self, M: Any, w: Any, e: Any, a: Any) -> Any:
        return super()._write(M, w, a, e)


class InterpolationInverted(NeuralTuringMachineCell):
    """(1 - q) w_c + q w."""

    def _interpolate(self, by_content: Any, before: Any, q: Any) -> Any:
        return super()._interpolate(before, by_content, q)


class DotProduct(NeuralTuringMachineCell):
    """Compares the key with a slot by their product, not its cosine."""

    def _by_content(self, M: Any, k: Any, beta: Any) -> Any:
        return tf.nn.softmax(beta * tf.reduce_sum(k[:, None] * M, -1))


class ReadsBeforeWriting(NeuralTuringMachineCell):
    """r from M_(t-1)."""

    def update(self, x_proj: Any, h_proj: Any, state: Any) -> Any:
        output, c, memory, read_weighting, write_weighting = super().update(x_proj, h_proj, state)
        old = tf.reshape(state[2], [-1, self.slots, self.width])
        r = tf.reduce_sum(read_weighting[:, :, None] * old, 1)
        return tf.concat([output[:, : self.units], r], -1), c, memory, read_weighting, write_weighting


class HeadsExchanged(NeuralTuringMachineCell):
    """Each head starts from the weighting of the other."""

    def update(self, x_proj: Any, h_proj: Any, state: Any) -> Any:
        return super().update(x_proj, h_proj, (*state[:3], state[4], state[3]))


NTM_MUTANTS = [
    ShiftReversed,
    StrengthMissing,
    SharpeningMissing,
    EraseAndAddExchanged,
    InterpolationInverted,
    DotProduct,
    ReadsBeforeWriting,
    HeadsExchanged,
]
