"""Compute the values of small tensors of integers, from which other operators take shapes and axes.

Only what converters use to compute shapes is here. Values that aren't known stay unknown.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .node import Node, Shape

LARGEST = 64
"""The most elements that a known value may have."""
DTYPES = {0: "<f4", 2: "<i4", 4: "<i8"}
"""The types of tensors whose values may be known."""


def _strided(node: Node, values: list[np.ndarray]) -> np.ndarray:
    """Return a part of a list. Masks for new axes or an ellipsis are left unknown."""
    begin, end, stride = (int(each[0]) for each in values[1:])
    options = node.options
    if len(values[1]) != 1 or options["new"] or options["ellipsis"]:
        raise ValueError
    if options["shrink"]:
        return values[0][begin]
    return values[0][slice(None if options["begin"] else begin, None if options["end"] else end, stride)]


def _gathered(node: Node, values: list[np.ndarray]) -> np.ndarray:
    if node.options["batch"]:
        raise ValueError
    return np.take(values[0], values[1], axis=node.options["axis"])


def _sliced(_: Node, values: list[np.ndarray]) -> np.ndarray:
    first, count = int(values[1][0]), int(values[2][0])
    return values[0][first : None if count == -1 else first + count]


def _segmented(_: Node, values: list[np.ndarray]) -> np.ndarray:
    made = np.ones(int(values[2].item()), values[0].dtype)
    np.multiply.at(made, values[1], values[0])
    return made


Rule = Callable[[Node, list[np.ndarray]], np.ndarray]
_RULES: dict[str, Rule] = {
    "ADD": lambda _, v: v[0] + v[1],
    "SUB": lambda _, v: v[0] - v[1],
    "MUL": lambda _, v: v[0] * v[1],
    "FLOOR_DIV": lambda _, v: v[0] // v[1],
    "FLOOR_MOD": lambda _, v: v[0] % v[1],
    "MAXIMUM": lambda _, v: np.maximum(v[0], v[1]),
    "MINIMUM": lambda _, v: np.minimum(v[0], v[1]),
    "REDUCE_PROD": lambda _, v: np.prod(v[0], dtype=v[0].dtype),
    "REDUCE_MAX": lambda _, v: np.max(v[0]),
    "REDUCE_MIN": lambda _, v: np.min(v[0]),
    "SUM": lambda _, v: np.sum(v[0], dtype=v[0].dtype),
    "CAST": lambda _, v: v[0],
    "RESHAPE": lambda _, v: v[0],
    "SQUEEZE": lambda _, v: v[0],
    "EXPAND_DIMS": lambda _, v: v[0],
    "FILL": lambda _, v: v[1],
    "BROADCAST_TO": lambda _, v: v[0],
    "BROADCAST_ARGS": lambda _, v: np.array(np.broadcast_shapes(*(tuple(each.tolist()) for each in v))),
    "PACK": lambda node, v: np.stack(v, axis=node.options["axis"]),
    "CONCATENATION": lambda node, v: np.concatenate(v, axis=node.options["axis"]),
    "RANGE": lambda _, v: np.arange(v[0].item(), v[1].item(), v[2].item()),
    "UNSORTED_SEGMENT_PROD": _segmented,
    "SHAPE": lambda node, _: np.array(node.shapes[0]),
    "RANK": lambda node, _: np.array(len(node.shapes[0])),
    "STRIDED_SLICE": _strided,
    "GATHER": _gathered,
    "SLICE": _sliced,
}
_OF_SHAPES = ("SHAPE", "RANK")
_PARTIAL = ("REDUCE_PROD", "REDUCE_MAX", "REDUCE_MIN", "SUM")


def value_of(node: Node, shape: Shape) -> np.ndarray | None:
    """Return the value of an operator's output of a given shape, or None if it isn't known.

    The shape has at most LARGEST elements.
    """
    dtype = DTYPES.get(node.made[0])
    if node.name not in _RULES or dtype is None:
        return None
    values = [value for value in node.values if value is not None]
    if node.name not in _OF_SHAPES and len(values) < len(node.types):
        return None
    if (node.name in _PARTIAL and shape not in ((), (1,))) or node.options.get("activation"):
        return None
    try:
        with np.errstate(all="ignore"):
            made = np.asarray(_RULES[node.name](node, values)).astype(dtype)
        return np.broadcast_to(made, shape) if made.size == 1 else made.reshape(shape)
    except (ValueError, IndexError, ZeroDivisionError):
        return None
