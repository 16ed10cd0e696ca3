"""Our layers in MLflow's own functions for Keras: autologging, and models that are loaded elsewhere."""

import importlib
import json
import os
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest

import layers
from pipelines.tracking import runs as tracking
from pipelines.tracking.keras_file import name_package
from pipelines.tracking.quiet_mlflow import mlflow

TOKENS = np.random.default_rng(0).integers(1, 9, (40, 5)).astype(np.int32)
LABELS = (TOKENS[:, 0] % 2).astype(np.int32)


def network() -> keras.Model:
    tokens = keras.Input([None], dtype="int32")
    x = keras.layers.Embedding(9, 4, mask_zero=True)(tokens)
    x = layers.Bidirectional(layers.GRU(3, return_sequences=True))(x)
    x = layers.AdditiveAttentionPooling(3)(x)
    model = keras.Model(tokens, keras.layers.Dense(2, "softmax")(x))
    model.compile(layers.CountingAdamW(), keras.losses.SparseCategoricalCrossentropy(), metrics=["accuracy"])
    model.optimizer.build(model.trainable_variables)
    return model


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("flavor", ["keras", "tensorflow"])
def test_autologging_logs_a_fit_and_a_model_that_gives_the_same_answers(client, flavor):
    autologging = importlib.import_module(f"mlflow.{flavor}")
    experiment = client.create_experiment(f"autologged by {flavor}")
    model = network()
    autologging.autolog(silent=True)
    mlflow.set_tracking_uri(tracking.store_uri())
    try:
        with mlflow.start_run(experiment_id=experiment) as run:
            model.fit(TOKENS, LABELS, epochs=2, verbose=0, validation_data=(TOKENS, LABELS))
    finally:
        autologging.autolog(disable=True)
        mlflow.set_tracking_uri(None)
    logged = client.get_run(run.info.run_id)
    assert logged.info.status == "FINISHED"
    assert len(client.get_metric_history(run.info.run_id, "loss")) == 2
    assert logged.data.params["epochs"] == "2"
    (output,) = logged.outputs.model_outputs
    folder = client.get_logged_model(output.model_id).artifact_location
    loaded = autologging.load_model(folder)
    np.testing.assert_array_equal(loaded(TOKENS), model(TOKENS))


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The folder of a logged model, and the answers of the model."""
    model = network()
    folder = tmp_path_factory.mktemp("models") / "model"
    mlflow.keras.save_model(model, str(folder), pip_requirements=[])
    name_package(folder / "data" / "model.keras")
    return folder, model(TOKENS).numpy()


def test_the_file_names_the_package_and_still_holds_the_same_model(saved):
    folder, answers = saved
    file = folder / "data" / "model.keras"
    with zipfile.ZipFile(file) as archive:
        config = json.loads(archive.read("config.json"))
    names = {layer["class_name"] for layer in config["config"]["layers"]}
    assert names >= {"Embedding", "unrolled.layers.bidirectional.Bidirectional"}
    assert config["compile_config"]["optimizer"]["class_name"] == "unrolled.layers.clipping.CountingAdamW"
    np.testing.assert_array_equal(keras.saving.load_model(file)(TOKENS), answers)


def test_where_the_package_is_not_installed_the_error_names_it(saved, tmp_path):
    code = f"import mlflow; mlflow.keras.load_model({str(saved[0])!r})"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    said = done.stderr.splitlines()[-1]
    assert "Could not locate class 'unrolled.layers.bidirectional.Bidirectional'" in said
