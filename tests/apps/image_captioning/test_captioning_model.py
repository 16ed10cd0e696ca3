"""The captioning network: what it reads, what it is trained for, and that every way of saying agrees."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from apps.image_captioning.augment import Augment
from apps.image_captioning.config import PRESETS, CaptioningConfig
from apps.image_captioning.features import make_features
from apps.image_captioning.metrics import METRICS, baselines, captions_of
from apps.image_captioning.model import (
    build_decoder,
    build_model,
    captioner,
    decoder_of,
    encoder_of,
)
from layers import OneStep, execution
from pipelines.data.examples import Data
from pipelines.data.image_sources import captioned_examples
from pipelines.errors import UserError
from pipelines.evaluation.outcome import Progress
from pipelines.export.keras.saved_model import write_saved_model
from pipelines.export.tflite.convert import Source
from pipelines.ondevice.model import Model
from pipelines.ondevice.vocabulary import END, Vocabulary, words
from pipelines.tasks.generation_decoder import ContextAttention, GreedyDecoder
from pipelines.tasks.generation_losses import NextTokenLoss
from pipelines.tasks.generation_training import TeacherForcing
from pipelines.training.fit import compile_model, fit

CAPTIONS = (("A red dog.", "one red dog"), ("two blue cats",), ("A cat", "a blue cat", "cat!"))
SMALL = CaptioningConfig(
    image_size=16,
    width=3,
    halvings=2,
    units=5,
    embedding=4,
    attention_units=3,
    min_count=1,
    epochs=2,
    captions_per_image=2,
)


@pytest.fixture(scope="module")
def data() -> Data:
    rng = np.random.default_rng(0)

    def split(count: int) -> object:
        images = list(rng.integers(0, 256, (count, 16, 16, 3), np.uint8))
        return captioned_examples(images, [CAPTIONS[i % 3] for i in range(count)])

    return Data({"train": split(9), "validation": split(4), "test": split(6)}, (), "noise")


@pytest.fixture(scope="module")
def network(data: Data) -> tuple:
    """Return features, a network whose weights are large enough to say something, and the captioner."""
    keras.utils.set_random_seed(3)
    features = make_features(SMALL, data)
    model = build_model(SMALL, features)
    for variable in decoder_of(model).trainable_variables:
        variable.assign(variable * 4)
    return features, model, captioner(SMALL, features, model)


def test_what_is_read_is_one_word_behind_what_is_guessed(data: Data) -> None:
    features = make_features(SMALL, data)
    vocabulary = features.targets["test"][0].vocabulary
    images, ids = features.inputs["train"][:3], features.targets["train"][:3]
    inputs, targets = Augment(SMALL, vocabulary)(images, ids, np.random.default_rng(0))
    tokens = inputs["tokens"]
    assert tokens.shape == targets.shape == (3, ids.shape[2], 2)
    np.testing.assert_array_equal(inputs["words"].reshape(ids.shape), ids)
    assert (tokens[:, 0] == vocabulary.start).all()
    np.testing.assert_array_equal(tokens[:, 1:], targets[:, :-1])
    for captions, drawn in zip(CAPTIONS, targets, strict=True):
        known = {" ".join(words(caption)) for caption in captions}
        assert {vocabulary.decode(column) for column in drawn.T} <= known
    assert len({vocabulary.decode(column) for column in targets[2].T}) == 2  # no caption twice


def test_the_loss_on_validation_is_that_of_all_captions_of_each_picture_as_it_is(data: Data) -> None:
    features = make_features(SMALL, data)
    inputs, targets = features.validation
    vocabulary = features.targets["test"][0].vocabulary
    np.testing.assert_array_equal(inputs["image"], features.inputs["validation"])
    np.testing.assert_array_equal(inputs["tokens"][:, 1:], targets[:, :-1])
    for captions, columns in zip(data.splits["validation"].targets, targets, strict=True):
        assert [vocabulary.decode(column) for column in columns.T[: len(captions)]] == [
            " ".join(words(caption)) for caption in captions
        ]


def test_pictures_stay_where_nothing_is_to_move_and_mirrors_mirror(data: Data) -> None:
    still = dataclasses.replace(SMALL, shift=0.0, zoom=0.0)
    features = make_features(still, data)
    vocabulary = features.targets["test"][0].vocabulary
    images, ids = features.inputs["train"], features.targets["train"]

    def moved(config: CaptioningConfig) -> np.ndarray:
        return Augment(config, vocabulary)(images, ids, np.random.default_rng(0))[0]["image"]

    np.testing.assert_array_equal(moved(still), images)
    mirrored = moved(dataclasses.replace(still, mirror=True))
    flipped = [np.array_equal(new, old[:, ::-1]) for new, old in zip(mirrored, images, strict=True)]
    stayed = [np.array_equal(new, old) for new, old in zip(mirrored, images, strict=True)]
    assert any(flipped)
    assert all(np.logical_xor(flipped, stayed))
    assert not np.array_equal(moved(dataclasses.replace(still, rotation=90.0)), images)
    gains = moved(dataclasses.replace(still, brightness=0.5)).mean(axis=(1, 2)) / images.mean(axis=(1, 2))
    assert 0.49 < gains.min() < 0.8 < 1.1 < gains.max() < 1.51


def test_one_step_after_another_gives_what_the_whole_sentence_gives(network: tuple) -> None:
    features, model, _ = network
    decoder = decoder_of(model)
    seen = encoder_of(model)(features.inputs["test"])
    tokens = tf.constant(np.random.default_rng(1).integers(0, 8, (6, 7)).astype(np.int32))
    whole, attention = decoder([tokens, seen])
    step = OneStep(decoder)
    states = step.initial_states(6)
    for t in range(7):
        (one, looked), states = step([tokens[:, t : t + 1], seen], states)
        np.testing.assert_allclose(one[:, 0], whole[:, t], atol=1e-5)
        np.testing.assert_allclose(looked[:, 0], attention[:, t], atol=1e-6)
    np.testing.assert_allclose(np.exp(whole).sum(axis=-1), 1, atol=1e-5)
    np.testing.assert_allclose(tf.reduce_sum(attention, axis=-1), 1, atol=1e-5)


def test_the_graph_says_the_most_probable_word_each_time(network: tuple) -> None:
    features, model, whole = network
    images = features.inputs["test"]
    answers = whole.predict(images, verbose=0)
    assert len({tuple(answer) for answer in answers.tolist()}) > 1
    seen = encoder_of(model)(images)
    tokens = np.full((len(images), 1), features.targets["test"][0].vocabulary.start, np.int32)
    for _ in range(answers.shape[1]):
        following = np.argmax(decoder_of(model)([tf.constant(tokens), seen])[0][:, -1], axis=-1)
        following[(tokens[:, 1:] == END).any(axis=1)] = END
        tokens = np.concatenate([tokens, following[:, None].astype(np.int32)], axis=1)
    np.testing.assert_array_equal(answers, tokens[:, 1:])


def test_saved_and_loaded_it_says_the_same(network: tuple, tmp_path: Path) -> None:
    features, model, whole = network
    whole.save(tmp_path / "captioner.keras")
    loaded = keras.saving.load_model(tmp_path / "captioner.keras")
    images = features.inputs["test"]
    np.testing.assert_array_equal(loaded.predict(images, verbose=0), whole.predict(images, verbose=0))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    inputs = features.augment(images, features.targets["train"][:6], np.random.default_rng(0))[0]
    np.testing.assert_allclose(again.predict(inputs, verbose=0), model.predict(inputs, verbose=0), atol=1e-6)


@pytest.mark.parametrize("cell", ["simple_rnn", "lstm"])
def test_on_the_device_it_says_what_keras_says(data: Data, cell: str, tmp_path: Path) -> None:
    keras.utils.set_random_seed(5)
    config = dataclasses.replace(SMALL, cell=cell)
    features = make_features(config, data)
    model = build_model(config, features)
    for variable in decoder_of(model).trainable_variables:
        variable.assign(variable * 4)
    whole = captioner(config, features, model)
    images = features.inputs["test"]
    write_saved_model(whole, tmp_path, {"image": (images.shape[1:], "uint8")}, ["tokens"])
    content = Source(tmp_path).convert("float32")
    np.testing.assert_array_equal(Model(content).predict(images), whole.predict(images, verbose=0))


def test_an_encoder_is_frozen_at_first_and_trained_then(data: Data) -> None:
    config = dataclasses.replace(SMALL, frozen_epochs=1, batch_size=2)
    features = make_features(config, data)
    model = build_model(config, features)
    compile_model(model, config, NextTokenLoss(), features)
    encoder, seen = encoder_of(model), []

    class NoCheckpoint:
        def load(self) -> Progress:
            return Progress()

        def save(self, progress: Progress) -> None:
            pass

    def set_trainable(epoch: int) -> None:
        encoder.trainable = epoch >= 1

    def look(*_: object) -> None:
        seen.append([variable.numpy() for variable in encoder.weights])

    look()
    whole = captioner(SMALL, features, model)
    with execution("own_gradient"):  # there is next to nothing to compute, and XLA takes its time to compile
        fit(
            model,
            features,
            config,
            metrics=METRICS,
            checkpoint=NoCheckpoint(),
            on_epoch=look,
            deployed=whole,
            set_trainable=set_trainable,
        )
    before, frozen, trained = seen
    assert all(np.array_equal(a, b) for a, b in zip(before, frozen, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(frozen, trained, strict=True))


def test_facts_are_for_captions_of_the_grammar_only(network: tuple, data: Data) -> None:
    features, _, whole = network
    outputs, targets = whole.predict(features.inputs["test"], verbose=0), features.targets["test"]
    assert METRICS["facts"](outputs, targets) is None
    assert METRICS["cider"](outputs, targets) >= 0
    exact = np.array([target.vocabulary.encode(target.captions[0], 4) for target in targets])
    assert captions_of(exact, targets)[0] == "a red dog"
    assert METRICS["bleu_1"](exact, targets) == pytest.approx(1)
    scores = baselines(SMALL, data, features, whole)
    assert {name: list(of_split) for name, of_split in scores.items()} == {
        "commonest_caption": ["test"],
        "nearest_image": ["test"],
    }


def test_the_nearest_image_of_a_training_image_is_itself(data: Data) -> None:
    same = dataclasses.replace(data, splits=data.splits | {"test": data.splits["train"]})
    features = make_features(SMALL, same)
    targets = features.targets["test"]
    found = baselines(SMALL, same, features, captioner(SMALL, features, build_model(SMALL, features)))
    first = np.array([target.vocabulary.encode(target.captions[0], 4) for target in targets])
    assert found["nearest_image"]["test"] == pytest.approx(METRICS["cider"](first, targets))


def test_a_vocabulary_of_one_word_will_do_and_of_none_is_refused(data: Data) -> None:
    def saying(*captions: str) -> Data:
        splits = {
            name: captioned_examples(split.inputs, [captions] * len(split))
            for name, split in data.splits.items()
        }
        return dataclasses.replace(data, splits=splits)

    one = saying("Dog!", "dog dog")
    features = make_features(SMALL, one)
    model = captioner(SMALL, features, build_model(SMALL, features))
    answers = model.predict(features.inputs["test"], verbose=0)
    assert set(np.unique(answers)) <= {END, 1}
    assert np.isfinite(METRICS["cider"](answers, features.targets["test"]))
    with pytest.raises(UserError, match=r"noise: expected a word that occurs 99 times or more"):
        make_features(dataclasses.replace(SMALL, min_count=99), one)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("units", 0),
        ("dropout", 1.0),
        ("rotation", 181.0),
        ("frozen_epochs", 30),
        ("halvings", 6),
        ("encoder_weights", "imagenet"),
        ("word_spotting", -1.0),
        ("image_size", 8),
    ],
)
def test_settings_out_of_range_are_refused(name: str, value: object) -> None:
    with pytest.raises(UserError, match=f"--{name.replace('_', '-')}: expected .*, got {value!r}"):
        dataclasses.replace(PRESETS["default"], **{name: value})


def test_a_decoder_can_be_made_again_from_its_settings() -> None:
    decoder = build_decoder(SMALL, Vocabulary(["a", "b"]), 4)
    teacher_forcing = TeacherForcing(decoder, scheduled_sampling=0.3)
    for layer in (GreedyDecoder(decoder, 4, 5), teacher_forcing, ContextAttention(3)):
        config = layer.get_config()
        assert type(layer).from_config(dict(config)).get_config().keys() == config.keys()
