"""Networks that read words learn to tell their neighbours first."""

import dataclasses

import keras
import numpy as np
import pytest

from apps.sentiment.config import PRESETS
from apps.sentiment.model import build_model, first_weights
from pipelines.data.examples import Features
from pipelines.tasks.language_model import _language_model, _nll, _targets, cut, learn_words

VOCABULARY = 12


def _chains(count: int, seed: int) -> np.ndarray:
    """Texts in which each word tells the next one and the one before: 2, 3, .. 11, 2, ..."""
    rng = np.random.default_rng(seed)
    tokens = (rng.integers(0, 10, (count, 1)) + np.arange(100)) % 10 + 2
    return np.where(np.arange(100) < rng.integers(20, 101, (count, 1)), tokens, 0).astype(np.int32)


def _features() -> Features:
    inputs = {
        name: _chains(count, seed)
        for seed, (name, count) in enumerate({"train": 64, "validation": 16}.items())
    }
    targets = {name: np.zeros(len(each), np.int32) for name, each in inputs.items()}
    return Features(inputs, targets, ("bad", "good"), counts={"vocabulary": VOCABULARY})


def _model(features: Features, **changes) -> keras.Model:
    keras.utils.set_random_seed(1)
    plain = {"word_dropout": 0.0, "channel_dropout": 0.0, "lexicon": False, "units": 8, "embedding": 6}
    return build_model(dataclasses.replace(PRESETS["smoke"], **(plain | changes)), features)


def test_texts_are_cut_into_windows() -> None:
    tokens = np.zeros((3, 100), np.int32)
    tokens[0], tokens[1, :70], tokens[2, :5] = 5, 6, 7
    windows = cut(tokens)
    assert windows.shape == (3, 64)
    assert (windows[0] == 5).all()
    assert (windows[1, :36] == 5).all()
    assert (windows[1, 36:] == 0).all()
    assert (windows[2] == 6).all()


def test_targets_are_the_neighbours_of_words() -> None:
    windows = np.array([[3, 4, 5, 0]])
    assert _targets(windows, both=False).tolist() == [[4, 5, 0]]
    assert _targets(windows, both=True).tolist() == [[4, 5, 0, 3, 4, 0]]
    logits = np.log(np.array([[[0.2, 0.8], [0.5, 0.5]]]))
    assert float(_nll(np.array([[1, 0]]), logits)) == pytest.approx(-np.log(0.8))


@pytest.mark.parametrize("depth", [1, 2])
def test_no_direction_sees_the_word_it_tells(depth) -> None:
    features = _features()
    network = _language_model(_model(features, depth=depth))
    windows = cut(features.inputs["train"])[:1]
    changed = windows.copy()
    changed[0, 10] = changed[0, 10] % 10 + 2
    assert changed[0, 10] != windows[0, 10]
    differs = (
        np.abs(network.predict(windows, verbose=0) - network.predict(changed, verbose=0)).max(-1)[0] > 1e-6
    )
    forward, backward = differs[:63], differs[63:]  # forward[t] tells word t + 1, backward[t] word t
    assert not forward[:10].any()
    assert forward[10:12].all()
    assert not backward[10:].any()
    assert backward[8:10].all()


@pytest.mark.parametrize("bidirectional", [False, True])
def test_it_learns_in_place_what_follows(bidirectional) -> None:
    features = _features()
    model = _model(features, bidirectional=bidirectional)
    recurrent, dense = (model.get_layer(name).get_weights() for name in ("recurrent", "probabilities"))
    options = {"epochs": 30, "batch_size": 8, "learning_rate": 0.02}
    found = learn_words(model, features, **options)
    assert found["language_model.nll"] < 0.5 < np.log(10)
    after = model.get_layer("recurrent").get_weights()
    assert all(np.abs(a - b).max() > 1e-3 for a, b in zip(after, recurrent, strict=True))
    assert all(
        (a == b).all() for a, b in zip(model.get_layer("probabilities").get_weights(), dense, strict=True)
    )


def test_the_app_does_so_if_it_is_told_to() -> None:
    features = _features()
    config = PRESETS["smoke"]
    assert first_weights(config, features, _model(features)) == {}
    config = dataclasses.replace(config, language_model_epochs=1)
    assert set(first_weights(config, features, _model(features))) == {"language_model.nll"}
