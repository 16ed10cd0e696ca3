"""Checks of generated text, and the page that shows surprise."""

import numpy as np

from pipelines.ondevice.alphabet import Alphabet
from pipelines.tasks.surprise_page import page, spans
from pipelines.tasks.text_checks import checks, in_words, known_words, longest_copy, repeated_share

CORPUS = "the quick brown fox jumps over the lazy dog"


def test_the_share_of_words_that_the_corpus_has():
    assert known_words("The fox flies", CORPUS) == 2 / 3
    assert known_words("... 12", CORPUS) == 0


def test_the_longest_part_that_is_copied():
    assert longest_copy("a brown fox sat", CORPUS) == len(" brown fox ")
    assert longest_copy("zzz", CORPUS.replace("z", "")) == 0
    assert longest_copy(CORPUS, CORPUS) == len(CORPUS)


def test_the_share_of_five_words_that_were_there_before():
    assert repeated_share("one two three four") == 0
    assert repeated_share("one two three four five six seven") == 0
    assert repeated_share("a b c d e " * 2) == 1 / 6


def test_the_checks_in_words():
    assert checks("the fox flies") == {"repeated": 0}
    assert in_words(checks("the fox flies", CORPUS)) == (
        "66.7% of its words are in the corpus, the longest run copied from there has 5 characters, "
        "0.0% of its five-word runs are repeated"
    )


def test_each_character_has_its_surprise_unknown_ones_none():
    alphabet = Alphabet.of("ab<")
    pieces = spans(alphabet, "a?b<", np.array([1.0, 6.0]))
    assert [piece.text for piece in pieces] == list("a?b<")
    np.testing.assert_array_equal([piece.nats for piece in pieces], [np.nan, np.nan, 1.0, 6.0])
    shown = page("a & b", pieces, 3.5)
    assert "<title>a &amp; b</title>" in shown
    assert "3.500 nats" in shown
    assert '<span class="u">?</span>' in shown
    assert '<span class="s8" title="6.00">&lt;</span>' in shown
    assert '<span class="s1" title="1.00">b</span>' in shown


def test_the_bytes_of_a_character_add_up():
    pieces = spans(Alphabet(None), "é!", np.array([1.0, 2.0]))
    assert pieces[0].text == "é"
    assert np.isnan(pieces[0].nats)  # the first byte of a text has no surprise
    assert pieces[1].nats == 2
