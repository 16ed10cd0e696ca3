"""Draws the reviews of each split, and keeps the splits apart.

These are held out:
  * fragments: every fragment belongs to one of train, validation and test, and no other split has it;
  * frames: the frames of validation and of test are in no other split;
  * combinations: in shared frames, validation and test have only adjectives that train never has in the
    same frame.
All splits share the judging words, the degree words and the plain names of the kinds. `order` uses the same
material as test.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Iterator

from . import fragments
from .frames import FRAMES, Frame
from .grammar import (
    LABELS,
    OPPOSITE,
    Fill,
    Review,
    compose,
    counterpart,
    has_counterpart,
    label_of,
    lexical_slots,
    normalize,
)

SIZES = {"train": 15_000, "validation": 1_500, "test": 2_100, "order": 1_000}
OWN_FRAMES = {"train": 0.0, "validation": 0.25, "test": 0.5}
"""The share of reviews whose frame is the split's own."""
SEED = 20_240
_OPENERS = _CLOSERS = 0.25
_ADJECTIVES = ("", "mild", "more", "strong")


def reviews(split: str) -> Iterator[Review]:
    """Yield the reviews of `split` (a key of SIZES), the same on every machine and in the same order.

    No text occurs twice, neither in one split nor in two. The labels of train, validation and test are
    equally frequent. In `order`, the two reviews of a pair follow each other.
    """
    rng = random.Random(f"{SEED} {split}")
    seen = {normalize(review.text) for review in reviews("test")} if split == "order" else set()
    count = 0
    while count < SIZES[split]:
        label = LABELS[count % 3]
        group = _draw_pair("test", rng) if split == "order" else [_draw(split, label, rng)]
        texts = {normalize(review.text) for review in group}
        if not texts & seen:
            seen |= texts
            count += len(group)
            yield from group


@functools.cache
def allowed_words(frame: Frame, split: str, slot: str, *, sign: int, topic: str) -> tuple[str, ...]:
    """Return the judging words of this sign that `split` may put into `slot` ("x", "x:mild") of `frame`.

    A frame that is not shared takes all words. In a shared frame train takes four of five adjectives, and
    validation and test take only the fifth. The position of the fifth moves by one with each shared frame
    that has a slot of this form, so that two such frames together show train every word. There are too few
    verbs, nouns and comparatives to keep some from train.
    """
    form = slot.partition(":")[2]
    pool = _judging_words(form, sign, topic)
    if frame.split != "shared" or form not in _ADJECTIVES:
        return tuple(pool)
    start = _frames_with(form).index(frame)
    held_out = [word for word in pool if (start + _NUMBERS[form, sign].index(word)) % 5 == 0]
    return tuple(word for word in pool if (word in held_out) != (split == "train"))


def _judging_words(form: str, sign: int, *topics: str) -> list[str]:
    forms = {"": ("mild", "more", "strong"), "mild": ("mild", "more")}.get(form, (form,))
    tables = [fragments.GENERAL, *(fragments.SPECIAL[topic] for topic in topics)]
    return list(dict.fromkeys(word for f in forms for table in tables for word in table[sign].get(f, ())))


# A word has the same number in every topic.
_NUMBERS = {
    (form, sign): _judging_words(form, sign, *fragments.TOPICS) for form in _ADJECTIVES for sign in (1, -1)
}


@functools.cache
def _frames_with(form: str) -> list[Frame]:
    """Return the shared frames with a judging word in this form."""
    return [
        frame
        for frame in FRAMES
        if frame.split == "shared"
        and any(
            slot.partition(":")[2] == form and _sign(slot, 1) is not None
            for slot in lexical_slots(frame.template)
        )
    ]


def _sign(slot: str, sign: int) -> int | None:
    """Return the sign of the words for `slot` if x has `sign`; None if the slot takes no judging word."""
    signs = {"x": sign, "x2": sign, "y": -sign, "y2": -sign, "good": 1, "bad": -1}
    return signs.get(slot.partition(":")[0])


@functools.cache
def _ways(split: str, label: str) -> list[tuple[Frame, int, bool]]:
    """Return the ways to reach this label in `split`: a frame, the sign of x, and whether it is mirrored."""
    return [
        (frame, sign, mirrored)
        for frame in FRAMES
        for sign in (1, -1)
        for mirrored in (False, True)
        if frame.split == split and (frame.mirror is not None or not mirrored)
        if label_of(frame.verdict, sign) == (OPPOSITE.get(label) if mirrored else label)
    ]


def _draw(split: str, label: str, rng: random.Random) -> Review:
    frame, sign, mirrored = rng.choice(_ways(_frame_split(split, rng), label))
    review = compose(frame, _draw_fill(frame, split, sign, rng))
    return counterpart(review) if mirrored else review


def _draw_pair(split: str, rng: random.Random) -> list[Review]:
    frame_split = _frame_split(split, rng)
    frame = rng.choice([frame for frame in FRAMES if frame.split == frame_split and has_counterpart(frame)])
    review = compose(frame, _draw_fill(frame, split, rng.choice((1, -1)), rng))
    return [review, counterpart(review)]


def _frame_split(split: str, rng: random.Random) -> str:
    return split if rng.random() < OWN_FRAMES[split] else "shared"


def _draw_fill(frame: Frame, split: str, sign: int, rng: random.Random) -> Fill:
    topic = rng.choice(fragments.TOPICS)
    words: dict[str, str] = {}
    for slot in lexical_slots(frame.template):
        pool = _pool(frame, split, slot, sign=sign, topic=topic)
        words[slot] = rng.choice([word for word in pool if word not in words.values()])
    past, contracted = rng.random() < 0.6, rng.random() < 0.4
    return Fill(
        words,
        sign,
        past,
        # A mirror may move the negation, and "isn't ... are" and "is ... aren't" have different words.
        contracted and frame.mirror is None,
        opener=rng.choice(fragments.OPENERS.of(split)) if rng.random() < _OPENERS else "",
        closer=rng.choice(fragments.CLOSERS.of(split)) if rng.random() < _CLOSERS else "",
    )


def _pool(frame: Frame, split: str, slot: str, *, sign: int, topic: str) -> tuple[str, ...]:
    name = slot.partition(":")[0]
    slot_sign = _sign(slot, sign)
    if slot_sign is not None:
        return allowed_words(frame, split, slot, sign=slot_sign, topic=topic)
    shared = {"kind": fragments.KINDS[topic], **fragments.DEGREES}
    if name in shared:
        return shared[name]
    by_topic = {
        "it": fragments.SUBJECTS,
        "a": fragments.ASPECTS,
        "b": fragments.ASPECTS,
        "other": fragments.OTHERS,
        "cond": fragments.CONDITIONS,
        "fact": fragments.FACTS,
        "fact2": fragments.FACTS,
    }
    parts = fragments.REPORTERS if name == "friend" else by_topic[name][topic]
    return parts.of(split)
