"""Words and their ids."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.ondevice.vocabulary import END, Vocabulary, words


@given(st.lists(st.text("abc. !", max_size=8), min_size=1, max_size=6))
def test_captions_come_back_from_their_ids(captions: list[str]) -> None:
    if not any(words(caption) for caption in captions):
        with pytest.raises(ValueError, match="distinct words"):
            Vocabulary.fit(captions, 1)
        return
    vocabulary = Vocabulary.fit(captions, 1)
    assert Vocabulary.from_json(vocabulary.to_json()).known == vocabulary.known
    for caption in captions:
        ids = vocabulary.encode(caption, 10)
        assert len(ids) == 10
        assert vocabulary.decode(ids) == " ".join(words(caption))
        assert vocabulary.decode(vocabulary.encode(caption, 2)) == " ".join(words(caption)[:2])


def test_rare_words_are_unknown_and_ids_have_an_order() -> None:
    vocabulary = Vocabulary.fit(["a dog", "a cat", "dog a"], 2)
    assert vocabulary.known == ("a", "dog")
    assert vocabulary.encode("the dog", 3) == [vocabulary.unknown, 2, END]
    assert (vocabulary.unknown, vocabulary.start) == (3, 4)


@pytest.mark.parametrize("content", [b"{}", b"[1]", b'["a", "a"]', b"[]", b'["two words"]', b"nonsense"])
def test_a_vocabulary_that_is_none_is_refused_in_one_line(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"^vocabulary: ") as refused:
        Vocabulary.from_json(content)
    assert "\n" not in str(refused.value)
