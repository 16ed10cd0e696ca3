"""The operations of ONNX that are accepted, each as layers and operations of Keras."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np

from . import onnx_layers as layers
from . import operations as of
from .onnx_layers import Call
from .value import RefusedError, Value, joined, reshaped, selected, sliced, squeezed, transposed, unsqueezed


def _activation(call: Call, name: str) -> Value:
    return of.pointwise(keras.layers.Activation(name), call.value)


def _pointwise(call: Call, function: Any) -> Value:
    return of.pointwise(function, call.value)


def _elu(call: Call) -> Value:
    return of.pointwise(keras.layers.ELU(call.get("alpha", 1.0)), call.value)


def _leaky_relu(call: Call) -> Value:
    return of.pointwise(keras.layers.LeakyReLU(call.get("alpha", 0.01)), call.value)


def _hard_sigmoid(call: Call) -> Value:
    alpha, beta = call.get("alpha", 0.2), call.get("beta", 0.5)
    return of.pointwise(lambda x: keras.ops.clip(alpha * x + beta, 0.0, 1.0), call.value)


def _gelu(call: Call) -> Value:
    approximate = call.get("approximate", "none") == "tanh"
    return of.pointwise(partial(keras.ops.gelu, approximate=approximate), call.value)


def _clip(call: Call) -> Value:
    bounds = [call.array(1), call.array(2)]
    low, high = (None if bound is None else float(bound) for bound in bounds)
    return of.clipped(call.value, call.get("min", low), call.get("max", high))


def _softmax(call: Call, *, logarithm: bool) -> Value:
    return of.softmax(call.value, call.get("axis", -1), logarithm=logarithm)


def _binary(call: Call, function: Any) -> Value:
    return of.combined(function, call.inputs[:2], call.shapes[0])


def _reduced(call: Call, function: Any) -> Value:
    axes = call.integers("axes", 1)
    if axes is None:
        raise RefusedError("reduces all axes, also that of the batch")
    return of.reduced(function, call.value, axes, keep=bool(call.get("keepdims", 1)))


def _pool_of_all(call: Call, function: Any) -> Value:
    return of.reduced(function, call.value, range(2, len(call.value.shape)), keep=True)


def _pool(call: Call, kind: str) -> Value:
    sizes = call["kernel_shape"]
    (size,), (stride,) = sizes, call.get("strides", [1] * len(sizes))
    if any(call.get("pads", [0])) or call.get("ceil_mode", 0) or call.get("dilations", [1]) != [1]:
        raise RefusedError("expected pooling without pads, dilations and ceil_mode")
    return of.pooled(kind, call.value, size, stride)


def _pad(call: Call) -> Value:
    pads = np.array(call.integers("pads", 1)).reshape(2, -1)
    if call.get("mode", "constant") != "constant" or np.any(call.array(2)) or np.any(pads[:, :-1]):
        raise RefusedError("expected zeros around the last axis")
    return of.padded(call.value, *pads[:, -1].tolist())


def _gather(call: Call) -> Value:
    data, indices = call.inputs
    axis = call.get("axis", 0)
    if isinstance(indices, Value):
        if axis != 0 or isinstance(data, Value):
            raise RefusedError("expected indices into the rows of a constant table")
        return of.embedding(indices, data, call.name)
    if indices.size != 1:
        raise RefusedError(f"expected one index, got {indices.size}")
    chosen = selected(data, axis, int(indices.reshape([])))
    return chosen if indices.ndim == 0 else unsqueezed(chosen, axis)


def _slice(call: Call) -> Value:
    value = call.value
    starts, ends = call.integers("starts", 1), call.integers("ends", 2)
    assert starts is not None
    assert ends is not None
    axes = call.integers("axes", 3) or range(len(starts))
    steps = call.integers("steps", 4) or [1] * len(starts)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        value = sliced(value, axis, slice(start, end, step))
    return value


def _transpose(call: Call) -> Value:
    axes = call.get("perm", list(range(len(call.value.shape)))[::-1])
    return transposed(call.value, axes)


def _squeeze(call: Call) -> Value:
    return squeezed(call.value, call.integers("axes", 1))


def _unsqueeze(call: Call) -> Value:
    value, axes = call.value, call.integers("axes", 1)
    assert axes is not None
    for axis in sorted(axis % (len(value.shape) + len(axes)) for axis in axes):
        value = unsqueezed(value, axis)
    return value


def _concat(call: Call) -> Value:
    if not all(isinstance(each, Value) for each in call.inputs):
        raise RefusedError("joins a constant with a tensor")
    return joined(call.inputs, call["axis"])


def _reshape(call: Call) -> Value:
    return reshaped(call.value, call.shapes[0])


def _same(call: Call) -> Value:
    return call.value


def _dropout(call: Call) -> Value:
    if len(call.inputs) > 2 and call.array(2):
        raise RefusedError("drops at random: expected a network in evaluation")
    return call.value


def _cast(call: Call) -> Value:
    if call["to"] not in (1, 6, 7, 11):  # the numbers of float32, int32, int64 and float64
        raise RefusedError("expected a cast to float32, float64, int32 or int64")
    return call.value


OPERATIONS: dict[str, Callable[[Call], Any]] = {
    "LSTM": partial(layers.recurrent, cell="lstm", gates="iofg"),
    "GRU": partial(layers.recurrent, cell="gru", gates="zrg"),
    "RNN": partial(layers.recurrent, cell="simple_rnn", gates="h"),
    "Gemm": layers.gemm,
    "MatMul": layers.matmul,
    "Conv": layers.conv,
    "LayerNormalization": layers.layer_norm,
    "BatchNormalization": layers.batch_norm,
    "PRelu": layers.prelu,
    "Gather": _gather,
    **{
        theirs: partial(_activation, name=ours)
        for theirs, ours in (
            *(("Relu", "relu"), ("Sigmoid", "sigmoid"), ("Tanh", "tanh"), ("Mish", "mish")),
            *(("Softplus", "softplus"), ("Softsign", "softsign"), ("Exp", "exponential")),
            ("HardSwish", "hard_silu"),
        )
    },
    "Selu": partial(_activation, name="selu"),
    "Elu": _elu,
    "LeakyRelu": _leaky_relu,
    "HardSigmoid": _hard_sigmoid,
    "Gelu": _gelu,
    "Clip": _clip,
    "Abs": partial(_pointwise, function=keras.ops.abs),
    "Neg": partial(_pointwise, function=keras.ops.negative),
    "Sqrt": partial(_pointwise, function=keras.ops.sqrt),
    "Erf": partial(_pointwise, function=keras.ops.erf),
    "Softmax": partial(_softmax, logarithm=False),
    "LogSoftmax": partial(_softmax, logarithm=True),
    "Add": partial(_binary, function=keras.ops.add),
    "Sub": partial(_binary, function=keras.ops.subtract),
    "Mul": partial(_binary, function=keras.ops.multiply),
    "Div": partial(_binary, function=keras.ops.divide),
    "ReduceMean": partial(_reduced, function=keras.ops.mean),
    "ReduceMax": partial(_reduced, function=keras.ops.max),
    "ReduceSum": partial(_reduced, function=keras.ops.sum),
    "GlobalAveragePool": partial(_pool_of_all, function=keras.ops.mean),
    "GlobalMaxPool": partial(_pool_of_all, function=keras.ops.max),
    "AveragePool": partial(_pool, kind="average"),
    "MaxPool": partial(_pool, kind="max"),
    "Pad": _pad,
    "Slice": _slice,
    "Transpose": _transpose,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Concat": _concat,
    "Reshape": _reshape,
    "Flatten": _reshape,
    "Identity": _same,
    "Dropout": _dropout,
    "Cast": _cast,
}
"""By their name in ONNX: the function that makes the result, one value or a list of them."""

CONSTANT = frozenset(("Shape", "Size", "ConstantOfShape"))
"""Operations whose result depends on the sizes of the inputs at most."""
