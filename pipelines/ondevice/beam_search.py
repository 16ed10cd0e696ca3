"""Find or draw a sequence of tokens with a step network. Needs numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from .sampling import Sampler
from .step_network import Outputs, State, StepNetwork

LOG_PROBABILITIES = "log_probabilities"
"""The name of the network's output with a log-probability for each token, (tokens,)."""


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
class _Beam:
    hypothesis: Hypothesis
    token: int
    state: State
    greedy: bool


def beam_search(
    network: StepNetwork,
    limits: Limits,
    *,
    beams: int = 3,
    length_penalty: float = 0.0,
    no_repeat_ngram: int = 0,
) -> Hypothesis:
    """Search for the sequence with the best score, and return the best one found.

    Each step keeps the `beams` most probable sequences. It also keeps the greedy sequence, which takes the
    most probable token every time, so the result never scores below greedy search.

    Args:
        network: has an output `log_probabilities` (tokens,).
        limits: start token, end token and maximum length.
        beams: number of sequences to keep; 1 is greedy search.
        length_penalty: sequences are compared by log-probability / length ** length_penalty. Source:
            Y. Wu et al., Google's neural machine translation system, 2016, section 7, simplified.
        no_repeat_ngram: forbid n-grams of this length from occurring twice; 0 allows them. Source:
            R. Paulus, C. Xiong and R. Socher, A deep reinforced model for abstractive summarization,
            ICLR 2018.
    """
    active = [_Beam(Hypothesis(), limits.start, network.initial_state(), greedy=True)]
    done: list[Hypothesis] = []
    for _ in range(limits.max_tokens):
        found = [
            each
            for beam in active
            for each in _extensions(network, beam, limits.end, beams=beams, no_repeat_ngram=no_repeat_ngram)
        ]
        found.sort(key=lambda each: -each.hypothesis.log_probability)
        kept = found[:beams] + [each for each in found[beams:] if each.greedy]
        done += [each.hypothesis for each in kept if each.hypothesis.finished]
        active = [each for each in kept if not each.hypothesis.finished]
        if not active:
            break
    done += [each.hypothesis for each in active]
    return max(done, key=lambda hypothesis: hypothesis.score(length_penalty))


def _extensions(
    network: StepNetwork, beam: _Beam, end: int, *, beams: int, no_repeat_ngram: int
) -> list[_Beam]:
    """Return the most probable extensions of a sequence by one token."""
    outputs, state = network(np.array(beam.token, np.int32), beam.state)
    allowed = np.array(outputs.pop(LOG_PROBABILITIES), np.float64)
    allowed[_repeating(beam.hypothesis.tokens, no_repeat_ngram)] = -np.inf
    found = []
    for rank, token in enumerate(np.argsort(-allowed, kind="stable")[:beams].tolist()):
        if allowed[token] == -np.inf:
            break
        hypothesis = beam.hypothesis.extended(token, end, float(allowed[token]), outputs)
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
