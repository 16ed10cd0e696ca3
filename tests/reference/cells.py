"""The equations of the papers in NumPy, one step after the other, in float64.

Nothing here uses the code under test. Both pack weights as the docstrings of `layers` say: blocks of `units`
columns, in the order of the gate names below.
"""

from collections.abc import Callable

import numpy as np

Arrays = dict[str, np.ndarray]
Step = Callable[[np.ndarray, tuple[np.ndarray, ...], list[np.ndarray]], tuple[np.ndarray, ...]]


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-x))


def by_gate(packed: np.ndarray, gates: str) -> Arrays:
    """Split the last axis into one block for each gate."""
    return dict(zip(gates, np.split(np.asarray(packed, np.float64), len(gates), axis=-1), strict=True))


def simple_rnn_step(x: np.ndarray, state: tuple[np.ndarray, ...], weights: list[np.ndarray]) -> tuple:
    """Elman 1990: h_t = tanh(W x_t + U h_(t-1) + b)."""
    W, U, b = weights
    (h,) = state
    return (np.tanh(x @ W + h @ U + b),)


def lstm_step(x: np.ndarray, state: tuple[np.ndarray, ...], weights: list[np.ndarray]) -> tuple:
    """Hochreiter and Schmidhuber 1997 with the forget gate of Gers, Schmidhuber and Cummins 2000."""
    W, U, b = (by_gate(packed, "ifgo") for packed in weights)
    h, c = state
    input_gate = sigmoid(x @ W["i"] + h @ U["i"] + b["i"])
    forget_gate = sigmoid(x @ W["f"] + h @ U["f"] + b["f"])
    candidate = np.tanh(x @ W["g"] + h @ U["g"] + b["g"])
    output_gate = sigmoid(x @ W["o"] + h @ U["o"] + b["o"])
    c = forget_gate * c + input_gate * candidate
    return output_gate * np.tanh(c), c


def gru_step(x: np.ndarray, state: tuple[np.ndarray, ...], weights: list[np.ndarray]) -> tuple:
    """Cho et al. 2014 (z keeps the old state), the reset gate after the product as in cuDNN."""
    W, U = (by_gate(packed, "zrg") for packed in weights[:2])
    b, e = (by_gate(row, "zrg") for row in weights[2])
    (h,) = state
    update_gate = sigmoid(x @ W["z"] + b["z"] + h @ U["z"] + e["z"])
    reset_gate = sigmoid(x @ W["r"] + b["r"] + h @ U["r"] + e["r"])
    candidate = np.tanh(x @ W["g"] + b["g"] + reset_gate * (h @ U["g"] + e["g"]))
    return (update_gate * h + (1.0 - update_gate) * candidate,)


def sequence(
    step: Step, x: np.ndarray, state: tuple[np.ndarray, ...], weights: list[np.ndarray]
) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """Run `step` over x (batch, steps, features): outputs (batch, steps, units) and the last state."""
    weights = [np.asarray(weight, np.float64) for weight in weights]
    state = tuple(np.asarray(part, np.float64) for part in state)
    outputs = []
    for t in range(x.shape[1]):
        state = step(np.asarray(x[:, t], np.float64), state, weights)
        outputs.append(state[0])
    return np.stack(outputs, axis=1), state


def merge(mode: str | None, forward: np.ndarray, backward: np.ndarray) -> np.ndarray | list[np.ndarray]:
    """Merge the two directions of a bidirectional network (Schuster and Paliwal 1997)."""
    return {
        "concat": lambda: np.concatenate([forward, backward], axis=-1),
        "sum": lambda: forward + backward,
        "mul": lambda: forward * backward,
        "ave": lambda: 0.5 * (forward + backward),
        None: lambda: [forward, backward],
    }[mode]()
