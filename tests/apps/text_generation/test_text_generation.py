"""Training carries its state, passages score a text exactly, and the device writes what Keras does."""

import dataclasses
import itertools
import json
from types import SimpleNamespace

import numpy as np
import pytest

from apps.text_generation.config import PRESETS, TextConfig
from apps.text_generation.data import load
from apps.text_generation.features import PADDING, encode, make_features, targets_of
from apps.text_generation.generate import Writer
from apps.text_generation.metrics import baselines, in_one
from apps.text_generation.model import build_model, deployed, start_epoch
from apps.text_generation.predict import Options, describe, predict
from pipelines.data.examples import Examples
from pipelines.data.plain_text import Scoring, as_given, as_splits, completed
from pipelines.errors import UserError
from pipelines.export.keras.saved_model import write_saved_model
from pipelines.export.tflite.convert import convert
from pipelines.ondevice.alphabet import Alphabet
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


@pytest.mark.parametrize("text", ["short", "a" * 500, "ab" * 20])
def test_a_text_that_fills_no_window_or_has_one_character_is_refused(text):
    with pytest.raises(UserError, match=r"too little|different characters|lower --batch-size or --window"):
        make_features(SMALL, data_of(SMALL, text))


def test_the_simple_methods_are_in_order():
    data = data_of(SMALL)
    features = make_features(SMALL, data)
    found = baselines(SMALL, data, features, None)
    assert found["uniform"]["test"] == pytest.approx(np.log(features.counts["symbols"]))
    assert found["kneser_ney_3"]["test"] < found["unigram"]["test"] < found["uniform"]["test"]


@pytest.fixture(scope="module")
def exported(small, tmp_path_factory):
    """The network as a `step` file."""
    folder = tmp_path_factory.mktemp("text")
    specs = {"symbols": ((SMALL.window,), "int32")}
    write_saved_model(small.deployed, folder / "saved", specs, ["probabilities"], execution="step")
    path = folder / "float32_step.tflite"
    path.write_bytes(convert(folder / "saved", "float32", "step"))
    return path


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
    assert describe(written) == "9 green" + written["text"]
    assert len(written["text"]) == 50
    (completed,) = predict(bundle, [], None, Options(complete="10 gre", words=2))
    assert len(completed["words"]) == 2
    (tmp_path / "it.txt").write_text("3 green bottles? <ü>\n")
    options = Options(score=tmp_path / "it.txt", out=tmp_path / "page.html")
    (scored,) = predict(bundle, [], None, options)
    assert scored["unknown"] == 4
    assert "&lt;" in (tmp_path / "page.html").read_text()
    assert "coloured by surprise" in describe(scored)
    for answer in (written, completed, scored):
        assert json.loads(json.dumps(answer)) == answer


def test_options_out_of_range_are_refused(bundle):
    with pytest.raises(UserError, match="only one of --complete and --score"):
        Options(complete="a", score="b")
    with pytest.raises(UserError, match="--length"):
        Options(length=0)
    with pytest.raises(UserError, match="two or more known characters"):
        predict(bundle, ["§"], None, Options())


def test_the_users_own_text_is_read(tmp_path):
    (tmp_path / "it.txt").write_text(TEXT)
    config = dataclasses.replace(PRESETS["smoke"], dataset=str(tmp_path / "it.txt"))
    data = load(config)
    assert data.source == "it.txt"
    assert data.splits["train"].inputs[0] == TEXT[: round(len(TEXT) * 0.85)]
    assert list(load(config, as_given=True).splits) == ["text"]
