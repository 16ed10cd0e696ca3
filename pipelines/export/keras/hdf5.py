"""Read a model from an HDF5 file (.h5), as Keras 2 and 3 write it, with the Keras of today.

Keras 3 refuses some settings that Keras 2 wrote, and has no CuDNNLSTM and CuDNNGRU. A changed copy is loaded.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from ...errors import UserError

_FIRST_BYTES = b"\x89HDF\r\n\x1a\n"
_CUDNN = {"CuDNNLSTM": ("LSTM", 4), "CuDNNGRU": ("GRU", 3)}
"""Keras 2's layers for NVIDIA's library: the layer of today, and its number of gates."""
_GONE = ("time_major", "implementation")
"""Settings of recurrent layers that Keras 3 no longer has."""


def is_hdf5(path: Path) -> bool:
    """Return whether a file is an HDF5 file, whatever its name.

    Raises:
        OSError: it can't be read.
    """
    with path.open("rb") as file:
        return file.read(len(_FIRST_BYTES)) == _FIRST_BYTES


def with_weights(model: keras.Model, path: Path) -> keras.Model:
    """Load weights into a model, from an HDF5 file of Keras 2 or 3 or a .keras file, whatever its name.

    Raises:
        ValueError, KeyError, OSError: the file holds no weights, or those of another model.
    """
    ending = ".keras"
    if is_hdf5(path):
        with h5py.File(path) as file:
            of_keras_2 = "layer_names" in file.attrs or "model_weights" in file
        ending = ".h5" if of_keras_2 else ".weights.h5"
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / f"model{ending}"  # Keras goes by the name
        shutil.copyfile(path, copy)
        model.load_weights(copy)
    return model


def load_hdf5(path: Path, *, safe_mode: bool) -> keras.Model:
    """Load a whole model from an HDF5 file, whatever its name.

    Args:
        path: the file. It is not changed.
        safe_mode: refuse layers that hold Python code.

    Raises:
        UserError: the file holds weights only, or a setting has no counterpart.
        ValueError, TypeError, KeyError, OSError: Keras can't load it.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "model.h5"
        shutil.copyfile(path, copy)
        with h5py.File(copy, "r+") as file:
            _modernise(file, path)
        return keras.saving.load_model(copy, compile=False, safe_mode=safe_mode)


def _modernise(file: Any, path: Path) -> None:
    """Change settings and weights that only Keras 2 knows."""
    text = file.attrs.get("model_config")
    if text is None:
        raise UserError(
            f"{path}: expected a whole model, found weights only: name your function that makes the model, "
            "--architecture package.module:function, or save it with model.save(...)"
        )
    config = json.loads(text)
    for layer in _layers(config):
        settings = layer["config"]
        if settings.get("time_major"):
            raise UserError(f"{path}: {settings['name']}: time_major=True has no counterpart in Keras 3")
        for each in _recurrent_inside(layer):
            if each["class_name"] in _CUDNN:
                if settings["name"] not in file["model_weights"]:
                    raise UserError(
                        f"{path}: {settings['name']}: a CuDNN layer in an inner model can't be read"
                    )
                _rewrite_weights(file["model_weights"][settings["name"]], each["class_name"])
                break
        for each in _recurrent_inside(layer):
            _rewrite_settings(each)
            if each is not layer:
                _name_module(each)
    file.attrs["model_config"] = json.dumps(config)


def _layers(config: Any) -> Iterator[dict[str, Any]]:
    """Yield the config of each layer of a Sequential or Functional model, and of models inside."""
    inner = config["config"]
    for layer in inner["layers"] if isinstance(inner, dict) else inner:  # old Sequential models: a list
        if isinstance(layer["config"], list) or "layers" in layer["config"]:
            yield from _layers(layer)
        else:
            yield layer


def _recurrent_inside(layer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the config of a layer, and of the layers and cells that it wraps."""
    yield layer
    if isinstance(layer["config"], list):  # an old Sequential model
        return
    for key in ("layer", "backward_layer", "forward_layer", "cell", "cells"):
        found = layer["config"].get(key)
        for inner in found if isinstance(found, list) else [found]:
            if isinstance(inner, dict):
                yield from _recurrent_inside(inner)


def _name_module(layer: dict[str, Any]) -> None:
    """Say where the class of a wrapped layer is. Keras 2 did so from 2.13 on."""
    if "module" not in layer:
        name = layer["class_name"]
        if name in ("Functional", "Model"):
            layer |= {"class_name": "Functional", "module": "keras.src.models.functional"}
        elif module := next((each for each in (keras, keras.layers) if hasattr(each, name)), None):
            layer |= {"module": module.__name__, "registered_name": None}


def _rewrite_settings(layer: dict[str, Any]) -> None:
    settings = layer["config"]
    if layer["class_name"] in _CUDNN:
        layer["class_name"] = _CUDNN[layer["class_name"]][0]
        settings |= {"activation": "tanh", "recurrent_activation": "sigmoid"}
        settings |= {"reset_after": True} if layer["class_name"] == "GRU" else {}
    if "units" in settings:
        for name in _GONE:
            settings.pop(name, None)


def _rewrite_weights(group: Any, class_name: str) -> None:
    """Give the weights of a CuDNN layer, or of both in a Bidirectional, the form of the plain layer."""
    names = [each.decode() if isinstance(each, bytes) else each for each in group.attrs["weight_names"]]
    for start in range(0, len(names), 3):
        three = names[start : start + 3]
        plain = _plain([group[each][()] for each in three], *_CUDNN[class_name])
        for each, array in zip(three, plain, strict=True):
            del group[each]
            group[each] = array


def _plain(weights: Sequence[np.ndarray], kind: str, gates: int) -> tuple[np.ndarray, ...]:
    """Return the plain layer's weights: kernel, recurrent kernel and bias.

    A CuDNN layer stores each gate's matrix row by row as the library wants it, (units, inputs), in an array
    that is called (inputs, units); and it has two biases, for the inputs and for the state.
    """
    kernel, recurrent, bias = weights
    inputs, units = kernel.shape[0], recurrent.shape[0]
    of_inputs = [part.reshape(units, inputs).T for part in np.hsplit(kernel, gates)]
    of_state = [part.T for part in np.hsplit(recurrent, gates)]
    both = bias.reshape(2, -1)
    return np.hstack(of_inputs), np.hstack(of_state), both.sum(axis=0) if kind == "LSTM" else both
