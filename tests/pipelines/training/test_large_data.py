"""A training on examples that stay on disk gives the weights of one in memory, also if it is interrupted."""

from pathlib import Path

import keras
import numpy as np
import pytest

import layers
from pipelines.config import Config
from pipelines.data import example_store
from pipelines.data.example_store import store_for
from pipelines.data.examples import Data, Features
from pipelines.data.on_disk import OnDisk, computed
from pipelines.training import scoring
from pipelines.training.checkpoint import Checkpoint
from pipelines.training.fit import compile_model, fit, seed_everything

CONFIG = Config(epochs=3, batch_size=16, learning_rate=0.02, patience=3, seed=3)


def to_floats(rows):
    return np.stack(rows).reshape(-1, 4, 2).astype(np.float32) / 100


@pytest.fixture
def both(tmp_path, monkeypatch):
    """Features of 70 sequences of 4 steps, in memory and on disk, and their raw examples."""
    monkeypatch.setattr(example_store, "CACHE", tmp_path / "cache")
    (tmp_path / "set").write_text("")
    found = []
    for memory_gb in (1.0, -1.0):
        rng = np.random.default_rng(0)
        with store_for("set", [tmp_path / "set"], [], memory_gb) as store:
            splits = {}
            for name, count in (("train", 70), ("validation", 20), ("test", 20)):
                rows = rng.integers(-100, 100, (count, 8)).astype("<i2")
                splits[name] = store.keep(name, [(row, int(row[0] > 0)) for row in rows])
        inputs = {name: computed(each.inputs, to_floats) for name, each in splits.items()}
        targets = {name: each.targets for name, each in splits.items()}
        found.append((Data(splits, ("low", "high"), "set"), Features(inputs, targets, ("low", "high"))))
    return found


def train(features, folder: Path, on_epoch=lambda epoch, values: None):
    seed_everything(CONFIG.seed)
    given = keras.Input([None, 2])
    x = layers.GRU(3, name="recurrent")(given)
    model = keras.Model(given, keras.layers.Dense(2, activation="softmax")(x))
    compile_model(model, CONFIG, keras.losses.SparseCategoricalCrossentropy(), features)
    folder.mkdir(exist_ok=True)

    def accuracy(outputs, targets):
        return float(np.mean(outputs.argmax(axis=1) == targets))

    metrics = {"accuracy": accuracy}
    fit(model, features, CONFIG, metrics=metrics, checkpoint=Checkpoint(folder), on_epoch=on_epoch)
    return [variable.numpy() for variable in model.variables]


def test_the_weights_are_those_of_a_training_in_memory_also_after_an_interruption(both, tmp_path):
    (_, in_memory), (data, on_disk) = both
    assert isinstance(data.splits["train"].inputs, OnDisk)
    expected = train(in_memory, tmp_path / "memory")

    def stop(epoch, values):
        if epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(on_disk, tmp_path / "disk", stop)
    for one, other in zip(train(on_disk, tmp_path / "disk"), expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_baselines_learn_from_some_of_the_examples_on_disk(both, monkeypatch, caplog):
    monkeypatch.setattr(scoring, "_LEARNED", 10)
    caplog.set_level("INFO")
    (here, _), (there, _) = both
    assert scoring._learned_at_once(here) is here
    some = scoring._learned_at_once(there)
    assert some.counts == {"train": 10, "validation": 20, "test": 20}
    everything = [tuple(row) for row in there.splits["train"].inputs]
    places = [everything.index(tuple(row)) for row in some.splits["train"].inputs]
    assert places == np.linspace(0, 69, 10).round().tolist()
    assert some.splits["train"].targets.tolist() == there.splits["train"].targets[places].tolist()
    assert caplog.messages == ["the baselines learn from 10 of the 70 training examples"]


def test_files_are_verified_on_some_of_the_examples_on_disk(both, monkeypatch):
    from pipelines.training import bundle

    monkeypatch.setattr(bundle, "_VERIFIED", 5)
    (_, in_memory), (_, on_disk) = both
    inputs, targets = bundle._verified(in_memory)
    assert (len(inputs), len(targets)) == (20, 20)
    some, some_targets = bundle._verified(on_disk)
    assert isinstance(some, np.ndarray)
    rows = [0, 5, 10, 14, 19]
    np.testing.assert_array_equal(some, inputs[rows])
    np.testing.assert_array_equal(some_targets, targets[rows])
    monkeypatch.setattr(bundle, "_VERIFIED", 20)
    np.testing.assert_array_equal(bundle._verified(on_disk)[0], inputs)
