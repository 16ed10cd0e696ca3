"""The shapes that operators make whose size depends on values: repeat, fill, pad, count.

A rule computes the shapes of the outputs, and refuses inputs that the kernel can't take.
"""

from __future__ import annotations

import math

import numpy as np

from .flatbuffer_reader import require
from .node import Node, Shape, axis_of, size
from .shape_rules import broadcast_shapes


def tiled(node: Node) -> list[Shape]:
    """The input is repeated along each axis."""
    counts = node.per_axis(1, "numbers of copies")
    require(min(counts, default=1) >= 1, f"expected at least one copy, found {counts}")
    return [tuple(size * count for size, count in zip(node.shapes[0], counts, strict=True))]


def broadcast_to(node: Node) -> list[Shape]:
    """The input is broadcast to the shape in input 1."""
    made = node.shape_in(1)
    require(len(node.shapes[0]) <= len(made), f"can't broadcast {node.shapes[0]} to {made}")
    require(broadcast_shapes([node.shapes[0], made]) == made, f"can't broadcast {node.shapes[0]} to {made}")
    return [made]


def broadcast_args(node: Node) -> list[Shape]:
    """The output is the shape that two shapes are broadcast to."""
    return [(len(broadcast_shapes([node.shape_in(0), node.shape_in(1)])),)]


def filled(node: Node) -> list[Shape]:
    """Input 0 is the shape."""
    require(node.shapes[1] == (), f"expected one value, found {node.shapes[1]}")
    return [node.shape_in(0)]


def ranged(node: Node) -> list[Shape]:
    """The numbers from input 0 up to input 1 in steps of input 2."""
    first, last, step = (node.one(place, "limits") for place in range(3))
    require(bool(np.isfinite([first, last, step]).all()) and step != 0, "expected a step other than 0")
    count = math.ceil((last - first) / step)
    require(count >= 1, f"expected numbers from {first} to {last} in steps of {step}")
    return [(count,)]


def shape_of(node: Node) -> list[Shape]:
    """The output is the shape. The options name its type."""
    require(node.options["output_type"] == node.made[0], "expected an output of the type in the options")
    return [(len(node.shapes[0]),)]


def rank_of(node: Node) -> list[Shape]:
    """The output is the rank."""
    return [()]


def one_hot(node: Node) -> list[Shape]:
    """A new axis of the size in input 1."""
    shape, depth = node.shapes[0], node.one(1, "depth")
    require(depth >= 1, f"expected a depth of at least 1, found {depth}")
    require(
        all(size(shape) == 1 for shape in node.shapes[1:]), "expected one value to fill in and one besides"
    )
    axis = axis_of(node.options["axis"], len(shape) + 1)
    require(len(shape) < 8, "expected a rank of at most 7")
    return [(*shape[:axis], depth, *shape[axis:])]


def padded(node: Node) -> list[Shape]:
    """Input 1 holds the numbers of elements before and after each axis; input 2 may hold their value."""
    require(all(size(shape) == 1 for shape in node.shapes[2:]), "expected one value to pad with")
    return [tuple(before + length + after for before, length, after in _paddings(node))]


def mirrored(node: Node) -> list[Shape]:
    """The padding mirrors what is inside, so it can't be wider than that."""
    shorter = 1 - node.options["mode"]  # REFLECT leaves out the border
    sides = _paddings(node)
    fits = all(max(before, after) <= length - shorter for before, length, after in sides)
    require(fits, f"expected paddings within {node.shapes[0]}")
    return [tuple(map(sum, sides))]


def _paddings(node: Node) -> list[tuple[int, int, int]]:
    shape, values = node.shapes[0], node.known(1, "paddings")
    require(
        node.shapes[1] == (len(shape), 2), f"expected {len(shape)} pairs of paddings, found {node.shapes[1]}"
    )
    require(min(values, default=0) >= 0, f"expected paddings of at least 0, found {values}")
    require(1 <= len(shape) <= node.rank, f"expected a rank of 1 to {node.rank}, found {len(shape)}")
    return list(zip(values[::2], shape, values[1::2], strict=True))


def diagonal(node: Node) -> list[Shape]:
    """The last axis becomes the diagonal of a matrix."""
    shape = node.shapes[0]
    require(1 <= len(shape) <= node.rank, f"expected a rank of 1 to {node.rank}, found {len(shape)}")
    return [(*shape, shape[-1])]


def set_diagonal(node: Node) -> list[Shape]:
    """Input 1 is the new diagonal."""
    shape, line = node.shapes
    sound = len(shape) >= 2 and line == (*shape[:-2], min(shape[-2:]))
    require(sound, f"expected a diagonal that fits {shape}, found {line}")
    return [shape]


def transformed(node: Node) -> list[Shape]:
    """The last two axes are cut or padded to the length in input 1, and transformed."""
    shape, lengths = node.shapes[0], node.known(1, "lengths")
    require(len(shape) >= 2, f"expected a rank of at least 2, found {len(shape)}")
    sound = node.shapes[1] == (2,) and all(length > 0 and length & (length - 1) == 0 for length in lengths)
    require(sound, f"expected two powers of 2, found {lengths[:9]}")
    node.scratch += 16 * lengths[0] * (lengths[1] + 2)
    return [(*shape[:-2], lengths[0], lengths[1] // 2 + 1)]
