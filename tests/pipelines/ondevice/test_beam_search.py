"""Beam search against every sequence there is, and sampling."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.ondevice.beam_search import Hypothesis, Limits, beam_search, sample
from pipelines.ondevice.sampling import Sampler
from pipelines.ondevice.vocabulary import END

TOKENS, START, LONGEST = 3, 5, 4
LIMITS = Limits(START, END, LONGEST)


class Table:
    """A network whose next token depends on all previous ones, at random."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def initial_state(self) -> dict:
        return {"before": ()}

    def __call__(self, token: np.ndarray, state: dict) -> tuple:
        before = (*state["before"], int(token))
        scores = np.random.default_rng([self._seed, *before]).normal(0, 2, TOKENS + 1)
        log_probabilities = scores - np.log(np.exp(scores).sum())
        outputs = {"log_probabilities": log_probabilities, "attention": np.full(4, 0.25)}
        return outputs, {"before": before}


def every_sequence(network: Table) -> dict[tuple[int, ...], float]:
    """Return the log-probability of each sequence of up to LONGEST tokens."""
    found = {}
    for length in range(LONGEST + 1):
        for sequence in itertools.product(range(1, TOKENS + 1), repeat=length):
            total, state, token = 0.0, network.initial_state(), START
            for word in (*sequence, END)[:LONGEST]:
                outputs, state = network(np.array(token), state)
                total, token = total + outputs["log_probabilities"][word], word
            found[sequence] = total
    return found


def greedily(network: Table) -> Hypothesis:
    tokens, total, token, state = [], 0.0, START, network.initial_state()
    for _ in range(LONGEST):
        outputs, state = network(np.array(token), state)
        log_probabilities = outputs["log_probabilities"]
        token = int(np.argmax(log_probabilities))
        total += log_probabilities[token]
        if token == END:
            return Hypothesis(tuple(tokens), total, finished=True)
        tokens.append(token)
    return Hypothesis(tuple(tokens), total)


seeds = st.integers(0, 10**6)


@given(seeds)
@settings(max_examples=30, deadline=None)
def test_a_wide_beam_finds_the_most_probable_sequence(seed: int) -> None:
    network = Table(seed)
    sequences = every_sequence(network)
    found = beam_search(network, LIMITS, beams=(TOKENS + 1) ** LONGEST)
    assert found.tokens == max(sequences, key=lambda tokens: sequences[tokens])
    assert found.log_probability == pytest.approx(max(sequences.values()))
    assert len(found.outputs) == len(found.tokens)


@given(seeds, st.integers(1, 4), st.sampled_from([0.0, 0.7, 1.0, 2.0]))
@settings(max_examples=100, deadline=None)
def test_beam_search_never_scores_below_greedy(seed: int, beams: int, length_penalty: float) -> None:
    network = Table(seed)
    greedy = greedily(network)
    found = beam_search(network, LIMITS, beams=beams, length_penalty=length_penalty)
    assert found.score(length_penalty) >= greedy.score(length_penalty) - 1e-9
    if beams == 1:
        assert found.tokens == greedy.tokens
        assert found.log_probability == pytest.approx(greedy.log_probability)


def test_a_length_penalty_favours_longer_sequences() -> None:
    short, long = Hypothesis((1,), -2.0, finished=True), Hypothesis((1, 2, 3), -3.0, finished=True)
    assert short.score(0.0) > long.score(0.0)
    assert long.score(1.0) == -0.75
    assert short.score(1.0) == -1.0


@given(seeds, st.integers(1, 3), st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_no_run_of_words_comes_twice_where_none_may(seed: int, beams: int, n: int) -> None:
    tokens = beam_search(Table(seed), Limits(START, END, 12), beams=beams, no_repeat_ngram=n).tokens
    runs = [tokens[i : i + n] for i in range(len(tokens) - n + 1)]
    assert len(set(runs)) == len(runs)


def test_draws_repeat_by_seed_and_follow_the_probabilities() -> None:
    network = Table(7)
    sequences = every_sequence(network)
    rng = np.random.default_rng(0)
    drawn = [sample(network, LIMITS, Sampler(), rng) for _ in range(2000)]
    commonest = max(sequences, key=lambda tokens: sequences[tokens])
    share = np.mean([sequence.tokens == commonest for sequence in drawn])
    assert share == pytest.approx(np.exp(sequences[commonest]), abs=0.03)
    assert all(s.log_probability == pytest.approx(sequences[s.tokens]) for s in drawn[:50])
    again = sample(network, LIMITS, Sampler(), np.random.default_rng(0))
    assert again.tokens == drawn[0].tokens
    coldest = sample(network, LIMITS, Sampler(temperature=0), np.random.default_rng(3))
    assert coldest.tokens == greedily(network).tokens
