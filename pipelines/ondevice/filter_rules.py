"""The shapes that operators make that multiply with weights or work on images.

A rule computes the shapes of the outputs, and refuses inputs that the kernel can't take.
"""

from __future__ import annotations

from .flatbuffer_reader import require
from .node import Node, Shape, size
from .shape_rules import broadcast_shapes

_SAME = 0


def fully_connected(node: Node) -> list[Shape]:
    """Rows times weights (units, features), plus a bias (units,)."""
    shape, weights = node.shapes[:2]
    require(len(weights) == 2, f"expected weights of rank 2, found {weights}")
    units, features = weights
    rows = size(shape) // features
    require(len(shape) >= 1 and rows * features == size(shape), f"can't multiply {shape} with {weights}")
    _check_bias(node, 2, units)
    if node.options["keep"]:
        require(shape[-1] == features, f"can't multiply {shape} with {weights}")
        return [(*shape[:-1], units)]
    return [(rows, units)]


def _check_bias(node: Node, place: int, units: int) -> None:
    """Check a bias, which may be absent, and the number of scales of the weights in input 1."""
    if len(node.types) > place and node.types[place] != -1:
        require(size(node.shapes[place]) == units, f"expected a bias of {units}, found {node.shapes[place]}")
    scales = node.scales[1]
    require(scales is None or scales.number in (1, units), f"expected 1 or {units} scales of the weights")


def matmul(node: Node) -> list[Shape]:
    """Matrices, each of which may be transposed, in batches that are broadcast."""
    shapes = node.shapes
    ranks = [len(shape) for shape in shapes]
    require(min(ranks) >= 2 and max(ranks) <= node.rank, f"expected ranks of 2 to {node.rank}, found {ranks}")
    first, second = (
        shape[-2:][::-1] if node.options[name] else shape[-2:]
        for shape, name in zip(shapes, ("adj_x", "adj_y"), strict=True)
    )
    require(first[1] == second[0], f"can't multiply {shapes[0]} with {shapes[1]}")
    node.scratch += 4 * (size(shapes[0]) + size(shapes[1]))
    return [(*broadcast_shapes([shape[:-2] for shape in shapes]), first[0], second[1])]


def _window(node: Node, length: int, filter_: int, side: str) -> int:
    """Return how often a filter fits along one side of an image."""
    stride, wide = node.options[f"stride_{side}"], (filter_ - 1) * node.options.get(f"dilation_{side}", 1) + 1
    if node.options["padding"] == _SAME:
        return -(-length // stride)
    require(wide <= length, f"expected a filter within {length}, found one of {wide}")
    return (length - wide) // stride + 1


def _windows(node: Node, image: Shape, filter_: tuple[int, int]) -> Shape:
    require(len(image) == 4, f"expected images (batch, height, width, channels), found {image}")
    sides = zip(image[1:3], filter_, "hw", strict=True)
    return tuple(_window(node, length, wide, side) for length, wide, side in sides)


def conv(node: Node) -> list[Shape]:
    """Weights (channels, height, width, inputs), where groups of channels may have their own."""
    image, weights = node.shapes[:2]
    require(len(weights) == 4, f"expected weights of rank 4, found {weights}")
    channels, high, wide, inputs = weights
    made = _windows(node, image, (high, wide))
    groups = image[3] // inputs
    sound = groups * inputs == image[3] and groups >= 1 and channels % groups == 0
    require(sound, f"can't convolve {image} with {weights}")
    _check_bias(node, 2, channels)
    node.scratch += 4 * image[0] * size(made) * high * wide * inputs
    return [(image[0], *made, channels)]


def depthwise(node: Node) -> list[Shape]:
    """Weights (1, height, width, channels), with several of them for each channel of the image.

    LiteRT's kernels read outside a filter that is dilated to more than the padded image.
    """
    image, weights = node.shapes[:2]
    require(len(weights) == 4 and weights[0] == 1, f"expected weights (1, h, w, channels), found {weights}")
    made = _windows(node, image, (weights[1], weights[2]))
    for side, length, filter_ in zip("hw", image[1:3], weights[1:3], strict=True):
        wide = (filter_ - 1) * node.options[f"dilation_{side}"] + 1
        dilated = node.options[f"dilation_{side}"] > 1
        require(not dilated or wide <= length, f"expected a filter within {length}, found one of {wide}")
    multiplier = node.options["multiplier"] or weights[3] // image[3]
    require(weights[3] == image[3] * multiplier, f"can't convolve {image} with {weights}")
    _check_bias(node, 2, weights[3])
    return [(image[0], *made, weights[3])]


def transpose_conv(node: Node) -> list[Shape]:
    """Input 0 is the shape of the output, of which a convolution with the weights makes input 2."""
    made, weights, image = node.shape_in(0), node.shapes[1], node.shapes[2]
    require(len(made) == len(weights) == len(image) == 4, "expected ranks of 4")
    channels, high, wide, inputs = weights
    sound = made[0] == image[0] and made[3] == channels and inputs == image[3] and 0 not in made
    require(sound, f"can't convolve {made} with {weights} to {image}")
    require(_windows(node, made, (high, wide)) == image[1:3], f"can't make {made} of {image}")
    _check_bias(node, 3, channels)
    node.scratch += 8 * size(made) + 4 * size(image[:3]) * channels * high * wide
    return [made]


def pool(node: Node) -> list[Shape]:
    """A window of the image becomes one element. LiteRT can't pool over windows beside the image."""
    image = node.shapes[0]
    window = (node.options["filter_h"], node.options["filter_w"])
    made = _windows(node, image, window)
    require(max(window) <= 1 << 15, f"expected a window of at most {1 << 15}, found {window}")
    for length, wide, count, side in zip(image[1:3], window, made, "hw", strict=True):
        stride = node.options[f"stride_{side}"]
        before = max((count - 1) * stride + wide - length, 0) // 2
        require((count - 1) * stride - before < length, "expected windows on the image")
    return [(image[0], *made, image[3])]


def resized(node: Node) -> list[Shape]:
    """Input 1 is the new height and width."""
    image, wanted = node.shapes[0], node.shape_in(1)
    require(len(image) == 4 and len(wanted) == 2 and min(wanted) >= 1, f"can't resize {image} to {wanted}")
    both = node.options["align"] and node.options["half"]
    require(not both, "expected aligned corners or half pixels, found both")
    return [(image[0], *wanted, image[3])]


def to_depth(node: Node) -> list[Shape]:
    """Blocks of the image become channels."""
    image, block = node.shapes[0], node.options["block"]
    require(len(image) == 4, f"expected images (batch, height, width, channels), found {image}")
    require(image[1] % block == image[2] % block == 0, f"can't cut {image} into blocks of {block}")
    return [(image[0], image[1] // block, image[2] // block, image[3] * block * block)]


def to_space(node: Node) -> list[Shape]:
    """Channels become blocks of the image."""
    image, block = node.shapes[0], node.options["block"]
    require(len(image) == 4, f"expected images (batch, height, width, channels), found {image}")
    require(image[3] % (block * block) == 0, f"can't make blocks of {block} of {image}")
    return [(image[0], image[1] * block, image[2] * block, image[3] // (block * block))]


def to_batch(node: Node) -> list[Shape]:
    """Blocks of the padded image become examples."""
    image, block, edges = _blocks(node)
    sides = tuple(before + length + after for (before, after), length in zip(edges, image[1:], strict=False))
    fits = all(side % wide == 0 for side, wide in zip(sides, block, strict=True))
    require(fits, f"can't cut {sides} into blocks of {block}")
    cut = tuple(side // wide for side, wide in zip(sides, block, strict=True))
    return [(image[0] * size(tuple(block)), *cut, *image[1 + len(block) :])]


def from_batch(node: Node) -> list[Shape]:
    """Examples become blocks of an image, of which the edges are cut."""
    image, block, edges = _blocks(node)
    count = size(tuple(block))
    require(image[0] % count == 0, f"can't make blocks of {block} of {image}")
    sides = tuple(
        length * wide - before - after
        for length, wide, (before, after) in zip(image[1:], block, edges, strict=False)
    )
    require(min(sides) >= 1, f"can't cut {edges} from {image} in blocks of {block}")
    return [(image[0] // count, *sides, *image[1 + len(block) :])]


def _blocks(node: Node) -> tuple[Shape, list[int], list[tuple[int, int]]]:
    """Return the image, the sizes of a block, and pairs of edges."""
    image, block, edges = node.shapes[0], node.known(1, "blocks"), node.known(2, "edges")
    require(len(image) in (3, 4) and node.shapes[1] == (len(image) - 2,), f"expected blocks of {image}")
    require(node.shapes[2] == (len(block), 2), f"expected {len(block)} pairs of edges")
    require(min(block) >= 1 and min(edges) >= 0, f"expected blocks and edges, found {block} and {edges}")
    return image, block, list(zip(edges[::2], edges[1::2], strict=True))
