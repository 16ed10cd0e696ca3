"""The sentiment app: its network, its features, and texts that nobody expects."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from apps.sentiment import APP
from apps.sentiment.config import SentimentConfig
from apps.sentiment.embedded import opinions
from apps.sentiment.features import make_features
from apps.sentiment.model import attention_model, build_model
from pipelines.app import SHIPPED, folder_of
from pipelines.data.examples import Data, Examples
from pipelines.errors import UserError
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.token_ids import VOCABULARY, load_tokenizer

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def data():
    good, bad = ["a fine film", "a great , great film"] * 4, ["a dull film", "what a poor film it is"] * 4
    train = Examples(good + bad, np.array([1] * 8 + [0] * 8))
    held = Examples(["a fine , poor film", "a dull unheard-of film"], np.array([1, 0]))
    return Data({"train": train, "validation": held, "test": held}, ("bad", "good"), "tiny")


def test_features_are_learned_on_train_alone_and_counted(data):
    config = SentimentConfig(max_length=4, min_count=1)
    features = make_features(config, data)
    vocabulary = json.loads(features.assets[VOCABULARY])["vocabulary"]
    words = {"a", "fine", "film", "great", ",", "dull", "what", "poor", "it", "is"}
    assert set(vocabulary) == {"[PAD]", "[UNK]"} | words
    assert features.inputs["train"].shape == (16, 4)
    assert features.inputs["train"].dtype == np.int32
    assert features.counts["truncated.train"] == 8
    # "a fine , poor film" keeps the first and the last three; "a dull unheard-of film" is 6 tokens,
    # of which "a", "-", "of", "film" stay.
    assert features.counts["truncated.test"] == 2
    assert features.counts["unknown_tokens.test"] == pytest.approx(2 / 8)
    assert features.lengths["train"].tolist() == [3, 4] * 4 + [3, 4] * 4


def test_the_length_chooses_itself(data):
    assert make_features(SentimentConfig(min_count=1), data).preprocessing["max_length"] == 8


@pytest.mark.parametrize("cell", ["simple_rnn", "lstm", "gru"])
@pytest.mark.parametrize("bidirectional", [True, False])
def test_the_network_of_every_cell(data, cell, bidirectional):
    config = SentimentConfig(
        cell=cell, bidirectional=bidirectional, units=3, embedding=4, depth=2, min_count=1
    )
    features = make_features(config, data)
    model = build_model(config, features)
    outputs = model(features.inputs["test"]).numpy()
    assert outputs.shape == (2, 2)
    np.testing.assert_allclose(outputs.sum(axis=1), 1, atol=1e-6)
    cut = features.inputs["test"][:, : int(features.lengths["test"].max())]
    np.testing.assert_allclose(model(cut).numpy(), outputs, atol=1e-6)
    weights = attention_model(model)(features.inputs["test"]).numpy()
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-6)
    assert (weights[features.inputs["test"] == 0] == 0).all()


def test_the_lexicon_stays_in_the_vocabulary_and_reaches_the_output(data):
    config = SentimentConfig(lexicon=True, min_count=2, embedding=4, units=3, dropout=0.0)
    features = make_features(config, data)
    ids = load_ids(features)
    assert "dull" in ids
    assert "splendid" in ids  # in no text
    assert "good" not in load_ids(make_features(SentimentConfig(min_count=2), data))
    model = build_model(config, features)
    model.get_layer("embedding").embeddings.assign(np.ones([len(ids), 4]))  # only the ratings differ
    tokens = np.array([[ids["splendid"]], [ids["terrible"]], [ids["film"]]], np.int32)
    outputs = model(tokens).numpy()
    assert len(np.unique(outputs.round(6), axis=0)) == 3
    kept = model(tokens, training=True).numpy()
    np.testing.assert_allclose(kept.sum(axis=1), 1, atol=1e-6)


def test_naive_bayes_starts_the_embedding(data):
    config = SentimentConfig(naive_bayes_start=1.0, min_count=1, embedding=4, units=3)
    features = make_features(config, data)
    embedding = build_model(config, features).get_layer("embedding").embeddings.numpy()
    ids = load_ids(features)
    first = {word: embedding[ids[word], 0] for word in ("fine", "dull", "film")}
    assert first["fine"] > 0.5 > abs(first["film"])
    assert first["dull"] < -0.5


def load_ids(features):
    return {word: i for i, word in enumerate(json.loads(features.assets[VOCABULARY])["vocabulary"])}


def test_simple_methods_are_scored_on_every_test_split(data):
    order = Examples(["a dull film", "a fine film", "a great , great film"], np.array([0, 0, 1]))
    more = dataclasses.replace(data, splits=data.splits | {"order": order})
    values = APP.baseline(SentimentConfig(), more, None, None)
    # `train` has as many of each label, so the first one is the commonest. Of the words that decide, test
    # has "fine" and "poor" in one text, "dull" in the other.
    assert values["majority"] == {"test": 0.5, "order": pytest.approx(2 / 3)}
    assert values["bag_of_words"] == {"test": 1.0, "order": pytest.approx(2 / 3)}
    assert "vader" not in values
    three = dataclasses.replace(more, labels=("negative", "positive", "neutral"))
    # To VADER, "fine" is good, "dull" and "poor" are bad, and "poor" weighs more than "fine".
    assert APP.baseline(SentimentConfig(), three, None, None)["vader"] == values["bag_of_words"] | {
        "test": 0.5
    }


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"units": 0}, "--units: expected at least 1, got 0"),
        ({"dropout": 1.0}, "--dropout: expected 0 <= rate < 1, got 1.0"),
        ({"vocabulary_size": 2}, "--vocabulary-size: expected at least 3, got 2"),
        ({"max_length": 0}, "--max-length: expected at least 1, got 0"),
        ({"pretraining_epochs": 2}, "--pretraining-dataset: expected together with --pretraining-epochs"),
        ({"pretraining_epochs": 10}, "--pretraining-epochs: expected 0 or more, below --epochs, got 10"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes, said):
    with pytest.raises(UserError, match=said):
        dataclasses.replace(SentimentConfig(), **changes)


# On the device, with the bundle of the smoke preset.


@pytest.fixture(scope="module")
def bundle(training):
    return Bundle.open(training("sentiment").bundle)


@pytest.mark.parametrize("variant", [None, "int8", "float32_loop.tflite"])
def test_unexpected_texts_have_an_answer(bundle, variant):
    texts = ["", " \n", "not bad at all", "\ud800\x00", "zzqx qqzx", "fine " * 200_000, "好き", "<br />"]
    answers = list(APP.predict(bundle, texts, variant))
    for answer in answers:
        off = 3 / 256 if variant == "int8" else 1e-4  # int8: each of three probabilities is rounded to 1/256
        assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=off)
        assert answer["label"] == max(answer["probabilities"], key=answer["probabilities"].get)
    lines = [APP.describe(answer) for answer in answers]
    assert "(empty text)" in lines[0]
    assert "(no known word)" in lines[4]
    assert answers[4]["unknown"] == ["zzqx", "qqzx"]
    assert "(unknown: zzqx)" in APP.describe(*APP.predict(bundle, ["not zzqx, zzqx"], variant))
    assert f"(read {load_tokenizer(bundle).max_length} of 200000 tokens)" in lines[5]


def test_an_answer_below_the_threshold_of_the_bundle_is_unsure(bundle):
    below = bundle.manifest["unsure"]["below"]
    texts = ["fine", "bad", "This film was great.", "The soup opened in May."]
    for answer in APP.predict(bundle, texts):
        largest = max(answer["probabilities"].values())
        assert answer["unsure"] == (largest < below)
        assert (f"(unsure: below {below:.2f})" in APP.describe(answer)) == answer["unsure"]


def test_an_unknown_variant_names_those_there_are(bundle):
    with pytest.raises(UserError, match=r"unknown variant 'int4': expected one of float32_loop\.tflite"):
        APP.predict(bundle, ["fine"], "int4")


def test_the_tokenizer_in_the_bundle_is_the_one_that_trained(bundle):
    namespace = {"__name__": "text_of_the_bundle"}
    exec(compile(bundle.asset("text.py"), "text.py", "exec"), namespace)
    shipped = namespace["Tokenizer"].from_json(bundle.asset(VOCABULARY))
    for text in ("not bad at all", "It isn't GOOD <br /> \u2019tis", "", "\ud800 fine " * 100):
        assert shipped.encode(text) == load_tokenizer(bundle).encode(text)


@pytest.mark.parametrize(("split", "least"), [("everyday", 0.85), ("everyday_2", 0.8)])
def test_the_shipped_network_knows_what_people_type(split, least):
    bundle = Bundle.open(folder_of("sentiment") / SHIPPED)
    rows = opinions.everyday(split)
    answers = APP.predict(bundle, [text for text, *_ in rows], "int8")
    right = [answer["label"] == label for answer, (_, label, _) in zip(answers, rows, strict=True)]
    assert np.mean(right) >= least
    for text, label in [
        ("I love this movie", "positive"),
        ("It is a book.", "neutral"),
        ("This is the worst phone I have ever bought", "negative"),
    ]:
        (answer,) = APP.predict(bundle, [text], "int8")
        assert answer["label"] == label


WITHOUT = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"tensorflow", "keras", "mlflow", "sklearn", "matplotlib", "pandas"}:
            raise ImportError(f"{name} is not on the device")
sys.meta_path.insert(0, Refuse())
from pipelines.commands.console import run_apps as main
sys.exit(main(sys.argv[1:]))
"""


def test_predict_needs_numpy_and_litert_only(bundle):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, "sentiment", "predict", "--json", "--bundle", str(bundle.folder)],
        input="not bad at all\nnot good at all\n",
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [answer["text"] for answer in json.loads(done.stdout)["predictions"]] == [
        "not bad at all",
        "not good at all",
    ]
