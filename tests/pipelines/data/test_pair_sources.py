"""Pairs from tables, files in step, translation memories, stories and TFDS sets; what is left out is said."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import tensorflow_datasets as tfds

from pipelines.data import pair_sources
from pipelines.data.examples import Data
from pipelines.data.pair_files import Pair, read_aligned, read_pairs
from pipelines.data.pair_sources import paired, pairs_from_builder, pairs_from_files
from pipelines.data.tables import Form
from pipelines.data.tmx_files import read_tmx
from pipelines.errors import UserError

WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]


def written(path: Path, lines: list[str]) -> Path:
    data = "".join(f"{line}\n" for line in lines).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def sides(data: Data, split: str) -> list[tuple[str, str]]:
    examples = data.splits[split]
    return list(zip(examples.inputs, examples.targets.tolist(), strict=True))


@pytest.mark.parametrize(
    ("name", "content", "form"),
    [
        ("a.csv", 'source,target\n"one, two",eins\n', Form()),
        ("a.tsv", "target\tsource\neins\tone, two\n", Form()),
        ("a.jsonl", '{"source": "one, two", "target": "eins", "more": 1}\n', Form()),
        ("a.json", '[{"source": "one, two", "target": "eins"}]', Form()),
        ("a.txt", "7\tone, two\teins\n", Form(delimiter="tab", columns=("id", "source", "target"))),
    ],
)
def test_tables(tmp_path: Path, name: str, content: str, form: Form) -> None:
    path = tmp_path / name
    path.write_text(content)
    assert [pair[:2] for pair in read_pairs(path, form=form)[0]] == [("one, two", "eins")]


def test_quotes_in_a_tsv_may_be_characters(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text('source\ttarget\n"Yes," he said.\t"Ja", sagte er.\nIt is 5".\t"Fünf Zoll.\n')
    found, notes = read_pairs(path)
    assert found == [Pair('"Yes," he said.', '"Ja", sagte er.', 2), Pair('It is 5".', '"Fünf Zoll.', 3)]
    assert notes == [f"{path}: quotes are read as characters of the texts"]
    path.write_text('source\ttarget\n"one\ttwo"\t"a ""b"""\n')
    assert read_pairs(path) == ([Pair("one\ttwo", 'a "b"', 2)], [])
    with pytest.raises(UserError, match="expected one column"):
        read_pairs(path, "x")


def test_columns_are_named_and_their_absence_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"complex": "one", "simple": "eins", "n": 1}))
    assert read_pairs(path, "complex", "simple")[0] == [Pair("one", "eins", 1)]
    with pytest.raises(UserError, match=r"a.jsonl:1: expected one column 'source' \(--source\)"):
        read_pairs(path)
    with pytest.raises(UserError, match="'n': expected a string, got 1"):
        read_pairs(path, "complex", "n")


def test_files_in_step_are_found_by_their_suffix_or_name(tmp_path: Path) -> None:
    written(tmp_path / "train.en.gz", WORDS)
    written(tmp_path / "train.de", [word.upper() for word in WORDS])
    for split in ("dev", "test_2016", "test_2017"):
        written(tmp_path / f"{split}.en", [f"{split} {word}" for word in WORDS[:3]])
        written(tmp_path / f"{split}.de.gz", [f"{split} {word}".upper() for word in WORDS[:3]])
    expected = {"train": 12, "validation": 3, "test": 3, "test_2017": 3}
    found = pairs_from_files(tmp_path, "en", "de")
    assert found.counts == expected
    assert sides(found, "train")[0] == ("one", "ONE")
    assert sides(found, "test_2017")[0] == ("test_2017 one", "TEST_2017 ONE")
    for target in ("de", str(tmp_path / "train.de")):
        again = pairs_from_files(tmp_path / "train.en.gz", target=target)
        assert again.counts == expected
        assert "dev.en and test_2016.en and test_2017.en in the same folder" in again.notes[0]
    assert pairs_from_files(tmp_path / "dev.en", target="de", seed=None).counts == {"train": 3}


def test_a_line_holds_anything_but_a_line_feed(tmp_path: Path) -> None:
    (tmp_path / "a.en").write_text("one\u2028two\x85\r\nthree\r\n", newline="")
    (tmp_path / "a.de").write_text("\u0627\u0644\u0633\u0644\u0627\u0645\ne\u0301")
    found = read_aligned(tmp_path / "a.en", tmp_path / "a.de")
    assert found == [Pair("one\u2028two\x85", "السلام", 1), Pair("three", "e\u0301", 2)]


def test_files_out_of_step_are_refused_with_both_counts(tmp_path: Path) -> None:
    written(tmp_path / "a.en", ["one", "two"])
    written(tmp_path / "a.de", ["eins"])
    with pytest.raises(UserError, match=r"expected as many lines in both, got 2 and 1: a line is missing"):
        pairs_from_files(tmp_path / "a.en", target="de")


@pytest.mark.parametrize(
    ("target", "said"),
    [("fr", "a.en:1: expected a line of a story"), ("x/b.fr", "expected a file, found none")],
)
def test_a_missing_side_is_said(tmp_path: Path, target: str, said: str) -> None:
    written(tmp_path / "a.en", ["one", "two"])
    with pytest.raises(UserError, match=said):
        pairs_from_files(tmp_path / "a.en", target=target)


def test_a_folder_with_one_side_is_refused(tmp_path: Path) -> None:
    written(tmp_path / "train.en", WORDS)
    with pytest.raises(UserError, match=r"expected the other side beside it, train.de or train.de.gz"):
        pairs_from_files(tmp_path, "en", "de")
    written(tmp_path / "test.xx", WORDS)
    with pytest.raises(UserError, match=r"expected a file train.xx, found test.xx"):
        pairs_from_files(tmp_path, "xx", "de")


STORY = """\
1 Mary moved to the bathroom.
2 Where is Mary? \tbathroom\t1
3 John went out.
4 Where is John? \tout\t3
1 Ann sat.
2 Where is Ann?\tthere,here\t1
"""


def test_stories_become_sentences_and_their_question(tmp_path: Path) -> None:
    (tmp_path / "qa1_x_train.txt").write_text(
        STORY + "".join(STORY.replace("Mary", name) for name in ("Sue", "Bob", "Tom"))
    )
    (tmp_path / "qa1_x_test.txt").write_text(STORY.replace("Mary", "Sue").replace("Ann", "Eve"))
    (tmp_path / "qa2_y_test.txt").write_text("broken")
    found = pairs_from_files(tmp_path / "qa1_x_train.txt")
    assert sides(found, "test")[:2] == [
        ("Sue moved to the bathroom.\nWhere is Sue?", "bathroom"),
        ("Sue moved to the bathroom.\nJohn went out.\nWhere is John?", "out"),
    ]
    assert len(found.splits["train"].inputs) + len(found.splits["validation"].inputs) == 10
    assert any("2 training pairs left out: they are in a held-out split" in note for note in found.notes)
    with pytest.raises(UserError, match=r"qa2_y_test.txt:1: expected a line of a story"):
        read_pairs(tmp_path / "qa2_y_test.txt")


TMX = """<?xml version="1.0"?>
<!DOCTYPE tmx SYSTEM "tmx14.dtd">
<tmx version="1.4"><header srclang="EN-us"/><body>
<tu><tuv xml:lang="en-US"><seg>One <bpt i="1">&lt;b></bpt>&amp; two</seg></tuv>
<tuv xml:lang="de"><prop>no</prop><seg>Eins
und zwei</seg></tuv></tu>
<tu><tuv lang="en-US"><seg>alone</seg></tuv></tu>
{more}</body></tmx>"""


def test_translation_memories(tmp_path: Path) -> None:
    path = tmp_path / "a.tmx.gz"
    path.write_bytes(gzip.compress(TMX.format(more="").encode()))
    expected = [("One & two", "Eins und zwei", 4)]
    for named in ((None, None), ("en", "de"), ("EN-US", None)):
        found, notes = read_tmx(path, *named)
        assert found == expected
        assert notes == [f"{path}: 1 units without en-us or de left out"]
    assert read_tmx(path, "de", "en")[0] == [("Eins und zwei", "One & two", 4)]
    assert read_pairs(path)[0] == [Pair(*expected[0])]
    path.write_bytes(gzip.compress(TMX.format(more="").encode("utf-16")))
    with pytest.raises(
        UserError, match=r"a.tmx.gz: expected --target to name a language of the file, got fr"
    ):
        read_tmx(path, "en", "fr")


ENTITIES = '<!DOCTYPE tmx [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><tmx>&b;</tmx>'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (ENTITIES, "expected no declarations of entities"),
        (
            '<!DOCTYPE tmx [<!ENTITY a SYSTEM "file:///etc/passwd">]><tmx>&a;</tmx>',
            "expected no declarations",
        ),
        ("<html/>", "expected a translation memory, <tmx>, got <html>"),
        ("<tmx>" + "<a>" * 100_000, "expected elements at most 64 deep"),
        ("<tmx>", "not XML"),
        ("", "not XML"),
        ("<tmx/>", "expected --source to name a language of the file, got None; it has none"),
    ],
)
def test_other_memories_are_refused_in_one_line(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "a.tmx"
    path.write_text(content)
    with pytest.raises(UserError, match=said) as refused:
        read_tmx(path)
    assert "\n" not in str(refused.value)


def test_what_is_left_out_is_counted_and_named() -> None:
    usual = [Pair(word, word.upper(), 1) for word in WORDS * 3]
    odd = [Pair("", "x", 37), Pair("x", " \t", 38), Pair("same", "same ", 39), Pair("a", "b" * 200, 40)]
    data = paired({"train": usual + odd, "test": [Pair("two", "ZWEI", 1)]}, "it", ["first"], 0)
    assert data.notes[:5] == (
        "first",
        "it: 2 pairs of train with an empty side left out (line 37, 38)",
        "it: 1 pairs of train left out: one side is over 9 times as long (line 40)",
        "it: 1 pairs of train have equal sides (line 39)",
        "it: 3 training pairs left out: they are in a held-out split",
    )
    assert "two" not in data.splits["train"].inputs
    assert data.labels == ()
    assert len(data.fingerprint) == 64


def test_lengths_that_differ_by_nature_are_kept() -> None:
    answers = [Pair(f"{'a long story ' * 40}{word}", "yes", 1) for word in WORDS]
    data = paired({"train": answers}, "it", [], 0)
    assert sum(data.counts.values()) == 12
    assert data.notes[0] == "it: one side is often much longer than the other, so lengths are not compared"


def test_a_split_without_pairs_is_refused() -> None:
    with pytest.raises(UserError, match="it: expected pairs of texts in test, found none"):
        paired({"train": [Pair("a", "b", 1)], "test": [Pair("", "b", 1)]}, "it", [], 0)


def test_sets_of_tfds_with_a_translation_or_two_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    def builder(features: object, keys: tuple[str, str] | None, rows: list[dict]) -> SimpleNamespace:
        monkeypatch.setattr(pair_sources, "open_split", lambda *_: rows)
        info = SimpleNamespace(
            full_name="set/1.0.0", features=features, supervised_keys=keys, splits={"train": 0, "other": 0}
        )
        return SimpleNamespace(info=info)

    monkeypatch.setattr(tfds, "as_numpy", lambda rows: rows)
    languages = tfds.features.Translation(("de", "en"))
    rows = [{"de": word.upper().encode(), "en": word.encode()} for word in WORDS]
    found = pairs_from_builder(builder(languages, ("en", "de"), rows))
    assert sides(found, "train")[0] == ("one", "ONE")
    found = pairs_from_builder(builder(languages, ("en", "de"), rows), "de", "en", seed=None)
    assert sides(found, "train")[0] == ("ONE", "one")
    inner = tfds.features.FeaturesDict({"translation": languages})
    found = pairs_from_builder(builder(inner, None, [{"translation": row} for row in rows]), "de", "en")
    assert sides(found, "train")[0] == ("ONE", "one")
    texts = tfds.features.FeaturesDict({"source": tfds.features.Text(), "target": tfds.features.Text()})
    found = pairs_from_builder(builder(texts, None, [{"source": b"a", "target": b"b"}]), seed=None)
    assert sides(found, "train") == [("a", "b")]
    with pytest.raises(
        UserError, match="expected --target to name one of its texts, got fr; it has source, target"
    ):
        pairs_from_builder(builder(texts, None, []), target="fr")
