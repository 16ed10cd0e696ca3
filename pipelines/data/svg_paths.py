"""The strokes of a path of SVG: lines, and curves as points on them."""

from __future__ import annotations

import cmath
import math
import re

import numpy as np

CURVE = 16
"""The number of lines that stand for a curve; an arc has one for each twelfth of a right angle."""
MOST_POINTS = 250_000
"""A file with more points, those on curves counted, is refused."""
LARGEST = 1e9
_THINNEST = 1e-9  # of an arc; thinner ones are lines
_COMMAND = re.compile(r"[\s,]*([MmZzLlHhVvCcSsQqTtAa])")
_NUMBER = re.compile(r"[\s,]*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)")
_FLAG = re.compile(r"[\s,]*([01])")
_REST = re.compile(r"[\s,]*$")
_COUNTS = {"M": 2, "Z": 0, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2, "A": 7}
_ALONG = np.linspace(0, 1, CURVE + 1)[1:]


class Path:
    """Follows the commands of a path.

    Args:
        text: the attribute `d`.
        used: how many points the file has used up already.

    Raises:
        ValueError: it is malformed, has a number beyond `LARGEST`, or too many points.
    """

    def __init__(self, text: str, used: int = 0) -> None:
        self.strokes: list[list[complex]] = []
        """The points of each part of the path, x + y i."""
        self._text, self._at = text, 0
        self._count = used
        self._now = self._begin = 0j
        self._curve, self._control = (
            "",
            0j,
        )  # C or Q if the last command was a curve, and its last control point
        self._closed = False  # whether the next line begins a new part
        command = ""
        while not _REST.match(text, self._at):
            command = self._next(command)

    def _next(self, command: str) -> str:
        """Follow one command, and return the one that more numbers repeat."""
        found = _COMMAND.match(self._text, self._at)
        if found:
            command, self._at = found[1], found.end()
        elif not command or command in "Zz":
            raise ValueError(f"expected a command of a path, got {self._text[self._at :][:20]!r}")
        if not self.strokes and command not in "Mm":
            raise ValueError(f"expected a path to begin with M, got {command}")
        kind = command.upper()
        numbers = [self._number(flag=kind == "A" and at in (3, 4)) for at in range(_COUNTS[kind])]
        self._follow(kind, numbers, self._now if command.islower() else 0j)
        if self._count > MOST_POINTS:
            raise ValueError(f"expected at most {MOST_POINTS:,} points in a file, found more")
        return {"M": "L", "m": "l"}.get(command, command)

    def _number(self, *, flag: bool) -> float:
        found = (_FLAG if flag else _NUMBER).match(self._text, self._at)
        if not found:
            raise ValueError(f"expected a number in a path, got {self._text[self._at :][:20]!r}")
        self._at = found.end()
        number = float(found[1])
        if not abs(number) <= LARGEST:
            raise ValueError(f"expected numbers of at most {LARGEST:g} in a path, got {found[1][:20]}")
        return number

    def _follow(self, kind: str, numbers: list[float], origin: complex) -> None:
        if kind == "H":
            end = complex(numbers[0] + origin.real, self._now.imag)
        elif kind == "V":
            end = complex(self._now.real, numbers[0] + origin.imag)
        else:
            pairs = numbers[5:] if kind == "A" else numbers
            places = [complex(x, y) + origin for x, y in zip(pairs[::2], pairs[1::2], strict=True)]
            end = places[-1] if places else self._begin
        if kind == "M":
            self._begin, self._count = end, self._count + 1
            self.strokes.append([end])
        elif kind == "A":
            self._draw(_arc(self._now, end, numbers))
        elif kind in "CSQT":
            self._bend(kind, places)
        elif kind != "Z" or end != self._now or len(self.strokes[-1]) == 1:
            self._draw([end])
        if kind not in "CSQT":
            self._curve = ""
        self._now, self._closed = end, kind == "Z"

    def _bend(self, kind: str, places: list[complex]) -> None:
        """Draw a curve; S and T begin as the mirror of the end of the curve before."""
        curve = "C" if kind in "CS" else "Q"
        if kind in "ST":
            smooth = self._curve == curve
            places = [2 * self._now - self._control if smooth else self._now, *places]
        self._curve, self._control = curve, places[-2]
        self._draw(_bezier([self._now, *places]))

    def _draw(self, points: list[complex]) -> None:
        if self._closed:
            self.strokes.append([self._now])
        self._closed = False
        self._count += len(points)
        self.strokes[-1] += points


def _bezier(places: list[complex]) -> list[complex]:
    """Return points on the curve with these control points, without the first."""
    points = np.array(places)[:, None] * np.ones_like(_ALONG)
    while len(points) > 1:
        points = points[:-1] + (points[1:] - points[:-1]) * _ALONG
    return [*points[0, :-1].tolist(), places[-1]]


def _arc(start: complex, end: complex, numbers: list[float]) -> list[complex]:
    """Return points on an arc of an ellipse, without the first.

    The ellipse becomes a unit circle; radii that are too small for the way grow as SVG says.
    """
    across, down, turn = abs(numbers[0]), abs(numbers[1]), cmath.rect(1, math.radians(numbers[2]))
    large, sweep = bool(numbers[3]), bool(numbers[4])
    if start == end:
        return []
    if min(across, down) < _THINNEST:
        return [end]

    def flat(point: complex) -> complex:
        turned = point / turn
        return complex(turned.real / across, turned.imag / down)

    half = flat(end - start) / 2
    if not abs(half):
        return [end]
    grown = max(1.0, abs(half))
    height = math.sqrt(max(0.0, grown**2 - abs(half) ** 2))
    centre = half + half / abs(half) * complex(0, height if large != sweep else -height)
    first, last = cmath.phase(-centre), cmath.phase(2 * half - centre)
    angle = (last - first) % math.tau if sweep else -((first - last) % math.tau)
    count = max(1, math.ceil(abs(angle) / (math.pi / 24)))
    points = []
    for step in range(1, count):
        place = centre + cmath.rect(grown, first + angle * step / count)
        points.append(start + turn * complex(place.real * across, place.imag * down))
    return [*points, end]
