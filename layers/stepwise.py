"""Which Keras layers compute each step of a sequence from that step alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras


def is_stepwise(layer: keras.Layer) -> bool:
    """Return whether a layer computes each step of (batch, steps, ...) from that step alone.

    Inputs without a time axis, (batch, features), do not matter. The answer is False for a type
    that is not in the table, such as the user's own layer.

    Args:
        layer: a built layer of a model, or an operation of a functional graph.
    """
    name, module = type(layer).__name__, type(layer).__module__
    if module.startswith("keras.src.ops."):
        return (name in _POINTWISE and _no_constant_over_time(layer)) or (
            name in _OPERATION_CHECKS and _OPERATION_CHECKS[name](layer)
        )
    if module.partition(".")[0] not in ("keras", __name__.partition(".")[0]):
        return False  # the user's own class, whatever its name
    return name in _STEPWISE or (name in _CHECKS and _CHECKS[name](layer))


def _shapes(layer: Any) -> list[Sequence[int | None]]:
    """Return the input shapes of every call of the layer in a functional model."""
    return [tensor.shape for node in layer._inbound_nodes for tensor in node.input_tensors]


def _axis_is_not_time(layer: Any) -> bool:
    axes = [layer.axis] if isinstance(layer.axis, int) else list(layer.axis or ())
    return axes == [-1] or all(
        len(shape) < 3 or 1 not in [axis % len(shape) for axis in axes] for shape in _shapes(layer)
    )


def _one_slope_for_all_steps(layer: Any) -> bool:
    return len(layer.alpha.shape) == 1 or layer.alpha.shape[0] == 1


def _keeps_time(layer: Any) -> bool:
    """Check that a Reshape keeps the steps as the first axis."""
    return _keeps_steps(layer.target_shape, _shapes(layer))


def _operation_keeps_time(operation: Any) -> bool:
    """Check the same of `keras.ops.reshape`, whose shape has the batch; or that there is no time axis."""
    batch, *rest = operation.newshape
    shapes = _shapes(operation)
    same = all(len(shape) == 2 and tuple(rest) in (tuple(shape[1:]), (-1,)) for shape in shapes)
    return same or (batch in (-1, None) and len(rest) > 1 and _keeps_steps(rest, shapes))


def _keeps_steps(target: Sequence[int], shapes: list[Sequence[int | None]]) -> bool:
    first, *rest = target
    return first == -1 and bool(shapes) and all(math.prod(rest) == _size(shape[2:]) for shape in shapes)


def _has_no_time(layer: Any) -> bool:
    """Check that all inputs are (batch, features), or (batch, steps), which a Flatten does not change."""
    return all(len(shape) == 2 for shape in _shapes(layer))


def _no_constant_over_time(operation: Any) -> bool:
    """Check that no constant of the operation has an axis of steps."""
    given = [
        each
        for node in operation._inbound_nodes
        for each in keras.tree.flatten((node.arguments.args, node.arguments.kwargs))
    ]
    shapes = [tuple(getattr(each, "shape", ())) for each in given if not isinstance(each, keras.KerasTensor)]
    return all(len(shape) < 2 or shape[-2:-1] == (1,) for shape in shapes)


def _takes_features_or_the_last(operation: Any) -> bool:
    """Check that a slice keeps all steps, or takes the last one only."""
    for node in operation._inbound_nodes:
        key = [*node.arguments.args[1:], *node.arguments.kwargs.values()][0]
        first, second, *_ = (
            (*key, slice(None), slice(None)) if isinstance(key, (tuple, list)) else (key, None)
        )
        if Ellipsis in (first, second) or first != slice(None) or second not in (slice(None), -1):
            return False
    return True


def _size(shape: Sequence[int | None]) -> int | None:
    return None if None in shape else math.prod(size for size in shape if size)


def _time_stays_first(layer: Any) -> bool:
    return layer.dims[0] == 1


def _one_step_of(window: str) -> Callable[[Any], bool]:
    """Return a check that a layer's window, the attribute of this name, covers one step at a time."""

    def check(layer: Any) -> bool:
        first_is_time = layer.data_format == "channels_last"
        return first_is_time and getattr(layer, window)[0] == 1 and layer.strides[0] == 1

    return check


_STEPWISE = frozenset(
    (
        *("Activation", "AlphaDropout", "Add", "Any", "Average", "Dense", "Dropout", "ELU", "Embedding"),
        *("GaussianDropout", "GaussianNoise", "Identity", "InputLayer", "LeakyReLU", "Masking", "MaskOf"),
        *("Maximum", "Minimum", "Multiply", "NotEqual", "ReLU", "Rescaling", "SpatialDropout1D"),
        *("SpatialDropout2D", "SpecAugment", "Subtract", "TimeDistributed", "TokenDropout"),
    )
)
"""Layers that always compute each step alone."""

_POINTWISE = frozenset(
    (
        *("Absolute", "Add", "Arctan", "Cast", "Ceil", "Clip", "Cos", "Divide", "Elu", "Equal"),
        *("Erf", "Exp", "Expm1", "Floor", "FloorDivide", "Gelu", "Greater", "GreaterEqual"),
        *("HardSigmoid", "HardTanh", "Isfinite", "Isnan", "LeakyRelu", "Less", "LessEqual", "Log"),
        *("Log10", "Log1p", "Log2", "LogSigmoid", "LogicalAnd", "LogicalNot", "LogicalOr"),
        *("Maximum", "Minimum", "Mod", "Multiply", "NanToNum", "Negative", "NotEqual", "Power"),
        *("Reciprocal", "Relu", "Relu6", "Round", "Rsqrt", "Selu", "Sigmoid", "Sign", "Silu"),
        *("Sin", "Softplus", "Softsign", "Sqrt", "Square", "Subtract", "Tan", "Tanh", "TrueDivide"),
        *("Where",),
    )
)
"""Operations of keras.ops that compute each number from the numbers at the same place."""

_OPERATION_CHECKS: dict[str, Callable[[Any], bool]] = {
    "GetItem": _takes_features_or_the_last,
    "Reshape": _operation_keeps_time,
    **dict.fromkeys(("Any", "Concatenate", "Softmax", "LogSoftmax"), _axis_is_not_time),
}

_CHECKS: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(
        (
            *("BatchNormalization", "Concatenate", "LayerNormalization", "Normalization"),
            *("RMSNormalization", "Softmax", "UnitNormalization"),
        ),
        _axis_is_not_time,
    ),
    "Flatten": _has_no_time,
    "PReLU": _one_slope_for_all_steps,
    "Reshape": _keeps_time,
    "Permute": _time_stays_first,
    **dict.fromkeys(
        ("Conv1D", "Conv2D", "DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"),
        _one_step_of("kernel_size"),
    ),
    **dict.fromkeys(
        ("AveragePooling1D", "AveragePooling2D", "MaxPooling1D", "MaxPooling2D"), _one_step_of("pool_size")
    ),
}
