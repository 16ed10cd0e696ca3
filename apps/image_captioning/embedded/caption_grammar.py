"""Describes facts in sentences, with random words and sentence frames."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping

from pipelines.ondevice.vocabulary import words

from .statements import Group, Statement

COUNTS = {1: ("a", "a", "a", "one", "a single"), 2: ("two", "two", "a pair of"), 3: ("three",), 4: ("four",)}
NOUNS = {
    "circle": ("circle", "disc"),
    "square": ("square", "box"),
    "triangle": ("triangle",),
    "diamond": ("diamond", "rhombus"),
    "star": ("star",),
    "heart": ("heart",),
    "cross": ("cross", "plus sign"),
    "crescent": ("crescent", "moon"),
}
COLOUR_WORDS = {
    "red": ("red",),
    "orange": ("orange",),
    "yellow": ("yellow",),
    "green": ("green",),
    "blue": ("blue",),
    "purple": ("purple", "violet"),
    "pink": ("pink",),
    "brown": ("brown",),
    "black": ("black",),
    "white": ("white",),
}
SIZE_WORDS = {"small": ("small", "little", "tiny"), "large": ("large", "big")}
TEXTURE_WORDS = {"plain": ("plain", "solid"), "striped": ("striped",), "dotted": ("dotted", "spotted")}
TEXTURE_TAILS = {"striped": ("with stripes",), "dotted": ("with dots", "with spots")}
PLACE_WORDS = {
    "centre": ("in the centre", "in the middle"),
    "top left": ("in the top left corner", "at the top left"),
    "top right": ("in the top right corner", "at the top right"),
    "bottom left": ("in the bottom left corner", "at the bottom left"),
    "bottom right": ("in the bottom right corner", "at the bottom right"),
    "row": ("in a row", "side by side"),
    "column": ("in a column", "one above another"),
}
GROUND_NOUNS = ("background", "backdrop")
OPENINGS = ("there {be:a}", "the picture shows", "the image shows", "you can see", "we see")
"""Phrases before a frame that begins with {a}; `{be:a}` agrees with a in number."""
VERBS = {"is": "are", "lies": "lie", "sits": "sit"}

PREPOSITIONS = {
    "left": ("to the left of", "on the left of", "left of"),
    "above": ("above", "over"),
    "inside": ("inside", "within"),
}
CONVERSES = {
    "left": ("to the right of", "on the right of", "right of"),
    "above": ("below", "under", "beneath"),
    "inside": ("around",),
}
_STYLES = (
    "{a} PREPOSITION {b}",
    "{a} {be:a} PREPOSITION {b}",
    "{a} {be:a} PREPOSITION {b}",
    "PREPOSITION {b} {be:a} {a}",
    "PREPOSITION {b} there {be:a} {a}",
)
_FRAMES = {
    (1, None): ("{a}",),
    (2, "left"): (
        "{a} on the left and {b} on the right",
        "{b} on the right and {a} on the left",
        "on the left {be:a} {a}, on the right {be:b} {b}",
        "from left to right, {a} and {b}",
        "{b} with {a} to {its:b} left",
        "{a} with {b} to {its:a} right",
    ),
    (2, "above"): (
        "{a} at the top and {b} at the bottom",
        "{b} at the bottom and {a} at the top",
        "at the top {be:a} {a}, at the bottom {be:b} {b}",
        "from top to bottom, {a} and {b}",
        "{b} with {a} above {it:b}",
        "{a} with {b} below {it:a}",
    ),
    (2, "inside"): (
        "{b} containing {a}",
        "{b} that holds {a}",
        "{b} with {a} inside {it:b}",
    ),
    (3, "left"): (
        "from left to right, {a}, {b} and {c}",
        "from right to left, {c}, {b} and {a}",
        "{b} between {a} on the left and {c} on the right",
        "{a} on the left, {b} in between and {c} on the right",
        "on the left {be:a} {a}, on the right {be:c} {c}, and between them {be:b} {b}",
    ),
    (3, "above"): (
        "from top to bottom, {a}, {b} and {c}",
        "from bottom to top, {c}, {b} and {a}",
        "{b} between {a} above and {c} below",
        "{a} at the top, {b} in between and {c} at the bottom",
        "at the top {be:a} {a}, at the bottom {be:c} {c}, and between them {be:b} {b}",
    ),
}
_CHAIN = "{a} {be:a} PREPOSITION {b}, which {be:b} PREPOSITION {c}"
_SLOT = re.compile(r"{(\w+)(?::(\w))?}")


def _styled(style: str, number: int, relation: str) -> list[tuple[str, ...]]:
    """Return the style with each preposition, and with each converse and the groups in reverse order."""
    turn = str.maketrans("abc"[:number], "abc"[:number][::-1])
    turned = re.sub(r"[abc]}", lambda name: name[0].translate(turn), style)
    return [
        tuple(style.replace("PREPOSITION", phrase) for phrase in PREPOSITIONS[relation]),
        tuple(turned.replace("PREPOSITION", phrase) for phrase in CONVERSES[relation]),
    ]


def _frames(number: int, relation: str | None) -> list[tuple[str, ...]]:
    own = [(frame,) for frame in _FRAMES[number, relation]]
    styles = {1: (), 2: _STYLES, 3: (_CHAIN,)}[number]
    return own + [frames for style in styles for frames in _styled(style, number, relation or "")]


FRAMES: Mapping[tuple[int, str | None], list[tuple[str, ...]]] = {key: _frames(*key) for key in _FRAMES}
"""Frames by number of groups and relation, grouped by style. {a} is the first group."""
PLACED = ("{a} PLACE", "{a} {be:a} PLACE")


def captions(statement: Statement, seed: int, number: int = 5) -> list[str]:
    """Return different captions of a scene, one of which states all facts."""
    rng = random.Random(seed)
    found = [compose(statement, 1.0, rng)]
    while len(found) < number:
        caption = compose(statement, rng.choice((0.0, 0.35, 0.7)), rng)
        if words(caption) not in map(words, found):
            found.append(caption)
    rng.shuffle(found)
    return found


def compose(statement: Statement, detail: float, rng: random.Random) -> str:
    """Return one caption: shapes, colours, counts, the relation, and a share `detail` of other facts."""
    names = dict(zip("abc", statement.groups, strict=False))
    phrases = {name: _noun_phrase(group, detail, rng) for name, group in names.items()}
    frame = rng.choice(rng.choice(FRAMES[len(statement.groups), statement.relation]))
    place = _some(statement.place, detail, rng)
    if place:
        frame = rng.choice(PLACED).replace("PLACE", rng.choice(PLACE_WORDS[place]))
    if frame.startswith("{") and "{be:" not in frame and rng.random() < 0.4:
        opening = rng.choice(OPENINGS).replace(":a", f":{frame[1]}")
        frame = f"{opening} {frame}"
    verb = rng.choice(("is", "is", *VERBS))
    sentence = _SLOT.sub(lambda slot: _filled(slot[1], names.get(slot[2]), phrases, verb), frame)
    sentence = _on_ground(sentence, statement, detail, rng)
    return sentence[0].upper() + sentence[1:] + "."


def _filled(slot: str, group: Group | None, phrases: Mapping[str, str], verb: str) -> str:
    """Return the words of a slot: the phrase of a group, or a word that agrees with `group` in number."""
    if group is None:
        return phrases[slot]
    plural = group.count > 1
    forms = {"be": (verb, VERBS[verb]), "its": ("its", "their"), "it": ("it", "them")}
    return forms[slot][plural]


def _noun_phrase(group: Group, detail: float, rng: random.Random) -> str:
    assert group.colour is not None
    adjectives = [rng.choice(COLOUR_WORDS[group.colour])]
    tail = ""
    texture = _some(group.texture, detail, rng)
    if texture in TEXTURE_TAILS and rng.random() < 0.3:
        tail = " " + rng.choice(TEXTURE_TAILS[texture])
    elif texture:
        first = texture == "plain" or rng.random() < 0.7
        adjectives.insert(0 if first else 1, rng.choice(TEXTURE_WORDS[texture]))
    if size := _some(group.size, detail, rng):
        adjectives.insert(0, rng.choice(SIZE_WORDS[size]))
    noun = rng.choice(NOUNS[group.shape])
    count = rng.choice(COUNTS[group.count])
    if count == "a" and adjectives[0] == "orange":
        count = "an"
    return " ".join([count, *adjectives, plural_of(noun) if group.count > 1 else noun]) + tail


def plural_of(noun: str) -> str:
    """Return the plural of a noun of the grammar."""
    return noun + ("es" if noun.endswith(("s", "x")) else "s")


def _on_ground(sentence: str, statement: Statement, detail: float, rng: random.Random) -> str:
    colour = _some(statement.ground_colour, detail, rng)
    if not colour:
        return sentence
    kind = _some(statement.ground, detail, rng)
    ground = " ".join(word for word in ("a", kind, colour, rng.choice(GROUND_NOUNS)) if word)
    if rng.random() < 0.3:
        return f"on {ground}, {sentence}"
    return f"{sentence} {rng.choice(('on', 'against'))} {ground}"


def _some(fact: str | None, detail: float, rng: random.Random) -> str | None:
    return fact if rng.random() < detail else None
