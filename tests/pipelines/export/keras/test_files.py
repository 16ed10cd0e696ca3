"""Files of Keras 2 and 3, with classes and code of the user."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from pipelines.errors import UserError
from pipelines.export.any_model import load_model
from pipelines.export.keras.files import register

STEPS, FEATURES, UNITS = 5, 3, 4
X = np.random.default_rng(0).normal(size=[2, STEPS, FEATURES]).astype(np.float32)


def network(*layers: keras.layers.Layer) -> keras.Model:
    model = keras.Sequential([keras.Input([STEPS, FEATURES], name="x"), *layers, keras.layers.Dense(2)])
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(size=each.shape) for each in model.get_weights()])
    return model


def saved_by_keras_2(model: keras.Model, path: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """Save a model as HDF5, and change the config of every recurrent layer to what Keras 2 wrote."""
    model.save(path.with_suffix(".h5"))
    with h5py.File(path.with_suffix(".h5"), "r+") as file:
        config = json.loads(file.attrs["model_config"])
        for layer in config["config"]["layers"]:
            for each in (layer, layer["config"].get("layer"), layer["config"].get("backward_layer")):
                if each and "recurrent_initializer" in each["config"]:
                    each["config"] |= {"time_major": False, "implementation": 1}
                    change(each)
        file.attrs["model_config"] = json.dumps(config)
    return path.with_suffix(".h5").rename(path)


@pytest.mark.parametrize("name", ["model.h5", "model.hdf5", "weights.best", "model.keras"])
@pytest.mark.parametrize(
    "layer",
    [
        lambda: keras.layers.LSTM(UNITS),
        lambda: keras.layers.GRU(UNITS),
        lambda: keras.layers.Bidirectional(keras.layers.LSTM(UNITS)),
    ],
    ids=["LSTM", "GRU", "Bidirectional"],
)
def test_hdf5_of_keras_2_under_any_name(tmp_path: Path, layer, name: str) -> None:
    model = network(layer())
    path = saved_by_keras_2(model, tmp_path / name, lambda each: None)
    before = path.read_bytes()
    np.testing.assert_array_equal(load_model(path)(X), model(X))
    assert path.read_bytes() == before


def as_cudnn(path: Path, layer: str, kind: str, gates: int) -> None:
    """Rewrite the weights of a layer as NVIDIA's library takes them: matrices of gates as (units, inputs)."""
    with h5py.File(path, "r+") as file:
        group = file["model_weights"][layer]
        names = list(group.attrs["weight_names"])
        for start in range(0, len(names), 3):
            for place, name in enumerate(names[start : start + 3]):
                array, shape = group[name][()], group[name].shape
                if place < 2:  # stored row by row as (units, inputs), but called (inputs, units)
                    parts = [
                        np.ravel(part.T).reshape(shape[0], shape[1] // gates)
                        for part in np.split(array, gates, 1)
                    ]
                    array = np.concatenate(parts, axis=1)
                else:
                    array = np.concatenate([0.25 * array, 0.75 * array] if kind == "LSTM" else list(array))
                del group[name]
                group[name] = array


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize(("kind", "gates"), [("LSTM", 4), ("GRU", 3)])
def test_layers_for_nvidias_library_become_plain_ones(
    tmp_path: Path, kind: str, gates: int, wrapped: bool
) -> None:
    layer = getattr(keras.layers, kind)(UNITS, name="rnn")
    model = network(keras.layers.Bidirectional(layer, name="rnn") if wrapped else layer)

    def change(each: dict[str, Any]) -> None:
        each["class_name"] = f"CuDNN{kind}"
        for name in ("activation", "recurrent_activation", "reset_after", "use_bias"):
            each["config"].pop(name, None)

    path = saved_by_keras_2(model, tmp_path / "model.h5", change)
    as_cudnn(path, "rnn", kind, gates)
    np.testing.assert_allclose(load_model(path)(X), model(X), atol=1e-5)


def test_what_has_no_counterpart_is_told(tmp_path: Path) -> None:
    model = network(keras.layers.LSTM(UNITS, name="rnn"))
    path = saved_by_keras_2(model, tmp_path / "a.h5", lambda each: each["config"].update(time_major=True))
    with pytest.raises(UserError, match=r"a\.h5: rnn: time_major=True has no counterpart"):
        load_model(path)
    model.save_weights(tmp_path / "b.weights.h5")
    with pytest.raises(UserError, match=r"b\.weights\.h5: expected a whole model, found weights only"):
        load_model(tmp_path / "b.weights.h5")
    (tmp_path / "c.h5").write_bytes(path.read_bytes()[:2000])
    with pytest.raises(UserError, match=r"c\.h5: expected a model in a \.keras, \.h5"):
        load_model(tmp_path / "c.h5")


OWN = """
import keras
class Twice(keras.layers.Layer):
    def call(self, x):
        return 2 * x
def half(x):
    return x / 2
"""


@pytest.mark.parametrize("ending", ["keras", "h5"])
@pytest.mark.parametrize("name", ["own_layers_of_test", "own_layers_of_test:Twice"])
def test_classes_of_the_user(tmp_path: Path, monkeypatch, ending: str, name: str) -> None:
    (tmp_path / "own_layers_of_test.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    import own_layers_of_test as own

    model, path = network(keras.layers.GRU(UNITS), own.Twice()), tmp_path / f"mine.{ending}"
    model.save(path)
    with pytest.raises(UserError, match=r"it needs Twice, .*--custom-objects package\.module:Twice"):
        load_model(path)
    known = keras.saving.get_custom_objects()
    before = dict(known)
    try:
        register([name])
        assert ("half" in known) == (name == "own_layers_of_test")
        np.testing.assert_array_equal(load_model(path)(X), model(X))
    finally:
        known.clear()
        known.update(before)


@pytest.mark.parametrize(
    ("name", "said"),
    [("no_such_module_of_test", "No module named"), ("json:Nothing", "json has no Nothing")],
)
def test_a_module_or_class_that_is_not_there(name: str, said: str) -> None:
    with pytest.raises(UserError, match=f"custom-objects: {name}: .*{said}|custom-objects: {name}: {said}"):
        register([name])


def test_code_in_a_file_runs_only_if_allowed(tmp_path: Path) -> None:
    model, path = network(keras.layers.Lambda(lambda x: 3 * x), keras.layers.GRU(UNITS)), tmp_path / "a.keras"
    model.save(path)
    with pytest.raises(UserError, match=r"a\.keras: it holds Python code .*--allow-lambda"):
        load_model(path)
    np.testing.assert_array_equal(load_model(path, allow_lambda=True)(X), model(X))
    with pytest.raises(UserError, match="--allow-lambda"):
        load_model(path)


OWN_NETWORK = f"""
import keras
def network(units=4):
    return keras.Sequential([
        keras.Input([{STEPS}, {FEATURES}]),
        keras.layers.Bidirectional(keras.layers.LSTM(units)),
        keras.layers.Dense(2),
    ])
def other():
    return network(5)
def nothing():
    return None
def one_argument(x):
    return network()
"""


def test_weights_alone_go_into_the_users_own_model(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "own_network_of_test.py").write_text(OWN_NETWORK)
    monkeypatch.chdir(tmp_path)
    model = network(keras.layers.Bidirectional(keras.layers.LSTM(UNITS)))
    model.save_weights(tmp_path / "of_3.weights.h5")
    model.save(tmp_path / "whole.h5")
    with h5py.File(tmp_path / "whole.h5") as whole, h5py.File(tmp_path / "of_2.h5", "w") as alone:
        for name, group in whole["model_weights"].items():
            whole.copy(group, alone, name)
        alone.attrs.update(whole["model_weights"].attrs)
    for file in ("of_3.weights.h5", "of_2.h5"):
        found = load_model(tmp_path / file, architecture="own_network_of_test:network")
        np.testing.assert_allclose(found(X), model(X), rtol=1e-6)
        with pytest.raises(UserError, match=f"{file}: "):
            load_model(tmp_path / file, architecture="own_network_of_test:other")
    for name, said in {
        "own_network_of_test": "expected package.module:function",
        "own_network_of_test:missing": "own_network_of_test has no missing",
        "own_network_of_test:nothing": "expected a function that returns a keras.Model, got a NoneType",
        "own_network_of_test:one_argument": "expected a function without arguments: ",
    }.items():
        with pytest.raises(UserError, match=f"^architecture: .*{said}"):
            load_model(tmp_path / "of_2.h5", architecture=name)
