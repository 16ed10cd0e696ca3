"""Reading labels from classes of steps: against all paths that there are."""

from __future__ import annotations

import itertools
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.ondevice.ctc import BeamReader, GreedyReader, beam_search, greedy, log_likelihood


def network(seed: int, steps: int, classes: int) -> np.ndarray:
    """Return random log-probabilities (steps, classes)."""
    scores = np.random.default_rng(seed).normal(0, 2, (steps, classes))
    return scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)


def collapsed(path: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(label for label, _ in itertools.groupby(path) if label)


def every_reading(log_probabilities: np.ndarray) -> dict[tuple[int, ...], float]:
    """Return the log-probability of all labels, the sum over all paths."""
    steps, classes = log_probabilities.shape
    found: dict[tuple[int, ...], float] = defaultdict(lambda: -np.inf)
    for path in itertools.product(range(classes), repeat=steps):
        total = log_probabilities[np.arange(steps), path].sum()
        found[collapsed(path)] = np.logaddexp(found[collapsed(path)], total)
    return dict(found)


small = st.tuples(st.integers(0, 10_000), st.integers(1, 5), st.integers(2, 4))


@given(small)
@settings(max_examples=40, deadline=None)
def test_the_search_with_enough_beams_finds_all_readings(case: tuple[int, int, int]) -> None:
    log_probabilities = network(*case)
    expected = every_reading(log_probabilities)
    found = beam_search(log_probabilities, beams=10_000)
    assert dict(found).keys() == expected.keys()
    for labels, value in found:
        assert value == pytest.approx(expected[labels])
    scores = [each.log_probability for each in found]
    assert scores == sorted(scores, reverse=True)
    assert np.logaddexp.reduce(scores) == pytest.approx(0, abs=1e-9)


@given(small, st.integers(1, 4), st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_a_search_in_chunks_finds_the_same(case: tuple[int, int, int], beams: int, cut: int) -> None:
    log_probabilities, reader = network(*case), BeamReader(beams)
    assert reader(log_probabilities[:cut]) == beam_search(log_probabilities[:cut], beams)
    assert reader(log_probabilities[cut:]) == beam_search(log_probabilities, beams)
    reader.reset()
    assert reader(log_probabilities[:0]) == beam_search(log_probabilities[:0])


@given(small, st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_a_narrow_search_never_says_more_than_there_is(case: tuple[int, int, int], beams: int) -> None:
    log_probabilities = network(*case)
    expected, found = every_reading(log_probabilities), beam_search(log_probabilities, beams)
    assert len(found) <= beams
    assert len({each.labels for each in found}) == len(found) >= 1
    for labels, value in found:
        assert value <= expected[labels] + 1e-9


@given(small)
@settings(max_examples=40, deadline=None)
def test_the_forward_algorithm_sums_over_all_paths(case: tuple[int, int, int]) -> None:
    log_probabilities = network(*case)
    expected = every_reading(log_probabilities)
    for labels, value in expected.items():
        assert log_likelihood(log_probabilities, labels) == pytest.approx(value)
    too_long = (1,) * (len(log_probabilities) // 2 + 2)
    assert log_likelihood(log_probabilities, too_long) == -np.inf


@given(small)
@settings(max_examples=40, deadline=None)
def test_greedy_reads_the_most_probable_path(case: tuple[int, int, int]) -> None:
    log_probabilities = network(*case)
    path = tuple(log_probabilities.argmax(axis=1).tolist())
    assert tuple(greedy(log_probabilities)) == collapsed(path)


@given(st.lists(st.integers(0, 2), max_size=30), st.lists(st.integers(0, 30), max_size=6))
def test_a_stream_in_chunks_reads_what_the_whole_reads(path: list[int], cuts: list[int]) -> None:
    scores, reader = np.eye(3)[path].reshape(-1, 3), GreedyReader()
    found = [label for chunk in np.split(scores, sorted(cuts)) for label in reader(chunk)]
    assert found == greedy(scores) == list(collapsed(tuple(path)))


def test_the_best_labels_may_differ_from_the_best_path() -> None:
    """Two steps, a blank at .6 each: the best path is empty with .36, but the label has .64."""
    log_probabilities = np.log([[0.6, 0.4], [0.6, 0.4]])
    assert greedy(log_probabilities) == []
    best, empty = beam_search(log_probabilities)
    assert best.labels == (1,)
    assert np.exp([best.log_probability, empty.log_probability]) == pytest.approx([0.64, 0.36])


def test_a_reset_forgets_the_last_label_and_no_steps_are_no_labels() -> None:
    reader, one = GreedyReader(), np.eye(2)[[1]]
    assert [reader(one), reader(one), reader(one[:0])] == [[1], [], []]
    reader.reset()
    assert reader(one) == [1]
    assert [tuple(each) for each in beam_search(np.zeros((0, 3)))] == [((), 0.0)]
    assert log_likelihood(np.zeros((0, 3)), []) == 0
    assert log_likelihood(np.zeros((0, 3)), [1]) == -np.inf
