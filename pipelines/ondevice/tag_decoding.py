"""Find the best tags of a sequence, and the probability of each, from a network's scores. Plain numpy.

Tags are numbered so that the number tells the kind: 0 is "no span" (O), 2 k + 1 begins a span of type k (B),
and 2 k + 2 continues it (I).
"""

from __future__ import annotations

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


def chain_of(output: np.ndarray, steps: int) -> Chain:
    """Return the scores of the first `steps` steps of a network's output, with impossible tags excluded.

    Args:
        output: (rows + 1 + tags, tags) of a `LinearChainCRF`; or (rows, tags) of a network that decides each
            step by itself, as probabilities.
        steps: the length of the sequence, at most `rows`.
    """
    tags = output.shape[1]
    if output.shape[0] > tags and not _are_probabilities(output):
        learned = output[-(tags + 1) :].astype(np.float64)
        scores, start, transitions = output[:steps].astype(np.float64), learned[0], learned[1:]
    else:
        scores, start = np.log(np.maximum(output[:steps], 1e-9)).astype(np.float64), np.zeros(tags)
        transitions = np.zeros([tags, tags])
    return Chain(scores, start + _impossible(tags)[0], transitions + _impossible(tags))


def _are_probabilities(output: np.ndarray) -> bool:
    return bool((output >= 0).all() and np.allclose(output.sum(axis=1), 1, atol=0.01))


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


def marginals(chain: Chain) -> np.ndarray:
    """Return the probability of each tag at each step, (steps, tags), by the forward-backward algorithm."""
    steps = len(chain.scores)
    forward, backward = np.zeros_like(chain.scores), np.zeros_like(chain.scores)
    for t in range(steps):
        before = chain.start if t == 0 else _log_sum(forward[t - 1][:, None] + chain.transitions, axis=0)
        forward[t] = before + chain.scores[t]
    for t in range(steps - 2, -1, -1):
        backward[t] = _log_sum(chain.transitions + chain.scores[t + 1] + backward[t + 1], axis=1)
    both = forward + backward
    return np.exp(both - _log_sum(both, axis=1)[:, None])


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
