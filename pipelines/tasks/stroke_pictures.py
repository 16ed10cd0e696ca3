"""Pictures of drawings: SVG, PNG, contact sheets, and an animated GIF of the pen.

The longer side of a picture has the length that is asked for. Strokes keep their proportions, and no line is
drawn where the pen is lifted. Of very many points some are drawn, so that files stay small.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

import numpy as np

from ..data.strokes import Drawing
from .stroke_ink import CAPTION, Ink, fitted, printable, sheet

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

_FINER = 4  # pixels are drawn this much finer, and averaged
_FRAMES = 60  # of a GIF
_PER_POINT, _SHORTEST, _LONGEST, _HELD = 20, 1000, 6000, 1500  # milliseconds of a GIF; the last for its end
_WHITE, _PEN = 253, 254  # places in the GIF's palette; those below are grey
_PEN_COLOUR = (220, 50, 40)


def svg(drawing: Drawing, side: int = 600) -> str:
    """Return the text of an SVG file: one path, with a subpath for each stroke.

    Args:
        drawing: points that are not finite numbers are left out, and end their stroke.
        side: the longer side in pixels, 48 to 2,000.
    """
    ink = fitted(drawing, side)
    return _svg_file(ink.width, ink.height, _title(drawing) + _path(ink))


def svg_sheet(drawings: Sequence[Drawing], columns: int = 4, side: int = 240) -> str:
    """Return the text of an SVG file with drawings in rows, each above its label.

    Args:
        drawings: the first 100 are drawn.
        columns: drawings in a row.
        side: the width of a column in pixels.
    """
    inks, size = sheet(drawings, columns, side)
    parts = []
    for (ink, x, y), drawing in zip(inks, drawings, strict=False):
        label = (
            f'<text x="{ink.width / 2:g}" y="{ink.height + CAPTION / 2:g}" font-size="12" '
            f'font-family="sans-serif" text-anchor="middle">{_safe(drawing.label)}</text>'
        )
        parts.append(f'<g transform="translate({x},{y})">{_path(ink)}{label}</g>')
    return _svg_file(*size, "\n".join(parts))


def png(drawing: Drawing, side: int = 600) -> bytes:
    """Return a PNG file.

    Args:
        drawing: as for `svg`.
        side: the longer side in pixels, 48 to 2,000.
    """
    ink = fitted(drawing, side)
    return _png_file(_picture(ink))


def png_sheet(drawings: Sequence[Drawing], columns: int = 4, side: int = 240) -> bytes:
    """Return a PNG file with drawings in rows, each above its label.

    Args:
        drawings: the first 100 are drawn.
        columns: drawings in a row.
        side: the width of a column in pixels.
    """
    from PIL import Image, ImageDraw, ImageFont

    inks, size = sheet(drawings, columns, side)
    picture = Image.new("L", size, 255)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(12)
    for (ink, x, y), drawing in zip(inks, drawings, strict=False):
        picture.paste(_picture(ink), (x, y))
        place = (x + ink.width / 2, y + ink.height + CAPTION / 2)
        draw.text(place, printable(drawing.label), 90, font, anchor="mm")
    return _png_file(picture)


def gif(drawing: Drawing, side: int = 400) -> bytes:
    """Return an animated GIF of the pen, at most 60 frames, that runs again and again.

    Points are taken for equal times: where they are dense, the pen is slow.

    Args:
        drawing: as for `svg`.
        side: the longer side in pixels, 48 to 2,000.
    """
    ink = fitted(drawing, side)
    frames = list(_frames(ink))
    lasts = np.clip(_PER_POINT * sum(map(len, ink.strokes)), _SHORTEST, _LONGEST) / len(frames)
    durations = [max(20, 10 * round(lasts / 10))] * (len(frames) - 1) + [_HELD]
    content = io.BytesIO()
    frames[0].save(
        content, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0, optimize=False
    )
    return content.getvalue()


def _frames(ink: Ink) -> Iterator[Image.Image]:
    """Return the frames: more and more ink, with a dot at the pen, and the whole at last."""
    from PIL import Image, ImageDraw

    canvas = Image.new("L", (ink.width * _FINER, ink.height * _FINER), 255)
    draw = ImageDraw.Draw(canvas)
    points = [(stroke, place) for stroke in ink.strokes for place in range(len(stroke))]
    stops = np.unique(np.linspace(0, len(points), min(_FRAMES, len(points)) + 1).round().astype(int)[1:])
    palette = [round(grey * 255 / _WHITE) for grey in range(_WHITE + 1) for _ in range(3)]
    done = 0
    for stop in stops if len(stops) else [0]:
        for stroke, place in points[done:stop]:
            _line(draw, stroke[max(0, place - 1) : place + 1], ink.pen * _FINER)
        done = stop
        grey = np.asarray(canvas.resize((ink.width, ink.height), Image.Resampling.BOX))
        frame = Image.fromarray((grey.astype(np.uint16) * _WHITE // 255).astype(np.uint8), "P")
        frame.putpalette([*palette, *_PEN_COLOUR])
        if stop < len(points):
            stroke, place = points[stop - 1]
            (x, y), dot = stroke[place], 1.5 * ink.pen
            ImageDraw.Draw(frame).ellipse((x - dot, y - dot, x + dot, y + dot), _PEN)
        yield frame


def _picture(ink: Ink) -> Image.Image:
    """Return the grey picture of a drawing."""
    from PIL import Image, ImageDraw

    canvas = Image.new("L", (ink.width * _FINER, ink.height * _FINER), 255)
    draw = ImageDraw.Draw(canvas)
    for stroke in ink.strokes:
        _line(draw, stroke, ink.pen * _FINER)
    return canvas.resize((ink.width, ink.height), Image.Resampling.BOX)


def _line(draw: ImageDraw.ImageDraw, stroke: np.ndarray, width: float) -> None:
    """Draw a line with round ends."""
    places = [tuple(place) for place in (stroke * _FINER).tolist()]
    wide = round(width)
    draw.line(places, 0, wide, joint="curve")
    half = (wide - 1) / 2  # an ellipse has its ends in it
    for x, y in {places[0], places[-1]}:
        draw.ellipse((x - half, y - half, x + half, y + half), 0)


def _png_file(picture: Image.Image) -> bytes:
    content = io.BytesIO()
    picture.save(content, "PNG", optimize=True)
    return content.getvalue()


def _svg_file(width: int, height: int, content: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">\n<rect width="100%" height="100%" fill="white"/>\n'
        f"{content}\n</svg>\n"
    )


def _path(ink: Ink) -> str:
    """Return the path; a stroke of one point is a line of no length, which round ends make a dot."""
    strokes = [
        "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in (each if len(each) > 1 else [*each, *each]))
        for each in ink.strokes
    ]
    if not strokes:
        return ""
    return (
        f'<path d="{"".join(strokes)}" fill="none" stroke="black" stroke-width="{ink.pen:g}" '
        'stroke-linecap="round" stroke-linejoin="round"/>'
    )


def _title(drawing: Drawing) -> str:
    return f"<title>{_safe(drawing.label)}</title>\n" if drawing.label else ""


def _safe(label: str | None) -> str:
    return escape(printable(label))
