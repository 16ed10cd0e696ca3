"""Subwords are learnt from texts, always the same ones."""

from __future__ import annotations

import pytest

from pipelines.data.subword_training import SMALLEST, train_subwords
from pipelines.errors import UserError

VERSE = "In the beginning God created the heaven and the earth."


def test_the_same_texts_give_the_same_pieces() -> None:
    texts = [VERSE, "And the earth was without form, and void."] * 5
    first = train_subwords(texts, 60)
    assert first == train_subwords(iter(texts), 60)
    assert len(first.known) <= 60
    for text in texts:
        assert first.decode(first.encode(text)) == text


def test_few_different_words_are_pieces_even_if_the_size_is_not_filled() -> None:
    texts = ["Mary moved to the bathroom.", "Where is Mary?", "bathroom"] * 50
    found = train_subwords(texts, 1000)
    assert len(found.known) < 1000
    assert found.pieces("Mary moved to the bathroom.") == ["▁Mary", "▁moved", "▁to", "▁the", "▁bathroom", "."]


def test_a_frequent_word_is_a_piece_though_no_other_word_has_its_letters() -> None:
    texts = ["einem eine eines keine seine", "einem einem", VERSE] * 20
    found = train_subwords(texts, 80)
    assert len(found.known) <= 80
    assert found.pieces("einem eine") == ["▁einem", "▁eine"]


def test_with_more_characters_than_pieces_the_rare_ones_are_unknown() -> None:
    common = "etaoin"
    rare = "".join(chr(0x4E00 + i) for i in range(100))
    found = train_subwords([f"{common} " * 50, rare], SMALLEST)
    assert len(found.known) <= SMALLEST
    assert found.unknown not in found.encode(common)
    assert found.encode(rare[-5:])[-1] == found.unknown


@pytest.mark.parametrize("texts", [["a"], ["a b"], ["x \u2585 x"], ["word " * 5000], ["x" * 100_000 + " y"]])
def test_odd_texts_are_learnt_from(texts: list[str]) -> None:
    found = train_subwords(texts, 100)
    assert found.encode(texts[0])


@pytest.mark.parametrize("texts", [[], [""], [" \n", "\u2581"]])
def test_empty_texts_are_refused(texts: list[str]) -> None:
    with pytest.raises(UserError, match="expected texts to learn from"):
        train_subwords(texts, 100)


@pytest.mark.parametrize("size", [0, 15, 2**16 + 1])
def test_a_size_out_of_range_is_refused(size: int) -> None:
    with pytest.raises(UserError, match="expected 16 to 65,536 pieces"):
        train_subwords([VERSE], size)
