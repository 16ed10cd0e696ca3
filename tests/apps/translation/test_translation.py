"""The translation app: what the network reads, what it answers on the device, and texts made to break it."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from apps.translation import APP
from apps.translation.config import PRESETS, TranslationConfig
from apps.translation.data import load
from apps.translation.features import encode, make_features, shifted, subwords_of, targets_of
from apps.translation.metrics import METRICS, written
from apps.translation.model import build_model, translator
from apps.translation.predict import Options, Translator, describe, predict
from pipelines.commands.command_line import missing_library
from pipelines.data.examples import Data, Examples
from pipelines.errors import UserError
from pipelines.ondevice.beam_search import Limits
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.model import Model
from pipelines.ondevice.vocabulary import END

WORDS = ("the red dog", "a blue cat ran", "two dogs sat", "the cat sat on a red mat")
SMALL = dataclasses.replace(PRESETS["smoke"], pieces=40, max_source=9, max_target=None)


def examples(count: int) -> Examples:
    targets = np.empty(count, object)
    targets[:] = [f"so {WORDS[i % 4]}" for i in range(count)]
    return Examples([f"{WORDS[i % 4]} {WORDS[i % 3]}" for i in range(count)], targets)


@pytest.fixture(scope="module")
def data() -> Data:
    return Data({"train": examples(24), "validation": examples(4), "test": examples(5)}, (), "pairs")


def test_what_is_read_is_one_piece_behind_what_is_written_and_guides_look_at_the_source(data: Data) -> None:
    features = make_features(SMALL, data)
    source, target = features.inputs["train"][:6], features.targets["train"][:6]
    inputs, targets = features.augment(source, target, np.random.default_rng(0))
    np.testing.assert_array_equal(targets[:, :, 0], target)
    np.testing.assert_array_equal(inputs["tokens"][:, 1:, 0], target[:, :-1])
    assert (inputs["tokens"][:, 0] == subwords(features).start).all()
    assert (target[:, -1] == END).all()
    guide = inputs["alignment"].reshape(len(source), target.shape[1], source.shape[1])
    assert (guide[np.broadcast_to(source[:, None] == END, guide.shape)] == 0).all()
    assert guide[target != END].sum(axis=-1).max() <= 1.001
    assert guide[target != END].sum(axis=-1).mean() > 0.5
    assert not guide[target == END].any()
    assert features.counts["sources_cut.train"] == sum(
        len(subwords(features).encode(text)) > 9 for text in data.splits["train"].inputs
    )


def subwords(features):
    from pipelines.ondevice.subwords import Subwords

    return Subwords.from_json(features.assets["subwords.json"])


def test_shifting_by_hand() -> None:
    np.testing.assert_array_equal(shifted(np.array([[3, 4, 0]]), 9), [[9, 3, 4]])


@pytest.mark.parametrize(
    "more",
    [
        {"tied": True, "copy": False, "attention": "multiplicative", "cell": "lstm"},
        {"attention": "multi_head", "attention_guidance": 0.0, "depth": 2, "scheduled_sampling": 0.2},
        {"input_feeding": True, "cell": "lstm"},
    ],
)
def test_every_choice_trains_and_answers_with_known_pieces(data: Data, more: dict) -> None:
    keras.utils.set_random_seed(0)
    config = dataclasses.replace(SMALL, **more)
    features = make_features(config, data)
    model = build_model(config, features)
    inputs, targets = features.augment(features.inputs["train"], features.targets["train"])
    model.compile("adam", keras.losses.MeanSquaredError(), run_eagerly=True)
    outputs = model(inputs)
    assert outputs.shape == (*targets.shape, subwords(features).start)
    np.testing.assert_allclose(np.exp(outputs).sum(axis=-1), 1, atol=1e-4)
    answers = translator(config, features, model).predict(features.inputs["test"], verbose=0)
    assert len(written(answers, features.targets["test"])) == 5


STORY = "Ann went home.\nBob went out.\nWhere is Ann?"


def test_lines_are_read_with_the_last_one_as_a_question_and_of_long_sources_the_end() -> None:
    keras.utils.set_random_seed(0)
    stories = Examples([STORY, f"Bob ran.\n{STORY}"] * 4, examples(8).targets)
    data = Data(dict.fromkeys(("train", "validation", "test"), stories), (), "stories")
    config = dataclasses.replace(SMALL, hops=2, max_source=13)
    features = make_features(config, data)
    long = features.inputs["test"][1]
    assert subwords(features).decode(long).endswith("Where is Ann?")
    assert list(long) == subwords(features).encode(f"Bob ran.\n{STORY}")[-13:]
    assert features.counts["max_lines"] == 1 + (long == subwords(features).line).sum()
    inputs, targets = features.augment(features.inputs["train"], features.targets["train"])
    model = build_model(config, features)
    outputs = model(inputs)
    assert outputs.shape == (*targets.shape, subwords(features).start)
    assert translator(config, features, model).predict(features.inputs["test"], verbose=0).shape[0] == 8
    one_line = dataclasses.replace(data, splits={name: examples(8) for name in data.splits})
    with pytest.raises(UserError, match="--hops: expected sources of several lines"):
        make_features(config, one_line)


def test_a_new_network_answers_with_frequent_pieces(data: Data) -> None:
    features = make_features(SMALL, data)
    decoder = build_model(SMALL, features).get_layer("teacher_forcing").decoder
    bias = np.asarray(decoder.get_layer("logits").bias)
    targets = features.targets["train"]
    assert np.exp(bias).sum() == pytest.approx(1, abs=1e-5)
    real = (targets != END).sum()
    so = subwords(features).encode("so")[0]
    assert np.exp(bias[so]) == pytest.approx((targets == so).sum() / (real + len(targets)), rel=0.02)
    assert bias.argmin() not in targets


def test_exact_answers_score_one(data: Data) -> None:
    features = make_features(SMALL, data)
    targets = features.targets["test"]
    ids = [target.subwords.encode(target.text) for target in targets]
    longest = max(map(len, ids))
    outputs = np.array([row + [END] * (longest - len(row)) for row in ids])
    assert {name: metric(outputs, targets) for name, metric in METRICS.items()} == pytest.approx(
        {"bleu": 100, "bleu_lower": 100, "chrf": 100, "exact": 1}
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pieces", 15),
        ("attention_guidance", -1.0),
        ("label_smoothing", 1.0),
        ("max_source", 0),
        ("heads", 0),
        ("hops", -1),
    ],
)
def test_settings_out_of_range_are_refused(name: str, value: object) -> None:
    with pytest.raises(UserError, match=f"--{name.replace('_', '-')}: expected .*, got {value!r}"):
        dataclasses.replace(PRESETS["default"], **{name: value})
    with pytest.raises(UserError, match="--attention-units: expected a multiple of --heads 4, got 66"):
        TranslationConfig(attention="multi_head", attention_units=66)


def test_two_files_of_unequal_length_are_refused_and_equal_ones_read(tmp_path: Path) -> None:
    (tmp_path / "a.en").write_text("".join(f"Line {i}\n" for i in range(30)))
    (tmp_path / "a.de").write_text("".join(f"Zeile {i}\n" for i in range(29)))
    config = TranslationConfig(source=str(tmp_path / "a.en"), target=str(tmp_path / "a.de"), lower_case=True)
    with pytest.raises(UserError, match=r"a\.\w\w"):
        load(config)
    with (tmp_path / "a.de").open("a") as file:
        file.write("\n")  # the last pair has an empty side
    read = load(config)
    assert sum(read.counts.values()) == 29
    assert any("empty" in note for note in read.notes)
    assert all(text.islower() or not text for text in read.splits["train"].inputs)


@pytest.fixture
def of_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TranslationConfig:
    """Return the settings of a training with two files, whose folder also has other data sets."""
    monkeypatch.chdir(tmp_path)
    for name, word in (("a.en", "Line"), ("a.de", "Zeile"), ("b.en", "Row"), ("b.de", "Reihe")):
        Path(name).write_text("".join(f"{word} {i}\n" for i in range(30)))
    Path("c.tsv").write_text("source\ttarget\nOne\tEins\n")
    Path("d.tsv").write_text("text.en\ttext.de\nTwo\tZwei\n")
    Path("folder").mkdir()
    Path("folder", "test.en").write_text("Three\n")
    Path("folder", "test.de").write_text("Drei\n")
    return TranslationConfig(source="a.en", target="a.de")


@pytest.mark.parametrize("moved", [False, True])
@pytest.mark.parametrize(
    ("dataset", "first"),
    [("b.en", ("Row 0", "Reihe 0")), ("c.tsv", ("One", "Eins")), ("folder", ("Three", "Drei"))],
)
def test_other_data_is_scored_after_a_training_with_two_files(
    of_files: TranslationConfig, dataset: str, first: tuple[str, str], moved: bool
) -> None:
    if moved:
        Path("a.en").unlink()
        Path("a.de").unlink()
        if dataset == "c.tsv":  # then a.en may be the name of a column
            of_files = dataclasses.replace(of_files, source="sub/a.en", target="sub/a.de")
    read = load(dataclasses.replace(of_files, dataset=dataset), as_given=True)
    (split,) = read.splits.values()
    assert (split.inputs[0], split.targets[0]) == first
    columns = dataclasses.replace(of_files, dataset="d.tsv", source="text.en", target="text.de")
    assert load(columns, as_given=True).splits["train"].inputs == ["Two"]


def test_a_source_that_is_no_file_needs_a_data_set(of_files: TranslationConfig) -> None:
    assert load(of_files).source == "a.en"
    with pytest.raises(
        UserError, match=r"--source b\.fr: expected a file, or a --dataset that has this side"
    ):
        load(dataclasses.replace(of_files, source="b.fr"))


def test_the_column_of_the_sources_is_no_file(of_files: TranslationConfig) -> None:
    for config, column in (
        (of_files, "source"),
        (dataclasses.replace(of_files, dataset="c.tsv", source="english"), "english"),
        (TranslationConfig(dataset="c.tsv"), "source"),
    ):
        assert APP.input_column(dataclasses.asdict(config)) == column


# On the device, with the bundle of the `smoke` preset.


@pytest.fixture(scope="module")
def bundle(training) -> Bundle:
    return Bundle.open(training("translation").bundle)


TEXTS = ["And God said, Let there be light.", "the LORD spake unto Moses"]


def test_word_by_word_it_writes_what_the_whole_graph_writes(bundle: Bundle) -> None:
    whole = Model(bundle.variant_path("float32")).predict(encode(bundle, TEXTS))
    network = Translator(bundle, "float32", Options(beams=1))
    for text, expected in zip(TEXTS, whole, strict=True):
        (answer,) = network(text)
        assert list(answer.hypothesis.tokens) == [token for token in expected if token != END]
        assert answer.attention.sum(axis=1) == pytest.approx(1, abs=1e-4)
        known = network.subwords.decode(answer.hypothesis.tokens)
        assert answer.text == known or "\ufffd" in known


def test_new_pairs_are_read_as_in_training(bundle: Bundle, data: Data) -> None:
    targets = targets_of(bundle, data, data.splits["test"])
    assert [each.text for each in targets] == list(data.splits["test"].targets)
    assert all(each.subwords == subwords_of(bundle) for each in targets)
    inputs = encode(bundle, data.splits["test"].inputs)
    assert inputs.shape == (5, bundle.preprocessing["max_source"])
    assert subwords_of(bundle).decode(inputs[0]) == data.splits["test"].inputs[0]


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_alternatives_are_different_and_come_best_first(bundle: Bundle, precision: str) -> None:
    options = Options(alternatives=3, coverage_penalty=0.2)
    (answer,) = predict(bundle, TEXTS[:1], precision, options)
    texts = [each["text"] for each in answer["alternatives"]]
    assert texts[0] == answer["text"]
    assert len(set(texts)) == len(texts) > 1
    assert len(describe(answer).split("\n")) == 1 + len(texts)
    assert json.loads(json.dumps(answer)) == answer


def test_a_decoder_that_never_ends_is_stopped_and_it_is_said(bundle: Bundle) -> None:
    network = Translator(bundle, "float32", Options())
    most = network.subwords.encode("of the LORD")[0]
    network._decode = Endless(most, network.subwords.start)
    network._limits = Limits(network.subwords.start, END, 7)
    (answer,) = network(TEXTS[0])
    assert len(answer.hypothesis.tokens) == 7
    assert not answer.hypothesis.finished
    (said,) = predict(bundle, [TEXTS[0]])
    said |= {"finished": False, "pieces_not_read": 2}
    assert "(stopped: it has the largest length)" in describe(said)
    assert "(the last 2 pieces of the source were not read)" in describe(said)


class Endless:
    """Stands for a decoder that repeats one token and looks at one place."""

    context: dict

    def __init__(self, token: int, classes: int, place: int = 0) -> None:
        self._token, self._classes, self._place = token, classes, place

    def initial_state(self) -> dict:
        return {}

    def __call__(self, step: np.ndarray, state: dict) -> tuple:
        log_probabilities = np.full(self._classes, -20.0)
        log_probabilities[self._token] = -1e-6
        attention = np.eye(64)[self._place]
        return {"log_probabilities": log_probabilities, "attention": attention}, state


@pytest.mark.parametrize(
    ("place", "count", "expected"), [(1, 1, "漢字"), (0, 1, "漢字"), (3, 1, "かな"), (1, 2, "漢字 漢字")]
)
def test_unknown_words_are_copied_from_where_the_network_looks(
    bundle: Bundle, place: int, count: int, expected: str
) -> None:
    network = Translator(bundle, "float32", Options())
    network._decode = Endless(network.subwords.unknown, network.subwords.start, place)
    network._limits = Limits(network.subwords.start, END, count)
    assert network.read("漢字 かな")[1::2] == ["漢字", "かな"]
    (answer,) = network("漢字 かな of")
    assert answer.text == expected
    assert len(answer.pieces) == count
    (answer,) = network(TEXTS[1])
    assert answer.text.split() == [network.read(TEXTS[1])[place].strip("\u2581")] * count


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \t ",
        "word " * 10_000,
        "ציון \u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd עולם",
        "e\u0301" * 40 + "\u0301" * 100,
        "ꦲꦏ꧀ꦱꦫ ꦗꦮ",
        "\ud800 \x00 \u202e",
        "😀" * 30,
    ],
)
def test_any_text_gets_an_answer_of_one_line(bundle: Bundle, text: str) -> None:
    (answer,) = predict(bundle, [text], None, Options(beams=2))
    assert "\n" not in describe(answer)
    unread = len(subwords_of(bundle).pieces(text)) - bundle.preprocessing["max_source"]
    assert answer["pieces_not_read"] == max(0, unread)
    assert text.strip() or answer["text"] == ""


def test_answers_keep_to_the_words_that_are_allowed(bundle: Bundle, tmp_path: Path) -> None:
    file = tmp_path / "words.txt"
    file.write_text("of the LORD, heavenly")
    for answer in Translator(bundle, "float32", Options(allowed=file, alternatives=3))(TEXTS[0]):
        *whole, last = ["of", *answer.text.replace(",", " ").split()]
        assert {*whole} <= {"of", "the", "LORD", "heavenly"}
        assert any(word.startswith(last) for word in ("of", "the", "LORD", "heavenly"))
        assert last in ("of", "the", "LORD", "heavenly") or not answer.hypothesis.finished
    file.write_text(" ")
    with pytest.raises(UserError, match=r"--allowed .*words.txt: expected words, found none"):
        Translator(bundle, "float32", Options(allowed=file))
    with pytest.raises(UserError, match="--allowed: expected no --temperature"):
        Options(allowed=file, temperature=1.0)


def test_the_picture_shows_the_attention(bundle: Bundle, tmp_path: Path) -> None:
    options = Options(align=tmp_path / "picture.png")
    (answer,) = predict(bundle, TEXTS[:1], None, options)
    with Image.open(tmp_path / "picture.png") as picture:
        assert min(picture.size) > 40
    assert answer["finished"] in (True, False)
    with pytest.raises(UserError, match="--align"):
        list(predict(bundle, TEXTS, None, Options(align=tmp_path / "none" / "picture.png")))


def test_a_missing_library_for_the_picture_is_told_before_any_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.delitem(sys.modules, "pipelines.tasks.alignment_picture", raising=False)
    answers = predict(Bundle(tmp_path, {}), TEXTS, None, Options(align=tmp_path / "picture.png"))
    with pytest.raises(ModuleNotFoundError) as missing:
        next(answers)
    assert missing_library(missing.value) == 'needs the library PIL: pip install "unrolled[captions]"'


@pytest.mark.parametrize("option", ["alternatives", "coverage_penalty", "beams"])
def test_options_out_of_range_are_refused(option: str) -> None:
    with pytest.raises(UserError, match=f"--{option.replace('_', '-')}: expected"):
        Options(**{option: -1})


def test_each_half_is_in_the_bundle_in_each_precision(bundle: Bundle) -> None:
    found = {(part["part"], part["precision"]) for part in bundle.parts}
    left_out = set(bundle.left_out)
    for half in ("encode", "decode"):
        for precision in bundle.manifest["config"]["precisions"]:
            assert (half, precision) in found or any(precision in name for name in left_out)
