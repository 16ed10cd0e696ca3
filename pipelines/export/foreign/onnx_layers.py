"""The operations of ONNX that have weights, each as a layer of Keras or of this project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import operations as of
from .recurrent import Layers, Recurrence, Used, Weights
from .value import BatchElsewhereError, RefusedError, Value, reshaped, stacked, transposed, unsqueezed

_ACTIVATIONS = {"lstm": ["sigmoid", "tanh", "tanh"], "gru": ["sigmoid", "tanh"], "simple_rnn": ["tanh"]}
"""Those of our layers, in the order of ONNX."""


@dataclass(frozen=True)
class Call:
    """One operation of the network, run on an example."""

    name: str
    """A name for its layers."""
    inputs: Sequence[Any]
    """`Value`s, arrays of constants, and None for what is left out."""
    attributes: Mapping[str, Any]
    shapes: Sequence[tuple[int, ...]]
    """The shapes of its results."""
    used: Used

    def __getitem__(self, name: str) -> Any:
        return self.attributes[name]

    def get(self, name: str, default: Any = None) -> Any:
        """Return an attribute, or its default value."""
        return self.attributes.get(name, default)

    @property
    def value(self) -> Value:
        """The first input."""
        if not isinstance(self.inputs[0], Value):
            raise RefusedError("expected an input that depends on the network's inputs")
        return self.inputs[0]

    def array(self, position: int) -> np.ndarray | None:
        """Return an input that is a constant, or None if it is left out."""
        given = self.inputs[position] if position < len(self.inputs) else None
        if isinstance(given, Value):
            raise RefusedError("expected weights and options that don't depend on the network's inputs")
        return given

    def integers(self, name: str, position: int) -> list[int] | None:
        """Return whole numbers: an attribute in old versions of an operation, an input in new ones."""
        given = self.get(name)
        array = self.array(position) if given is None else None
        return given if array is None else [int(each) for each in array.ravel()]


def recurrent(call: Call, cell: str, gates: str) -> list[Value]:
    """Return the results of LSTM, GRU or RNN: the sequence, h and for an LSTM c.

    Args:
        cell: the name of our layer.
        gates: the order of the blocks in ONNX's weights, in the letters of `GATES`.
    """
    layout, x = call.get("layout", 0), call.value
    axes = (0, 1, 2) if layout else (1, 0, 2)
    if x.order[axes[0]] != 0:
        raise BatchElsewhereError(f"expected the batch at axis {axes[0]}, found it at axis {x.batch}")
    kernels, products, biases = (call.array(position) for position in (1, 2, 3))
    assert kernels is not None
    assert products is not None
    lengths = call.array(4)
    if lengths is not None and np.any(lengths != x.shape[axes[1]]):
        raise RefusedError("expected no sequence_lens: all steps of all sequences count")
    options = _options(call, cell, directions=len(kernels))
    peepholes = call.array(7)
    weights = []
    for side, kernel in enumerate(kernels):
        both = [None, None] if biases is None else np.split(biases[side], 2)
        of_state = None if peepholes is None else peepholes[side].reshape(3, -1)[[0, 2, 1]]
        weights.append(Weights(gates, kernel, products[side], both[0], both[1], peepholes=of_state))
    backwards = call.get("direction", "forward") == "reverse"
    layers = Layers(Recurrence(call.name, cell, [weights], options, backwards), x, axes, call.used)
    initial = [call.inputs[position] if position < len(call.inputs) else None for position in (5, 6)]
    layers.start_from([_directions_first(each, layout) for each in initial[: len(layers.names)]])
    return _results(layers, layout, len(kernels))


def _directions_first(state: Any, layout: int) -> Any:
    """Return a state (directions, batch, size)."""
    return transposed(state, (1, 0, 2)) if layout and isinstance(state, Value) else state


def _options(call: Call, cell: str, *, directions: int) -> dict[str, Any]:
    """Return the options of our layer."""
    if call.get("clip") is not None or call.get("input_forget", 0):
        raise RefusedError("expected no clip and no input_forget")
    expected = _ACTIVATIONS[cell] * directions
    found = [each.lower() for each in call.get("activations", expected)]
    relu = cell == "simple_rnn" and found == ["relu"] * directions
    if found != expected and not relu:
        raise RefusedError(f"expected the activations {', '.join(expected)}, found {', '.join(found)}")
    if cell == "gru":
        return {"reset_after": bool(call.get("linear_before_reset", 0))}
    return {"activation": "relu"} if relu else {}


def _results(layers: Layers, layout: int, directions: int) -> list[Value]:
    sequence = layers.sequence()
    rows, steps, size = sequence.shape
    if directions == 1:
        sequence = unsqueezed(sequence, 2)
    else:
        sequence = reshaped(sequence, (rows, steps, directions, size // directions))
    states = [stacked(layers.states_of(name)) for name in layers.names]
    if layout:
        return [sequence, *(transposed(state, (1, 0, 2)) for state in states)]
    return [transposed(sequence, (1, 2, 0, 3)), *states]


def gemm(call: Call) -> Value:
    """Return alpha * A B + beta * C, where A depends on the inputs."""
    kernel, bias = call.array(1), call.array(2)
    if call.get("transA", 0) or kernel is None:
        raise RefusedError("expected a product with a constant on the right")
    kernel = (kernel.T if call.get("transB", 0) else kernel) * np.float32(call.get("alpha", 1.0))
    if bias is not None:
        bias = np.broadcast_to(bias * np.float32(call.get("beta", 1.0)), (1, kernel.shape[1]))[0]
    return of.dense(call.value, kernel, bias, call.name)


def matmul(call: Call) -> Value:
    """Return A B, where A depends on the inputs and B is a constant."""
    kernel = call.array(1)
    if kernel is None or kernel.ndim != 2:
        raise RefusedError("expected a product with a constant matrix on the right")
    return of.dense(call.value, kernel, None, call.name)


def conv(call: Call) -> Value:
    """Return a convolution over one axis."""
    kernel, bias = call.array(1), call.array(2)
    if kernel is None or kernel.ndim != 3:
        raise RefusedError("expected a convolution over one axis")
    size = kernel.shape[2]
    (stride,), (dilation,) = call.get("strides", [1]), call.get("dilations", [1])
    total, kind = dilation * (size - 1), call.get("auto_pad", "NOTSET")
    if kind in ("SAME_UPPER", "SAME_LOWER"):
        if stride > 1:
            raise RefusedError(f"expected auto_pad {kind} without strides only")
        less, more = total // 2, total - total // 2
        ends = (less, more) if kind == "SAME_UPPER" else (more, less)
    else:
        before, after = call.get("pads", [0, 0]) if kind == "NOTSET" else (0, 0)
        ends = (before, after)
    window = of.Window(size, stride, dilation, ends)
    return of.conv1d(call.value, [kernel, bias], window, groups=call.get("group", 1), name=call.name)


def layer_norm(call: Call) -> Value:
    """Normalise over the last axes."""
    if len(call.shapes) > 1:
        raise RefusedError("expected one result")
    rank = len(call.value.shape)
    weights = [call.array(1), call.array(2)]
    count = rank - call.get("axis", -1) % rank
    return of.layer_norm(call.value, count, weights, epsilon=call.get("epsilon", 1e-5), name=call.name)


def batch_norm(call: Call) -> Value:
    """Normalise each channel by its stored mean and variance."""
    if call.get("training_mode", 0):
        raise RefusedError("normalises by the batch: expected a network in evaluation")
    weights = [call.array(position) for position in range(1, 5)]
    return of.batch_norm(call.value, weights, epsilon=call.get("epsilon", 1e-5), name=call.name)


def prelu(call: Call) -> Value:
    """Return x, and x times its slope where it is negative."""
    slopes = call.array(1)
    rank = len(call.value.shape)
    assert slopes is not None
    shape = [1] * (rank - slopes.ndim) + list(slopes.shape)
    if slopes.size > 1 and shape[1] != slopes.size:
        raise RefusedError("expected one slope, or one for each channel, axis 1")
    return of.prelu(call.value, slopes.ravel(), call.name)
