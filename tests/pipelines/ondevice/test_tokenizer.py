"""The tokenizer: its rules, and that every string has tokens."""

import importlib.util
import json
import re
import time
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import pipelines.ondevice.tokenizer
from pipelines.ondevice.tokenizer import Tokenizer, tokenize

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)
# Letters of contractions, tags, apostrophes, marks, case that folds oddly.
TRICKY_TEXT = st.text(
    "nNtT'\u2019\u00b4sredlvm<>/br =\"-_ \u0130\u03a3\u0327\u0307\uff9e\u0344\u200d\ufe0f\n\0", max_size=80
)
TEXT = ANY_TEXT | TRICKY_TEXT


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", []),
        (" \n\t\u3000", []),
        ("Not BAD at all!", ["not", "bad", "at", "all", "!"]),
        ("isn't", ["is", "n't"]),
        ("is n't", ["is", "n't"]),
        ("ISN\u2019T", ["is", "n't"]),
        ("can't", ["ca", "n't"]),
        ("wouldn't've", ["would", "n't", "'ve"]),
        (
            "she'll it's you're I'd I'm we've",
            ["she", "'ll", "it", "'s", "you", "'re", "i", "'d", "i", "'m", "we", "'ve"],
        ),
        ("it\u00b4s", ["it", "'s"]),
        ("rock'n'roll 'so' o'clock", ["rock", "'", "n", "'", "roll", "'", "so", "'", "o", "'", "clock"]),
        ("re-imagined, 3.5/10", ["re", "-", "imagined", ",", "3", ".", "5", "/", "10"]),
        ("good<br /><br/>bad<BR>fine</p>", ["good", "bad", "fine"]),
        ("<a href='x' class=y>link</a>", ["link"]),
        ("a < b and b > c", ["a", "<", "b", "and", "b", ">", "c"]),
        ("if a <b and c> d", ["if", "a", "<", "b", "and", "c", ">", "d"]),
        ("<3 you", ["<", "3", "you"]),
        ("\uff26\uff55\uff4c\uff4c \ufb01ne \u00bd", ["full", "fine", "1", "\u2044", "2"]),
        ("cafe\u0301 \u0130stanbul", ["caf\u00e9", "i\u0307stanbul"]),
        ("\u0939\u093f\u0928\u094d\u0926\u0940", ["\u0939\u093f\u0928\u094d\u0926\u0940"]),
        ("\u2764\ufe0fgood", ["\u2764\ufe0f", "good"]),
        ("snake_case", ["snake", "_", "case"]),
        ("\ud800x\0", ["\ud800", "x", "\0"]),
    ],
)
def test_rules(text: str, tokens: list[str]) -> None:
    assert tokenize(text) == tokens


@given(TEXT)
@settings(max_examples=500, deadline=None)
@example("q" + "\u0344" * 40)
@example("\u0130" + "\u0316\u0301" * 20)
@example("<<br>br>")
def test_every_text_has_tokens_and_they_are_stable(text: str) -> None:
    tokens = tokenize(text)
    assert tokenize(text) == tokens
    assert tokenize(" ".join(tokens)) == tokens
    assert all(token and not re.search(r"\s", token) for token in tokens)


@given(
    st.lists(TEXT, max_size=8),
    st.integers(2, 20),
    st.integers(1, 12),
    st.sampled_from(["head", "tail", "both"]),
)
@settings(deadline=None)
def test_ids_are_in_range_and_json_gives_the_same_tokenizer(
    texts: list[str], size: int, length: int, keep: pipelines.ondevice.tokenizer.Keep
) -> None:
    tokenizer = Tokenizer.fit(texts, size, max_length=length, keep=keep)
    assert len(tokenizer.vocabulary) <= size
    again = Tokenizer.from_json(tokenizer.to_json())
    assert again == tokenizer
    assert again.to_json() == tokenizer.to_json()
    for text in texts:
        ids = tokenizer.encode(text)
        assert len(ids) == min(length, len(tokenize(text)))
        assert all(1 <= index < len(tokenizer.vocabulary) for index in ids)
        assert again.encode(text) == ids


def test_vocabulary_goes_by_count_then_alphabet() -> None:
    texts = ["b a c", "c b d", "c e"]
    assert Tokenizer.fit(texts, 100).vocabulary == ("[PAD]", "[UNK]", "c", "b", "a", "d", "e")
    assert Tokenizer.fit(texts, 5).vocabulary == ("[PAD]", "[UNK]", "c", "b", "a")
    assert Tokenizer.fit(texts, 100, min_count=2).vocabulary == ("[PAD]", "[UNK]", "c", "b")
    assert Tokenizer.fit(texts, 4).encode("B z [UNK] c") == [3, 1, 1, 1, 1, 2]
    with pytest.raises(ValueError, match="vocabulary_size: expected at least 2, got 1"):
        Tokenizer.fit(texts, 1)


@pytest.mark.parametrize(("keep", "kept"), [("head", "abcdefgh"), ("tail", "mnopqrst"), ("both", "abopqrst")])
def test_what_is_kept_of_a_long_text(keep: pipelines.ondevice.tokenizer.Keep, kept: str) -> None:
    letters = "abcdefghijklmnopqrst"
    tokenizer = Tokenizer(["[PAD]", "[UNK]", *letters], max_length=8, keep=keep)
    assert tokenizer.truncate(list(letters)) == list(kept)
    assert tokenizer.encode(" ".join(letters)) == tokenizer.ids(kept)
    assert tokenizer.truncate(["a", "b"]) == ["a", "b"]


def changed(**changes: object) -> bytes:
    content = {"format": 1, "keep": "both", "max_length": 4, "vocabulary": ["[PAD]", "[UNK]", "good"]}
    return json.dumps({**content, **changes}).encode()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "expected a JSON object with the keys"),
        (changed(more=1), "expected a JSON object with the keys"),
        (changed(format=2), "expected format 1, got 2"),
        (changed(format=True), "expected format 1, got True"),
        (changed(keep="middle"), "keep: expected one of head, tail, both"),
        (changed(keep=[]), "keep: expected one of head, tail, both"),
        (changed(max_length=0), "max_length: expected an integer of at least 1, got 0"),
        (changed(max_length="9"), "max_length: expected an integer of at least 1, got '9'"),
        (changed(vocabulary="good"), "expected a list that starts with"),
        (changed(vocabulary=["good"]), "expected a list that starts with"),
        (changed(vocabulary=["[PAD]", "[UNK]", 3]), r"vocabulary\[2\]: expected a non-empty string, got 3"),
        (changed(vocabulary=["[PAD]", "[UNK]", ""]), r"vocabulary\[2\]: expected a non-empty string"),
        (changed(vocabulary=["[PAD]", "[UNK]", "a", "a"]), r"vocabulary\[3\]: 'a' occurs twice"),
    ],
)
def test_malformed_json_is_refused_in_one_line(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        Tokenizer.from_json(data)
    assert "\n" not in str(caught.value)


def test_well_formed_json_is_read() -> None:
    assert Tokenizer.from_json(changed()).encode("good grief") == [2, 1]


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The module from a copy of its file, outside any package."""
    file = tmp_path_factory.mktemp("device") / "text.py"
    file.write_bytes(Path(pipelines.ondevice.tokenizer.__file__).read_bytes())
    spec = importlib.util.spec_from_file_location("text_of_a_bundle", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@given(st.lists(TEXT, max_size=5))
@settings(deadline=None)
def test_a_copy_of_the_file_alone_gives_the_same(copied: ModuleType, texts: list[str]) -> None:
    tokenizer = Tokenizer.fit(texts, 12, max_length=9)
    alone = copied.Tokenizer.from_json(tokenizer.to_json())
    assert alone.to_json() == tokenizer.to_json()
    assert [alone.encode(text) for text in texts] == [tokenizer.encode(text) for text in texts]


@pytest.mark.parametrize(
    "piece",
    ["a", "n't", "<", "<a b=", "<a ", "\u0301\u0316", "\uff9e\u0301", "q\u0301", "\u03a3'", "\u4f60"],
)
def test_time_is_linear(piece: str) -> None:
    """Quadratic work would take an eighth megabyte's time 64 times, not 8 times, for a megabyte."""

    def seconds(size: int) -> float:
        text = piece * (size // len(piece))
        start = time.process_time()
        tokenize(text)
        return time.process_time() - start

    seconds(1_000)
    assert seconds(1_000_000) < 25 * max(seconds(125_000), 0.01)
