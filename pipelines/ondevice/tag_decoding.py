"""Find the best tags of a sequence, and the probability of spans, from a network's scores. Plain numpy.

Tags are numbered so that the number tells the kind: 0 is "no span" (O), 2 k + 1 begins a span of type k (B),
and 2 k + 2 continues it (I).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

_NEVER = -1e9


class Chain(NamedTuple):
    """The scores of one sequence: of each step, of the first tag, and of each tag after another."""

    scores: np.ndarray
    """(steps, tags)"""
    start: np.ndarray
    """(tags,)"""
    transitions: np.ndarray
    """(tags, tags), from the row's tag to the column's."""


def chain_of(output: np.ndarray, chosen: np.ndarray) -> Chain:
    """Return the scores of some steps of a network's output, with impossible tags excluded.

    Args:
        output: (rows + 1 + tags, tags) of a `LinearChainCRF`; or (rows, tags) of a network that decides each
            step by itself, as probabilities.
        chosen: (rows,) bool, the steps of the sequence.
    """
    rows, tags = len(chosen), output.shape[1]
    scores = output[:rows][chosen].astype(np.float64)
    if len(output) == rows:
        scores, learned = np.log(np.maximum(scores, 1e-9)), np.zeros([1 + tags, tags])
    else:
        learned = output[rows:].astype(np.float64)
    return Chain(scores, learned[0] + _impossible(tags)[0], learned[1:] + _impossible(tags))


def _impossible(tags: int) -> np.ndarray:
    """Return (tags, tags): a span goes on only after the tag that begins or continues it; others are 0."""
    found = np.zeros([tags, tags])
    for inside in range(2, tags, 2):
        found[:, inside] = _NEVER
        found[[inside - 1, inside], inside] = 0.0
    return found


def viterbi(chain: Chain) -> np.ndarray:
    """Return the most probable tags (steps,), by Viterbi's algorithm."""
    if not len(chain.scores):
        return np.zeros(0, np.int64)
    best, pointers = chain.start + chain.scores[0], []
    for score in chain.scores[1:]:
        paths = best[:, None] + chain.transitions
        pointers.append(paths.argmax(axis=0))
        best = paths.max(axis=0) + score
    tags = [int(best.argmax())]
    for pointer in reversed(pointers):
        tags.append(int(pointer[tags[-1]]))
    return np.array(tags[::-1])


def next_tag(probabilities: np.ndarray, last: int) -> int:
    """Return the most probable tag of probabilities (tags,) after the tag `last`, which is 0 at the start."""
    allowed = _impossible(len(probabilities))[last] == 0
    return int(np.where(allowed, probabilities, -1.0).argmax())


def _forward_backward(chain: Chain) -> tuple[np.ndarray, np.ndarray]:
    """Return the logarithms of the summed weights of all tags up to each step, and of all behind it."""
    steps = len(chain.scores)
    forward, backward = np.zeros_like(chain.scores), np.zeros_like(chain.scores)
    for t in range(steps):
        before = chain.start if t == 0 else _log_sum(forward[t - 1][:, None] + chain.transitions, axis=0)
        forward[t] = before + chain.scores[t]
    for t in range(steps - 2, -1, -1):
        backward[t] = _log_sum(chain.transitions + chain.scores[t + 1] + backward[t + 1], axis=1)
    return forward, backward


def _log_sum(values: np.ndarray, axis: int) -> np.ndarray:
    largest = values.max(axis=axis, keepdims=True)
    return np.log(np.exp(values - largest).sum(axis=axis)) + np.squeeze(largest, axis)


class Span(NamedTuple):
    """A span of steps of one type; `end` is the step after the last."""

    start: int
    end: int
    kind: int


def spans_of(tags: np.ndarray) -> list[Span]:
    """Return the spans of tag numbers (steps,). A tag that continues no span of its type begins one."""
    found: list[Span] = []
    for step, tag in enumerate(tags.tolist()):
        if tag <= 0:
            continue
        kind, inside = divmod(tag - 1, 2)
        if inside and found and found[-1].end == step and found[-1].kind == kind:
            found[-1] = found[-1]._replace(end=step + 1)
        else:
            found.append(Span(step, step + 1, kind))
    return found


def span_probabilities(chain: Chain, spans: Sequence[Span]) -> list[float]:
    """Return the probability of each span: that it begins and ends there, and has its type.

    It is the share of all sequences of tags, by their weight, that have the span.
    """
    if not spans:
        return []
    forward, backward = _forward_backward(chain)
    total = _log_sum(forward[-1], axis=0)
    found = []
    for start, end, kind in spans:
        tags = [2 * kind + 1] + [2 * kind + 2] * (end - start)
        path = forward[start, tags[0]]
        for step in range(start + 1, end):
            before, tag = tags[step - start - 1 : step - start + 1]
            path += chain.transitions[before, tag] + chain.scores[step, tag]
        inside, last = tags[-1], tags[-2]
        probability = np.exp(path + backward[end - 1, last] - total)
        if end < len(chain.scores):  # without the sequences in which the span goes on
            longer = path + chain.transitions[last, inside] + chain.scores[end, inside]
            probability -= np.exp(longer + backward[end, inside] - total)
        found.append(float(np.clip(probability, 0, 1)))
    return found
