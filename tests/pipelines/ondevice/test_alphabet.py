"""Symbols of a text: characters or bytes."""

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipelines.ondevice.alphabet import Alphabet

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXTS)
def test_bytes_write_every_text(text):
    alphabet = Alphabet(None)
    assert alphabet.decode(alphabet.encode(text)) == text
    assert not alphabet.unknown(text)


@given(TEXTS.filter(bool), TEXTS)
def test_characters_that_are_unknown_are_left_out_and_counted(known, text):
    alphabet = Alphabet.of(known)
    assert len(alphabet) == len(set(known))
    assert alphabet.decode(alphabet.encode(known)) == known
    kept = "".join(each for each in text if each in set(known))
    assert alphabet.decode(alphabet.encode(text)) == kept
    assert alphabet.unknown(text).total() == len(text) - len(kept)


@given(TEXTS)
def test_symbols_are_read_one_by_one(text):
    for alphabet in (Alphabet(None), Alphabet.of(text)):
        read = alphabet.reader()
        assert "".join(read(int(number)) for number in alphabet.encode(text)) == text


def test_a_long_text_is_looked_up_in_parts(monkeypatch):
    alphabet, text = Alphabet.of("abcü"), "abc ü? cab" * 3
    whole = alphabet.encode(text)
    monkeypatch.setattr("pipelines.ondevice.alphabet._PART", 4)
    np.testing.assert_array_equal(alphabet.encode(text), whole)


def test_the_settings_make_the_same_alphabet():
    for alphabet in (Alphabet.of("zebra ü\n"), Alphabet(None)):
        again = Alphabet.from_settings(json.loads(json.dumps(alphabet.settings)))
        assert again == alphabet


def test_bytes_that_are_no_text_become_a_sign():
    assert Alphabet(None).decode(np.array([65, 255, 66])) == "A\ufffdB"
