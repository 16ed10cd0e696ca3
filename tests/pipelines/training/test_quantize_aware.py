"""Fine-tuning of a finished run for its integer files: its settings, its training, and what is refused."""

from __future__ import annotations

import json
from typing import NamedTuple

import keras
import numpy as np
import pytest

import layers
from pipelines.app import find
from pipelines.commands import command_line, console
from pipelines.config import Config, to_dict
from pipelines.data.examples import Features
from pipelines.errors import UserError
from pipelines.evaluation.outcome import Progress
from pipelines.tracking.runs import start
from pipelines.tracking.start_from import Finished
from pipelines.training import quantize_aware
from pipelines.training.checkpoint import Checkpoint
from pipelines.training.fit import compile_model, fit, seed_everything

APP = find("sensor_signals")
RUN = "0" * 32


def finished(monkeypatch, **changed):
    config = to_dict(APP.presets["smoke"]) | changed
    monkeypatch.setattr(
        quantize_aware, "finished_run", lambda *_: Finished("smoke", json.loads(json.dumps(config)), "abc")
    )


def test_settings_are_those_of_the_run_except_epochs_and_rate(monkeypatch):
    finished(monkeypatch, units=9, epochs=40, learning_rate=0.02)
    preset, config = quantize_aware.fine_tuning(APP, RUN)
    assert (preset, config.units, config.epochs) == ("smoke", 9, quantize_aware.EPOCHS)
    assert config.learning_rate == pytest.approx(0.002)
    assert config.quantize_aware == RUN


def test_a_run_without_an_integer_file_is_refused(monkeypatch):
    finished(monkeypatch, precisions=["float32", "dynamic_int8"])
    with pytest.raises(
        UserError, match="expected a run that exports int8 or int16x8, got float32, dynamic_int8"
    ):
        quantize_aware.fine_tuning(APP, RUN)


def test_other_data_are_refused(monkeypatch):
    finished(monkeypatch)
    quantize_aware.require_same_data(APP, RUN, "abc")
    with pytest.raises(UserError, match="not the data that the run was trained on"):
        quantize_aware.require_same_data(APP, RUN, "abd")


class Kept(NamedTuple):
    model: keras.Model
    progress: Progress
    before: list[np.ndarray]


@pytest.fixture(scope="module")
def features():
    rng = np.random.default_rng(0)
    splits = ("train", "validation", "test")
    inputs = {split: rng.normal(size=(48, 6, 3)).astype(np.float32) for split in splits}
    return Features(
        inputs, {split: (x.sum((1, 2)) > 0).astype(np.int32) for split, x in inputs.items()}, ("-", "+")
    )


@pytest.fixture(scope="module")
def tuned(features, tmp_path_factory):
    """Return a small network that was trained for three epochs, rounding as its file for steps."""
    config = Config(epochs=3, batch_size=16, learning_rate=0.01, precisions=("float32", "int8"))
    seed_everything(3)
    x = keras.Input((6, 3), name="x")
    made = layers.Stack([layers.GRU(4, return_sequences=True), layers.LSTM(4, recurrent_dropout=0.2)])(x)
    model = keras.Model(x, keras.layers.Dense(2, activation="softmax")(made))
    compile_model(model, config, keras.losses.SparseCategoricalCrossentropy(), features)
    before = [each.numpy() for each in model.trainable_variables]
    aware = quantize_aware.QuantizeAware(
        config, features, model=model, deployed=model, executions=("loop", "step")
    )
    progress = fit(
        model,
        features,
        config,
        metrics={"accuracy": lambda outputs, targets: float(np.mean(outputs.argmax(1) == targets))},
        checkpoint=Checkpoint(tmp_path_factory.mktemp("run")),
        on_epoch=lambda epoch, values: None,
        each_epoch=aware.epoch,
    )
    return Kept(model, progress, before)


def test_a_network_that_rounds_learns(tuned):
    losses = [epoch["loss"] for epoch in tuned.progress.history]
    assert len(losses) == 3
    assert losses[-1] < losses[0]
    for variable, old in zip(tuned.model.trainable_variables, tuned.before, strict=True):
        assert not np.array_equal(variable.numpy(), old), variable.path


def test_afterwards_the_network_does_not_round(tuned, features):
    inputs = features.inputs["test"]
    with layers.execution("loop"):
        exact = tuned.model(inputs, training=False).numpy()
    np.testing.assert_allclose(tuned.model.predict(inputs, verbose=0), exact, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--quantize-aware", RUN], "--quantize-aware " + RUN + ": no such run in"),
        (["--quantize-aware", "x"], "expected the 32 letters and digits"),
        (["--quantize-aware", RUN, "--units", "3"], "takes every setting from the run except epochs"),
        (["--quantize-aware", RUN, "--resume", RUN], "--resume takes every setting from the run"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(options, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command_line, "stop_at_signals", lambda: None)
    monkeypatch.setattr(command_line, "_stay_in_the_checkout", lambda: None)
    assert console.run_apps(["sensor_signals", "train", *options]) == 2
    err = capsys.readouterr().err.splitlines()
    assert said in err[-1]
    assert sum(line.startswith("error: ") for line in err) == 1


def test_a_run_of_another_app_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    with start("sentiment", "one", params={"epochs": 3}, tags={}, system_metrics=False) as run:
        pass
    with pytest.raises(UserError, match="expected a run of sensor_signals, this is one of sentiment"):
        quantize_aware.fine_tuning(APP, run.id)
    with pytest.raises(UserError, match="expected a run that has exported its network"):
        quantize_aware.fine_tuning(find("sentiment"), run.id)
