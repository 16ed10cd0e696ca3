"""The attention equations of the papers in NumPy: one row, one head, one query after the other, in float64.

Every function takes a mask (batch, steps), False at padding, and returns the weighted means and the
weights. Nothing here uses the code under test. Both order and pack weights as the docstrings of
`layers` say.
"""

from collections.abc import Callable

import numpy as np

Score = Callable[[np.ndarray, np.ndarray], float]
Result = tuple[np.ndarray, np.ndarray]


def _attend(
    query: np.ndarray, keys: np.ndarray, values: np.ndarray, mask: np.ndarray, score: Score
) -> Result:
    """One query (size,) over one memory (steps, size)."""
    energy = np.array([score(query, key) for key in keys[mask]])
    attention = np.zeros(len(keys))
    attention[mask] = np.exp(energy - energy.max()) / np.exp(energy - energy.max()).sum()
    return sum(a * value for a, value in zip(attention, values, strict=True)), attention


def _over_batch(query: np.ndarray, memory: np.ndarray, mask: np.ndarray, score: Score) -> Result:
    pairs = [
        [_attend(q, row, row, valid, score) for q in queries]
        for queries, row, valid in zip(query, memory, mask, strict=True)
    ]
    contexts = np.array([[context for context, _ in row] for row in pairs])
    return contexts, np.array([[attention for _, attention in row] for row in pairs])


def additive(query: np.ndarray, memory: np.ndarray, mask: np.ndarray, weights: list[np.ndarray]) -> Result:
    """Bahdanau et al. 2015: e_ij = v . tanh(W q_i + U m_j + b)."""
    W, U, b, v = weights
    return _over_batch(query, memory, mask, lambda q, m: v[:, 0] @ np.tanh(W.T @ q + U.T @ m + b))


def general(query: np.ndarray, memory: np.ndarray, mask: np.ndarray, weights: list[np.ndarray]) -> Result:
    """Luong et al. 2015: e_ij = q_i W m_j."""
    (W,) = weights
    return _over_batch(query, memory, mask, lambda q, m: q @ W @ m)


def dot(query: np.ndarray, memory: np.ndarray, mask: np.ndarray, _: list[np.ndarray]) -> Result:
    """Luong et al. 2015: e_ij = q_i . m_j."""
    return _over_batch(query, memory, mask, lambda q, m: q @ m)


def multi_head(
    query: np.ndarray, memory: np.ndarray, mask: np.ndarray, weights: list[np.ndarray], heads: int
) -> Result:
    """Vaswani et al. 2017, equation by equation; weights (batch, heads, queries, steps)."""
    W_q, b_q, *others = weights
    projected = [np.split(row @ W_q + b_q, heads, axis=-1) for row in query]
    return _heads(projected, memory, mask, others, heads)


def _heads(
    queries: list[list[np.ndarray]],
    memory: np.ndarray,
    mask: np.ndarray,
    weights: list[np.ndarray],
    heads: int,
) -> Result:
    """`queries[row][head]` is (queries, key_dim)."""
    W_k, b_k, W_v, b_v, W_o, b_o = weights
    contexts, attentions = [], []
    for by_head, row, valid in zip(queries, memory, mask, strict=True):
        keys = np.split(row @ W_k + b_k, heads, axis=-1)
        values = np.split(row @ W_v + b_v, heads, axis=-1)
        results = [
            [_attend(q, k, v, valid, lambda q, k: q @ k / np.sqrt(len(k))) for q in head]
            for head, k, v in zip(by_head, keys, values, strict=True)
        ]
        joined = np.concatenate([[context for context, _ in head] for head in results], axis=-1)
        contexts.append(joined @ W_o + b_o)
        attentions.append([[attention for _, attention in head] for head in results])
    return np.array(contexts), np.array(attentions)


def additive_pooling(x: np.ndarray, mask: np.ndarray, weights: list[np.ndarray]) -> Result:
    """Yang et al. 2016: e_t = v . tanh(W x_t + b)."""
    W, b, v = weights
    nothing = np.zeros((len(x), 1, 0))
    results = _over_batch(nothing, x, mask, lambda _, x_t: v[:, 0] @ np.tanh(W.T @ x_t + b))
    return results[0][:, 0], results[1][:, 0]


def multiplicative_pooling(x: np.ndarray, mask: np.ndarray, weights: list[np.ndarray]) -> Result:
    """e_t = u . x_t."""
    (u,) = weights
    nothing = np.zeros((len(x), 1, 0))
    results = _over_batch(nothing, x, mask, lambda _, x_t: u[:, 0] @ x_t)
    return results[0][:, 0], results[1][:, 0]


def multi_head_pooling(x: np.ndarray, mask: np.ndarray, weights: list[np.ndarray], heads: int) -> Result:
    """Lee et al. 2019: one learned query a head; weights (batch, heads, steps)."""
    query, *others = weights
    queries = [[query[head : head + 1] for head in range(heads)]] * len(x)
    contexts, attentions = _heads(queries, x, mask, others, heads)
    return contexts[:, 0], attentions[:, :, 0]
