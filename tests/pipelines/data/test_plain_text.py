"""Text of files and folders, cut in order into splits and passages."""

import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.data.plain_text import Scoring, as_given, as_splits, completed, passages, text_of
from pipelines.errors import UserError


def scored(examples):
    """Return the characters of passages that are predicted."""
    passages = zip(examples.inputs, examples.targets.tolist(), strict=True)
    return [passage[context + 1 :] for passage, context in passages]


@given(st.text(min_size=1, max_size=200), st.integers(4, 20))
def test_passages_overlap_by_half_a_window_and_score_each_character_once(text, window):
    examples = passages(text, window)
    assert "".join(scored(examples)) == text[1:]
    assert all(len(passage) <= window + 1 for passage in examples.inputs)


LETTERS = "".join(chr(97 + place % 26) for place in range(1000))


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ({"text": LETTERS}, [LETTERS[100:800], LETTERS[:100], LETTERS[800:]]),
        ({"train": LETTERS, "other": "x"}, [LETTERS[100:802], LETTERS[:100], LETTERS[802:] + "\nx"]),
        ({"train": LETTERS, "validation": "x"}, [LETTERS[100:], LETTERS[:100], "x"]),
        ({"train": LETTERS, "test": "x"}, [LETTERS[100:], LETTERS[:100], "x"]),
        ({"train": "x", "validation": "y", "test": "z"}, ["x", "y", "z"]),
    ],
)
def test_of_a_text_the_beginning_is_for_validation_and_the_end_for_the_test(texts, expected):
    assert completed(texts, (0.1, 0.2)) == dict(zip(("train", "validation", "test"), expected, strict=True))


def test_a_long_held_out_text_is_cut_and_the_user_told():
    texts = {"train": "abc" * 100, "validation": "abcd" * 5, "test": "ab" * 200}
    data = as_splits(texts, "it", ["before"], Scoring(window=10, most=100, most_in_passages=50))
    assert data.splits["validation"].inputs == ["abcd" * 5]
    assert data.splits["whole"].inputs == ["ab" * 50]
    assert data.notes == ("before", "it: of test the first 100 of 400 characters are used")


def test_passages_of_the_test_text_are_spread_over_it():
    texts = {"train": "abc" * 100, "validation": "abc", "test": LETTERS}
    whole = passages(LETTERS, 10)
    data = as_splits(texts, "it", [], Scoring(window=10, most=1000, most_in_passages=50))
    some = data.splits["test"]
    assert sum(map(len, scored(some))) <= 60
    assert (some.inputs[0], some.inputs[-1]) == (whole.inputs[0], whole.inputs[-1])
    assert set(some.inputs) <= set(whole.inputs)


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "too little text"), ("ab", "expected 3 characters"), ("a" * 100, "different characters, got 'a'")],
)
def test_too_little_text_is_refused(text, said):
    with pytest.raises(UserError, match=said):
        as_splits(completed({"text": text}, (0.1, 0.1)), "it", [], Scoring(10, 100, 100))


def test_text_that_is_only_scored_is_cut_and_nothing_held_out():
    data = as_given({"train": LETTERS, "empty": ""}, "it", [], 10)
    assert list(data.splits) == ["train"]
    assert "".join(scored(data.splits["train"])) == LETTERS[1:]
    with pytest.raises(UserError, match="it: too little text: expected two characters or more"):
        as_given({"text": "a"}, "it", [], 10)


def test_a_folder_is_read_in_order_and_what_is_no_text_named(tmp_path):
    (tmp_path / "b.py").write_text("print('b')")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one.txt").write_text("one ü")
    (tmp_path / "c.txt.gz").write_bytes(gzip.compress(b"three"))
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\0\xff")
    (tmp_path / ".hidden").write_text("secret")
    (tmp_path / "empty.txt").touch()
    text, (note,) = text_of(tmp_path)
    assert text == "one ü\n\nprint('b')\n\nthree"
    assert note.endswith("1 files left out that are no utf-8 text (picture.png)")
    empty = tmp_path / "nothing"
    empty.mkdir()
    with pytest.raises(UserError, match="expected text files, found none"):
        text_of(empty)


def test_a_file_is_read_whole(tmp_path):
    (tmp_path / "it.txt").write_text("\ufeffone\ntwo\n")
    assert text_of(tmp_path / "it.txt") == ("one\ntwo\n", [])
    assert np.array(passages("one\ntwo\n", 100).targets).tolist() == [0]
