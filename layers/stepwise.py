"""Which Keras layers compute each step of a sequence from that step alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras

from .causal import CausalPadding1D


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


def _reduces_features(operation: Any) -> bool:
    """Check that an operation reduces named axes, and time is none of them."""
    return operation.axis is not None and _axis_is_not_time(operation)


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
    """Check that a slice keeps all steps, or takes the last one only; or that there is no time axis."""
    for node in operation._inbound_nodes:
        (tensor,) = node.input_tensors
        key = [*node.arguments.args[1:], *node.arguments.kwargs.values()][0]
        first, second, *_ = [*_written_out(key, len(tensor.shape)), slice(None), slice(None)]
        no_time = len(tensor.shape) == 2 and "float" in tensor.dtype and not _is_given(tensor)
        if first != slice(None) or not (no_time or second in (slice(None), -1)):
            return False
    return True


def _written_out(key: Any, rank: int) -> list[Any]:
    """Return the parts of an index with a slice for each axis that an Ellipsis stands for."""
    parts = list(key) if isinstance(key, (tuple, list)) else [key]
    places = [place for place, part in enumerate(parts) if part is Ellipsis]
    for place in places:
        used = sum(part is not None and part is not Ellipsis for part in parts)
        parts[place : place + 1] = [slice(None)] * (rank - used)
    return parts


def _is_given(tensor: Any) -> bool:
    return isinstance(tensor._keras_history.operation, keras.layers.InputLayer)


def _wraps_a_stepwise_layer(wrapper: Any) -> bool:
    return is_stepwise(wrapper.layer)


def _size(shape: Sequence[int | None]) -> int | None:
    return None if None in shape else math.prod(size for size in shape if size)


def _time_stays_first(layer: Any) -> bool:
    return layer.dims[0] == 1


def steps_before(layer: Any) -> int | None:
    """Return how many earlier steps each output of a convolution or pooling layer sees.

    Args:
        layer: any layer or operation.

    Returns:
        None if the layer has no such window, moves it by several steps, or pads the sequence.
    """
    if type(layer) not in _WINDOWS or layer.data_format != "channels_last" or layer.strides[0] != 1:
        return None
    size = getattr(layer, "kernel_size", None) or layer.pool_size
    before = (size[0] - 1) * getattr(layer, "dilation_rate", (1,))[0]
    return before if before == 0 or layer.padding == "valid" else None


def _sees_the_past(layer: Any) -> bool:
    """Check that a window covers one step, or one step and those that padding before it carries."""
    nodes = layer._inbound_nodes
    sources = [tensor._keras_history.operation for node in nodes for tensor in node.input_tensors]
    before = steps_before(layer)
    carried = [isinstance(each, CausalPadding1D) and each.padding == before for each in sources]
    return before == 0 or (bool(carried) and all(carried))


_WINDOWS = (
    *(keras.layers.Conv1D, keras.layers.DepthwiseConv1D, keras.layers.SeparableConv1D),
    *(keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.SeparableConv2D),
    *(keras.layers.AveragePooling1D, keras.layers.MaxPooling1D),
    *(keras.layers.AveragePooling2D, keras.layers.MaxPooling2D),
)
"""Layers whose outputs see several steps."""

_STEPWISE = frozenset(
    (
        *("Activation", "AlphaDropout", "Add", "Any", "Average", "Dense", "Dropout", "EachStep", "ELU"),
        *("Embedding", "ReversibleEmbedding"),
        *("GaussianDropout", "GaussianNoise", "Identity", "InputLayer", "LeakyReLU", "Masking", "MaskOf"),
        *("Maximum", "Minimum", "Multiply", "NotEqual", "ReLU", "Rescaling", "SpatialDropout1D"),
        *("SpatialDropout2D", "SpecAugment", "Subtract", "TimeDistributed", "TokenDropout"),
    )
)
"""Layers that always compute each step alone."""

_POINTWISE = frozenset(
    (
        *("Absolute", "Add", "Arctan", "BitwiseAnd", "BitwiseInvert", "BitwiseLeftShift"),
        *("BitwiseNot", "BitwiseOr", "BitwiseRightShift", "BitwiseXor", "Cast", "Ceil", "Clip", "Cos"),
        *("Divide", "Elu", "Equal"),
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
    **dict.fromkeys(("Concatenate", "Softmax", "LogSoftmax"), _axis_is_not_time),
    **dict.fromkeys(("Any", "Max", "Mean", "Min", "Sum"), _reduces_features),
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
    "SpectralNormalization": _wraps_a_stepwise_layer,
    "PReLU": _one_slope_for_all_steps,
    "Reshape": _keeps_time,
    "Permute": _time_stays_first,
    **dict.fromkeys((each.__name__ for each in _WINDOWS), _sees_the_past),
}
