"""Composes a review from a frame and the words for its slots, and derives its label."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from .frames import Frame

LABELS = ("negative", "neutral", "positive")
OPPOSITE = {"negative": "positive", "positive": "negative"}

_SLOT = re.compile(r"{(\w+)(?::(\w+))?}")
_BE = {(False, False): "is", (False, True): "are", (True, False): "was", (True, True): "were"}
_SWAP = str.maketrans("xy", "yx")


@dataclass(frozen=True)
class Fill:
    """The words for the slots of one sentence.

    `words` has a word for each slot, by the slot's text ("a", "x:mild"); plural aspects end in a star. `sign`
    is the sign of x, 1 or -1; y has the other sign. `opener` and `closer` are sentences before and after the
    frame, or empty.
    """

    words: Mapping[str, str]
    sign: int
    past: bool = True
    contracted: bool = False
    opener: str = ""
    closer: str = ""


@dataclass(frozen=True)
class Review:
    """One example, with the frame and the words that it is made of."""

    text: str
    label: str
    frame: Frame
    fill: Fill


def label_of(verdict: str, sign: int) -> str:
    """Return the label of a sentence by its verdict (see frames.py) and the sign of its x."""
    if verdict in LABELS:
        return verdict
    return "positive" if sign == {"x": 1, "-x": -1, "y": -1}[verdict] else "negative"


def compose(frame: Frame, fill: Fill) -> Review:
    """Return the review with the words of `fill` in the slots of `frame`."""
    return Review(_write(frame.template, fill), label_of(frame.verdict, fill.sign), frame, fill)


def counterpart(review: Review) -> Review:
    """Return the review with the same words in another order and the opposite label.

    This uses the frame's mirror if it has one; otherwise x and y change places.
    """
    frame, fill = review.frame, review.fill
    if frame.mirror is not None:
        return Review(_write(frame.mirror, fill), OPPOSITE[review.label], frame, fill)
    swapped = {slot.translate(_SWAP) if slot[0] in "xy" else slot: word for slot, word in fill.words.items()}
    return compose(frame, replace(fill, words=swapped, sign=-fill.sign))


def has_counterpart(frame: Frame) -> bool:
    """Return whether `counterpart` works: it needs a mirror, or a polar label and x and y of equal form."""
    if frame.mirror is not None:
        return True
    slots = lexical_slots(frame.template)
    forms = [sorted(slot.partition(":")[2] for slot in slots if slot[0] == name) for name in "xy"]
    polar = frame.verdict not in LABELS
    return polar and forms[0] == forms[1] and not {"x2", "y2"} & {slot.partition(":")[0] for slot in slots}


def lexical_slots(template: str) -> list[str]:
    """Return the slots of `template` that need a word, each once, without `be`, `not` and `:bare`."""
    slots = [f"{name}:{form}" if form and form != "bare" else name for name, form in _SLOT.findall(template)]
    return [slot for slot in dict.fromkeys(slots) if slot.partition(":")[0] not in ("be", "not")]


def normalize(text: str) -> str:
    """Lower-case `text` and drop its punctuation."""
    return " ".join(re.sub(r"[^\w\s]", "", text.lower()).split())


def _write(template: str, fill: Fill) -> str:
    core = _SLOT.sub(lambda slot: _surface(slot[1], slot[2] or "", fill), template)
    if not fill.opener.endswith(":"):
        core = core[0].upper() + core[1:]
    return " ".join(part for part in (fill.opener, core + ".", fill.closer) if part)


def _surface(name: str, form: str, fill: Fill) -> str:
    if name in ("be", "not"):
        be = _BE[fill.past, fill.words.get(form, "").endswith("*")]
        negated = "n't" if fill.contracted else " not"
        return be + (negated if name == "not" else "")
    word = fill.words[f"{name}:{form}" if form and form != "bare" else name].rstrip("*")
    prefix = {"it": "this ", "a": "the ", "b": "the "}.get(name, "")
    return word if form == "bare" else prefix + word
