"""Vectors of words from text files."""

import gzip

import numpy as np
import pytest

from pipelines.data.word_vectors import read_vectors
from pipelines.errors import UserError


def test_words_are_plain_and_the_first_of_equal_ones_counts(tmp_path):
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(b"The 1 2\r\nthe 3 4\r\n1987 5 -6e-1\r\n. . 7 8\r\n"))
    found = read_vectors(path, 2)
    assert {word: vector.tolist() for word, vector in found.items()} == {
        "the": [1, 2],
        "0000": [5, pytest.approx(-0.6)],
        ". .": [7, 8],
    }
    assert found["the"].dtype == np.float32


def test_a_head_with_counts_is_left_out(tmp_path):
    path = tmp_path / "a.vec"
    path.write_text("2 3\na 1 2 3\nb 4 5 6\n")
    assert list(read_vectors(path, 3)) == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a 1 2 3\nb 1 2\n", r":2: expected a word and 3 numbers \(--embedding\), got 3 fields"),
        ("a 1 2 x\n", ":1: expected a word and 3 numbers"),
        ("a 1 2 nan\n", ":1: expected a word and 3 numbers"),
        ("\n", "expected lines with a word and its numbers, found none"),
    ],
)
def test_other_lines_are_refused(tmp_path, text, said):
    path = tmp_path / "a.txt"
    path.write_text(text)
    with pytest.raises(UserError, match=said):
        read_vectors(path, 3)
