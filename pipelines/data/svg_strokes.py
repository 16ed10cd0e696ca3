"""Read drawings from SVG: its paths and lines are the strokes of one drawing."""

from __future__ import annotations

import math
import re
from pathlib import Path as File

import numpy as np

from .safe_xml import SafeXml
from .stroke_reading import Found, Reading, joined, place
from .strokes import Drawing
from .svg_paths import Path

_MOST_BYTES = 2**24
_MOST_ELEMENTS = 250_000
_HIDDEN = {"clipPath", "defs", "linearGradient", "marker", "mask", "pattern", "radialGradient", "symbol"}
"""Elements whose content is not drawn where it stands."""
_SHAPES = {"path", "polyline", "polygon", "line"}
_TRANSFORM = re.compile(r"[\s,]*(\w+)\s*\(([^()]*)\)")
_MOVES = re.compile(r"(^|;)\s*(transform|translate|rotate|scale|offset-path|zoom)\s*:")
_UNSEEN = re.compile(r"(^|;)\s*(display\s*:\s*none|visibility\s*:\s*hidden)")
_NAMED = 100


def read_svg(path: File, reading: Reading) -> list[Found]:
    """Return the drawing of a file, also gzipped (also called .svgz).

    Each part of a path, polyline, polygon or line is a stroke, in the order of the file; curves become 16
    lines. Transforms of groups and shapes are applied. What is hidden or only defined is left out. The label
    is `data-label` of the outermost element, its title, or `kvg:element` of the first group (KanjiVG); the
    writer is `data-writer`.

    Raises:
        UserError: the file is no SVG, too large or too deep, declares entities, has too many points, a
            malformed path, or transforms in a style.
    """
    svg = _Svg(path, reading)
    label = svg.said.get("label") or svg.said.get("title") or svg.said.get("element")
    drawing = Drawing(joined(svg.strokes), label, svg.said.get("writer"), place(path, "1"))
    return [Found(drawing)]


class _Svg(SafeXml):
    """Collects the strokes of a file."""

    def __init__(self, path: File, reading: Reading) -> None:
        self.strokes: list[np.ndarray] = []
        self.said: dict[str, str] = {}
        self._names = {"label": reading.label or "data-label", "writer": reading.writer or "data-writer"}
        self._used = 0  # points
        self._elements = 0
        self._places: list[np.ndarray | None] = [None]  # what the elements that are open do to points
        self._hidden = 0  # how many of them hide their content
        self._title: list[str] | None = None
        super().__init__(path, "svg", "SVG", most=_MOST_BYTES, doctype=True)

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition(":")[2]
        self._elements += 1
        if self._elements > _MOST_ELEMENTS:
            self.fail(f"expected at most {_MOST_ELEMENTS:,} elements, found more")
        if len(self.open) == 1:
            self.said |= {what: attributes[each] for what, each in self._names.items() if each in attributes}
        elif name == "title" and len(self.open) == 2:
            self._title = []
        elif name == "g" and "kvg:element" in attributes:
            self.said.setdefault("element", attributes["kvg:element"])
        style = attributes.get("style", "")
        unseen = attributes.get("display") == "none" or attributes.get("visibility") == "hidden"
        if name in _HIDDEN or unseen or _UNSEEN.search(style) or self._hidden:
            self._hidden += 1
        elif _MOVES.search(style):
            self.fail("expected transforms as attributes, got one in a style")
        try:
            with np.errstate(over="ignore", invalid="ignore"):  # `stroke_mending` tells what is no number
                self._places.append(_moved(self._places[-1], attributes.get("transform", "")))
                if name in _SHAPES and not self._hidden:
                    self._draw(name, attributes)
        except ValueError as error:
            self.fail(str(error))

    def text(self, text: str) -> None:
        if self._title is not None:
            self._title.append(text)

    def end(self, name: str) -> None:
        self._places.pop()
        self._hidden = max(0, self._hidden - 1)
        if self._title is not None and name.rpartition(":")[2] == "title":
            self.said["title"] = " ".join("".join(self._title).split())
            self._title = None

    def _draw(self, name: str, attributes: dict[str, str]) -> None:
        found = Path(_path(name, attributes), self._used).strokes
        self._used += sum(map(len, found))
        for stroke in found:
            if len(stroke) > 1:  # SVG draws nothing of a single move
                self.strokes.append(_at(self._places[-1], np.array(stroke)))


def _path(name: str, attributes: dict[str, str]) -> str:
    """Return a shape as a path."""
    if name == "path":
        return attributes.get("d", "")
    if name == "line":
        x1, y1, x2, y2 = (attributes.get(each, "0") for each in ("x1", "y1", "x2", "y2"))
        return f"M {x1} {y1} L {x2} {y2}"
    points = attributes.get("points", "").strip()
    return f"M {points}{' Z' * (name == 'polygon')}" if points else ""


def _at(matrix: np.ndarray | None, stroke: np.ndarray) -> np.ndarray:
    """Return the points (n, 2) of a stroke of complex numbers (n,) where a matrix puts them."""
    points = np.stack([stroke.real, stroke.imag], axis=1)
    return points if matrix is None else points @ matrix[:2, :2].T + matrix[:2, 2]


def _moved(matrix: np.ndarray | None, text: str) -> np.ndarray | None:
    """Return a matrix after a list of transforms.

    Raises:
        ValueError: one is not known, or has the wrong numbers.
    """
    at = 0
    for _ in range(_NAMED):
        found = _TRANSFORM.match(text, at)
        if found is None:
            break
        at = found.end()
        numbers = [float(each) for each in re.split(r"[\s,]+", found[2].strip()) if each]
        if not all(abs(number) < 1e9 for number in numbers):
            raise ValueError("expected numbers of at most 1e9 in a transform")
        new = _one(found[1], numbers)
        matrix = new if matrix is None else matrix @ new
    if text[at:].strip(" \t\r\n,"):
        raise ValueError(f"expected transforms such as translate(1 2), got {text[at:].strip()[:40]!r}")
    return matrix


def _one(name: str, numbers: list[float]) -> np.ndarray:
    given = (name, len(numbers))
    a, b, c, d, e, f = 1.0, 0.0, 0.0, 1.0, 0.0, 0.0
    if given == ("matrix", 6):
        a, b, c, d, e, f = numbers
    elif name == "translate" and len(numbers) in (1, 2):
        e, f = [*numbers, 0.0][:2]
    elif name == "scale" and len(numbers) in (1, 2):
        a, d = numbers[0], numbers[-1]
    elif name == "rotate" and len(numbers) in (1, 3):
        angle = math.radians(numbers[0])
        x, y = numbers[1:] or (0.0, 0.0)
        a, b, c, d = math.cos(angle), math.sin(angle), -math.sin(angle), math.cos(angle)
        e, f = x - a * x - c * y, y - b * x - d * y
    elif given == ("skewX", 1):
        c = math.tan(math.radians(numbers[0]))
    elif given == ("skewY", 1):
        b = math.tan(math.radians(numbers[0]))
    else:
        raise ValueError(f"expected a transform of SVG, got {name[:20]} with {len(numbers)} numbers")
    return np.array([[a, c, e], [b, d, f], [0, 0, 1]])
