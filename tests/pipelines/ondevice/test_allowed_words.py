"""Beam search keeps to the words of a text, whatever pieces they are written with."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.ondevice.allowed_words import AllowedWords
from pipelines.ondevice.beam_search import Limits, Search, n_best
from pipelines.ondevice.subwords import LINE, SPACE, Subwords
from pipelines.ondevice.vocabulary import END

PIECES = ["▁the", "▁th", "▁t", "▁", "t", "h", "e", "r", "re", "n", "▁there", ".", ",", "e.", "he", "▁thene"]
SUBWORDS = Subwords(PIECES, [-2.0 - i / 9 for i in range(len(PIECES))])


def following(allowed: AllowedWords, before: list[str]) -> set[str]:
    ids = [SUBWORDS.known.index(piece) + 1 for piece in before]
    return {"END" if number == END else SUBWORDS.known[number - 1] for number in allowed(ids)}


def test_the_pieces_that_may_follow() -> None:
    allowed = AllowedWords("the there. net", SUBWORDS)
    begins = {"▁the", "▁th", "▁t", "▁", "▁there", ".", LINE}
    assert following(allowed, []) == {"END", *begins, "t", "n"}
    assert following(allowed, ["▁th"]) == {"e", "e."}
    assert following(allowed, ["▁", "t"]) == {"h", "he"}
    assert following(allowed, ["▁the"]) == {"END", *begins, "r", "re"}
    assert following(allowed, ["▁the", "r"]) == {"e", "e."}
    assert following(allowed, ["▁there"]) == {"END", *begins}
    assert following(allowed, ["▁there", "."]) == {"END", *begins, "t", "n"}


class Random:
    """A network whose probabilities depend on nothing."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def initial_state(self) -> dict:
        return {}

    def __call__(self, step: np.ndarray, state: dict) -> tuple:
        values = self._rng.normal(0, 3, SUBWORDS.start)
        return {"log_probabilities": values - np.log(np.exp(values).sum())}, state


@pytest.mark.parametrize("seed", range(20))
def test_finished_texts_have_only_the_words(seed: int) -> None:
    search = Search(5, allowed=AllowedWords("the there. net", SUBWORDS))
    found = n_best(Random(seed), Limits(SUBWORDS.start, END, 12), search, 5)
    for each in found:
        words = SUBWORDS.decode(each.tokens).replace(".", " ").split()
        if each.finished:
            assert {*words} <= {"the", "there", "net"}
    assert any(each.finished for each in found)


@pytest.mark.parametrize("text", ["", " \n", ", .", "漢字", f"{SPACE}!"])
def test_texts_without_known_words_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected words, found none"):
        AllowedWords(text, SUBWORDS)


def test_marks_of_a_script_are_no_signs() -> None:
    pieces = ["▁", *dict.fromkeys("हिन्दी")]
    subwords = Subwords(pieces, [-1.0] * len(pieces))
    allowed = AllowedWords("हिन्दी", subwords)
    assert {subwords.known[number - 1] for number in allowed(subwords.encode("हि"))} == {"न"}
