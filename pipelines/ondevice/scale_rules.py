"""Check the scales of an operator's tensors, by what LiteRT's kernels compute from them.

The kernels turn ratios and products of scales into a 32-bit number and a shift, and end the process if they
can't. Each rule is named in the list of operators.
"""

from __future__ import annotations

from collections.abc import Callable

from .flatbuffer_reader import require
from .node import Node

_I16, _I32 = 7, 2
_MOST = 2.0**30
"""The largest multiplier: its shift still fits in 32 bits."""
_MOST_OF_XNNPACK = 256.0
"""The largest multiplier of 8-bit filters in XNNPACK, which frees memory twice when it refuses a graph."""
_BELOW_1 = 1 - 2.0**-24
"""Where a kernel needs a multiplier below 1: nearer ones may be rounded up."""


def _ratio(node: Node) -> None:
    given, made = node.scales[0], node.made_scales[0]
    if given and made:
        _require_multiplier(given.most / made.least, _MOST)


def _product(node: Node) -> None:
    first, second, made = node.scales[0], node.scales[1], node.made_scales[0]
    if first and second and made:
        _require_multiplier(first.most * second.most / made.least, _MOST)


def _matrices(node: Node, first: int = 0) -> None:
    given, weights, made = node.scales[first], node.scales[1], node.made_scales[0]
    if given and weights and made:
        most = _MOST if node.made[0] == _I16 else _MOST_OF_XNNPACK
        _require_multiplier(given.most * weights.most / made.least, most)


def _filter(node: Node) -> None:
    """The image and the weights; a transposed convolution has its shape first."""
    _matrices(node, first=2 if node.types[0] == _I32 else 0)


def _sum(node: Node) -> None:
    first, second, made = node.scales[0], node.scales[1], node.made_scales[0]
    if first and second and made:
        shift = 15 if node.types[0] == _I16 else 20
        _require_multiplier(2 * max(first.most, second.most) / (made.least * 2**shift), _BELOW_1)


def _square(node: Node) -> None:
    first, second, made = node.scales[0], node.scales[1], node.made_scales[0]
    if first and second and made:
        _require_multiplier((2 * max(first.most, second.most)) ** 2 / (made.least * 2**14), _BELOW_1)


def _compare(node: Node) -> None:
    for scales in node.scales:
        require(
            scales is None or scales.most != 1, "expected a scale other than 1, which LiteRT can't compare"
        )


def _softmax(node: Node) -> None:
    given = node.scales[0]
    if given and node.types[0] != _I16:
        multiplier = node.options.get("beta", 1) * given.least * 2**26
        require(multiplier > 1 / _BELOW_1, f"expected a scale above {given.least / multiplier:.3g}")


def _recurrent(node: Node) -> None:
    scales = [each for each in (*node.scales, *node.made_scales, *node.between) if each]
    if node.made_scales[0] and scales:
        least, most = min(each.least for each in scales), max(each.most for each in scales)
        _require_multiplier(most * most / least, _MOST)


def _require_multiplier(found: float, most: float) -> None:
    require(found < most, f"expected scales whose ratio is below {most:.4g}, found {found:.4g}")


def _any(node: Node) -> None:
    pass


SCALE_RULES: dict[str, Callable[[Node], None]] = {
    "none": _any, "each": _any, "ratio": _ratio, "product": _product,
    "matrices": _matrices, "filter": _filter, "sum": _sum, "square": _square, "compare": _compare,
    "softmax": _softmax, "recurrent": _recurrent,
}  # fmt: skip
"""The rules by name. "none": the tensors need no scale; "each": each has one, and nothing else matters."""
