"""The operations of PyTorch that are accepted, each as layers and operations of Keras."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import keras
import numpy as np

from . import operations as of
from . import torch_layers as layers
from .torch_layers import Call, array_of
from .value import (
    RefusedError,
    Value,
    joined,
    reshaped,
    selected,
    sliced,
    squeezed,
    transposed,
    unsqueezed,
)


def _softmax(call: Call) -> Value:
    return of.softmax(call.value, call["dim"])


def _log_softmax(call: Call) -> Value:
    return of.softmax(call.value, call["dim"], logarithm=True)


def _gelu(call: Call) -> Value:
    approximate = call.get("approximate", "none") == "tanh"
    return of.pointwise(partial(keras.ops.gelu, approximate=approximate), call.value)


def _clip(call: Call) -> Value:
    return of.clipped(call.value, call.get("min_val", -1.0), call.get("max_val", 1.0))


def _clamp(call: Call) -> Value:
    return of.clipped(call.value, call.get("min"), call.get("max"))


def _elu(call: Call) -> Value:
    if call.get("scale", 1) != 1 or call.get("input_scale", 1) != 1:
        raise RefusedError("expected elu without scales")
    return of.pointwise(keras.layers.ELU(call.get("alpha", 1.0)), call.value)


def _leaky_relu(call: Call) -> Value:
    return of.pointwise(keras.layers.LeakyReLU(call.get("negative_slope", 0.01)), call.value)


def _softplus(call: Call) -> Value:
    if call.get("beta", 1) != 1:
        raise RefusedError(f"expected softplus with beta=1, got {call['beta']}")
    return of.pointwise(keras.ops.softplus, call.value)


def _prelu(call: Call) -> Value:
    return of.prelu(call.value, call.array("weight"), call.name)


def _binary(call: Call, function: Any) -> Value:
    values = [call["self"], call["other"]]
    if call.get("alpha", 1) != 1 or call.get("rounding_mode") is not None:
        raise RefusedError("expected plain arithmetic without alpha or rounding_mode")
    values = [each if isinstance(each, (Value, float, int)) else array_of(each) for each in values]
    return of.combined(function, values, call.shapes[0])


def _reduced(call: Call, function: Any) -> Value:
    return of.reduced(function, call.value, call["dim"], keep=call.get("keepdim", False))


def _largest(call: Call) -> list[Value]:
    """Return the first result of torch.max, without the indices."""
    return [of.reduced(keras.ops.max, call.value, [call["dim"]], keep=call.get("keepdim", False))]


def _glu(call: Call) -> Value:
    axis = call.get("dim", -1)
    half = call.value.shape[axis] // 2
    one, other = (sliced(call.value, axis, part) for part in (slice(0, half), slice(half, None)))
    gate = of.pointwise(keras.layers.Activation("sigmoid"), other)
    return of.combined(keras.ops.multiply, [one, gate], call.shapes[0])


def _average_of_all(call: Call) -> Value:
    if list(call["output_size"]) != [1]:
        raise RefusedError(f"expected an output of size 1, got {call['output_size']}")
    return of.reduced(keras.ops.mean, call.value, [-1], keep=True)


def _pool(call: Call, kind: str) -> Value:
    (size,), (stride,) = call["kernel_size"], call.get("stride") or call["kernel_size"]
    plain = not any(call.get("padding", [0])) and not call.get("ceil_mode", False)
    if not plain or call.get("dilation", [1]) != [1]:
        raise RefusedError("expected pooling without padding, dilation and ceil_mode")
    return of.pooled(kind, call.value, size, stride)


def _pad(call: Call) -> Value:
    if len(call["pad"]) != 2 or call.get("mode", "constant") != "constant" or call.get("value"):
        raise RefusedError("expected zeros around the last axis")
    return of.padded(call.value, *call["pad"])


def _select(call: Call) -> Value:
    return selected(call.value, call["dim"], call["index"])


def _slice(call: Call) -> Value:
    return sliced(call.value, call.get("dim", 0), slice(call.get("start"), call.get("end"), call.get("step")))


def _transpose(call: Call) -> Value:
    axes = list(range(len(call.value.shape)))
    one, other = call["dim0"], call["dim1"]
    axes[one], axes[other] = axes[other], axes[one]
    return transposed(call.value, axes)


def _squeeze(call: Call) -> Value:
    axes = call.get("dim")
    return squeezed(call.value, [axes] if isinstance(axes, int) else axes)


def _cat(call: Call) -> Value:
    if not all(isinstance(each, Value) for each in call["tensors"]):
        raise RefusedError("joins a constant with a tensor")
    return joined(call["tensors"], call.get("dim", 0))


def _split(call: Call) -> list[Value]:
    axis = call.get("dim", 0)
    ends = np.cumsum([0, *(shape[axis] for shape in call.shapes)]).tolist()
    return [sliced(call.value, axis, slice(start, end)) for start, end in pairwise(ends)]


def _unbind(call: Call) -> list[Value]:
    return [selected(call.value, call.get("dim", 0), i) for i in range(len(call.shapes))]


def _stack(call: Call) -> Value:
    if not all(isinstance(each, Value) for each in call["tensors"]):
        raise RefusedError("joins a constant with a tensor")
    axis = call.get("dim", 0) % len(call.shapes[0])
    return joined([unsqueezed(each, axis) for each in call["tensors"]], axis)


def _same(call: Call) -> Value:
    return call.value


def _dropout(call: Call) -> Value:
    if call["train"] and call["p"]:
        raise RefusedError("drops at random: expected a module in evaluation, module.eval()")
    return call.value


def _to(call: Call) -> Value:
    if "dtype" in call.arguments and call["dtype"] not in (None, "float32", "float64", "int64", "int32"):
        raise RefusedError(f"casts to {call['dtype']}: expected float32")
    return call.value


def _reshape(call: Call) -> Value:
    return reshaped(call.value, call.shapes[0])


def _permute(call: Call) -> Value:
    return transposed(call.value, call["dims"])


def _unsqueeze(call: Call) -> Value:
    return unsqueezed(call.value, call["dim"])


def _activations(names: str) -> dict[str, Callable[[Call], Value]]:
    """Return the activations that Keras has, from a list of pairs "name in torch=name in Keras".

    torch also has them with "_" at the end of the name, which change their input in place.
    """
    pairs = [pair.split("=") for pair in names.split()]
    return {
        f"{theirs}{end}.default": partial(_activation, name=ours)
        for theirs, ours in pairs
        for end in ("", "_")
    }


def _pointwise(call: Call, function: Any) -> Value:
    return of.pointwise(function, call.value)


def _activation(call: Call, name: str) -> Value:
    return of.pointwise(keras.layers.Activation(name), call.value)


OPERATIONS: dict[str, Callable[[Call], Any]] = {
    "lstm.input": partial(layers.recurrent, cell="lstm", gates="ifgo"),
    "gru.input": partial(layers.recurrent, cell="gru", gates="rzg", reset_after=True),
    "rnn_tanh.input": partial(layers.recurrent, cell="simple_rnn", gates="h"),
    "rnn_relu.input": partial(layers.recurrent, cell="simple_rnn", gates="h", activation="relu"),
    "embedding.default": layers.embedding,
    "linear.default": layers.linear,
    "conv1d.default": layers.conv1d,
    "conv1d.padding": layers.conv1d,
    "layer_norm.default": layers.layer_norm,
    "batch_norm.default": layers.batch_norm,
    "softmax.int": _softmax,
    "log_softmax.int": _log_softmax,
    "gelu.default": _gelu,
    **dict.fromkeys(("hardtanh.default", "hardtanh_.default"), _clip),
    "clamp.default": _clamp,
    **dict.fromkeys(("elu.default", "elu_.default"), _elu),
    **dict.fromkeys(("leaky_relu.default", "leaky_relu_.default"), _leaky_relu),
    "softplus.default": _softplus,
    "prelu.default": _prelu,
    **_activations(
        "relu=relu relu6=relu6 sigmoid=sigmoid tanh=tanh selu=selu silu=silu mish=mish softsign=softsign "
        "hardsigmoid=hard_sigmoid hardswish=hard_silu log_sigmoid=log_sigmoid exp=exponential"
    ),
    **{
        f"{name}{end}.{kind}": partial(_binary, function=function)
        for name, function in (
            ("add", keras.ops.add),
            ("sub", keras.ops.subtract),
            ("mul", keras.ops.multiply),
            ("div", keras.ops.divide),
        )
        for kind in ("Tensor", "Scalar")
        for end in ("", "_")
    },
    "abs.default": partial(_pointwise, function=keras.ops.abs),
    "neg.default": partial(_pointwise, function=keras.ops.negative),
    "sqrt.default": partial(_pointwise, function=keras.ops.sqrt),
    "sum.dim_IntList": partial(_reduced, function=keras.ops.sum),
    "mean.dim": partial(_reduced, function=keras.ops.mean),
    "max.dim": _largest,
    "glu.default": _glu,
    "amax.default": partial(_reduced, function=keras.ops.max),
    "adaptive_avg_pool1d.default": _average_of_all,
    "avg_pool1d.default": partial(_pool, kind="average"),
    "max_pool1d.default": partial(_pool, kind="max"),
    "pad.default": _pad,
    "constant_pad_nd.default": _pad,
    "select.int": _select,
    "slice.Tensor": _slice,
    "permute.default": _permute,
    "transpose.int": _transpose,
    "unsqueeze.default": _unsqueeze,
    "squeeze.default": _squeeze,
    "squeeze.dim": _squeeze,
    "squeeze.dims": _squeeze,
    "cat.default": _cat,
    "stack.default": _stack,
    "unbind.int": _unbind,
    **dict.fromkeys(("chunk.default", "split.Tensor", "split_with_sizes.default"), _split),
    **dict.fromkeys(("view.default", "reshape.default", "flatten.using_ints", "unflatten.int"), _reshape),
    **dict.fromkeys(
        (
            "contiguous.default",
            "clone.default",
            "detach.default",
            "alias.default",
            "detach_.default",
            "type_as.default",
        ),
        _same,
    ),
    **dict.fromkeys(("dropout.default", "feature_dropout.default", "alpha_dropout.default"), _dropout),
    **dict.fromkeys(("to.dtype", "to.dtype_layout", "_to_copy.default"), _to),
}
"""By their name in torch.ops.aten: the function that makes the result, one value or a list of them."""

CONSTANT = frozenset(
    (
        *("sym_size.int", "zeros.default", "zeros_like.default", "new_zeros.default", "ones.default"),
        *("full.default", "arange.default", "scalar_tensor.default", "lift_fresh_copy.default"),
    )
)
"""Operations whose result depends on the sizes of the inputs at most."""
OF_CONSTANTS = frozenset(("_weight_norm.default", "expand.default", "repeat.default"))
"""Further operations that are accepted on weights only."""
