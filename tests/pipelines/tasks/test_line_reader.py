"""The layer that reads the lines of a text with a question, against a loop over the lines."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipelines.ondevice.vocabulary import END
from pipelines.tasks.line_reader import LineReader

SEPARATOR, SIZE = 2, 3
STORY = [5, 6, 7, SEPARATOR, 8, 5, SEPARATOR, 6, SEPARATOR, 9, 4, 5, 6]


def reader(hops: int, lines: int = 5, longest: int = 3) -> LineReader:
    """Return a reader with random weights."""
    keras.utils.set_random_seed(1)
    layer = LineReader(hops, lines, longest, SEPARATOR)
    layer(tf.zeros([1, 4, SIZE]), tf.constant([[5, SEPARATOR, 5, 5]]))
    rng = np.random.default_rng(2)
    for weight in layer.weights:
        weight.assign(rng.normal(size=weight.shape))
    return layer


def by_hand(layer: LineReader, vectors: np.ndarray, tokens: list[int]) -> np.ndarray:
    """Return what the reader tells the pieces, line by line; nothing for separators and padding."""
    places = np.asarray(layer.places)
    lines: list[list[int]] = [[]]
    for place, token in enumerate(tokens):
        if token == SEPARATOR:
            lines.append([])
        elif token != END:
            lines[-1].append(place)
    lines = lines[-layer.lines :]
    read = [sum(vectors[t] * places[min(k, len(places) - 1)] for k, t in enumerate(line)) for line in lines]
    told, question = read[:-1], read[-1]
    queries = [question] * len(read)
    for reduction in layer.reductions:
        pairs = list(zip(told, queries, strict=False))
        u, b = (np.asarray(each) for each in (reduction.gate.kernel, reduction.gate.bias))
        gates = [1 / (1 + np.exp(-((line * query) @ u + b))) for line, query in pairs]
        w, d = (np.asarray(each) for each in (reduction.candidate.kernel, reduction.candidate.bias))
        new = [np.tanh(np.concatenate(pair) @ w + d) for pair in pairs]
        forward = recurrence(gates, new)
        backward = recurrence(gates[::-1], new[::-1])[::-1] if reduction.both else [0.0] * len(new)
        queries = [f + b for f, b in zip(forward, backward, strict=True)] + [forward[-1]]
    found = np.full([len(tokens), 2 * SIZE], np.nan)
    for line, query in zip(lines, queries, strict=True):
        for place in line:
            found[place] = np.concatenate([query, queries[-1]])
    return found


def recurrence(gates: list[np.ndarray], new: list[np.ndarray]) -> list[np.ndarray]:
    """Return h_j = (1 - z_j) h_(j-1) + z_j c_j for each line."""
    state, states = np.zeros(SIZE), []
    for z, c in zip(gates, new, strict=True):
        state = (1 - z) * state + z * c
        states.append(state)
    return states


@pytest.mark.parametrize(("hops", "lines"), [(1, 5), (2, 5), (3, 4), (2, 3)])
@pytest.mark.parametrize("padding", [0, 3])
def test_it_reads_the_lines_one_after_the_other(hops: int, lines: int, padding: int) -> None:
    layer = reader(hops, lines)
    tokens = STORY + [END] * padding
    vectors = np.random.default_rng(3).normal(size=[len(tokens), SIZE]).astype(np.float32)
    expected = by_hand(layer, vectors, tokens)
    got = layer(vectors[None], tf.constant([tokens]))[0].numpy()
    pieces = ~np.isnan(expected[:, 0])
    assert pieces.sum() >= 6
    np.testing.assert_allclose(got[pieces], expected[pieces], atol=1e-5)
