"""Text of files and folders, cut in order into splits and passages."""

import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.data.plain_text import as_splits, cut_in_order, joined, passages, text_of
from pipelines.errors import UserError


@given(st.text(min_size=1, max_size=200), st.integers(4, 20))
def test_passages_overlap_by_half_a_window_and_score_each_character_once(text, window):
    examples = passages(text, window)
    assert joined(examples) == text
    assert all(len(passage) <= window + 1 for passage in examples.inputs)
    scored = [
        len(passage) - 1 - context for passage, context in zip(examples.inputs, examples.targets, strict=True)
    ]
    assert sum(scored) == len(text) - 1


def test_a_text_is_cut_in_order():
    text = "".join(chr(97 + place % 26) for place in range(1000))
    data = cut_in_order(text, "it", [], held_out=(0.1, 0.2), most=1000, window=10)
    assert data.splits["train"].inputs == [text[:700]]
    assert joined(data.splits["validation"]) == text[700:800]
    assert joined(data.splits["test"]) == text[800:]


def test_a_long_held_out_text_is_cut_and_the_user_told():
    texts = {"train": "abc" * 100, "validation": "abcd" * 5, "test": "ab" * 200}
    data = as_splits(texts, "it", ["before"], most=100, window=10)
    assert joined(data.splits["test"]) == "ab" * 50
    assert data.notes == ("before", "it: of test the first 100 of 400 characters are used")


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "too little text"), ("ab", "expected 3 characters"), ("a" * 100, "different characters, got 'a'")],
)
def test_too_little_text_is_refused(text, said):
    with pytest.raises(UserError, match=said):
        cut_in_order(text, "it", [], held_out=(0.1, 0.1), most=100, window=10)


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
