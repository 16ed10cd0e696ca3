"""One recurrent layer as each library does it: the same weights, the same input, the same result."""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

import layers
from pipelines.errors import UserError

CELLS = ("SimpleRNN", "LSTM", "GRU")
LIBRARIES = Path(".cache/bench")
"""Where `make bench` installs what only the benchmark needs."""
_GATES = {"SimpleRNN": 1, "LSTM": 4, "GRU": 3}
_PRODUCT = 1024  # rows and columns of the matrices whose product gives the machine's rate

Contender = Callable[[], float]


class Size(NamedTuple):
    """The shape of a measurement."""

    batch: int
    steps: int
    inputs: int
    units: int

    def __str__(self) -> str:
        """Return "8x50x32x64"."""
        return "x".join(map(str, self))

    @classmethod
    def parse(cls, text: str) -> Size:
        """Read "8x50x32x64"; raises UserError."""
        if not re.fullmatch(r"[1-9]\d*(x[1-9]\d*){3}", text):
            raise UserError(f"--sizes: expected BATCHxSTEPSxINPUTSxUNITS such as 8x50x32x64, got {text!r}")
        return cls(*map(int, text.split("x")))


def import_torch() -> Any | None:
    """Return torch with as many threads as the machine has cores, or None where it can't be imported.

    Its folder comes last on the path: TensorFlow keeps the libraries that it was installed with.
    """
    sys.path.append(str(LIBRARIES.resolve()))
    try:
        torch = importlib.import_module("torch")
    except (ImportError, OSError):
        return None
    torch.set_num_threads(os.cpu_count() or 1)
    return torch


def contenders(cell: str, size: Size, training: bool, torch: Any | None) -> dict[str, Contender]:
    """Return by name functions that run one layer over a sequence, forward or a whole training step.

    A training step is loss = sum(y^2) over the outputs of all steps, and its gradients in the input and
    every weight. Each function returns one number of its result, the same for all of them: the loss, or
    forward the last output's last unit. `check_equal` compares them.
    """
    rng = np.random.default_rng(1)
    x = rng.normal(size=(size.batch, size.steps, size.inputs)).astype(np.float32)
    theirs = getattr(keras.layers, cell)(size.units, return_sequences=True)
    theirs.build(x.shape)
    tensor = tf.constant(x)
    found = {
        "ours": in_graph(layers.from_keras(theirs), tensor, training),
        "keras": in_graph(theirs, tensor, training),
        "keras_jit": in_graph(theirs, tensor, training, jit_compile=True),
    }
    if torch is not None:
        found["torch"] = _in_torch(torch, cell, theirs, x, training)
    return found


def in_graph(layer: Any, x: tf.Tensor, training: bool, jit_compile: bool = False) -> Contender:
    """Return the function that does one forward pass or training step of a built layer of Keras or ours."""
    weights = [weight.value for weight in layer.trainable_weights]

    def step(x: tf.Tensor) -> tuple[tf.Tensor, Any]:
        if not training:
            y = layer(x, training=False)
            return y[-1, -1, -1], y
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True)
            loss = tf.reduce_sum(y * y)
        return loss, tape.gradient(loss, [x, *weights])

    function = tf.function(step, jit_compile=jit_compile, autograph=False)
    return lambda: float(function(x)[0].numpy())


def _in_torch(torch: Any, cell: str, theirs: Any, x: np.ndarray, training: bool) -> Contender:
    layer = _torch_layer(torch, cell, theirs)
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


def _torch_layer(torch: Any, cell: str, theirs: Any) -> Any:
    """Return the torch layer with the weights of the Keras layer: transposed, GRU gates r z n for z r h."""
    kernel, recurrent_kernel, bias = theirs.get_weights()
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
    """Raise AssertionError where a contender's number is not that of Keras: it did other work."""
    for name, value in values.items():
        if not np.isclose(value, values["keras"], rtol=1e-3, atol=1e-4):
            raise AssertionError(f"{name} gives {value}, keras {values['keras']}: not the same work")


def matrix_product() -> Contender:
    """Return a function that does one large matrix product; its time gives the machine's rate."""
    a = tf.random.normal([_PRODUCT, _PRODUCT])
    product = tf.function(lambda a: tf.matmul(a, a), autograph=False)
    return lambda: float(product(a)[0, 0].numpy())


def products_needed(cell: str, size: Size, training: bool) -> float:
    """Return how many times the work of `matrix_product` a forward pass or training step can't do without.

    Counted are the products with the weights: inputs (batch * steps, inputs) x (inputs, gates * units)
    and states, in all steps together (batch * steps, units) x (units, gates * units); in training also the
    gradients of both in either factor, as large each. Times the time of one large product that is a lower
    bound: small products, one a step, are slower than the same work in one, and pointwise work comes on
    top. Batches of 1 are bound by memory instead, far above it.
    """
    one_pass = size.batch * size.steps * (size.inputs + size.units) * _GATES[cell] * size.units
    return one_pass * (3 if training else 1) / _PRODUCT**3
