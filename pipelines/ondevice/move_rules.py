"""The shapes that operators make that move values: reshape, cut, join, choose and write over.

A rule computes the shapes of the outputs, and refuses inputs that the kernel can't take.
"""

from __future__ import annotations

import math

import numpy as np

from .flatbuffer_reader import require
from .node import Node, Shape, axis_of, size
from .shape_rules import alike
from .type_rules import TYPES


def reshaped(node: Node) -> list[Shape]:
    """Input 1, or the options where there is none, hold the new shape with one -1 at most."""
    if len(node.types) > 1 and node.types[1] != -1:
        require(len(node.shapes[1]) == 1, "expected a list of sizes")
        wanted = node.known(1, "sizes")
    else:
        require(node.table is not None, "expected a shape")
        wanted = node.table.whole(0) if node.table else []
    return [sizes_of(wanted, size(node.shapes[0]))]


def sizes_of(wanted: list[int], count: int) -> Shape:
    """Return a shape of `count` elements; one -1 in `wanted` stands for whatever is left."""
    open_axes = wanted.count(-1)
    rest = math.prod(size for size in wanted if size != -1)
    fits = rest == count if not open_axes else rest > 0 and count % rest == 0
    require(
        open_axes <= 1 and len(wanted) <= 8 and min(wanted, default=0) >= -1 and fits,
        f"can't reshape {count} elements to {tuple(wanted[:9])}",
    )
    return tuple(count // rest if size == -1 else size for size in wanted)


def squeezed(node: Node) -> list[Shape]:
    """The options name axes of size 1 to leave out; none stands for all of them."""
    shape = node.shapes[0]
    named = node.table.whole(0) if node.table else []
    axes = {axis_of(axis, len(shape)) for axis in named} or {i for i, size in enumerate(shape) if size == 1}
    require(
        all(shape[axis] == 1 for axis in axes), f"expected axes of size 1 in {shape}, found {sorted(axes)}"
    )
    return [tuple(size for i, size in enumerate(shape) if i not in axes)]


def expanded(node: Node) -> list[Shape]:
    """An axis of size 1 is put in."""
    shape, axis = node.shapes[0], node.one(1, "axis")
    axis = axis_of(axis, len(shape) + 1)
    require(len(shape) < 8, "expected a rank of at most 7")
    return [(*shape[:axis], 1, *shape[axis:])]


def transposed(node: Node) -> list[Shape]:
    """Input 1 is a permutation of the axes."""
    order, shape = node.per_axis(1, "axes"), node.shapes[0]
    order = [axis_of(axis, len(shape)) for axis in order]
    require(len(shape) >= 1 and len(set(order)) == len(order), f"expected a permutation, found {order}")
    return [tuple(shape[axis] for axis in order)]


def joined(node: Node) -> list[Shape]:
    """The inputs differ along one axis only."""
    first = node.shapes[0]
    axis = axis_of(node.options["axis"], len(first))
    rests = {(*shape[:axis], *shape[axis + 1 :]) for shape in node.shapes}
    same_rank = all(len(shape) == len(first) for shape in node.shapes)
    require(same_rank and len(rests) == 1, f"can't join {node.shapes[:4]} along axis {axis}")
    return [(*first[:axis], sum(shape[axis] for shape in node.shapes), *first[axis + 1 :])]


def packed(node: Node) -> list[Shape]:
    """The inputs are stacked along a new axis."""
    (shape,) = alike(node)
    count, axis = node.options["count"], axis_of(node.options["axis"], len(shape) + 1)
    require(count == len(node.shapes), f"expected {count} inputs, found {len(node.shapes)}")
    require(len(shape) < 8, "expected a rank of at most 7")
    return [(*shape[:axis], count, *shape[axis:])]


def unpacked(node: Node) -> list[Shape]:
    """The input is taken apart along an axis."""
    shape, count = node.shapes[0], node.options["count"]
    axis = axis_of(node.options["axis"], len(shape))
    require(count == len(node.made) == shape[axis], f"expected {count} outputs, found {len(node.made)}")
    return [(*shape[:axis], *shape[axis + 1 :])] * count


def split(node: Node) -> list[Shape]:
    """The input is cut into equal parts along an axis."""
    shape, count = node.shapes[1], node.options["count"]
    axis = axis_of(node.one(0, "axis"), len(shape))
    require(count == len(node.made), f"expected {count} outputs, found {len(node.made)}")
    require(shape[axis] % count == 0, f"can't cut {shape} into {count} along axis {axis}")
    return [(*shape[:axis], shape[axis] // count, *shape[axis + 1 :])] * count


def split_by_sizes(node: Node) -> list[Shape]:
    """The input is cut into parts of the sizes in input 1."""
    shape, count = node.shapes[0], node.options["count"]
    axis = axis_of(node.one(2, "axis"), len(shape))
    wanted = node.known(1, "sizes")
    require(len(node.shapes[1]) == 1, "expected a list of sizes")
    require(count == len(node.made) == len(wanted), f"expected {count} outputs, found {len(node.made)}")
    rest = shape[axis] - sum(size for size in wanted if size != -1)
    sizes = [rest if size == -1 else size for size in wanted]
    fits = wanted.count(-1) <= 1 and min(sizes) >= 1 and sum(sizes) == shape[axis]
    require(fits, f"can't cut {shape} into {wanted[:9]} along axis {axis}")
    return [(*shape[:axis], size, *shape[axis + 1 :]) for size in sizes]


def sliced(node: Node) -> list[Shape]:
    """Inputs 1 and 2 hold where the part begins and its sizes; -1 is all that is left."""
    shape = node.shapes[0]
    begin, sizes = node.per_axis(1, "begins"), node.per_axis(2, "sizes")
    parts = zip(begin, sizes, shape, strict=True)
    made = tuple(all_ - first if part == -1 else part for first, part, all_ in parts)
    fits = zip(begin, made, shape, strict=True)
    require(
        all(first >= 0 and part > 0 and first + part <= all_ for first, part, all_ in fits),
        f"expected a part of {shape}, found sizes {sizes} from {begin}",
    )
    return [made]


def gathered(node: Node) -> list[Shape]:
    """The indices in input 1 take the place of an axis."""
    shape, indices = node.shapes
    axis, batch = axis_of(node.options["axis"], len(shape)), node.options["batch"]
    batch = batch + len(indices) if batch < 0 else batch
    require(0 <= batch <= min(axis, len(indices)), f"expected at most {axis} batch axes, found {batch}")
    require(shape[:batch] == indices[:batch], f"expected batches alike, found {shape} and {indices}")
    return [(*shape[:axis], *indices[batch:], *shape[axis + 1 :])]


def gathered_nd(node: Node) -> list[Shape]:
    """The last axis of the indices addresses the first axes of input 0."""
    shape, indices = node.shapes
    require(len(shape) >= 1 and len(indices) >= 1, "expected a rank of at least 1")
    require(1 <= indices[-1] <= len(shape), f"expected indices into {shape}, found {indices}")
    return [(*indices[:-1], *shape[indices[-1] :])]


def looked_up(node: Node) -> list[Shape]:
    """The indices choose rows of a table."""
    ids, table = node.shapes
    require(len(ids) == 1 and len(table) >= 2, f"expected (n,) and (rows, ...), found {ids} and {table}")
    # The kernel takes each row to begin with a new byte, and would read beyond the end of the table.
    halves = node.types[1] == TYPES["i4"] and size(table[1:]) % 2
    require(not halves, f"expected rows of whole bytes, found {table} of four bits")
    return [(*ids, *table[1:])]


def scattered(node: Node) -> list[Shape]:
    """Rows go to the places in input 0 of a tensor whose shape is input 2."""
    indices, rows = node.shapes[:2]
    made = node.shape_in(2)
    require(
        len(indices) >= 1 and 1 <= indices[-1] <= len(made), f"expected indices into {made}, found {indices}"
    )
    require(rows == (*indices[:-1], *made[indices[-1] :]), f"expected rows that fit {made}, found {rows}")
    return [made]


def updated(node: Node) -> list[Shape]:
    """A part is written over; the kernel moves the part inside."""
    shape, part, begin = node.shapes
    fits = len(part) == len(shape) and all(few <= many for few, many in zip(part, shape, strict=True))
    require(fits and begin == (len(shape),), f"expected a part of {shape}, found {part} at {begin}")
    return [shape]


def reversed_axes(node: Node) -> list[Shape]:
    """The axes in input 1 are reversed."""
    axes = node.axes(1)
    sound = len(node.shapes[1]) == 1 and len(set(axes)) == len(axes) and len(node.shapes[0]) >= 1
    require(sound and max(axes) - min(axes) < len(axes), f"expected axes side by side, found {axes}")
    return [node.shapes[0]]


def reversed_sequences(node: Node) -> list[Shape]:
    """Each sequence has a length."""
    shape, lengths = node.shapes
    sequence, batch = (axis_of(node.options[name], len(shape)) for name in ("sequence", "batch"))
    require(sequence != batch, "expected two axes")
    require(lengths == (shape[batch],), f"expected {shape[batch]} lengths, found {lengths}")
    return [shape]


def strided(node: Node) -> list[Shape]:
    """Inputs 1 to 3 hold begin, end and stride of each axis; masks in the options change their meaning."""
    shape, options = node.shapes[0], node.options
    strides = node.known(3, "strides")
    count = len(strides)
    require(all(each == (count,) for each in node.shapes[1:]), "expected begins, ends and strides alike")
    require(0 not in strides, "expected strides other than 0")
    require(options["ellipsis"] in (0, *(1 << i for i in range(count))), "expected one ellipsis")
    begin, end = node.values[1], node.values[2]
    made: list[int] = []
    axis = 0
    for i in range(count):
        bit = 1 << i
        if options["ellipsis"] & bit:
            left = count - i - 1 - bin(options["new"] >> (i + 1)).count("1")
            upto = len(shape) - left
            require(axis <= upto, f"expected at most {len(shape)} axes, found {count}")
            made += shape[axis:upto]
            axis = upto
        elif options["new"] & bit:
            made.append(1)
        else:
            require(axis < len(shape), f"expected at most {len(shape)} axes, found {count}")
            if options["shrink"] & bit:
                _check_chosen(begin, strides, i, shape[axis])
            else:
                starts = None if options["begin"] & bit else _at(begin, i)
                stops = None if options["end"] & bit else _at(end, i)
                made.append(len(range(*slice(starts, stops, strides[i]).indices(shape[axis]))))
            axis += 1
    made += shape[axis:]
    require(0 not in made, f"expected a part of {shape}, found none")
    require(len(shape) <= node.rank and len(made) <= 8, f"expected a rank of at most {node.rank}")
    return [tuple(made)]


def _at(values: np.ndarray | None, place: int) -> int:
    require(values is not None, "expected begins and ends that are known before the graph runs")
    assert values is not None
    return int(values[place])


def _check_chosen(begin: np.ndarray | None, strides: list[int], place: int, length: int) -> None:
    """Check an axis of which one element is chosen. LiteRT moves an index that it computes inside."""
    require(strides[place] == 1, "expected a stride of 1 where one element is chosen")
    if begin is not None:
        axis_of(int(begin[place]), length)
