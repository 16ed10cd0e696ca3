"""Operations on bits that TFLite has not, spelled out in a SavedModel by those that it has.

With h(x) = x >> 1 and l(x) = x - 2 h(x), the halves and last bits of whole numbers:

    a AND b = 2 (h(a) AND h(b)) + l(a) l(b),    h(a) AND h(b) = (h(a) + h(b) - (h(a) XOR h(b))) >> 1
    a OR b = a + b - (a AND b),    NOT a = -1 - a

No sum of halves leaves 32 bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from ...files import write_atomically


def spell_out_bits(folder: Path) -> None:
    """Replace BitwiseAnd, BitwiseOr and Invert in a SavedModel by functions that compute the same.

    Types of more than 32 bits stay as they are.

    Args:
        folder: a SavedModel. It is changed only where it has such operations.
    """
    path = folder / "saved_model.pb"
    content = path.read_bytes()
    if not any(name.encode() in content for name in _SPELLED):
        return
    saved = saved_model_pb2.SavedModel.FromString(content)
    for meta_graph in saved.meta_graphs:
        meta_graph.graph_def.library.function.extend(_replaced(meta_graph.graph_def))
    write_atomically(path, saved.SerializeToString())


class _Spelled(NamedTuple):
    function: Callable[..., tf.Tensor]
    inputs: int
    output: str
    """The name of the operation's output, by which other nodes of a function refer to it."""


def _and(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    half, half_of_second = (tf.bitwise.right_shift(each, 1) for each in (first, second))
    both = half + half_of_second - tf.bitwise.bitwise_xor(half, half_of_second)
    last_bits = (first - 2 * half) * (second - 2 * half_of_second)
    return 2 * tf.bitwise.right_shift(both, 1) + last_bits


def _or(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    return first + second - _and(first, second)


def _not(number: tf.Tensor) -> tf.Tensor:
    return -1 - number


_SPELLED = {
    "BitwiseAnd": _Spelled(_and, 2, "z"),
    "BitwiseOr": _Spelled(_or, 2, "z"),
    "Invert": _Spelled(_not, 1, "y"),
}
_TYPES = (tf.int8, tf.uint8, tf.int16, tf.uint16, tf.int32)


def _replaced(graph: Any) -> list[Any]:
    """Make the nodes call functions, and return the functions."""
    functions: dict[str, tuple[_Spelled, tf.DType]] = {}
    for node in _nodes(graph):
        if node.op not in _SPELLED or (dtype := tf.dtypes.as_dtype(node.attr["T"].type)) not in _TYPES:
            continue
        name = f"spelled_out_{node.op}_{dtype.name}"
        functions.setdefault(name, (_SPELLED[node.op], dtype))
        node.op = name
        del node.attr["T"]
    return [_definition(name, *each) for name, each in functions.items()]


def _nodes(graph: Any) -> Iterator[Any]:
    yield from graph.node
    for function in graph.library.function:
        yield from function.node_def


def _definition(name: str, spelled: _Spelled, dtype: tf.DType) -> Any:
    """Return the function as a SavedModel holds it, its output named like that of the operation."""

    def call(function: Callable[..., tf.Tensor], *inputs: tf.Tensor) -> tf.Tensor:
        return tf.cast(function(*(tf.cast(each, tf.int32) for each in inputs)), dtype)

    specs = [tf.TensorSpec(None, dtype)] * spelled.inputs
    traced = tf.function(partial(call, spelled.function)).get_concrete_function(*specs).function_def
    made = type(traced).FromString(traced.SerializeToString())
    made.signature.name = name
    (output,) = made.signature.output_arg
    made.ret[spelled.output] = made.ret.pop(output.name)
    output.name = spelled.output
    return made
