"""Metrics, answers, baselines, losses and tables of a classifier, by hand."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from pipelines.data.examples import Data, Examples
from pipelines.errors import UserError
from pipelines.tasks.classification import accuracy, answer, label_targets, macro_f1, ranked
from pipelines.tasks.classification_baselines import bag_of_words, fitted, majority
from pipelines.tasks.classification_loss import SmoothedCrossEntropy
from pipelines.tasks.classification_plots import (
    confusion_by_person,
    confusion_matrix,
    most_wrong,
    recall,
    usual_plots,
    word_weights,
)

OUTPUTS = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.7, 0.3]])
TARGETS = np.array([0, 1, 1, 1])


def test_metrics_by_hand():
    assert accuracy(OUTPUTS, TARGETS) == 0.5
    # Label 0: precision 1/3, recall 1. Label 1: precision 1, recall 1/3.
    assert macro_f1(OUTPUTS, TARGETS) == pytest.approx(0.5)
    # A label that no target has doesn't count, though an answer may be that label.
    assert macro_f1(np.eye(3)[[0, 1, 2]], np.array([0, 1, 1])) == pytest.approx((1 + 2 / 3) / 2)


def test_an_answer_ranks_its_labels():
    given = answer(("no", "maybe", "yes"), np.array([0.2, 0.10000049, 0.7], np.float64))
    assert given == {"label": "yes", "probabilities": {"no": 0.2, "maybe": 0.1, "yes": 0.7}}
    assert ranked(given) == "yes 0.700  no 0.200  maybe 0.100"
    assert ranked(given, 2, between=", ") == "yes 0.700, no 0.200"


def test_targets_are_numbered_as_the_bundle_numbers_its_labels():
    bundle = SimpleNamespace(labels=["b", "c", "a"])
    examples = Examples(["x", "y", "z"], np.array([0, 1, 0]))
    data = Data({"test": examples}, ("a", "b"), "here")
    assert label_targets(bundle, data, examples).tolist() == [2, 0, 2]
    with pytest.raises(UserError, match=r"here: expected labels among \['b', 'c', 'a'\], got \['d'\]"):
        label_targets(bundle, Data({}, ("a", "d"), "here"), examples)


class Remembers:
    """A classifier with scikit-learn's interface that knows the training examples by heart."""

    def fit(self, inputs, targets):
        self.known = dict(zip(inputs, targets, strict=True))

    def score(self, inputs, targets):
        return np.mean([self.known.get(x) == y for x, y in zip(inputs, targets, strict=True)])


def test_baselines_learn_on_train_and_score_every_test_split():
    splits = {
        "train": Examples(["a", "b", "c"], np.array([1, 1, 0])),
        "validation": Examples(["d"], np.array([1])),
        "test": Examples(["A", "C"], np.array([1, 1])),
        "more": Examples(["C", "D"], np.array([0, 0])),
    }
    data = Data(splits, ("no", "yes"), "here")
    assert majority(data) == {"test": 1.0, "more": 0.0}
    assert fitted(data, Remembers(), lambda texts: [text.lower() for text in texts]) == {
        "test": 0.5,
        "more": 0.5,
    }


def test_label_smoothing_by_hand():
    loss = SmoothedCrossEntropy(0.2)(np.array([1]), np.array([[0.25, 0.75]], np.float32))
    assert float(loss) == pytest.approx(-(0.1 * np.log(0.25) + 0.9 * np.log(0.75)))
    plain = SmoothedCrossEntropy(0.0)(TARGETS, OUTPUTS.astype(np.float32))
    expected = keras.losses.SparseCategoricalCrossentropy()(TARGETS, OUTPUTS.astype(np.float32))
    assert float(plain) == pytest.approx(float(expected))


@pytest.fixture
def outcome():
    return SimpleNamespace(
        outputs={"test": OUTPUTS},
        features=SimpleNamespace(targets={"test": TARGETS}),
        data=SimpleNamespace(labels=("no", "yes")),
    )


def test_the_most_wrong_come_first_and_right_ones_not_at_all(outcome):
    rows = most_wrong(outcome, ["a", "b", "c", "d"], column="text")
    assert rows == [
        {"text": "d", "true": "yes", "given": "no", "probability of true": 0.3},
        {"text": "b", "true": "yes", "given": "no", "probability of true": 0.4},
    ]
    assert most_wrong(outcome, "abcd", count=1)[0]["input"] == "d"


def test_the_figures_show_these_answers(outcome):
    figures = usual_plots(outcome)
    counts = [text.get_text() for text in figures["confusion_matrix"].axes[0].texts]
    assert counts == ["1", "0", "2", "1"]
    assert [bar.get_height() for bar in figures["recall"].axes[0].patches] == pytest.approx([1, 1 / 3])
    # The probabilities .9, .6, .8, .7 are right, wrong, right, wrong: .1, .6, .2, .7 off, a quarter each.
    assert "error 0.400" in figures["reliability"].axes[0].get_title()


def test_each_person_has_a_matrix_of_shares_with_the_labels_named_once():
    people = {"ann": (OUTPUTS, TARGETS), "ben": (OUTPUTS[:0], TARGETS[:0])}
    panels = confusion_by_person(people, ["no", "yes"]).axes
    shares = [panel.images[0].get_array().tolist() for panel in panels]
    np.testing.assert_allclose(shares, [[[1, 0], [2 / 3, 1 / 3]], [[0, 0], [0, 0]]])
    assert [panel.get_title() for panel in panels] == ["person ann (4)", "person ben (0)"]
    assert [[each.get_text() for each in panel.get_yticklabels()] for panel in panels] == [["no", "yes"], []]


def test_of_many_labels_the_figures_show_the_commonest():
    labels, targets = [f"label {k}" for k in range(1000)], np.repeat(np.arange(1000), [5] * 30 + [1] * 970)
    outputs = np.eye(1000)[targets]
    for figure in (confusion_matrix(outputs, targets, labels), recall(outputs, targets, labels)):
        names = [tick.get_text() for tick in figure.axes[0].get_xticklabels()]
        assert names == labels[:40]
        assert figure.axes[0].get_title().endswith("(the 40 commonest of 1,000 labels)")


def test_words_are_cut_and_labelled():
    figure = word_weights([["not", "bad"], list("abcdef")], np.ones((2, 6)), ["yes", "no"], most_words=3)
    said = [[tick.get_text() for tick in axes.get_xticklabels()] for axes in figure.axes]
    assert said == [["not", "bad"], ["a", "b", "c"]]
    assert [axes.get_yticklabels()[0].get_text() for axes in figure.axes] == ["yes", "no"]


def test_a_bag_of_words_can_be_made_of_texts_that_share_no_word():
    train = Examples(["good", "bad", "fine", "poor"], np.array([1, 0, 1, 0]))
    data = Data({"train": train, "validation": train, "test": train}, ("no", "yes"), "here")
    assert bag_of_words(data, str.split, seed=1) == {"test": 1.0}


@pytest.mark.parametrize("count", [1, 2, 4])
def test_labels_that_do_not_match_the_network_are_one_line(count):
    with pytest.raises(UserError, match=rf"has 3 labels, but its network answers with \({count},\)"):
        answer(("a", "b", "c"), np.full(count, 1 / count))
