"""Tagged words from columns, CSV and JSON, in every scheme of tags."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.data.conll_files import read_conll
from pipelines.data.span_files import read_spans
from pipelines.data.tag_schemes import Labelled, in_iob2, recognised, spans_of
from pipelines.data.tagged_sources import tagged_from_builder, tagged_from_files
from pipelines.errors import UserError
from pipelines.ondevice.word_offsets import words_of

SPANS = [Labelled(0, 1, "PER"), Labelled(1, 3, "PER"), Labelled(4, 6, "LOC"), Labelled(6, 7, "ORG")]
WRITTEN = {
    "IOB1": "I-PER B-PER I-PER O I-LOC I-LOC I-ORG O",
    "IOB2": "B-PER B-PER I-PER O B-LOC I-LOC B-ORG O",
    "IOBES": "S-PER B-PER E-PER O B-LOC E-LOC S-ORG O",
    "BILOU": "U-PER B-PER L-PER O B-LOC L-LOC U-ORG O",
}


@pytest.mark.parametrize("scheme", WRITTEN)
def test_each_scheme_is_recognised_and_gives_the_same_spans(scheme: str) -> None:
    tags = WRITTEN[scheme].split()
    assert recognised([tags]) == scheme
    assert spans_of(tags, scheme) == (SPANS, 0)
    assert " ".join(in_iob2(SPANS, 8)) == WRITTEN["IOB2"]


@pytest.mark.parametrize(
    ("tags", "scheme", "spans", "broken"),
    [
        ("O I-PER I-LOC", "IOB2", [(1, 2, "PER"), (2, 3, "LOC")], 2),
        ("B-PER I-LOC", "IOB2", [(0, 1, "PER"), (1, 2, "LOC")], 1),
        ("B-PER O", "IOBES", [(0, 1, "PER")], 1),
        ("B-PER B-PER", "BILOU", [(0, 1, "PER"), (1, 2, "PER")], 2),
        ("E-PER", "IOBES", [(0, 1, "PER")], 1),
        ("B-PER", "IOB1", [(0, 1, "PER")], 1),
        ("NOUN O VERB", "labels", [(0, 1, "NOUN"), (1, 2, "O"), (2, 3, "VERB")], 0),
    ],
)
def test_what_breaks_a_scheme_is_counted_and_repaired(tags, scheme, spans, broken) -> None:
    assert spans_of(tags.split(), scheme) == (spans, broken)


def test_words_only_have_no_scheme() -> None:
    assert recognised([["NOUN", "VERB"]]) == "labels"
    assert recognised([["O", "O"]]) == "labels"


@given(st.text())
def test_words_lead_back_into_any_text(text: str) -> None:
    words = words_of(text)
    assert all(text[word.start : word.end] == word.text and word.text for word in words)
    covered = {i for word in words for i in range(word.start, word.end)}
    assert all(text[i].isspace() for i in set(range(len(text))) - covered)
    assert [word.start for word in words] == sorted(word.start for word in words)


def test_words_of_people() -> None:
    said = "It isn't Dr. Smith's e-mail: @ann, see https://x.org/a?b at 10:30, 3.5%!"
    words = "It is n't Dr . Smith 's e-mail : @ann , see https://x.org/a?b at 10:30 , 3.5 % !"
    assert [word.text for word in words_of(said)] == words.split(" ")


def test_columns_with_comments_documents_hashes_and_windows_line_ends(tmp_path: Path) -> None:
    lines = (
        "-DOCSTART- -X- O",
        "",
        "# a longer comment here",
        "Ann NNP B-PER",
        "# NN O",
        "",
        "",
        "Rome NNP B-LOC",
    )
    text = "\r\n".join(lines)
    path = tmp_path / "a.conll.gz"
    path.write_bytes(gzip.compress(text.encode()))
    sentences, notes = read_conll(path)
    assert sentences == [(("Ann", "#"), ("B-PER", "O"), 3), (("Rome",), ("B-LOC",), 8)]
    assert [note.split(": ", 1)[1] for note in notes] == ["1 documents", "1 comment lines left out"]
    assert read_conll(path, 1, 2)[0][0].tags == ("NNP", "NN")
    conllu = tmp_path / "a.conllu"
    conllu.write_text("# text = Don't\n1-2\tDon't\t_\t_\n1\tDo\tdo\tAUX\n2\tn't\tnot\tPART\n")
    assert read_conll(conllu)[0] == [(("Do", "n't"), ("AUX", "PART"), 1)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Ann B-PER\nRome\nis O\n", ":2: expected 2 columns as in most lines, got 1"),
        ("\n\n", "expected lines with a word and its tag, found none"),
        ("Ann B-PER\n", "expected at least 3 columns, got 2"),
    ],
)
def test_broken_columns_are_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "a.conll"
    path.write_text(text)
    with pytest.raises(UserError, match=said):
        read_conll(path, 1, 3 if "3 columns" in said else None)


def test_spans_of_characters_from_three_tools(tmp_path: Path) -> None:
    text, spans = "Ann Lee met Bob.", [[0, 7, "PER"], [12, 15, "PER"]]
    named = [{"start": start, "end": end, "label": label} for start, end, label in spans]
    values = [{"value": {"start": start, "end": end, "labels": [label]}} for start, end, label in spans]
    offsets = [{"start_offset": start, "end_offset": end, "label": label} for start, end, label in spans]
    items = [
        {"text": text, "entities": spans},
        {"text": text, "label": spans},
        {"text": text, "spans": named},
        {"data": {"text": text}, "annotations": [{"result": values}]},
        {"text": text, "ents": named, "sents": [], "tokens": [{"id": 0, "start": 0, "end": 3}]},
        {"id": 1, "text": text, "entities": offsets, "relations": [{"from_id": 0, "to_id": 1}]},
        {"id": 1, "text": text, "label": [each["value"] | {"text": "Ann Lee"} for each in values]},
        [text, {"entities": spans}],
    ]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, items)))
    found, notes = read_spans(path)
    expected = (("Ann", "Lee", "met", "Bob", "."), ("B-PER", "I-PER", "O", "B-PER", "O"))
    assert [(each.words, each.tags) for each in found] == [expected] * len(items)
    assert notes == []
    for content in (items[-1:], items[-1:] * 2):
        path.write_text("\n".join(map(json.dumps, content)))
        assert [each.tags for each in read_spans(path)[0]] == [expected[1]] * len(content)
    path.write_text(json.dumps(items, indent=1))
    assert len(read_spans(path)[0]) == len(items)
    array = tmp_path / "a.json"
    array.write_text(
        json.dumps([{"text": "Anna, Bob", "labels": [[0, 3, "PER"], [0, 5, "X"], [2, 9, "LOC"]]}])
    )
    found, notes = read_spans(array)
    assert found[0].tags == ("B-LOC", "I-LOC", "I-LOC")
    assert [note.split(": ", 1)[1] for note in notes] == [
        "2 spans left out: they overlap a longer one",
        "1 spans extended to whole words",
    ]


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (
            '{"text": "Ann", "entities": [[0, 9, "PER"]]}',
            ":1: expected spans within the text of 3 characters",
        ),
        ('{"text": "Ann", "entities": [[2, 1, "PER"]]}', "got 2 to 1"),
        ('{"text": "Ann"}', "expected .*an export of spaCy, Doccano or Label Studio"),
        ('["Ann", {"spans": []}]', "expected .*an export of spaCy, Doccano or Label Studio"),
        ('["Ann"]', "expected .*an export of spaCy, Doccano or Label Studio"),
        ('{"text": "Ann", "ents": [{"start": 0, "label": "PER"}]}', "expected .*an export of spaCy"),
        ("[]", "expected texts with spans, found none"),
        ("[[", "expected JSON"),
        ('{"text": 5, "entities": []}', "expected a string as the text"),
        ("[1", "expected JSON"),
        ("nonsense", ":1: expected a JSON object in the line"),
        ("[" * 100_000, "expected JSON"),
    ],
)
def test_broken_spans_are_refused(tmp_path: Path, item: str, said: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(item)
    with pytest.raises(UserError, match=said):
        read_spans(path)


def test_a_tfds_set_with_several_sequences_of_texts() -> None:
    import tensorflow as tf
    import tensorflow_datasets as tfds

    texts, labels = tfds.features.Text(), tfds.features.ClassLabel(names=["O", "B-PER", "I-PER"])
    features = {"tokens": texts, "langs": texts, "tags": labels, "more": labels}
    content = {
        "tokens": [[f"Ann{i}", "sees"] for i in range(30)],
        "langs": [[f"en{i}"] * 2 for i in range(30)],
    }
    content |= {"tags": [[1, 0]] * 30, "more": [[0, 0]] * 30}

    class Builder:
        info = SimpleNamespace(
            full_name="wiki/1",
            splits={"train": None},
            features={name: tfds.features.Sequence(each) for name, each in features.items()},
        )

        def as_dataset(self, **_: Any) -> tf.data.Dataset:
            return tf.data.Dataset.from_tensor_slices(content)

    data = tagged_from_builder(Builder(), None, "tags", seed=1)
    assert data.splits["train"].inputs[0][1] == "sees"
    assert data.splits["train"].targets[0] == ("B-PER", "O")
    with pytest.raises(UserError, match="wiki/1: expected --tag-feature to name one ClassLabel feature"):
        tagged_from_builder(Builder(), None, None)
    assert tagged_from_builder(Builder(), "langs", "tags").splits["train"].inputs[0][0].startswith("en")


def test_a_folder_of_splits_and_a_csv_with_a_word_a_row(tmp_path: Path) -> None:
    rows = ["sentence,word,tag", "1,Ann,B-PER", ",sees,O", ",Rome,I-LOC"]
    more = [f"{i},{word},O" for i, word in enumerate(["two", "three", "four", "five", "six"], start=2)]
    for name in ("train", "dev"):
        (tmp_path / f"{name}.csv").write_text("\n".join(rows + more * (name == "train")))
    data = tagged_from_files(tmp_path)
    assert data.splits["test"].inputs == [("Ann", "sees", "Rome")]
    assert data.splits["test"].targets[0] == ("B-PER", "O", "B-LOC")
    assert any("1 tags of train break IOB2" in note for note in data.notes)
