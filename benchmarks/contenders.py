"""Runs one recurrent layer in each library, with the same weights and input; the results must be equal."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

import layers
from layers.halves import usable_cores
from pipelines.errors import UserError

LIBRARIES = Path(".cache/bench")
"""The folder in which `make bench` installs what only the benchmark needs."""
_GATES = {"SimpleRNN": 1, "LSTM": 4, "GRU": 3}
CELLS = tuple(_GATES)
"""The layers that all libraries have."""
_PRODUCT = 1024  # rows and columns of the matrices in `matrix_product`

Contender = Callable[[], float]
"""Does the work once and returns one number of its result."""


class Size(NamedTuple):
    """The sizes of the layer and its input."""

    batch: int
    steps: int
    inputs: int
    units: int

    def __str__(self) -> str:
        """Return the sizes as text, such as "8x50x32x64"."""
        return "x".join(map(str, self))

    @classmethod
    def parse(cls, text: str) -> Size:
        """Return the sizes that a text such as "8x50x32x64" gives; raises UserError if it is no such text."""
        if not re.fullmatch(r"[1-9]\d*(x[1-9]\d*){3}", text):
            raise UserError(f"--sizes: expected BATCHxSTEPSxINPUTSxUNITS such as 8x50x32x64, got {text!r}")
        return cls(*map(int, text.split("x")))


def import_torch() -> Any | None:
    """Return torch with as many threads as this process may use cores, or None if it can't be imported.

    The folder of torch comes last on the path, so that TensorFlow keeps the libraries it was installed with.
    """
    sys.path.append(str(LIBRARIES.resolve()))
    try:
        torch = importlib.import_module("torch")
    except (ImportError, OSError):
        return None
    torch.set_num_threads(usable_cores())
    return torch


def contenders(cell: str, size: Size, *, training: bool, torch: Any | None = None) -> dict[str, Contender]:
    """Return functions that run one layer over a sequence, by the name of the library.

    A training step computes loss = sum(y^2) over the outputs of all steps, and the gradients of the loss with
    respect to the input and every weight. Each function returns one number, which `check_equal` compares:
    the loss of a training step, or the last unit of the last output of a forward pass.

    Args:
        cell: one of `CELLS`.
        size: the sizes of the layer and its input.
        training: run a training step instead of a forward pass.
        torch: the module torch; without it, torch is left out.
    """
    rng = np.random.default_rng(1)
    x = rng.normal(size=(size.batch, size.steps, size.inputs)).astype(np.float32)
    stock = getattr(keras.layers, cell)(size.units, return_sequences=True)
    stock.build(x.shape)
    tensor = tf.constant(x)
    ours = layers.from_keras(stock)
    found = {
        "ours": in_graph(ours, tensor, training=training),
        "keras": in_graph(stock, tensor, training=training),
        "keras_jit": in_graph(stock, tensor, training=training, jit_compile=True),
    }
    if not training:
        found["ours_jit"] = in_graph(ours, tensor, training=False, jit_compile=True)
    if torch is not None:
        found["torch"] = _in_torch(torch, torch_layer(torch, cell, stock), x, training=training)
    return found


def in_graph(layer: Any, x: tf.Tensor, *, training: bool, jit_compile: bool = False) -> Contender:
    """Return a function that runs a built Keras layer in a `tf.function`.

    Args:
        layer: the built layer; a forward pass needs one that returns all steps.
        x: its input (batch, steps, features).
        training: run a training step (see `contenders`) instead of a forward pass.
        jit_compile: compile with XLA.
    """
    weights = [weight.value for weight in layer.trainable_weights]

    def step(x: tf.Tensor) -> tuple[tf.Tensor, Any]:
        if not training:
            with layers.execution("prediction"):  # as in Keras's `predict`, where it needs no word
                y = layer(x, training=False)
            return y[-1, -1, -1], y
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True)
            loss = tf.reduce_sum(y * y)
        return loss, tape.gradient(loss, [x, *weights])

    function = tf.function(step, jit_compile=jit_compile, autograph=False)
    return lambda: float(function(x)[0].numpy())


def _in_torch(torch: Any, layer: Any, x: np.ndarray, *, training: bool) -> Contender:
    tensor = torch.tensor(x, requires_grad=training)

    def forward() -> float:
        with torch.no_grad():
            return layer(tensor)[0][-1, -1, -1].item()

    def train() -> float:
        layer.zero_grad()
        tensor.grad = None
        y, _ = layer(tensor)
        loss = (y * y).sum()
        loss.backward()
        return loss.item()

    return train if training else forward


def torch_layer(torch: Any, cell: str, stock: Any) -> Any:
    """Return a torch layer with the weights of a Keras layer.

    The weights are transposed. torch orders the gates of a GRU as reset, update, candidate; Keras as update,
    reset, candidate.

    Args:
        torch: the module torch.
        cell: one of `CELLS`, the class of the Keras layer.
        stock: the built Keras layer.
    """
    kernel, recurrent_kernel, bias = stock.get_weights()
    inputs, units = kernel.shape[0], recurrent_kernel.shape[0]
    biases = bias if bias.ndim == 2 else np.stack([bias, np.zeros_like(bias)])
    order = [1, 0, 2] if cell == "GRU" else list(range(_GATES[cell]))

    def arranged(weight: np.ndarray) -> Any:
        blocks = weight.reshape(-1, len(order), units)[:, order]
        return torch.tensor(np.ascontiguousarray(blocks.reshape(len(weight), -1).T))

    layer = getattr(torch.nn, {"SimpleRNN": "RNN"}.get(cell, cell))(inputs, units, batch_first=True)
    layer.load_state_dict(
        {
            "weight_ih_l0": arranged(kernel),
            "weight_hh_l0": arranged(recurrent_kernel),
            "bias_ih_l0": arranged(biases[:1])[:, 0],
            "bias_hh_l0": arranged(biases[1:])[:, 0],
        }
    )
    return layer


def check_equal(values: dict[str, float]) -> None:
    """Raise AssertionError if a contender's number differs from that of Keras."""
    for name, value in values.items():
        if not np.isclose(value, values["keras"], rtol=1e-3, atol=1e-4):
            raise AssertionError(f"{name} gives {value}, keras {values['keras']}: not the same work")


def matrix_product() -> Contender:
    """Return a function that computes one large matrix product; its time shows how fast the machine is."""
    a = tf.random.normal([_PRODUCT, _PRODUCT])
    product = tf.function(lambda a: tf.matmul(a, a), autograph=False)
    return lambda: float(product(a)[0, 0].numpy())


def products_needed(cell: str, size: Size, *, training: bool) -> float:
    """Return the least work of a forward pass or training step, in units of one `matrix_product`.

    This counts the products with the weights: (batch * steps, inputs) x (inputs, gates * units) for the
    inputs, and (batch * steps, units) x (units, gates * units) for the states of all steps. A training step
    needs three times as much, since each product has a gradient for either factor.

    Multiplied by the time of one large product, this is a lower bound of the time. One small product per
    step is slower than the same work in one large product, and pointwise operations are not counted. With a
    batch of 1, memory is the limit, and the time is far above the bound.

    Args:
        cell: one of `CELLS`.
        size: the sizes of the layer and its input.
        training: count a training step instead of a forward pass.
    """
    one_pass = size.batch * size.steps * (size.inputs + size.units) * _GATES[cell] * size.units
    return one_pass * (3 if training else 1) / _PRODUCT**3
