"""Exports one network with each tool, with the same weights, and returns functions that run the exports."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

import layers
from pipelines.export.keras.saved_model import write_saved_model
from pipelines.export.tflite.convert import convert
from pipelines.ondevice.model import Model

from .contenders import torch_layer

FEATURES = 32
"""Features of each step of the input."""


class Case(NamedTuple):
    """A network to export: a recurrent layer and Dense(2)."""

    cell: str
    units: int
    steps: int

    def network(self, **options: Any) -> keras.Model:
        """Return the network in stock Keras, always with the same weights.

        Args:
            options: further arguments of the recurrent layer.
        """
        keras.utils.set_random_seed(1)
        recurrent = getattr(keras.layers, self.cell)(self.units, bias_initializer="glorot_normal", **options)
        return keras.Sequential([keras.Input((self.steps, FEATURES)), recurrent, keras.layers.Dense(2)])


Answer = Callable[[np.ndarray], np.ndarray]
"""Runs the network: (1, steps, features) -> (1, 2)."""
Exported = tuple[Answer, int]
"""A function that runs the exported file, and the size of the file in bytes."""


def _ours(case: Case, folder: Path, execution: str) -> Exported:
    if execution == "fused" and case.cell != "LSTM":
        raise ValueError("TFLite has a fused operation for LSTM only")
    stock = case.network()
    inputs = keras.Input((case.steps, FEATURES))
    model = keras.Model(inputs, stock.layers[1](layers.from_keras(stock.layers[0])(inputs)))
    write_saved_model(model, folder, {"x": ((case.steps, FEATURES), "float32")}, ["y"], execution=execution)
    return _in_litert(convert(folder, "float32", execution))


def _keras(case: Case, folder: Path, *, unroll: bool) -> Exported:
    shape = keras.InputSpec("float32", (1, case.steps, FEATURES), name="x")
    case.network(unroll=unroll).export(folder, "tf_saved_model", False, input_signature=[shape])
    converter = tf.lite.TFLiteConverter.from_saved_model(str(folder), signature_keys=["serve"])
    return _in_litert(converter.convert())


def _onnx_from_keras(case: Case, folder: Path) -> Exported:
    file = folder / "model.onnx"
    shape = keras.InputSpec("float32", (1, case.steps, FEATURES), name="x")
    case.network().export(file, "onnx", False, input_signature=[shape])
    return _in_onnx_runtime(file)


def _onnx_from_torch(case: Case, folder: Path) -> Exported:
    torch, file = importlib.import_module("torch"), folder / "model.onnx"
    torch.onnx.export(*_torch_network(torch, case), str(file), dynamo=False)
    return _in_onnx_runtime(file)


def _litert_torch(case: Case, folder: Path) -> Exported:
    torch, litert_torch = (importlib.import_module(name) for name in ("torch", "litert_torch"))
    file = folder / "model.tflite"
    litert_torch.signature("serve", *_torch_network(torch, case)).convert().export(str(file))
    return _in_litert(file.read_bytes())


def _torch_network(torch: Any, case: Case) -> tuple[Any, Any]:
    """Return the network in torch, and its arguments: an input of zeros."""
    recurrent, dense = case.network().layers
    read_out = torch.nn.Linear(case.units, 2)
    with torch.no_grad():
        for target, source in zip(read_out.parameters(), dense.get_weights(), strict=True):
            target.copy_(torch.tensor(source.T))

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.recurrent, self.read_out = torch_layer(torch, case.cell, recurrent), read_out

        def forward(self, x: Any) -> Any:
            return self.read_out(self.recurrent(x)[0][:, -1])

    return Network().eval(), (torch.zeros(1, case.steps, FEATURES),)


def _in_onnx_runtime(file: Path) -> Exported:
    runtime = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = runtime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    return lambda x: session.run(None, {given.name: x})[0], file.stat().st_size


def _in_litert(content: bytes) -> Exported:
    model = Model(content, threads=1)
    (given,), (answered,) = model.inputs, model.outputs
    return lambda x: model(**{given: x})[answered], len(content)


CONTENDERS: dict[str, Callable[[Case, Path], Exported]] = {
    "ours, loop": partial(_ours, execution="loop"),
    "ours, unrolled": partial(_ours, execution="unrolled"),
    "ours, fused": partial(_ours, execution="fused"),
    "keras": partial(_keras, unroll=False),
    "keras, unroll=True": partial(_keras, unroll=True),
    "keras, ONNX Runtime": _onnx_from_keras,
    "torch, ONNX Runtime": _onnx_from_torch,
    "torch, litert-torch": _litert_torch,
}
"""By name: exports a network, with a folder for its files."""
