"""Draws pictures of text as small SVG files: coloured characters and spans, bars of probabilities."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

_CHARACTER, _LINE, _MARGIN = 8.43, 26, 12  # pixels of a character at a size of 14, of a line, at the edge
_FONT = 'font-family="monospace" font-size="14" xml:space="preserve"'

Piece = tuple[str, str, str]
"""A part of a text, its colour ("" for none) and a small label ("" for none)."""


def svg(width: float, height: float, parts: Iterable[str], title: str) -> str:
    """Return an SVG file on a white ground."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img">'
    ground = f'<title>{html.escape(title)}</title><rect width="100%" height="100%" fill="#fff"/>'
    return "\n".join([head, ground, *parts, "</svg>\n"])


def coloured_text(pieces: Sequence[Piece], columns: int, title: str) -> str:
    """Return an SVG file of a text in lines of at most so many characters, with coloured pieces."""
    parts: list[str] = []
    row = column = 0
    for text, colour, label in pieces:
        needed = len(text) + len(label) + bool(label)
        if column and column + needed > columns:
            row, column, text = row + 1, 0, text.lstrip(" ")
        x, y = _MARGIN + column * _CHARACTER, _MARGIN + row * _LINE
        if colour:
            width = (len(text) + bool(label) + len(label) * 0.75) * _CHARACTER
            parts.append(
                f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="21" rx="2" fill="{colour}"/>'
            )
        parts.append(_text(text, x, y))
        if label:
            at = x + (len(text) + 0.7) * _CHARACTER
            parts.append(_text(label, at, y, 'font-size="10" fill="#444"'))
        column += len(text) + len(label) + bool(label)
    width, height = 2 * _MARGIN + columns * _CHARACTER, 2 * _MARGIN + (row + 1) * _LINE
    return svg(round(width), height, parts, title)


def bars(rows: Sequence[tuple[str, dict[str, float]]], colours: dict[str, str], title: str) -> str:
    """Return an SVG file with a text in each row, and below it a bar of the probabilities of its labels."""
    width, parts = 460, []
    for number, (text, probabilities) in enumerate(rows):
        y, x = _MARGIN + number * 62, float(_MARGIN)
        parts.append(_text(text, x, y))
        for label, share in probabilities.items():
            wide = share * (width - 2 * _MARGIN)
            parts.append(
                f'<rect x="{x:.1f}" y="{y + 24}" width="{wide:.1f}" height="20" fill="{colours[label]}"/>'
            )
            if share > 0.2:
                parts.append(_text(f"{label} {share:.2f}", x + 5, y + 23, 'font-size="12"'))
            x += wide
    return svg(width, 2 * _MARGIN + 62 * len(rows) - 14, parts, title)


def _text(text: str, x: float, y: float, more: str = "") -> str:
    font = _FONT if "font-size" not in more else _FONT.replace(' font-size="14"', "")
    return f'<text x="{x:.1f}" y="{y + 15.5:g}" {font} {more}>{html.escape(text)}</text>'
