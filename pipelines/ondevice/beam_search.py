"""Find or draw a sequence of tokens with a step network. Needs numpy only."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

import numpy as np

from .sampling import Sampler
from .step_network import Outputs, State, StepNetwork

LOG_PROBABILITIES = "log_probabilities"
"""The name of the network's output with a log-probability for each token, (tokens,)."""
ATTENTION = "attention"
"""The name of the network's output with the weight of each place, (places,)."""
_UNCOVERED = 0.01


@dataclass(frozen=True)
class Hypothesis:
    """A sequence of tokens, finished or not."""

    tokens: tuple[int, ...] = ()
    """The token ids, without the end token."""
    log_probability: float = 0.0
    """The sum over all tokens, including the end token of a finished sequence."""
    outputs: tuple[Outputs, ...] = field(default=(), repr=False)
    """The network's other outputs (attention, for example) at the step of each token."""
    finished: bool = False

    def score(self, length_penalty: float) -> float:
        """Return log_probability / length ** length_penalty; the end token counts as one token."""
        return self.log_probability / max(1, len(self.tokens) + self.finished) ** length_penalty

    def extended(self, token: int, end: int, log_probability: float, outputs: Outputs) -> Hypothesis:
        """Return the sequence with one more token; the end token finishes it."""
        total = self.log_probability + log_probability
        if token == end:
            return Hypothesis(self.tokens, total, self.outputs, finished=True)
        return Hypothesis((*self.tokens, token), total, (*self.outputs, outputs))


@dataclass(frozen=True)
class Limits:
    """The limits of a sequence: its start token, its end token and its length.

    Args:
        start: the token before the first one.
        end: the token that ends a sequence.
        max_tokens: a sequence is cut at this length.
    """

    start: int
    end: int
    max_tokens: int


@dataclass(frozen=True)
class Search:
    """Settings of a beam search.

    The score of a sequence is

        log-probability / length ** length_penalty + coverage_penalty * sum_j log min(sum_t a_tj, 1)

    where a_tj is the attention at step t to place j, and sums below .01 count as .01. Source: Y. Wu et al.,
    Google's neural machine translation system, 2016, section 7, with a simpler length.
    """

    beams: int = 3
    """The number of sequences to keep at each step; 1 is greedy search."""
    length_penalty: float = 0.0
    """0 favours short sequences."""
    coverage_penalty: float = 0.0
    """Above 0, sequences lose that leave places without attention. The network needs an output `attention`
    (places,)."""
    places: int | None = None
    """The number of places that are to be covered, from the first one; `coverage_penalty` needs it."""
    no_repeat_ngram: int = 0
    """Forbid n-grams of this length from occurring twice; 0 allows them. Source: R. Paulus, C. Xiong and
    R. Socher, A deep reinforced model for abstractive summarization, ICLR 2018."""
    allowed: Collection[int] | Callable[[Sequence[int]], Collection[int]] | None = None
    """The tokens that may occur, besides the end token; or allowed(tokens before) -> those that may come
    next, the end token only if it may. Default: all."""

    def __post_init__(self) -> None:
        if self.coverage_penalty and self.places is None:
            raise ValueError("coverage_penalty: expected places, too")

    def score(self, hypothesis: Hypothesis) -> float:
        """Return the score that sequences are compared by."""
        score = hypothesis.score(self.length_penalty)
        if not self.coverage_penalty or self.places is None:
            return score
        attention = [outputs[ATTENTION][: self.places] for outputs in hypothesis.outputs]
        covered = np.sum(attention, axis=0) if attention else np.zeros(self.places)
        return score + self.coverage_penalty * float(np.log(np.clip(covered, _UNCOVERED, 1.0)).sum())

    def forbidden(self, before: Sequence[int], tokens: int, end: int) -> np.ndarray:
        """Return which of the network's tokens may not come next, (tokens,) bool."""
        forbidden = np.zeros(tokens, bool)
        if self.allowed is not None:
            forbidden[:] = True
            allowed = self.allowed(before) if callable(self.allowed) else [end, *self.allowed]
            forbidden[list(allowed)] = False
        forbidden[_repeating(before, self.no_repeat_ngram)] = True
        return forbidden


@dataclass(frozen=True)
class _Beam:
    hypothesis: Hypothesis
    token: int
    state: State
    greedy: bool


def n_best(network: StepNetwork, limits: Limits, search: Search, count: int = 1) -> list[Hypothesis]:
    """Search for the sequences with the best scores; return the best `count` that were found, best first.

    Each step keeps the `beams` most probable sequences, at least `count`. It also keeps the greedy sequence,
    which takes the most probable token every time, so the best result never scores below greedy search. The
    search ends when no sequence can reach a better score than the results, or at the maximum length:
    sequences that did not end by then are results, too, with `finished` False.

    Args:
        network: has an output `log_probabilities` (tokens,).
        limits: start token, end token and maximum length.
        search: the settings.
        count: the number of results; there may be fewer, if there are fewer sequences.
    """
    beams = max(search.beams, count)
    active = [_Beam(Hypothesis(), limits.start, network.initial_state(), greedy=True)]
    done: list[tuple[float, Hypothesis]] = []
    for _ in range(limits.max_tokens):
        found = []
        for beam in active:
            extensions = _extensions(network, beam, limits.end, search=search, beams=beams)
            found += extensions
            if not extensions:  # every token is forbidden
                done.append((search.score(beam.hypothesis), beam.hypothesis))
        found.sort(key=lambda each: -each.hypothesis.log_probability)
        kept = found[:beams] + [each for each in found[beams:] if each.greedy]
        done += [
            (search.score(each.hypothesis), each.hypothesis) for each in kept if each.hypothesis.finished
        ]
        done = sorted(done, key=lambda each: -each[0])[:count]
        active = [each for each in kept if not each.hypothesis.finished]
        least = done[-1][0] if len(done) == count else -np.inf
        if all(_best_possible(each.hypothesis, limits, search) < least for each in active):
            return [hypothesis for _, hypothesis in done]
    done += [(search.score(each.hypothesis), each.hypothesis) for each in active]
    return [hypothesis for _, hypothesis in sorted(done, key=lambda each: -each[0])[:count]]


def _best_possible(hypothesis: Hypothesis, limits: Limits, search: Search) -> float:
    """Return a score that no continuation exceeds: all further tokens are certain, all places are covered."""
    return hypothesis.log_probability / max(1, limits.max_tokens) ** search.length_penalty


def _extensions(network: StepNetwork, beam: _Beam, end: int, *, search: Search, beams: int) -> list[_Beam]:
    """Return the most probable extensions of a sequence by one token."""
    outputs, state = network(np.array(beam.token, np.int32), beam.state)
    scores = np.array(outputs.pop(LOG_PROBABILITIES), np.float64)
    scores[search.forbidden(beam.hypothesis.tokens, len(scores), end)] = -np.inf
    found = []
    for rank, token in enumerate(np.argsort(-scores, kind="stable")[:beams].tolist()):
        if scores[token] == -np.inf:
            break
        hypothesis = beam.hypothesis.extended(token, end, float(scores[token]), outputs)
        found.append(_Beam(hypothesis, token, state, beam.greedy and rank == 0))
    return found


def _repeating(tokens: Sequence[int], n: int) -> list[int]:
    """Return the tokens that would repeat an n-gram of the sequence."""
    if n == 0 or len(tokens) < n - 1:
        return []
    tail = tuple(tokens[len(tokens) - n + 1 :])
    return [tokens[i + n - 1] for i in range(len(tokens) - n + 1) if tuple(tokens[i : i + n - 1]) == tail]


def sample(network: StepNetwork, limits: Limits, sampler: Sampler, rng: np.random.Generator) -> Hypothesis:
    """Return a sequence whose tokens are drawn one by one.

    Args:
        network: has an output `log_probabilities` (tokens,).
        limits: start token, end token and maximum length.
        sampler: temperature, top-k and top-p.
        rng: used once for each token.
    """
    hypothesis, token, state = Hypothesis(), limits.start, network.initial_state()
    while len(hypothesis.tokens) < limits.max_tokens and not hypothesis.finished:
        outputs, state = network(np.array(token, np.int32), state)
        log_probabilities = outputs.pop(LOG_PROBABILITIES)
        token = sampler.draw(np.exp(log_probabilities.astype(np.float64)), rng)
        hypothesis = hypothesis.extended(token, limits.end, float(log_probabilities[token]), outputs)
    return hypothesis
