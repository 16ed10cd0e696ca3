"""VADER as a baseline and as a source of rated words."""

import numpy as np
import pytest

from pipelines.data.examples import Data, Examples
from pipelines.tasks import vader


def test_ratings_are_split_by_sign_and_unknown_words_have_none():
    ratings = vader.ratings(["[PAD]", "good", "awful", "table"])
    assert ratings.dtype == np.float32
    assert ratings[[0, 3]].tolist() == [[0, 0], [0, 0]]
    assert ratings[1] == pytest.approx([vader.lexicon()["good"] / 2, 0])
    assert ratings[2] == pytest.approx([0, -vader.lexicon()["awful"] / 2])
    assert (ratings >= 0).all()


def test_the_lexicon_has_words_only():
    assert len(vader.lexicon()) > 7000
    assert ":)" not in vader.lexicon()


@pytest.mark.parametrize(
    ("text", "label"),
    [("a great day", "positive"), ("not good", "negative"), ("a table", "neutral"), ("", "neutral")],
)
def test_labels(text, label):
    assert vader.label(text) == label


def test_accuracy_by_split_in_any_order_of_labels():
    test = Examples(["a great day", "a table", "a horrible day", "a horrible day"], np.array([0, 2, 1, 0]))
    empty = Examples(["good"], np.array([0]))
    labels = ("positive", "negative", "neutral")
    data = Data({"train": empty, "validation": empty, "test": test, "more": empty}, labels, "tiny")
    assert vader.accuracy(data) == {"test": 0.75, "more": 1.0}
