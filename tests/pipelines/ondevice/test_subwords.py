"""Subwords: texts come back from their ids, and words are cut as sentencepiece cuts them."""

from __future__ import annotations

import io
import json
import math
import time

import pytest
import sentencepiece
from hypothesis import given
from hypothesis import strategies as st
from sentencepiece import sentencepiece_model_pb2

from pipelines.data.subword_training import of_model, train_subwords
from pipelines.ondevice.subwords import LINE, MOST_PIECES, RESERVED, SPACE, UNKNOWN, Subwords, normalized
from pipelines.ondevice.vocabulary import END

TEXTS = [
    "In the beginning God created the heaven and the earth.",
    "Ein Mädchen läuft über die Straße, und der Hund läuft ihr nach!",
    "Девочка бежит через улицу, а собака бежит за ней.",  # noqa: RUF001
    "الولد يجري في الشارع والكلب يجري خلفه",
    "少女が通りを走り、犬がその後を追いかける。",
    "aaa aab aba abb baa bab bba bbb aaaa 2024 2048 1,024.5 no. 7",
    "1000 2000 5000 10,000 10.000 100.000 20,000 300 400 1800 1900 100,000 10 20 30 90",
    "e\u0301 \u0915\u094d\u0937\u093f \u1100\u1161\u11a8 \U0001f600",
]


def trained(size: int = 150) -> sentencepiece.SentencePieceProcessor:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=(normalized(text) for text in TEXTS * 3),
        model_writer=model,
        vocab_size=size,
        hard_vocab_limit=False,
        character_coverage=1.0,
        normalization_rule_name="identity",
        unk_id=0,
        bos_id=-1,
        eos_id=-1,
        pad_id=-1,
        num_threads=1,
        minloglevel=2,
    )
    return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())


def in_the_library(subwords: Subwords) -> sentencepiece.SentencePieceProcessor:
    """Return the library with other pieces and scores, the unknown piece first."""
    model = sentencepiece_model_pb2.ModelProto.FromString(LIBRARY.serialized_model_proto())
    del model.pieces[1:]
    for piece, score in zip(subwords.known[len(RESERVED) :], subwords.scores, strict=True):
        model.pieces.add(piece=piece, score=score)
    return sentencepiece.SentencePieceProcessor(model_proto=model.SerializeToString())


LIBRARY = trained()
SUBWORDS = of_model(LIBRARY.serialized_model_proto())
# As they are deployed: with whole words besides the library's own pieces.
DEPLOYED = train_subwords(TEXTS * 3, 150)
BOTH = ((SUBWORDS, LIBRARY), (DEPLOYED, in_the_library(DEPLOYED)))

KNOWN = st.text(sorted(set("".join(TEXTS))), max_size=60)
MARKED = st.text("ae\u0301\u0323\u0345\u09be\u09c7 \u1100\u1161\u11a8\uff9e\ufb01\u00a8", max_size=90)
BROKEN = st.text(st.characters(categories=["Cs", "Cc", "Zs", "Mn", "Lo"]), max_size=20)
# In "000" the pieces "0" and "00" give equal sums, which rounding decides.
EQUAL = st.lists(st.sampled_from(["1", "000", "0000", ",", ".", "aa", "b"]), max_size=12).map("".join)
WHOLE = st.lists(st.sampled_from(sorted({*DEPLOYED.known} - {*RESERVED})), max_size=8).map("".join)
TEXT = st.one_of(st.text(), KNOWN, WHOLE, st.text("ab", max_size=200), MARKED, BROKEN, EQUAL)


def by_library(text: str, library: sentencepiece.SentencePieceProcessor) -> list[str]:
    lines = [
        [piece for word in line.split() for piece in library.encode(word, out_type=str)]
        for line in normalized(text).split(LINE)
    ]
    return [piece for number, line in enumerate(lines) for piece in ([LINE] if number else []) + line]


@given(TEXT)
def test_words_are_cut_as_the_library_cuts_them(text: str) -> None:
    for subwords, library in BOTH:
        assert subwords.pieces(text) == by_library(text, library)


def test_whole_texts_are_cut_as_the_library_cuts_them() -> None:
    for text in TEXTS:
        for subwords, library in BOTH:
            assert subwords.pieces(text) == library.encode(normalized(text), out_type=str)
    assert len(set(DEPLOYED.known) - set(SUBWORDS.known)) > 10  # whole words


def test_a_long_word_is_cut_as_the_library_cuts_it_in_linear_time() -> None:
    word = "the beginning 2048 läuft".replace(" ", "") * 10_000
    start = time.process_time()
    pieces = SUBWORDS.pieces(word)
    assert time.process_time() - start < 10
    assert pieces == LIBRARY.encode(word, out_type=str)


@given(TEXT)
def test_a_text_comes_back_from_its_ids(text: str) -> None:
    ids = SUBWORDS.encode(text)
    assert len(ids) == len(SUBWORDS.pieces(text))
    assert all(END < each < SUBWORDS.start for each in ids)
    back = SUBWORDS.decode([*ids, END, 1, 2])
    assert back == normalized(back)
    if SUBWORDS.unknown not in ids:
        assert back == normalized(text)
    for length in (0, 1, 5):
        assert SUBWORDS.encode(text, length) == ids[:length]


@given(TEXT)
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    once = normalized(text)
    assert normalized(once) == once
    once.encode()  # no lone surrogates
    assert SPACE not in once


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  Two   spaces\tand\u00a0one ", "Two spaces and one"),
        ("One.\r\n\r\n Two.\u2028Three.", "One.\nTwo.\nThree."),
        ("\ufb01ne \uff21\uff22 \u2460", "fine AB 1"),
        ("a\u0000b\ud800\u2581c", "ab\ufffd c"),
        ("A\u030angstro\u0308m", "\u00c5ngstr\u00f6m"),
        (" \n\t", ""),
    ],
)
def test_normalised_texts(text: str, expected: str) -> None:
    assert normalized(text) == expected


def test_unknown_characters_in_a_row_are_one_piece() -> None:
    pieces = SUBWORDS.pieces("a\u4e2d\u56fdb")
    assert "\u4e2d\u56fd" in pieces
    ids = SUBWORDS.encode("a\u4e2d\u56fdb")
    assert ids.count(SUBWORDS.unknown) == 1
    assert SUBWORDS.decode(ids) == "a\ufffdb"


def test_ids_have_an_order_and_lines_are_kept() -> None:
    small = Subwords(["▁a", "b", "▁"], [-1.0, -2, -3])
    assert small.known == (UNKNOWN, LINE, "▁a", "b", "▁")
    assert (small.unknown, small.start) == (1, 6)
    assert small.encode("ab\n\nb a") == [3, 4, 2, 5, 4, 3]
    assert small.decode([3, 4, 2, 5, 4, 3, END, 3]) == "ab\nb a"
    for wrong in (6, -1):
        with pytest.raises(ValueError, match="expected ids from 0 to 5"):
            small.decode([wrong])


def test_json_gives_the_same_model() -> None:
    again = Subwords.from_json(SUBWORDS.to_json())
    assert again == SUBWORDS
    assert hash(again) == hash(SUBWORDS)
    assert again.scores == SUBWORDS.scores
    assert again.to_json() == SUBWORDS.to_json()
    assert Subwords(["▁a", "b"], [-1, -2]) != SUBWORDS


def content(**changes: object) -> bytes:
    return json.dumps({"format": 1, "pieces": ["▁a", "b"], "scores": [-1.5, -2], **changes}).encode()


@pytest.mark.parametrize(
    "damaged",
    [
        b"nonsense",
        b"[]",
        b"[" * 100_000,
        b"\xff",
        b" " * (2**23 + 1),
        content(format=2),
        content(format=True),
        content(more=1),
        content(pieces="ab"),
        content(pieces=[], scores=[]),
        content(pieces=["a", "a"]),
        content(pieces=["a", ""]),
        content(pieces=["a", 1]),
        content(pieces=["a", "b c"]),
        content(pieces=["a", "a▁"]),
        content(pieces=["a", UNKNOWN]),
        content(pieces=["a", LINE]),
        content(pieces=["a", "\ud800"]),
        content(pieces=["a", "\u0000"]),
        content(pieces=["a", "\ufb01"]),
        content(pieces=["a", "b" * 65]),
        content(pieces=["a"] * (MOST_PIECES + 1), scores=[0] * (MOST_PIECES + 1)),
        content(scores=[-1]),
        content(scores=[-1, True]),
        content(scores=[-1, "-1"]),
        content(scores=[-1, math.nan]),
        content(scores=[-1, -math.inf]),
        content(scores=[-1, 10**400]),
    ],
)
def test_what_is_no_model_is_refused_in_one_line(damaged: bytes) -> None:
    with pytest.raises(ValueError, match=r"^subwords: ") as refused:
        Subwords.from_json(damaged)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 300
