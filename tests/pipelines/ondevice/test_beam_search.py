"""Beam search against every sequence there is, and sampling."""

from __future__ import annotations

import functools
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.ondevice.beam_search import Hypothesis, Limits, Search, n_best, sample
from pipelines.ondevice.sampling import Sampler
from pipelines.ondevice.vocabulary import END

TOKENS, START, LONGEST = 3, 5, 4
PLACES = 3
LIMITS = Limits(START, END, LONGEST)


class Table:
    """A network whose next token depends on all previous ones, at random."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def initial_state(self) -> dict:
        return {"before": ()}

    def __call__(self, token: np.ndarray, state: dict) -> tuple:
        before = (*state["before"], int(token))
        return dict(outputs_after(self._seed, before)), {"before": before}


@functools.lru_cache(maxsize=1000)
def outputs_after(seed: int, before: tuple[int, ...]) -> dict[str, np.ndarray]:
    scores = np.random.default_rng([seed, *before]).normal(0, 2, TOKENS + 1)
    attention = np.random.default_rng([seed, 1, *before]).dirichlet(np.full(PLACES, 0.3))
    return {"log_probabilities": scores - np.log(np.exp(scores).sum()), "attention": attention}


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


def every_hypothesis(network: Table) -> list[Hypothesis]:
    """Return each sequence of up to LONGEST tokens with the attention at each of them."""
    found = []
    for tokens, total in every_sequence(network).items():
        state, token, attention = network.initial_state(), START, []
        for word in tokens:
            outputs, state = network(np.array(token), state)
            attention.append({"attention": outputs["attention"]})
            token = word
        found.append(Hypothesis(tokens, total, tuple(attention), finished=len(tokens) < LONGEST))
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
    found = n_best(network, LIMITS, Search(beams=(TOKENS + 1) ** LONGEST))[0]
    assert found.tokens == max(sequences, key=lambda tokens: sequences[tokens])
    assert found.log_probability == pytest.approx(max(sequences.values()))
    assert len(found.outputs) == len(found.tokens)


@given(seeds, st.integers(1, 4), st.sampled_from([0.0, 0.7, 1.0, 2.0]))
@settings(max_examples=100, deadline=None)
def test_beam_search_never_scores_below_greedy(seed: int, beams: int, length_penalty: float) -> None:
    network = Table(seed)
    greedy = greedily(network)
    found = n_best(network, LIMITS, Search(beams=beams, length_penalty=length_penalty))[0]
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
    tokens = n_best(Table(seed), Limits(START, END, 12), Search(beams=beams, no_repeat_ngram=n))[0].tokens
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


def score_by_hand(hypothesis: Hypothesis, search: Search) -> float:
    length = len(hypothesis.tokens) + hypothesis.finished
    score = hypothesis.log_probability / max(1, length) ** search.length_penalty
    for place in range(search.places or 0):
        seen = sum(outputs["attention"][place] for outputs in hypothesis.outputs)
        score += search.coverage_penalty * np.log(min(max(seen, 0.01), 1))
    return score


searches = st.builds(
    Search,
    beams=st.just((TOKENS + 1) ** LONGEST),
    length_penalty=st.sampled_from([0.0, 0.7, 1.5]),
    coverage_penalty=st.sampled_from([0.0, 0.2, 1.0]),
    places=st.integers(1, PLACES),
    allowed=st.sampled_from([None, (1, 3), (2,), ()]),
)


@given(seeds, searches, st.integers(1, 6))
@settings(max_examples=40, deadline=None)
def test_a_wide_beam_finds_the_best_of_all_sequences_in_their_order(
    seed: int, search: Search, count: int
) -> None:
    network = Table(seed)
    allowed = {1, 2, 3} if search.allowed is None else {*search.allowed}
    known = [each for each in every_hypothesis(network) if allowed >= {*each.tokens}]
    expected = sorted((score_by_hand(each, search) for each in known), reverse=True)[:count]
    found = n_best(network, LIMITS, search, count)
    assert [search.score(each) for each in found] == pytest.approx(expected)
    assert [score_by_hand(each, search) for each in found] == pytest.approx(expected)
    assert len({each.tokens for each in found}) == len(found)
    for each in found:
        assert allowed >= {*each.tokens}
        assert each.finished == (len(each.tokens) < LONGEST)


@given(seeds, st.integers(1, 3), st.integers(1, 5))
@settings(max_examples=30, deadline=None)
def test_more_results_than_beams_widen_the_search_and_come_best_first(
    seed: int, beams: int, count: int
) -> None:
    search = Search(beams=beams, length_penalty=0.7)
    scores = [search.score(each) for each in n_best(Table(seed), LIMITS, search, count)]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == count


class Endless:
    """A network that repeats its only token; it counts its steps."""

    def __init__(self, ending: float) -> None:
        self.steps = 0
        self._log_probabilities = np.log([ending, 1 - ending])

    def initial_state(self) -> dict:
        return {}

    def __call__(self, token: np.ndarray, state: dict) -> tuple:
        self.steps += 1
        return {"log_probabilities": self._log_probabilities.copy()}, state


def test_a_network_that_never_ends_is_stopped_and_its_sequence_said_to_be_unfinished() -> None:
    (found,) = n_best(Endless(1e-9), Limits(START, END, 50), Search(length_penalty=0.7))
    assert found.tokens == (1,) * 50
    assert not found.finished


def test_the_search_ends_when_no_sequence_can_become_better() -> None:
    network = Endless(0.9)
    (found,) = n_best(network, Limits(START, END, 50), Search())
    assert found.tokens == ()
    assert found.finished
    assert network.steps == 1


def test_where_no_token_is_left_the_sequence_stays_unfinished() -> None:
    with np.errstate(divide="ignore"):
        network = Endless(0.0)
    (found,) = n_best(network, Limits(START, END, 5), Search(no_repeat_ngram=1))
    assert found.tokens == (1,)
    assert not found.finished


def test_coverage_needs_the_number_of_places() -> None:
    with pytest.raises(ValueError, match="coverage_penalty: expected places, too"):
        Search(coverage_penalty=0.2)
