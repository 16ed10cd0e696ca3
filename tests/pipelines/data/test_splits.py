"""Splits that share nothing, and examples held out where a source lacks a split."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.data.examples import Data, Examples
from pipelines.data.splits import complete, hold_out, with_pretraining
from pipelines.errors import UserError


def examples(texts: list[str], targets: list[int]) -> Examples:
    return Examples(texts, np.array(targets, np.int64))


def numbered(count: int, word: str = "text") -> Examples:
    return examples([f"{word} {index}" for index in range(count)], [index % 2 for index in range(count)])


def test_training_texts_that_are_held_out_elsewhere_are_left_out() -> None:
    splits = {"train": numbered(30), "test": numbered(4), "validation": examples(["text 9", "x"], [1, 0])}
    data = complete(Data(splits, ("a", "b"), "here", ("before",)), seed=1)
    assert data.counts == {"train": 25, "validation": 2, "test": 4}
    assert data.splits["train"].inputs == [
        f"text {index}" for index in range(30) if index not in (0, 1, 2, 3, 9)
    ]
    assert data.splits["train"].targets.tolist() == [
        index % 2 for index in range(30) if index not in (0, 1, 2, 3, 9)
    ]
    assert data.notes == ("before", "here: 5 training examples left out: they are in a held-out split")


def test_a_single_split_gives_all_three() -> None:
    data = complete(Data({"train": numbered(200)}, ("a", "b"), "here"), seed=1)
    assert list(data.splits) == ["train", "validation", "test"]
    assert data.counts == {"train": 162, "validation": 18, "test": 20}
    assert [np.bincount(data.splits[name].targets).tolist() for name in ("validation", "test")] == [
        [9, 9],
        [10, 10],
    ]
    assert "no test split: 20 examples held out of train (10%, by label, seed 1)" in data.notes[0]
    assert "no validation split: 18 examples held out of train (10%, by label, seed 1)" in data.notes[1]
    other = complete(Data({"train": numbered(200)}, ("a", "b"), "here"), seed=2)
    assert other.splits["test"].inputs != data.splits["test"].inputs


def test_without_labels_a_tenth_of_all_examples_is_held_out() -> None:
    images = [np.full((2, 2), i, np.uint8) for i in range(20)]
    train = Examples([*images, images[3]], np.arange(21))
    data = complete(Data({"train": train}, (), "here"), seed=1, what="images")
    assert data.counts == {"train": 17, "validation": 2, "test": 2}
    assert data.notes[0] == "here: no test split: 2 images held out of train (10%, seed 1)"
    held_out = {int(image[0, 0]) for name in ("test", "validation") for image in data.splits[name].inputs}
    assert not held_out & {int(image[0, 0]) for image in data.splits["train"].inputs}


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        ({"test": numbered(9)}, "expected a labelled train split"),
        ({"train": numbered(4)}, "too few examples to hold out a test split"),
        (
            {"train": examples(["a", "b"], [0, 0]), "validation": numbered(4), "test": numbered(4)},
            "two labels",
        ),
    ],
)
def test_splits_that_are_refused(splits: dict[str, Examples], message: str) -> None:
    with pytest.raises(UserError, match=message):
        complete(Data(splits, ("a", "b"), "here"), seed=1)


def test_too_few_examples_because_they_are_equal_says_so() -> None:
    equal = examples(["a", "b"] * 50, [0, 1] * 50)
    with pytest.raises(UserError, match="test split: got 100, of which only 2 differ: equal ones stay"):
        complete(Data({"train": equal}, ("a", "b"), "here"), seed=1)
    with pytest.raises(UserError, match="validation split: got 0; 9 more are copies of those in a held-out"):
        complete(Data({"train": numbered(9), "test": numbered(9)}, ("a", "b"), "here"), seed=1)


@given(st.lists(st.tuples(st.text("abc", max_size=3), st.integers(0, 2)), max_size=60), st.integers(0, 9))
@settings(deadline=None)
def test_no_text_is_on_both_sides_and_none_is_lost(pairs: list[tuple[str, int]], seed: int) -> None:
    rest, held = hold_out(examples([text for text, _ in pairs], [target for _, target in pairs]), seed)
    assert not set(rest.inputs) & set(held.inputs)
    both = [
        *zip(rest.inputs, rest.targets.tolist(), strict=True),
        *zip(held.inputs, held.targets.tolist(), strict=True),
    ]
    assert sorted(both) == sorted(pairs)


def test_another_sets_training_split_is_for_pretraining_its_labels_matched_by_order():
    def data(labels, **splits):
        made = {name: Examples(texts, np.array(targets)) for name, (texts, targets) in splits.items()}
        return Data(made, labels, "+".join(labels))

    own = data(("bad", "good"), train=(["a", "b"], [0, 1]), validation=(["c"], [1]), test=(["d"], [0]))
    extra = data(("neg", "pos"), train=(["e", "d"], [1, 0]), validation=(["f"], [0]), test=(["g"], [0]))
    joined = with_pretraining(own, extra)
    assert joined.splits["pretraining"].inputs == ["e"]
    assert joined.splits["pretraining"].targets.tolist() == [1]
    assert joined.splits["train"].inputs == ["a", "b"]
    assert joined.test_splits == ["test"]
    assert joined.labels == ("bad", "good")
    assert joined.notes == ("pretraining on 1 training examples of neg+pos (neg as bad, pos as good)",)
    with pytest.raises(UserError, match="expected as many labels"):
        with_pretraining(own, data(("x", "y", "z"), train=(["a"], [0])))
