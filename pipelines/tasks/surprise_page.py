"""Show a text as a page whose characters are coloured by how little a network expected them."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..ondevice.alphabet import Alphabet

_STEPS = 8
_NATS = 6.0  # surprises of this size and more have the strongest colour
_PAGE = """\
<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>body{{font:16px/1.6 monospace;max-width:50em;margin:2em auto;white-space:pre-wrap}}
h1,p{{font-family:sans-serif;white-space:normal}}h1{{font-size:1.2em}}
{colours}.u{{color:#888}}</style>
<h1>{title}</h1><p>{mean:.3f} nats a symbol. The darker, the less expected:
{legend}. Grey characters are unknown to the network.</p>
{text}
"""


class Span(NamedTuple):
    """A character of a text, and how little it was expected."""

    text: str
    nats: float
    """- log p; NaN if it is unknown or the first one."""


def spans(alphabet: Alphabet, text: str, surprises: np.ndarray) -> list[Span]:
    """Return each character with its surprise.

    Args:
        alphabet: the symbols.
        text: the text.
        surprises: - log p of each known symbol but the first, in nats.
    """
    values = iter(np.concatenate([[np.nan], surprises]).tolist())
    found = []
    for character in text:
        parts = [next(values) for _ in alphabet.encode(character)]
        found.append(Span(character, float(np.sum(parts)) if parts else float("nan")))
    return found


def page(title: str, pieces: Sequence[Span], mean: float) -> str:
    """Return an HTML page with the text, coloured by surprise.

    Args:
        title: the heading.
        pieces: the characters.
        mean: the mean surprise in nats, which the page states.
    """
    shades = [f"rgba(214,39,40,{step / _STEPS:.2f})" for step in range(_STEPS + 1)]
    colours = "".join(f".s{step}{{background:{shade}}}" for step, shade in enumerate(shades))
    legend = " ".join(
        f'<span class="s{step}">{_NATS * step / _STEPS:.1f}</span>' for step in range(0, _STEPS + 1, 2)
    )
    text = "".join(_marked(piece) for piece in pieces)
    return _PAGE.format(title=html.escape(title), colours=colours, legend=legend, mean=mean, text=text)


def _marked(piece: Span) -> str:
    shown = html.escape(piece.text)
    if np.isnan(piece.nats):
        return f'<span class="u">{shown}</span>'
    step = min(_STEPS, round(piece.nats / _NATS * _STEPS))
    return f'<span class="s{step}" title="{piece.nats:.2f}">{shown}</span>' if step else shown
