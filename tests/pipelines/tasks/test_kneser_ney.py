"""The n-gram model: a distribution at every place, its formula on a small text, and known figures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.tasks.kneser_ney import KneserNey


@given(
    text=st.lists(st.integers(0, 3), min_size=1, max_size=60),
    history=st.lists(st.integers(0, 3), max_size=6),
    order=st.integers(0, 5),
)
def test_the_probabilities_of_all_symbols_sum_to_one(text, history, order):
    model = KneserNey(np.array(text), 4, order)
    last = [model.log_probabilities(np.array([*history, symbol]))[-1] for symbol in range(4)]
    assert np.exp(last).sum() == pytest.approx(1)


def test_order_zero_is_uniform_and_order_one_counts():
    text = np.array([0, 0, 0, 1])
    np.testing.assert_allclose(KneserNey(text, 4, 0).log_probabilities(text), np.log(0.25))
    # n_1 = 1, n_2 = 0: the discount is 1. Both symbols give 1/4 to the uniform distribution over 4.
    p = np.exp(KneserNey(text, 4, 1).log_probabilities(np.array([0, 1, 2])))
    np.testing.assert_allclose(p, [2 / 4 + 2 / 16, 2 / 16, 2 / 16])


def test_shorter_histories_count_the_symbols_before_and_not_the_occurrences():
    text = np.array([0, 1, 0, 1, 0, 1, 2, 3])  # 1 follows only 0, three times; so it has one symbol before it
    lower = KneserNey(text, 4, 2)._orders[0]
    assert lower.counts.tolist() == [1, 1, 1, 1]
    assert KneserNey(text, 4, 2)._orders[1].counts.tolist() == [3, 2, 1, 1]


def test_a_history_that_was_not_seen_falls_back_to_the_shorter_one():
    text = np.array([0, 1, 2, 0, 1, 3, 0, 1, 2])
    model = KneserNey(text, 4, 3)
    after_33, after_23 = (model.log_probabilities(np.array([first, 3, 0]))[-1] for first in (3, 2))
    assert after_33 == after_23
    assert model.log_probabilities(np.array([1, 3, 0]))[-1] != after_33  # 1, 3 was seen


def test_longer_histories_help_on_text_that_repeats():
    text = np.tile([0, 1, 0, 2, 0, 3], 50)
    losses = [-KneserNey(text[:200], 4, order).log_probabilities(text[200:]).mean() for order in (1, 2, 3)]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.1
