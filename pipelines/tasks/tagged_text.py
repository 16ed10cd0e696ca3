"""Show the spans of texts: with colours in a terminal, and as a page."""

from __future__ import annotations

import html
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..files import write_atomically

_COLOURS = (32, 34, 35, 36, 33, 31, 92, 94, 95, 96, 93, 91)
_STYLE = """
body{font:17px/1.8 sans-serif;max-width:46em;margin:2em auto;padding:0 1em}
mark{padding:.1em .3em;border-radius:.3em;color:#111}
mark small{font-size:.7em;margin-left:.4em;color:#444}
"""


def _pieces(answer: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any] | None]]:
    """Yield the parts of a text in their order, with the span of each part that is one."""
    text, end = answer["text"], 0
    for span in answer["spans"]:
        yield text[end : span["start"]], None
        yield text[span["start"] : span["end"]], span
        end = span["end"]
    yield text[end:], None


def coloured(answer: Mapping[str, Any]) -> str:
    """Return a text with its spans in brackets; in a terminal they have a colour for each type.

    Args:
        answer: its `text`, its `spans` with `start`, `end` and `label`, and all `labels` of the network.
    """
    colours = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    shown = []
    for part, span in _pieces(answer):
        marked = part if span is None else f"[{part} {span['label']}]"
        if span is not None and colours:
            number = answer["labels"].index(span["label"]) % len(_COLOURS)
            marked = f"\x1b[{_COLOURS[number]}m{marked}\x1b[0m"
        shown.append(marked)
    return "".join(shown)


def page(answers: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write a page of texts with their spans coloured by type; for answers see `coloured`."""
    lines = []
    for answer in answers:
        parts = []
        for part, span in _pieces(answer):
            if span is None:
                parts.append(html.escape(part))
                continue
            hue = 360 * answer["labels"].index(span["label"]) // len(answer["labels"])
            label, sure = html.escape(span["label"]), f"probability {span['probability']}"
            parts.append(
                f'<mark style="background:hsl({hue} 70% 85%)" title="{sure}">{html.escape(part)}'
                f"<small>{label}</small></mark>"
            )
        lines.append(f'<p dir="auto">{"".join(parts)}</p>')
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Tags</title><style>{_STYLE}</style>'
    write_atomically(path, "\n".join([head, *lines]).encode())
