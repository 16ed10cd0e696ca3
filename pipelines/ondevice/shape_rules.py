"""The shapes that operators make that compute: by element, along an axis, or over axes.

A rule computes the shapes of the outputs, and refuses inputs that the kernel can't take.
"""

from __future__ import annotations

import math

from .flatbuffer_reader import require
from .node import Node, Shape, axis_of

_F32, _I16 = 0, 7
_NEAR = 2e-3  # LiteRT takes what is within half of this for a power of 2


def same(node: Node) -> list[Shape]:
    """Each output has the shape of the first input."""
    return [node.shapes[0]]


def alike(node: Node) -> list[Shape]:
    """All inputs have one shape, and the output has it too."""
    require(len(set(node.shapes)) == 1, f"expected inputs of one shape, found {node.shapes[:4]}")
    return [node.shapes[0]]


def last_axis(node: Node) -> list[Shape]:
    """The kernel works along the last axis."""
    require(1 <= len(node.shapes[0]) <= 4, f"expected a rank of 1 to 4, found {len(node.shapes[0])}")
    return [node.shapes[0]]


def images(node: Node) -> list[Shape]:
    """The kernel takes (batch, height, width, channels)."""
    require(len(node.shapes[0]) == 4, f"expected a rank of 4, found {len(node.shapes[0])}")
    return [node.shapes[0]]


def fake_quant(node: Node) -> list[Shape]:
    """The range must not be empty."""
    require(node.options["min"] < node.options["max"], "expected a range that isn't empty")
    return [node.shapes[0]]


def broadcast(node: Node) -> list[Shape]:
    """The inputs are broadcast against each other."""
    if len(set(node.shapes)) == 1:
        return [node.shapes[0]]
    ranks = [len(shape) for shape in node.shapes]
    require(
        max(ranks) <= node.rank, f"expected a rank of at most {node.rank} to broadcast, found {max(ranks)}"
    )
    return [broadcast_shapes(node.shapes)]


def broadcast_shapes(shapes: list[Shape]) -> Shape:
    """Return the shape to which shapes are broadcast; raise UnsoundError if they can't be."""
    rank = max(len(shape) for shape in shapes)
    made = []
    for sizes in zip(*((1,) * (rank - len(shape)) + shape for shape in shapes), strict=True):
        several = {size for size in sizes if size != 1}
        require(len(several) <= 1, f"can't broadcast shapes {shapes}")
        made.append(several.pop() if several else 1)
    return tuple(made)


def added(node: Node) -> list[Shape]:
    """The inputs are broadcast, but not int16 by shifts, which LiteRT uses if all scales are powers of 2."""
    if node.types[0] == _I16 and node.options["powers"] and node.shapes[0] != node.shapes[1]:
        logarithms = [math.log2(each.most) for each in (*node.scales, *node.made_scales) if each]
        powers = all(abs(each - round(each)) < _NEAR for each in logarithms)
        require(not powers, "can't broadcast int16 whose scales are powers of 2")
    return broadcast(node)


def slopes(node: Node) -> list[Shape]:
    """The slopes are broadcast to the input."""
    made = broadcast(node)
    require(made[0] == node.shapes[0], f"expected slopes that fit {node.shapes[0]}, found {node.shapes[1]}")
    return made


def divided(node: Node) -> list[Shape]:
    """Integers are divided by known numbers only: 0, and the smallest one by -1, would end the process."""
    if node.types[0] != _F32:
        divisors = node.known(1, "divisors")
        require(not {0, -1} & set(divisors), "expected divisors other than 0 and -1")
    return broadcast(node)


def selected(node: Node) -> list[Shape]:
    """The condition has the shape of the choices, or chooses among their rows."""
    condition, first, second = node.shapes
    require(first == second, f"expected choices of one shape, found {first} and {second}")
    rows = len(condition) == 1 and len(first) >= 1 and condition[0] == first[0]
    require(condition in (first, ()) or rows, f"expected a condition that fits {first}, found {condition}")
    return [first]


def reduced(node: Node) -> list[Shape]:
    """The axes in input 1 are left out, or become 1."""
    shape, axes = node.shapes[0], set(node.axes(1))
    require(len(node.shapes[1]) <= 1, "expected a list of axes")
    if node.options["keep_dims"]:
        return [tuple(1 if i in axes else size for i, size in enumerate(shape))]
    return [tuple(size for i, size in enumerate(shape) if i not in axes)]


def arg(node: Node) -> list[Shape]:
    """The axis in input 1 is left out. The options name the type of the output."""
    require(node.options["output_type"] == node.made[0], "expected an output of the type in the options")
    axis = axis_of(node.one(1, "axis"), len(node.shapes[0]))
    return [node.shapes[0][:axis] + node.shapes[0][axis + 1 :]]


def segmented(node: Node) -> list[Shape]:
    """Rows are put together by known numbers in input 1; LiteRT doesn't check that they are below input 2."""
    rows, shape = node.shapes[:2]
    numbers, count = node.known(1, "numbers of segments"), node.one(2, "number of segments")
    require(len(shape) == 1 and rows[:1] == shape, f"expected a number for each row of {rows}, found {shape}")
    require(0 <= min(numbers) <= max(numbers) < count, f"expected numbers below {count}, found {numbers[:9]}")
    return [(count, *rows[1:])]


def cumulated(node: Node) -> list[Shape]:
    """The sum goes along the axis in input 1."""
    axis_of(node.one(1, "axis"), len(node.shapes[0]))
    return [node.shapes[0]]


def top(node: Node) -> list[Shape]:
    """The last axis keeps the largest values, as many as input 1 says."""
    require(len(node.shapes[0]) >= 1, "expected a rank of at least 1")
    count = node.one(1, "number of values")
    require(1 <= count <= node.shapes[0][-1], f"expected 1 to {node.shapes[0][-1]} values, found {count}")
    return [(*node.shapes[0][:-1], count)] * 2
