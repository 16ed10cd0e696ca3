"""The layers of PyTorch that have weights, each as a layer of Keras or of this project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import operations as of
from .recurrent import Layers, Recurrence, Used, Weights
from .value import BatchElsewhereError, RefusedError, Value, stacked, transposed


@dataclass(frozen=True)
class Call:
    """One operation of the network, run on an example."""

    name: str
    """A name for its layers."""
    arguments: Mapping[str, Any]
    """By name: `Value`s, torch tensors of constants, numbers, and lists of them."""
    shapes: Sequence[tuple[int, ...]]
    """The shapes of its results."""
    used: Used

    def __getitem__(self, name: str) -> Any:
        return self.arguments[name]

    def get(self, name: str, default: Any = None) -> Any:
        """Return an argument, or its default value."""
        return self.arguments.get(name, default)

    @property
    def value(self) -> Value:
        """The first argument."""
        value = next(iter(self.arguments.values()))
        if not isinstance(value, Value):
            raise RefusedError("expected an input that depends on the network's inputs")
        return value

    def array(self, name: str) -> np.ndarray | None:
        """Return a constant as a NumPy array, or None."""
        return array_of(self.get(name))


def array_of(constant: Any) -> np.ndarray | None:
    """Return a torch tensor as a NumPy array: numbers as float32.

    Raises:
        RefusedError: it depends on the network's inputs.
    """
    if constant is None:
        return None
    if isinstance(constant, Value):
        raise RefusedError("expected weights that don't depend on the network's inputs")
    tensor = constant.detach()
    return (tensor.float() if tensor.is_floating_point() else tensor).numpy()


def recurrent(call: Call, cell: str, gates: str, **options: Any) -> list[Value]:
    """Return the results of lstm, gru, rnn_tanh or rnn_relu: the sequence, h and for an LSTM c.

    Args:
        cell: the name of our layer.
        gates: the order of the blocks in torch's weights, in the letters of `GATES`.
        **options: options of our layer.
    """
    x, flat = call["input"], [array_of(each) for each in call["params"]]
    if "data" in call.arguments or not isinstance(call.get("batch_first"), bool):
        raise RefusedError("reads packed sequences: expected padded ones")
    if len(x.shape) != 3:
        raise RefusedError(f"expected a batch of sequences, got {len(x.shape)} axes")
    axes = (0, 1, 2) if call["batch_first"] else (1, 0, 2)
    if x.order[axes[0]] != 0:
        first = "batch_first=True" if call["batch_first"] else "batch_first=False"
        raise BatchElsewhereError(
            f"{first}: expected the batch at axis {axes[0]}, found it at axis {x.batch}"
        )
    directions = 2 if call["bidirectional"] else 1
    count = len(flat) // (call["num_layers"] * directions)
    weights = [_weights(gates, flat[i : i + count], call["has_biases"]) for i in range(0, len(flat), count)]
    pairs = [weights[i : i + directions] for i in range(0, len(weights), directions)]
    layers = Layers(Recurrence(call.name, cell, pairs, options), x, axes, call.used)
    initial = call["hx"] if isinstance(call["hx"], list) else [call["hx"]]
    layers.start_from([each if isinstance(each, Value) else array_of(each) for each in initial])
    sequence = layers.sequence()
    if not call["batch_first"]:
        sequence = transposed(sequence, (1, 0, 2))
    return [sequence, *(stacked(layers.states_of(name)) for name in layers.names)]


def _weights(gates: str, arrays: Sequence[Any], has_biases: bool) -> Weights:
    kernel, recurrent_kernel, *rest = arrays
    input_bias, state_bias = (rest.pop(0), rest.pop(0)) if has_biases else (None, None)
    projection = rest[0] if rest else None
    return Weights(gates, kernel, recurrent_kernel, input_bias, state_bias, projection=projection)


def linear(call: Call) -> Value:
    """Return torch.nn.functional.linear."""
    kernel = call.array("weight")
    assert kernel is not None
    return of.dense(call["input"], kernel.T, call.array("bias"), call.name)


def embedding(call: Call) -> Value:
    """Return torch.nn.functional.embedding."""
    return of.embedding(call["indices"], call.array("weight"), call.name)


def conv1d(call: Call) -> Value:
    """Return torch.nn.functional.conv1d."""
    padding = call.get("padding", [0])
    size = call["weight"].shape[-1]
    (dilation,), (stride,) = call.get("dilation", [1]), call.get("stride", [1])
    if isinstance(padding, str):
        total = dilation * (size - 1) if padding == "same" else 0
        ends = (total // 2, total - total // 2)
    else:
        ends = (padding[0], padding[0])
    weights = call.array("weight"), call.array("bias")
    window = of.Window(size, stride, dilation, ends)
    return of.conv1d(call["input"], weights, window, groups=call.get("groups", 1), name=call.name)


def layer_norm(call: Call) -> Value:
    """Return torch.nn.functional.layer_norm."""
    weights = call.array("weight"), call.array("bias")
    count = len(call["normalized_shape"])
    return of.layer_norm(call["input"], count, weights, epsilon=call.get("eps", 1e-5), name=call.name)


def batch_norm(call: Call) -> Value:
    """Return torch.nn.functional.batch_norm of a module in evaluation."""
    if call["training"]:
        raise RefusedError("normalises by the batch: expected a module in evaluation, module.eval()")
    names = ("weight", "bias", "running_mean", "running_var")
    weights = [call.array(name) for name in names]
    return of.batch_norm(call["input"], weights, epsilon=call["eps"], name=call.name)
