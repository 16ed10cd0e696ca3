"""More equations of the papers in NumPy: options of LSTM and GRU, and related cells.

As in `cells`, nothing here looks at the code under test; weights come in the order of the docstrings.
"""

import numpy as np
from reference.cells import by_gate, sigmoid


def normalised(z: np.ndarray, gain: np.ndarray, bias: np.ndarray | float = 0.0) -> np.ndarray:
    """Ba, Kiros and Hinton 2016, equation 15 of the supplement, with 1e-5 beside the variance."""
    rows = [(row - np.mean(row)) / np.sqrt(np.var(row) + 1e-5) for row in z]
    return np.stack(rows) * gain + bias


def lstm_with_peepholes_step(x: np.ndarray, state: tuple, weights: list[np.ndarray]) -> tuple:
    """Gers and Schmidhuber 2000: i and f see the old cell state, o the new one."""
    W, U, b = (by_gate(packed, "ifgo") for packed in weights[:3])
    peephole = dict(zip("ifo", weights[3], strict=True))
    h, c = state
    input_gate = sigmoid(x @ W["i"] + h @ U["i"] + b["i"] + peephole["i"] * c)
    forget_gate = sigmoid(x @ W["f"] + h @ U["f"] + b["f"] + peephole["f"] * c)
    new_c = forget_gate * c + input_gate * np.tanh(x @ W["g"] + h @ U["g"] + b["g"])
    output_gate = sigmoid(x @ W["o"] + h @ U["o"] + b["o"] + peephole["o"] * new_c)
    return output_gate * np.tanh(new_c), new_c


def lstm_with_projection_step(x: np.ndarray, state: tuple, weights: list[np.ndarray]) -> tuple:
    """Sak, Senior and Beaufays 2014: the recurrence and the output see the cell's output through P."""
    W, U, b = (by_gate(packed, "ifgo") for packed in weights[:3])
    P = weights[3]
    r, c = state
    before = {gate: x @ W[gate] + r @ U[gate] + b[gate] for gate in "ifgo"}
    c = sigmoid(before["f"]) * c + sigmoid(before["i"]) * np.tanh(before["g"])
    return (sigmoid(before["o"]) * np.tanh(c)) @ P, c


def lstm_with_layer_normalization_step(x: np.ndarray, state: tuple, weights: list[np.ndarray]) -> tuple:
    """Ba, Kiros and Hinton 2016, equations 20 to 22 of the supplement."""
    W, U, b, kernel_gain, recurrent_gain, cell_gain, cell_bias = weights
    h, c = state
    before = by_gate(normalised(h @ U, recurrent_gain) + normalised(x @ W, kernel_gain) + b, "ifgo")
    c = sigmoid(before["f"]) * c + sigmoid(before["i"]) * np.tanh(before["g"])
    return sigmoid(before["o"]) * np.tanh(normalised(c, cell_gain, cell_bias)), c


def lstm_with_everything_step(x: np.ndarray, state: tuple, weights: list[np.ndarray]) -> tuple:
    """Peepholes, layer normalisation and projection together."""
    W, U, b, peephole, kernel_gain, recurrent_gain, cell_gain, cell_bias, P = weights
    h, c = state
    before = by_gate(normalised(h @ U, recurrent_gain) + normalised(x @ W, kernel_gain) + b, "ifgo")
    input_gate = sigmoid(before["i"] + peephole[0] * c)
    forget_gate = sigmoid(before["f"] + peephole[1] * c)
    c = forget_gate * c + input_gate * np.tanh(before["g"])
    output_gate = sigmoid(before["o"] + peephole[2] * c)
    return (output_gate * np.tanh(normalised(c, cell_gain, cell_bias))) @ P, c


def gru_with_reset_before_step(x: np.ndarray, state: tuple, weights: list[np.ndarray]) -> tuple:
    """Cho et al. 2014, z keeping the old state: the reset gate is on the state, not on the product."""
    W, U, b = (by_gate(packed, "zrg") for packed in weights)
    (h,) = state
    update_gate = sigmoid(x @ W["z"] + h @ U["z"] + b["z"])
    reset_gate = sigmoid(x @ W["r"] + h @ U["r"] + b["r"])
    candidate = np.tanh(x @ W["g"] + (reset_gate * h) @ U["g"] + b["g"])
    return (update_gate * h + (1.0 - update_gate) * candidate,)


def mgu_step(x: np.ndarray, state: tuple, weights: list[np.ndarray]) -> tuple:
    """Zhou et al. 2016, equations 6 to 8: one gate forgets and resets."""
    W, U, b = (by_gate(packed, "fg") for packed in weights)
    (h,) = state
    forget_gate = sigmoid(x @ W["f"] + h @ U["f"] + b["f"])
    candidate = np.tanh(x @ W["g"] + (forget_gate * h) @ U["g"] + b["g"])
    return ((1.0 - forget_gate) * h + forget_gate * candidate,)


def ind_rnn_step(x: np.ndarray, state: tuple, weights: list[np.ndarray]) -> tuple:
    """Li et al. 2018: h_t = relu(W x_t + u * h_(t-1) + b), that is U = diag(u)."""
    W, u, b = weights
    (h,) = state
    return (np.maximum(x @ W + h @ np.diag(u) + b, 0.0),)


def min_gru_step(x: np.ndarray, state: tuple, weights: list[np.ndarray]) -> tuple:
    """Feng et al. 2024: the gate and the candidate from the inputs alone."""
    W, b = (by_gate(packed, "zg") for packed in weights)
    (h,) = state
    update_gate = sigmoid(x @ W["z"] + b["z"])
    return ((1.0 - update_gate) * h + update_gate * (x @ W["g"] + b["g"]),)


def min_lstm_step(x: np.ndarray, state: tuple, weights: list[np.ndarray]) -> tuple:
    """Feng et al. 2024: forget and input gate from the inputs alone, divided by their sum."""
    W, b = (by_gate(packed, "ifg") for packed in weights)
    (h,) = state
    forget_gate, input_gate = sigmoid(x @ W["f"] + b["f"]), sigmoid(x @ W["i"] + b["i"])
    total = forget_gate + input_gate
    return (forget_gate / total * h + input_gate / total * (x @ W["g"] + b["g"]),)


def fast_grnn_step(x: np.ndarray, state: tuple, weights: list[np.ndarray]) -> tuple:
    """Kusupati et al. 2018, section 3.2: gate and candidate share W and U, zeta and nu weigh the latter."""
    W, U, biases, mix = weights
    b = by_gate(biases, "zg")
    (h,) = state
    gate = sigmoid(x @ W + h @ U + b["z"])
    candidate = np.tanh(x @ W + h @ U + b["g"])
    zeta, nu = sigmoid(mix)
    return ((zeta * (1.0 - gate) + nu) * candidate + gate * h,)


def fast_grnn_of_low_rank_step(x: np.ndarray, state: tuple, weights: list[np.ndarray]) -> tuple:
    """Kusupati et al. 2018, section 3.2.1: W and U are products of two thin matrices."""
    left, right, recurrent_left, recurrent_right, *others = weights
    return fast_grnn_step(x, state, [left @ right, recurrent_left @ recurrent_right, *others])


def sru_step(x: np.ndarray, state: tuple, weights: list[np.ndarray]) -> tuple:
    """Lei et al. 2018, equations 1 to 4 with a matrix for the skipped input."""
    W = by_gate(weights[0], "frgs")
    v = dict(zip("fr", weights[1], strict=True))
    b = by_gate(weights[2], "fr")
    _, c = state
    forget_gate = sigmoid(x @ W["f"] + v["f"] * c + b["f"])
    reset_gate = sigmoid(x @ W["r"] + v["r"] * c + b["r"])
    c = forget_gate * c + (1.0 - forget_gate) * (x @ W["g"])
    return reset_gate * c + (1.0 - reset_gate) * (x @ W["s"]), c


def rg_lru_step(x: np.ndarray, state: tuple, weights: list[np.ndarray]) -> tuple:
    """De et al. 2024, equations 1 to 4, with a = sigmoid(Lambda) and c = 8."""
    W, b = (by_gate(packed, "rig") for packed in weights[:2])
    (h,) = state
    recurrence_gate, input_gate = sigmoid(x @ W["r"] + b["r"]), sigmoid(x @ W["i"] + b["i"])
    a = sigmoid(weights[2]) ** (8.0 * recurrence_gate)
    return (a * h + np.sqrt(1.0 - a**2) * input_gate * (x @ W["g"] + b["g"]),)


def cfc_step(x: np.ndarray, state: tuple, weights: list[np.ndarray], time: np.ndarray | float = 1.0) -> tuple:
    """Hasani et al. 2022, equation 10 with the signs of the authors' code: t_a * t + t_b in the sigmoid."""
    W, U, b = (by_gate(packed, "gkad") for packed in weights)
    (h,) = state
    before = {head: x @ W[head] + h @ U[head] + b[head] for head in "gkad"}
    gate = sigmoid(before["a"] * time + before["d"])
    return (np.tanh(before["k"]) * (1.0 - gate) + gate * np.tanh(before["g"]),)


def cfc_with_times_step(x: np.ndarray, state: tuple, weights: list[np.ndarray]) -> tuple:
    """The same, where the last input is the time."""
    return cfc_step(x[:, :-1], state, weights, x[:, -1:])


def slstm_step(x: np.ndarray, state: tuple, weights: list[np.ndarray]) -> tuple:
    """Beck et al. 2024, equations 8 to 17 (m stabilises), between states h, c / n and log(n exp(m))."""
    W, U, b = (by_gate(packed, "ifgo") for packed in weights)
    h, mean, log_sum = state
    c, n, m = mean, np.ones_like(mean), log_sum
    before = {gate: x @ W[gate] + h @ U[gate] + b[gate] for gate in "ifgo"}
    log_forget = np.log(sigmoid(before["f"]))
    new_m = np.maximum(log_forget + m, before["i"])
    input_gate, forget_gate = np.exp(before["i"] - new_m), np.exp(log_forget + m - new_m)
    c = forget_gate * c + input_gate * np.tanh(before["g"])
    n = forget_gate * n + input_gate
    return sigmoid(before["o"]) * c / n, c / n, new_m + np.log(n)
