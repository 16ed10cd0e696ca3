"""Training carries its state, passages score a text exactly, and the device writes what Keras does."""

import dataclasses
import itertools
import json
from types import SimpleNamespace
from typing import get_args

import numpy as np
import pytest

import layers
from apps.text_generation.config import PRESETS, TextConfig
from apps.text_generation.data import load
from apps.text_generation.features import PADDING, encode, make_features, targets_of
from apps.text_generation.generate import Writer
from apps.text_generation.metrics import baselines, in_one
from apps.text_generation.model import build_model, deployed, start_epoch
from apps.text_generation.predict import Options, describe, predict
from apps.text_generation.samples import word_perplexity
from pipelines.config import WITHOUT_RECURRENT_DROPOUT, Windowed
from pipelines.data.examples import Examples
from pipelines.data.plain_text import Scoring, as_given, as_splits, completed
from pipelines.errors import UserError
from pipelines.export.keras.saved_model import write_saved_model
from pipelines.export.micro.write import write_micro
from pipelines.export.tflite.convert import convert
from pipelines.ondevice.alphabet import Alphabet
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.manifest import PRECISIONS
from pipelines.ondevice.model import Stream
from pipelines.ondevice.sampling import Sampler
from pipelines.ondevice.step_network import StreamNetwork
from pipelines.tasks.generation import nll
from pipelines.tasks.generation_layers import KerasNetwork
from pipelines.training.batches import batches

SMALL = TextConfig(units=12, embedding=6, batch_size=4, window=8, ngram=3, cell="lstm", depth=2)
TEXT = "".join(f"{number} green bottles hanging on the wall,\n" for number in range(120))


def data_of(config: TextConfig, text: str = TEXT):
    splits = completed({"text": text}, (config.validation, config.test))
    return as_splits(splits, "bottles", [], Scoring(config.window, config.max_scored, config.max_scored))


@pytest.fixture(scope="module")
def small():
    features = make_features(SMALL, data_of(SMALL))
    model = build_model(SMALL, features)
    for variable in model.weights:  # else it would say the same at every step
        if "bias" not in variable.path:
            variable.assign(3 * variable)
    return SimpleNamespace(features=features, model=model, deployed=deployed(SMALL, features, model))


def test_a_batch_continues_the_batch_before(small):
    found = list(batches(small.features, SMALL, epoch=0))
    assert len(found) > 3
    for (_, targets), (inputs, _) in itertools.pairwise(found):
        np.testing.assert_array_equal(targets[:, -1], inputs[:, 0])
    train = small.features.inputs["train"], small.features.targets["train"]
    text = Alphabet.from_settings(small.features.preprocessing).decode(in_one(*train, SMALL.batch_size))
    assert data_of(SMALL).splits["train"].inputs[0].startswith(text)


def test_training_carries_the_state_which_an_epoch_begins_from_zeros(small):
    """Window by window, the trained network gives what the deployed one gives for the whole streams."""
    for _ in range(2):
        start_epoch(SMALL, small.model, 0)
        windows = [inputs for inputs, _ in batches(small.features, SMALL, epoch=0)]
        by_window = np.concatenate([small.model.predict_on_batch(each) for each in windows], axis=1)
        whole = small.deployed.predict_on_batch(np.concatenate(windows, axis=1))
        np.testing.assert_allclose(by_window, whole, atol=2e-6)
    first = small.model.predict_on_batch(windows[0])
    assert np.abs(first - by_window[:, : SMALL.window]).max() > 1e-3  # without `start_epoch` it goes on


def test_both_networks_share_all_weights(small):
    assert {id(each) for each in small.model.trainable_variables} == {
        id(each) for each in small.deployed.trainable_variables
    }


def test_validation_and_the_whole_test_text_are_one_sequence_each(small):
    data, features = data_of(SMALL), small.features
    alphabet = Alphabet.from_settings(features.preprocessing)
    for split in ("validation", "whole"):
        inputs, targets = features.inputs[split], features.targets[split]
        assert inputs.shape[0] == 1
        assert [alphabet.decode([*inputs[0], targets[0, -1]])] == data.splits[split].inputs


def test_passages_score_each_symbol_once(small):
    scored = small.features.targets["test"][small.features.targets["test"] != PADDING]
    alphabet = Alphabet.from_settings(small.features.preprocessing)
    assert [alphabet.decode(scored)] == [text[1:] for text in data_of(SMALL).splits["whole"].inputs]


@pytest.mark.parametrize("alphabet", [Alphabet(None), Alphabet.of("a本語")])
def test_a_text_with_more_symbols_than_steps_fills_several_rows(alphabet):
    """Characters of several bytes make a passage longer, and a split may be one long text."""
    text = "a本語本a" * 9
    bundle = SimpleNamespace(preprocessing={**alphabet.settings, "steps": 8})
    for examples in (as_given({"text": text}, "it", [], 8).splits["text"], Examples([text], np.zeros(1))):
        inputs, targets = encode(bundle, examples.inputs), targets_of(bundle, None, examples)
        assert inputs.shape == targets.shape
        scored = targets != PADDING
        assert alphabet.decode(targets[scored]) == text[1:]
        np.testing.assert_array_equal(inputs[:, 1:][scored[:, :-1]], targets[:, :-1][scored[:, :-1]])


def test_bytes_read_and_write_what_the_training_text_lacks():
    config = dataclasses.replace(SMALL, alphabet="bytes")
    features = make_features(config, data_of(config, TEXT + "größer 日本"))
    assert features.counts["symbols"] == 256
    assert features.counts["unknown.test"] == 0


def test_unknown_characters_are_counted_and_named(caplog):
    with caplog.at_level("INFO"):
        features = make_features(SMALL, data_of(SMALL, TEXT + "ßßé"))
    assert features.counts["unknown.test"] == 3
    assert "test: characters that the training text lacks are left out: 'ß' (2), 'é' (1)" in caplog.text


@pytest.mark.parametrize("text", ["", "short", "a" * 500, "ab" * 20])
def test_a_text_that_fills_no_window_or_has_one_character_is_refused(text):
    with pytest.raises(UserError, match=r"too little|different characters|lower --batch-size or --window"):
        make_features(SMALL, data_of(SMALL, text))


def test_the_simple_methods_are_in_order():
    data = data_of(SMALL)
    features = make_features(SMALL, data)
    found = baselines(SMALL, data, features, None)
    assert found["uniform"]["test"] == pytest.approx(np.log(features.counts["symbols"]))
    assert found["kneser_ney_3"]["test"] < found["unigram"]["test"] < found["uniform"]["test"]


def step_file(model, folder):
    """Return the path of a network's `step` file."""
    specs = {"symbols": ((SMALL.window,), "int32")}
    write_saved_model(model, folder / "saved", specs, ["probabilities"], execution="step")
    path = folder / "float32_step.tflite"
    path.write_bytes(convert(folder / "saved", "float32", "step"))
    return path


@pytest.fixture(scope="module")
def exported(small, tmp_path_factory):
    """The network as a `step` file."""
    return step_file(small.deployed, tmp_path_factory.mktemp("text"))


@pytest.fixture
def bundle(small, exported):
    """Just enough of a bundle for writing."""
    variant = {"precision": "float32", "execution": "step", "file": exported.name}
    return SimpleNamespace(
        preprocessing=dict(small.features.preprocessing),
        with_execution=lambda name, execution: variant,
        variant_path=lambda name: exported,
    )


def writers(small, exported):
    alphabet = Alphabet.from_settings(small.features.preprocessing)
    networks = (StreamNetwork(Stream(exported)), KerasNetwork(small.deployed))
    return [Writer(network, alphabet) for network in networks]


@pytest.mark.parametrize("temperature", [0, 1])
def test_the_device_writes_what_keras_does(small, exported, temperature):
    texts = [
        writer.write(200, Sampler(temperature), seed=3, primer="green") for writer in writers(small, exported)
    ]
    assert texts[0] == texts[1]
    assert len(texts[0]) == 200


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_seed_leads_to_the_same_text_on_every_run(small, exported, tmp_path, precision):
    alphabet = Alphabet.from_settings(small.features.preprocessing)
    calibration = [{"symbols": row[None]} for row in small.features.inputs["train"][:20]]
    path = tmp_path / "step.tflite"
    path.write_bytes(convert(exported.parent / "saved", precision, "step", calibration))
    texts = [
        Writer(StreamNetwork(Stream(path)), alphabet).write(80, Sampler(1.0), seed, primer="9 green")
        for seed in (3, 3, 4)
    ]
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.parametrize("cell", [*sorted(set(layers.CELL_NAMES) - {"lstm"}), *get_args(Windowed)])
def test_every_cell_carries_its_state_and_streams(small, cell):
    dropped = 0.0 if cell in (*WITHOUT_RECURRENT_DROPOUT, *get_args(Windowed)) else 0.2
    config = dataclasses.replace(SMALL, cell=cell, recurrent_dropout=dropped, variational_dropout=True)
    model = build_model(config, small.features)
    symbols = small.features.inputs["train"][: SMALL.batch_size]
    halves = [model.predict_on_batch(half) for half in np.split(symbols, 2, axis=1)]
    whole = deployed(config, small.features, model).predict_on_batch(symbols)
    np.testing.assert_allclose(np.concatenate(halves, axis=1), whole, atol=2e-6)
    assert np.isfinite(model(symbols, training=True)).all()


def test_a_variational_mask_is_the_same_at_all_steps(small):
    config = dataclasses.replace(SMALL, dropout=0.5, variational_dropout=True)
    drop = build_model(config, small.features).get_layer("recurrent_1_dropout")
    dropped = np.asarray(drop(np.ones((2, 9, 40), np.float32), training=True))
    assert (dropped == dropped[:, :1]).all()
    assert 0 < (dropped == 0).mean() < 1
    assert (dropped[0] != dropped[1]).any()


def test_a_tied_output_and_the_other_options_run_on_the_device(small, tmp_path):
    options = {"tied": True, "layer_normalization": True, "recurrent_dropout": 0.2, "depth": 1}
    config = dataclasses.replace(SMALL, **options)
    model = build_model(config, small.features)
    shapes = [tuple(each.shape) for each in model.trainable_variables]
    symbols = small.features.counts["symbols"]
    assert sum(symbols in shape for shape in shapes) == 1  # one matrix for input and output
    whole = SimpleNamespace(
        features=small.features, model=model, deployed=deployed(config, small.features, model)
    )
    texts = [
        writer.write(60, Sampler(1.0), seed=3)
        for writer in writers(whole, step_file(whole.deployed, tmp_path))
    ]
    assert texts[0] == texts[1]


def test_the_stream_scores_a_text_as_the_whole_sequence_does(small, exported):
    text = data_of(SMALL).splits["whole"].inputs[0]
    device, _ = writers(small, exported)
    symbols = device.alphabet.encode(text)[None]
    whole = nll(small.deployed.predict_on_batch(symbols[:, :-1]), symbols[:, 1:])
    assert device.surprises(text).mean() == pytest.approx(whole, rel=1e-5)


def test_writing_ends_at_the_stop_text(small, exported):
    device, _ = writers(small, exported)
    text = device.write(300, Sampler(1.0), seed=1)
    stop = text[40:42]
    assert device.write(300, Sampler(1.0), seed=1, stop=stop) == text[: text.index(stop) + 2]


class Spelling:
    """Knows how "the", "then" and "there" are spelt, and that "the" is likeliest."""

    letters = " ehnrt"
    next = {  # noqa: RUF012
        "": {"t": 1.0},
        "t": {"h": 1.0},
        "th": {"e": 1.0},
        "the": {" ": 0.6, "n": 0.3, "r": 0.1},
        "then": {" ": 1.0},
        "ther": {"e": 1.0},
        "there": {" ": 1.0},
    }

    def initial_state(self):
        return ""

    def __call__(self, step, state):
        letter = self.letters[int(step)]
        state = "" if letter == " " else state + letter
        known = self.next.get(state, {" ": 1.0})
        return {"probabilities": np.array([known.get(each, 0.0) for each in self.letters])}, state


def test_a_word_is_completed_to_the_likeliest_ones():
    writer = Writer(Spelling(), Alphabet.of(Spelling.letters))
    found = writer.complete("then the")
    assert [(word, round(p, 6)) for word, p in found] == [("the", 0.6), ("then", 0.3), ("there", 0.1)]
    assert writer.complete("the th", 1)[0].word == "the"
    assert writer.complete("then ", 1)[0].word == "the"


def test_predict_writes_scores_and_completes(bundle, tmp_path):
    (written,) = predict(bundle, [], None, Options(length=50, primer="9 green"))
    assert describe(written).startswith("9 green" + written["text"] + "\n[0.0% of its five-word runs")
    assert len(written["text"]) == 50
    (completed,) = predict(bundle, [], None, Options(complete="10 gre", words=2))
    assert len(completed["words"]) == 2
    for options, texts in ((Options(length=5, primer="é9é"), []), (Options(complete="éé9"), [])):
        assert "2 unknown characters left out: 'é' (2)" in describe(predict(bundle, texts, None, options)[0])
    assert "1 unknown characters left out: 'é' (1)" in describe(predict(bundle, ["9é9"], None, Options())[0])
    (tmp_path / "it.txt").write_text("3 green bottles? <ü>\n")
    options = Options(score=tmp_path / "it.txt", out=tmp_path / "page.html")
    (scored,) = predict(bundle, [], None, options)
    assert scored["unknown"] == 4
    assert "&lt;" in (tmp_path / "page.html").read_text()
    assert "coloured by surprise" in describe(scored)
    for answer in (written, completed, scored):
        assert json.loads(json.dumps(answer)) == answer


def test_what_is_written_is_checked_against_a_corpus(bundle, tmp_path):
    (tmp_path / "corpus.txt").write_text(TEXT)
    (written,) = predict(bundle, [], None, Options(length=50, corpus=tmp_path / "corpus.txt"))
    assert written["checks"].keys() == {"known_words", "longest_copy", "repeated"}
    said = "of its words are in the corpus, the longest run copied from there has"
    assert said in describe(written).splitlines()[-1]


def test_options_out_of_range_are_refused(bundle):
    with pytest.raises(UserError, match="only one of --complete and --score"):
        Options(complete="a", score="b")
    with pytest.raises(UserError, match="--layer-normalization: expected only with --cell lstm, got 'gru'"):
        TextConfig(layer_normalization=True, cell="gru")
    for cell in WITHOUT_RECURRENT_DROPOUT:
        with pytest.raises(UserError, match=f"--recurrent-dropout: expected 0 with --cell {cell}, got 0.2"):
            TextConfig(recurrent_dropout=0.2, cell=cell)
    with pytest.raises(UserError, match="--length"):
        Options(length=0)
    with pytest.raises(UserError, match="two or more known characters"):
        predict(bundle, ["§"], None, Options())
    with pytest.raises(UserError, match="expected at most 1,000,000 characters, got 1,000,001"):
        predict(bundle, ["a" * 1_000_001], None, Options())


def test_the_users_own_text_is_read(tmp_path):
    (tmp_path / "it.txt").write_text(TEXT)
    config = dataclasses.replace(PRESETS["smoke"], dataset=str(tmp_path / "it.txt"))
    data = load(config)
    assert data.source == "it.txt"
    train, validation, test = (data.splits[name].inputs[0] for name in ("train", "validation", "whole"))
    assert validation + train + test == TEXT
    assert len(validation) == pytest.approx(0.05 * len(TEXT), abs=1)
    assert len(test) == pytest.approx(0.1 * len(TEXT), abs=1)
    assert list(load(config, as_given=True).splits) == ["text"]


def test_the_perplexity_of_a_word_counts_all_symbols():
    outcome = SimpleNamespace(
        data=as_given({"whole": "so be it"}, "it", [], 20),
        scores={"whole": {"nll": 0.3}},
        features=SimpleNamespace(targets={"whole": np.zeros((1, 7))}),
    )
    assert word_perplexity(outcome) == pytest.approx(np.exp(0.3 * 7 / 3))


@pytest.mark.long
def test_a_line_of_a_hundred_megabytes_is_read_and_counted(tmp_path):
    verse = "".join(np.random.default_rng(0).choice(list("abcdefgh é"), 10_000))
    (tmp_path / "line.txt").write_text(verse * 9_200)
    assert (tmp_path / "line.txt").stat().st_size > 1e8
    config = dataclasses.replace(PRESETS["smoke"], dataset=str(tmp_path / "line.txt"))
    data = load(config)
    features = make_features(config, data)
    assert features.targets["train"].size == pytest.approx(0.85 * 92e6, rel=1e-4)
    assert features.targets["whole"].size == config.max_scored - 1
    assert (features.targets["test"] != PADDING).sum() <= 1.1 * config.max_scored_on_device
    assert baselines(config, data, features, None)["kneser_ney_3"]["whole"] > 1


def test_the_smallest_preset_runs_on_a_microcontroller(training, tmp_path):
    trained = Bundle.open(training("text_generation").bundle)
    micro = write_micro(trained.variant_path("int8_step.tflite").read_bytes(), tmp_path, "text")
    assert len(micro.content) < 16_000
    assert micro.tensors_bytes < 2_000
    assert micro.arena_bytes is None or micro.arena_bytes < 16_000  # None: tflite-micro isn't installed
