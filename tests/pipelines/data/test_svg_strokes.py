"""Drawings in SVG: what a path is, transforms, labels, and files that are made to harm."""

from __future__ import annotations

import cmath
import gzip
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.data import svg_paths
from pipelines.data.stroke_files import read_drawings
from pipelines.data.stroke_reading import Reading
from pipelines.data.strokes import Drawing
from pipelines.data.svg_paths import CURVE
from pipelines.data.svg_paths import Path as SvgPath
from pipelines.errors import UserError

KANJI = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.0//EN" "http://www.w3.org/TR/2001/REC-SVG-20010904/DTD/svg10.dtd" [
<!ATTLIST g xmlns:kvg CDATA #FIXED "http://kanjivg.tagaini.net" kvg:element CDATA #IMPLIED >
]>
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 109 109">
<g id="kvg:StrokePaths_04e00" style="fill:none;stroke:#000000;stroke-width:3;">
<g id="kvg:04e00" kvg:element="\u4e00"><path d="M11,54.25c3.19,0.62,6.25,0.75,9.73,0.5"/></g></g>
<g id="kvg:StrokeNumbers_04e00"><text transform="matrix(1 0 0 1 4.25 54.13)">1</text></g>
</svg>"""


def svg(inner: str) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" data-label="a" data-writer="w">{inner}</svg>'


def read(tmp_path: Path, content: str, **settings) -> list[Drawing]:
    path = tmp_path / "a.svg"
    path.write_text(content, encoding="utf-8")
    return read_drawings(path, Reading(**settings))[0]


def strokes(text: str) -> list[list[complex]]:
    return SvgPath(text).strokes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("M1 2L3 4", [[1 + 2j, 3 + 4j]]),
        ("M1,2 3,4 5,6", [[1 + 2j, 3 + 4j, 5 + 6j]]),
        ("m1 2 3 4l-1-2.5.5-1", [[1 + 2j, 4 + 6j, 3 + 3.5j, 3.5 + 2.5j]]),
        ("m1 2 3 4l-1-2", [[1 + 2j, 4 + 6j, 3 + 4j]]),
        ("M1 2H5h1V9v-2", [[1 + 2j, 5 + 2j, 6 + 2j, 6 + 9j, 6 + 7j]]),
        ("M0 0L1 0 1 1zL5 5", [[0, 1, 1 + 1j, 0], [0, 5 + 5j]]),
        ("M0 0L1 0M5 5l1e1 .5", [[0, 1], [5 + 5j, 15 + 5.5j]]),
        ("M3 3z", [[3 + 3j, 3 + 3j]]),
        ("M0 0L1 0zm2 2l1 1", [[0, 1, 0], [2 + 2j, 3 + 3j]]),
        ("", []),
        ("M1 1A0 2 0 0 1 5 5", [[1 + 1j, 5 + 5j]]),
    ],
)
def test_lines(text: str, expected: list) -> None:
    assert strokes(text) == expected


def test_curves_are_points_on_them() -> None:
    (cubic,) = strokes("M0 0C0 8 8 8 8 0")
    assert len(cubic) == CURVE + 1
    assert cubic[CURVE // 2] == pytest.approx(4 + 6j)
    assert cubic[-1] == 8
    (relative,) = strokes("m1 1c0 8 8 8 8 0")
    np.testing.assert_allclose(relative, np.array(cubic) + 1 + 1j)
    (square,) = strokes("M0 0Q4 8 8 0")
    assert square[CURVE // 2] == pytest.approx(4 + 4j)
    np.testing.assert_allclose(strokes("M0 0Q4 8 8 0T16 0")[0], [*square, *(8 + np.conj(square[1:]))])
    np.testing.assert_allclose(
        strokes("M0 0C0 8 8 8 8 0S16-8 16 0")[0], strokes("M0 0C0 8 8 8 8 0C8-8 16-8 16 0")[0]
    )
    np.testing.assert_allclose(strokes("M0 0L8 0S16 8 16 0")[0][1:], strokes("M8 0C8 0 16 8 16 0")[0])
    np.testing.assert_allclose(strokes("M0 0L8 0T16 0")[0][1:], strokes("M8 0Q8 0 16 0")[0])


@settings(deadline=None)
@given(
    st.floats(0.5, 50),
    st.floats(0.5, 50),
    st.floats(-180, 180),
    st.floats(0, 6),
    st.floats(0.2, 6),
    st.booleans(),
)
def test_an_arc_is_on_its_ellipse(across, down, turn, first, angle, back) -> None:
    centre, turned = 3 - 7j, cmath.rect(1, math.radians(turn))

    def point(at: float) -> complex:
        return centre + turned * complex(across * math.cos(at), down * math.sin(at))

    angle = -angle if back else angle
    start, end = point(first), point(first + angle)
    flags = f"{int(abs(angle) > math.pi)}{int(angle > 0)}"  # without spaces, as programs write them
    text = f"M{start.real!r} {start.imag!r}A{across!r} {down!r} {turn!r} {flags}{end.real!r} {end.imag!r}"
    if abs(abs(angle) - math.pi) < 1e-3:
        return  # either arc is right
    (found,) = strokes(text)
    expected = [point(first + angle * step / (len(found) - 1)) for step in range(len(found))]
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert len(found) >= abs(angle) / (math.pi / 24)


def test_small_radii_grow() -> None:
    (found,) = strokes("M0 0a1 1 0 0 1 8 0")
    np.testing.assert_allclose(np.abs(np.array(found) - 4), 4)
    assert found[len(found) // 2] == pytest.approx(4 - 4j)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("L1 1", "expected a path to begin with M, got L"),
        ("M1", "expected a number in a path, got ''"),
        ("M1 x", "expected a number in a path, got ' x'"),
        ("M1 1Z5 5", "expected a command of a path, got '5 5'"),
        ("5 5", "expected a command of a path, got '5 5'"),
        ("M1 1A1 1 0 2 0 5 5", "expected a number in a path, got ' 2 0 5 5'"),
        ("M1 1e10", "expected numbers of at most 1e+09 in a path, got 1e10"),
        ("M1 1e999", "expected numbers of at most 1e+09 in a path, got 1e999"),
        ("M0 0" + "L1 1" * 1001, "expected at most 1,000 points in a file, found more"),
        ("M0 0" * 1001, "expected at most 1,000 points in a file, found more"),
    ],
)
def test_malformed_paths_are_refused(monkeypatch, text: str, said: str) -> None:
    monkeypatch.setattr(svg_paths, "MOST_POINTS", 1000)
    with pytest.raises(ValueError) as told:  # noqa: PT011  # the message is compared
        SvgPath(text)
    assert str(told.value) == said


def test_shapes_labels_and_what_is_hidden(tmp_path: Path) -> None:
    hidden = '<path d="M0 0L9 9"/>'
    shapes = f"""<title> not <a/>this</title><defs>{hidden}</defs><g display="none">{hidden}</g>
    <g style="display: none"><g>{hidden}</g></g><path d="M0 0L1 1M8 8"/><polyline points="2,2 3,3"/>
    <polygon points="0 0 1 0 1 1"/><line x1="4" y1="4" x2="5"/><path/>"""
    (drawing,) = read(tmp_path, svg(shapes))
    assert drawing[1:] == ("a", "w", "a.svg:1")
    assert drawing.points.tolist() == [
        *[[0, 0, 0], [1, 1, 1], [2, 2, 0], [3, 3, 1], [0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 0, 1]],
        *[[4, 4, 0], [5, 0, 1]],
    ]
    (tmp_path / "b.svgz").write_bytes(gzip.compress((tmp_path / "a.svg").read_bytes()))
    assert len(read_drawings(tmp_path / "b.svgz")[0][0].points) == 10
    titled = '<svg><title>b\nc</title><path d="M0 0L1 1"/></svg>'
    assert read(tmp_path, titled)[0].label == "b c"
    assert read(tmp_path, svg('<path d="M0 0L1 1"/>'), label="data-writer")[0].label == "w"


def test_a_kanji_with_a_document_type(tmp_path: Path) -> None:
    (drawing,) = read(tmp_path, KANJI)
    assert drawing.label == "\u4e00"
    assert drawing.points[[0, -1]].tolist() == [[11, 54.25, 0], [pytest.approx(20.73), 54.75, 1]]


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        ("translate(3)", [4, 2]),
        ("translate(3,4)", [4, 6]),
        ("scale(2)", [2, 4]),
        ("scale(2 -1)", [2, -2]),
        ("rotate(90)", [-2, 1]),
        ("rotate(90 1 1)", [0, 1]),
        ("skewX(45)", [3, 2]),
        ("skewY(45)", [1, 3]),
        ("matrix(1 2 3 4 5 6)", [12, 16]),
        ("translate(1 1) scale(2)", [3, 5]),
        ("scale(2), translate(1 1)", [4, 6]),
    ],
)
def test_transforms_are_applied(tmp_path: Path, transform: str, expected: list[float]) -> None:
    path = '<path d="M1 2L0 0"/>'
    (drawing,) = read(tmp_path, svg(f'<g transform="{transform}">{path}</g>'))
    np.testing.assert_allclose(drawing.points[0, :2], expected, atol=1e-6)
    (outer,) = read(tmp_path, svg(f'<g transform="translate(100)"><g transform="{transform}">{path}</g></g>'))
    np.testing.assert_allclose(outer.points[0, :2], np.add(expected, [100, 0]), atol=1e-5)


ENTITIES = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            f'<!DOCTYPE svg [<!ENTITY l0 "lol">{ENTITIES}]><svg>&l9;</svg>',
            "a.svg:1: expected no declarations",
        ),
        ('<!DOCTYPE svg [<!ENTITY x SYSTEM "/etc/hostname">]><svg>&x;</svg>', "a.svg:1: expected no decl"),
        ('<!DOCTYPE svg [<!ENTITY % x SYSTEM "/etc/hostname"> %x;]><svg/>', "a.svg:1: expected no decl"),
        ("<svg>" + "<g>" * 100_000, "a.svg:1: expected elements at most 64 deep"),
        ("<html/>", "a.svg: expected SVG, <svg>, got <html>"),
        (svg('<path d="M0 0' + "l1 1" * 1_001 + '"/>'), "expected at most 1,000 points in a file"),
        (svg(2 * ('<path d="M0 0' + "t1 1" * 40 + '"/>')), "expected at most 1,000 points in a file"),
        (svg('<path d="M0 1e400L1 1"/>'), "a.svg:1: expected numbers of at most 1e+09 in a path, got 1e400"),
        (svg('<g transform="spin(3)"/>'), "expected a transform of SVG, got spin with 1 numbers"),
        (svg('<g transform="scale(1e99)"/>'), "expected numbers of at most 1e9 in a transform"),
        (svg('<g transform="rotate 3"/>'), "expected transforms such as translate(1 2), got 'rotate 3'"),
        (svg('<g style="fill:none;transform:rotate(3deg)"/>'), "expected transforms as attributes, got one"),
    ],
)
def test_files_that_are_made_to_harm_are_refused(
    tmp_path: Path, monkeypatch, content: str, said: str
) -> None:
    monkeypatch.setattr(svg_paths, "MOST_POINTS", 1000)
    with pytest.raises(UserError) as told:
        read(tmp_path, content)
    assert said in str(told.value)
    assert "\n" not in str(told.value)


def test_endless_scales_give_no_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.svg"
    path.write_text(svg('<g transform="scale(9e8)">' * 60 + '<path d="M1 1L2 2"/>' + "</g>" * 60))
    drawings, notes = read_drawings(path)
    assert drawings == []
    assert notes == ["a.svg: 1 drawings left out: a point is no number, or beyond 1e+09 (a.svg:1)"]
    path.write_text("<svg></svg>")
    assert read_drawings(path)[1] == ["a.svg: 1 drawings left out: no points (a.svg:1)"]
