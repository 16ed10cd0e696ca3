"""Spans lead back into any text, targets follow the tags, and the simple taggers fail where they should."""

import dataclasses
import itertools
import json

import numpy as np
import pytest

from apps.tagging.config import PRESETS, TaggingConfig
from apps.tagging.embedded import frames
from apps.tagging.embedded.entities import POS, TAGS, Writer
from apps.tagging.embedded.names import COMPANY, INSTITUTE, PLACE, TITLES, WORDS
from apps.tagging.features import encode, make_features, targets_of
from apps.tagging.metrics import baselines
from apps.tagging.model import build_model
from apps.tagging.predict import Options, describe, predict
from pipelines.commands.console import run_apps
from pipelines.data.examples import Data, Examples
from pipelines.data.tag_schemes import Sentence
from pipelines.data.tagged_sources import tagged
from pipelines.errors import UserError
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.tagged_words import PARTS, WordReader, parts
from pipelines.tasks.tagged_text import coloured, page
from pipelines.tasks.tagging import METRICS, f1, tags_of, types_of

SMALL = TaggingConfig(units=6, embedding=5, characters=4, max_length=8)


def written(count: int = 150) -> Data:
    read = {}
    for split in ("train", "validation", "test"):
        writer = Writer(split)
        sentences = [writer.sentence() for _ in range(count)]
        read[split] = [Sentence(tuple(each["words"]), tuple(each["entities"]), 0) for each in sentences]
    return tagged(read, "written", [], 1)


@pytest.fixture(scope="module")
def data() -> Data:
    return written()


@pytest.fixture(scope="module")
def bundle(training) -> Bundle:
    return Bundle.open(training("tagging").bundle)


def test_every_frame_is_tagged_and_no_name_of_the_test_is_in_the_training():
    names = {}
    for split in ("train", "validation", "test"):
        writer, found = Writer(split), set()
        for each in (writer.sentence() for _ in range(400)):
            assert len(each["words"]) == len(each["entities"]) == len(each["pos"])
            assert set(each["entities"]) <= set(TAGS)
            assert set(each["pos"]) <= set(POS)
            tagged = zip(each["words"], each["entities"], strict=True)
            found |= {word.lower() for word, tag in tagged if tag[2:] in ("PER", "LOC", "ORG")}
        names[split] = found
    lists = (WORDS, TITLES, PLACE, COMPANY, INSTITUTE, ["of", "and", "North", "South", "New", "Port"])
    common = {word.lower() for words in lists for word in words}
    for one, other in itertools.combinations(names.values(), 2):
        assert one & other <= common
        assert one & {word.lower() for word in WORDS}  # these are in all splits
    assert not set(frames.TRAIN.splitlines()) & set(frames.TEST.splitlines())
    first, again = (Writer("test").sentence() for _ in range(2))
    assert first == again


def test_targets_follow_the_tags_and_long_sentences_are_cut(data):
    features = make_features(SMALL, data)
    kinds = types_of(features.labels)
    assert kinds == ["LOC", "ORG", "PER", "QTY", "TIME"]
    assert tags_of(kinds) == features.labels
    test = data.splits["test"]
    words = [word for sentence in test.inputs for word in sentence]
    tags = [tag for sentence in test.targets for tag in sentence]
    targets = features.targets["test"]
    scored = targets >= 0
    assert scored.sum() == len(words)
    numbers = [features.labels[number] for number in targets[scored]]
    assert [each[1:] for each in numbers] == [each[1:] for each in tags]
    starts = np.flatnonzero(np.tile(np.arange(8) == 0, (len(targets), 1))[scored])
    changed = [i for i, (number, tag) in enumerate(zip(numbers, tags, strict=True)) if number != tag]
    assert changed
    assert set(changed) <= set(starts.tolist())
    assert scored.sum(axis=1).tolist() == features.lengths["test"].tolist()
    assert features.inputs["test"].shape == (len(targets), 8, 17)
    assert ((features.inputs["test"][:, :, 0] > 0) == scored).all()


def test_types_that_the_training_lacks_are_counted(data):
    test = data.splits["test"]
    targets = test.targets.copy()
    targets[0] = ("B-NEW", *targets[0][1:])
    more = Data(data.splits | {"test": Examples(test.inputs, targets)}, (), "written")
    assert make_features(SMALL, more).counts["unknown_types.test"] == 1
    nothing = np.empty(len(data.splits["train"]), object)
    nothing[:] = [("O",) * len(words) for words in data.splits["train"].inputs]
    empty = Data(data.splits | {"train": Examples(data.splits["train"].inputs, nothing)}, (), "written")
    with pytest.raises(UserError, match="written: expected words with a tag other than O"):
        make_features(SMALL, empty)


def test_sentences_of_one_word_and_of_5000_are_trained_and_scored(data):
    train = data.splits["train"]
    words, tags = [*train.inputs, ("Rome",), ("x",) * 5000], np.empty(len(train) + 2, object)
    tags[:] = [*train.targets, ("B-LOC",), ("O",) * 5000]
    more = Data(data.splits | {"train": Examples(words, tags)}, (), "written")
    features = make_features(SMALL, more)
    before = len(make_features(SMALL, data).targets["train"])
    assert features.targets["train"][before:].shape == (1 + 5000 // 8, 8)
    assert (features.targets["train"][before] >= 0).tolist() == [True] + [False] * 7
    assert (features.targets["train"][before + 1 :] == 0).all()


def test_a_word_is_read_by_its_both_ends():
    reader = WordReader(["[PAD]", "[UNK]", "in 0000", "rome"], "abcdefgh", 4)
    assert reader.encode(["Rome", "abcdefgh", "zz"], 4).tolist() == [
        [3, 1, 1, 1, 6],
        [1, 2, 3, 8, 9],
        [1, 1, 1, 0, 0],
        [0, 0, 0, 0, 0],
    ]
    assert WordReader.from_json(reader.to_json()).sizes == (4, 10, 2)
    for broken in (b"{}", b"[", b'{"words": ["a"], "characters": "a", "characters_read": 4}', b"[" * 10**5):
        with pytest.raises(ValueError, match=r"words\.json: "):
            WordReader.from_json(broken)


def test_a_word_is_read_by_its_beginning_end_and_shape():
    assert parts("McDonald's") == ("<mc", "<mcd", ">'s", ">d's", "=XxXx'x")
    assert parts("2026-11") == ("<00", "<000", ">00", ">-00", "=0-0")
    assert parts("") == ("<", "<", ">", ">", "=")
    reader = WordReader(["[PAD]", "[UNK]"], "", 2, sorted({*parts("Rome"), *parts("me")}))
    read = WordReader.from_json(reader.to_json())
    rome, me, nothing = read.encode(["Rome", "me"], 3)[:, 3:].tolist()
    assert len(set(rome)) == PARTS
    assert me[2] == rome[2]
    assert min(*rome, *me) > 1
    assert nothing == [0] * PARTS
    assert read.encode(["Q"], 1)[0, 3:].tolist() == [1] * PARTS
    with pytest.raises(ValueError, match=r"words\.json: parts: expected different strings"):
        WordReader.from_json(reader.to_json().replace(b'"parts":[', b'"parts":[3,'))


@pytest.mark.parametrize("decoder", ["crf", "softmax"])
def test_a_perfect_network_scores_1_and_padding_does_not_count(data, decoder):
    features = make_features(SMALL, data)
    targets = features.targets["test"]
    sure = np.eye(len(features.labels))[np.maximum(targets, 0)]
    if decoder == "crf":
        sure = np.concatenate([9 * sure, np.zeros((len(sure), 1 + sure.shape[2], sure.shape[2]))], axis=1)
    assert {name: metric(sure, targets) for name, metric in METRICS.items()} == dict.fromkeys(METRICS, 1.0)
    assert f1.resampled(sure, targets)(np.arange(5)) == 1.0
    assert f1(np.roll(sure, 1, axis=0), targets) < 0.5


@pytest.mark.parametrize("change", [{}, {"decoder": "softmax"}, {"characters": 0}, {"bidirectional": False}])
def test_every_network_reads_characters_or_not_and_decides(data, change):
    config = dataclasses.replace(SMALL, **change)
    features = make_features(config, data)
    model = build_model(config, features)
    outputs = model.predict_on_batch(features.inputs["test"][:5])
    tags = len(features.labels)
    assert outputs.shape == (5, 8 + (tags + 1 if config.decoder == "crf" else 0), tags)
    assert 0 <= f1(outputs, features.targets["test"][:5]) <= 1
    changed = features.inputs["test"][:5].copy()
    changed[:, :, 1:] = 1
    assert np.allclose(model.predict_on_batch(changed), outputs) == (config.characters == 0)


def test_a_word_and_its_parts_have_scores_for_the_tags_of_words_near_it(data):
    config = dataclasses.replace(SMALL, window=1, parts=3)
    features = make_features(config, data)
    model = build_model(config, features)
    read = features.inputs["test"][:4]
    tags, before = len(features.labels), model.predict_on_batch(read)
    expected = np.zeros((4, 8, tags))
    for name, columns in (("words", read[:, :, :1]), ("parts", read[:, :, -PARTS:])):
        table = model.get_layer(f"scores_of_{name}")
        assert not np.any(table.get_weights()[0])  # the linear part starts at 0
        drawn = np.random.default_rng(3).normal(size=table.get_weights()[0].shape)
        table.set_weights([drawn])
        scores = drawn[columns].sum(axis=2).reshape(4, 8, 3, tags)
        expected[:, 1:] += scores[:, :-1, 0]  # what a word says of the next one comes first
        expected += scores[:, :, 1]
        expected[:, :-1] += scores[:, 1:, 2]
    found = model.predict_on_batch(read)[:, :8] - before[:, :8]
    np.testing.assert_allclose(found, expected, atol=1e-4)
    with pytest.raises(UserError, match="--window: expected 0 without --parts and --bidirectional, got 1"):
        dataclasses.replace(SMALL, window=1)


def test_embeddings_start_with_vectors_also_of_words_that_the_training_lacks(data, tmp_path):
    path = tmp_path / "vectors.txt"
    path.write_text("said 1 2 3 4 5\nneverseen 2 2 2 2 2\nunread 3 3 3 3 3\n")
    config = dataclasses.replace(SMALL, vectors=str(path), vector_words=2)
    features = make_features(config, data)
    words = WordReader.from_json(features.assets["words.json"]).words
    assert "unread" not in words
    table = build_model(config, features).get_layer("embedding").get_weights()[0]
    assert table[words.index("said")].tolist() == [1, 2, 3, 4, 5]
    assert table[words.index("neverseen")].tolist() == [2] * 5
    assert np.abs(np.delete(table, [words.index(each) for each in ("said", "neverseen")], axis=0)).max() < 0.1


def test_the_context_decides_which_a_dictionary_cannot_see():
    found = baselines(PRESETS["default"], written(300))
    assert found["dictionary"]["test"] < found["regression"]["test"] - 0.1
    assert found["commonest_tag"]["test"] < 0.6


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Rome",
        "Anna Keller met Dr Halden in Port Tessow at 10:30.",
        "שלום עולם",
        "e\u0301te\u0301 👩‍👩‍👧",
        "x " * 5000,
    ],
    ids=["empty", "one word", "usual", "right to left", "combining", "5000 words"],
)
def test_spans_lead_back_into_any_text(bundle, text, tmp_path):
    (answer,) = predict(bundle, [text], None, Options(html=tmp_path / "page.html"))
    assert answer["words"] == len(text.split()) or answer["words"] > 1
    for span in answer["spans"]:
        assert text[span["start"] : span["end"]] == span["text"]
        assert 0 <= span["probability"] <= 1
    assert all(a["end"] <= b["start"] for a, b in itertools.pairwise(answer["spans"]))
    json.dumps(answer)
    assert describe(answer).startswith(text[:3])
    assert "<!doctype html>" in (tmp_path / "page.html").read_text()


def test_each_type_has_its_colour(monkeypatch, tmp_path):
    labels = ["LOC", "ORG", "PER"]
    spans = [
        {"start": 2 * i, "end": 2 * i + 1, "label": label, "probability": 1.0}
        for i, label in enumerate(labels)
    ]
    answer = {"text": "a b <", "spans": spans, "labels": labels}
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert coloured(answer) == "\x1b[32m[a LOC]\x1b[0m \x1b[34m[b ORG]\x1b[0m \x1b[35m[< PER]\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert coloured(answer) == "[a LOC] [b ORG] [< PER]"
    places = "LOC 0-1 1.00, ORG 2-3 1.00, PER 4-5 1.00"
    assert describe(answer) == f"[a LOC] [b ORG] [< PER]  ({places})"
    page([answer], tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert [text.count(f"hsl({hue} 70% 85%)") for hue in (0, 120, 240)] == [1, 1, 1]
    assert ">&lt;<small>PER" in text


def test_new_sentences_are_read_as_in_training(bundle, data):
    words = data.splits["test"].inputs[:3]
    inputs, targets = encode(bundle, words), targets_of(bundle, data, data.splits["test"])
    assert inputs.shape[1] == targets.shape[1] == bundle.preprocessing["max_length"]
    assert (inputs[:3, :, 0] > 0).sum() == (targets[:3] >= 0).sum()


def test_a_table_gives_its_texts(tmp_path, capsys):
    table = tmp_path / "texts.csv"
    table.write_text("id,text,said\n1,Anna left Paris.,Nothing happened.\n")
    options = ["--file", str(table), "--json"]
    for more, expected in (([], "Anna left Paris."), (["--column", "said"], "Nothing happened.")):
        assert run_apps(["tagging", "predict", *options, *more]) == 0
        (answer,) = json.loads(capsys.readouterr().out)["predictions"]
        assert answer["text"] == expected


def test_a_page_that_can_not_be_written_is_refused_before_any_work(tmp_path, capsys):
    assert run_apps(["tagging", "predict", "--html", str(tmp_path), "Anna left."]) == 2
    assert capsys.readouterr().err.endswith(f"--html {tmp_path}: expected a file to write, found a folder\n")
