"""A layer's arguments are in its config, and files keep them."""

import inspect
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from reference.cases import (
    BATCH,
    CASES,
    CELLS,
    CELLS_ON_GRIDS,
    FEATURES,
    FRONT_END,
    OF_TOKENS,
    ON_GRIDS,
    OVER_MEMORY,
    STEPS,
)
from reference.parity import random_like, randomize

import layers

EVERYTHING = {name: case.make for name, case in CASES.items()} | CELLS | OF_TOKENS | OVER_MEMORY
EVERYTHING |= CELLS_ON_GRIDS | {name: make for name, (make, _) in (FRONT_END | ON_GRIDS).items()}

OF_EVERY_LAYER = {"name", "trainable", "dtype"}

NOT_THE_DEFAULT = {
    "activation": "softsign",
    "recurrent_activation": "tanh",
    "use_bias": False,
    "unit_forget_bias": False,
    "peepholes": True,
    "projection": 3,
    "layer_normalization": True,
    "reset_after": False,
    "timed": True,
    "kernel_rank": 2,
    "recurrent_rank": 3,
    "kernel_initializer": "ones",
    "recurrent_initializer": "zeros",
    "bias_initializer": "random_uniform",
    "kernel_regularizer": "l2",
    "recurrent_regularizer": "l1",
    "bias_regularizer": "l2",
    "kernel_constraint": "non_neg",
    "recurrent_constraint": "unit_norm",
    "bias_constraint": "max_norm",
    "dropout": 0.25,
    "recurrent_dropout": 0.5,
    "zoneout": 0.25,
    "seed": 3,
    "return_sequences": True,
    "return_state": True,
    "go_backwards": True,
    "zero_output_for_mask": True,
    "stateful": True,
    "checkpoint_every": 2,
    "check_numerics": True,
    "return_weights": True,
    "merge_mode": "sum",
}


def _arguments(layer_class: type) -> set[str]:
    """Return the constructor arguments of a class and of its bases in this package."""
    found = set(inspect.signature(layer_class).parameters)
    if "__signature__" not in vars(layer_class):
        for base in layer_class.__mro__:
            if base.__module__.startswith("layers") and "__init__" in vars(base):
                found |= set(inspect.signature(base.__init__).parameters)
    return found - {"self", "kwargs"} - ({"units"} if "filters" in found else set())


@pytest.mark.parametrize("name", EVERYTHING)
def test_config_holds_the_arguments(name: str) -> None:
    layer = EVERYTHING[name]()
    assert set(layer.get_config()) == _arguments(type(layer)) | OF_EVERY_LAYER


@pytest.mark.parametrize("name", EVERYTHING)
def test_arguments_are_attributes(name: str) -> None:
    layer = EVERYTHING[name]()
    missing = [key for key in layer.get_config() if not hasattr(layer, key)]
    assert missing == []


REFUSED = {
    layers.LinearCell: {"recurrent_dropout", "recurrent_regularizer", "recurrent_constraint"},
    layers.SRUCell: {"recurrent_dropout"},
    layers.CfCCell: {"dropout"},  # with `timed`
}
"""Arguments that cells refuse. (They must have their default.)"""

WITH_ARGUMENTS = [
    *map(layers.by_name, layers.CELL_NAMES),
    *(layers.LSTMCell, layers.GRUCell, layers.MGUCell, layers.IndRNNCell),
    *(layers.MinGRUCell, layers.MinLSTMCell),
    layers.SLSTMCell,
    layers.CfCCell,
    layers.RGLRUCell,
    layers.SRUCell,
    layers.FastGRNNCell,
]


@pytest.mark.parametrize("layer_class", WITH_ARGUMENTS)
def test_every_argument_survives(layer_class: type[keras.layers.Layer]) -> None:
    default = layer_class(5).get_config()
    refused = next((REFUSED[each] for each in _cell_class(layer_class).__mro__ if each in REFUSED), set())
    options = {name: value for name, value in NOT_THE_DEFAULT.items() if name in set(default) - refused}
    assert set(default) - set(options) == OF_EVERY_LAYER | {"units"} | refused
    layer = layer_class(5, name="mine", **options)
    config = layer.get_config()
    unchanged = [name for name in options if config[name] == default[name]]
    assert unchanged == []
    assert layer_class.from_config(config).get_config() == config


def _cell_class(layer_class: type[keras.layers.Layer]) -> type[keras.layers.Layer]:
    return getattr(layer_class, "cell_class", layer_class)


@pytest.mark.parametrize("name", CASES)
def test_config_makes_the_same_layer(name: str) -> None:
    case = CASES[name]
    layer = case.built(**dict.fromkeys(set(case.options) - {"return_state"}, True))
    randomize(layer)
    again = type(layer).from_config(layer.get_config())
    again.build((BATCH, STEPS, FEATURES))
    assert again.get_config() == layer.get_config()
    again.set_weights(layer.get_weights())
    (x,) = random_like([(BATCH, STEPS, FEATURES)])
    np.testing.assert_array_equal(again(x), layer(x))


@pytest.mark.parametrize("name", CASES)
def test_from_config_leaves_the_config_alone(name: str) -> None:
    layer = CASES[name].make()
    config = layer.get_config()
    type(layer).from_config(config)
    assert config == layer.get_config()


@pytest.fixture(scope="module")
def zoo() -> keras.Model:
    """Return a model that runs every case on one masked input."""
    keras.utils.set_random_seed(20)
    x = keras.Input((None, FEATURES), name="x")
    masked = keras.layers.Masking()(x)
    outputs = {}
    for number, case in enumerate(CASES.values()):
        layer = case.make(name=f"layer_{number}") if not case.options else case.make()
        outputs[f"case_{number}"] = layer(masked)
        randomize(layer, seed=number)
    return keras.Model(x, outputs)


@pytest.fixture(scope="module")
def padded() -> np.ndarray:
    (x,) = random_like([(BATCH, STEPS, FEATURES)])
    x[1, 2:] = 0.0
    return x


def test_saved_keras_file_computes_the_same(zoo: keras.Model, padded: np.ndarray, tmp_path: Path) -> None:
    zoo.save(tmp_path / "zoo.keras")
    again = keras.models.load_model(tmp_path / "zoo.keras", safe_mode=True)
    expected, result = zoo(padded), again(padded)
    for number, name in enumerate(CASES):
        np.testing.assert_array_equal(result[f"case_{number}"], expected[f"case_{number}"], err_msg=name)


def test_saved_model_computes_the_same(zoo: keras.Model, padded: np.ndarray, tmp_path: Path) -> None:
    with layers.execution("loop"):
        zoo.export(tmp_path / "saved", verbose=False)
    again = tf.saved_model.load(str(tmp_path / "saved"))
    expected, result = zoo(padded), again.serve(padded)
    for number, name in enumerate(CASES):
        np.testing.assert_allclose(
            result[f"case_{number}"], expected[f"case_{number}"], atol=1e-6, rtol=0, err_msg=name
        )
