"""Parses captions with the grammar that wrote the references, and marks each fact as right or wrong.

Each fact is a slot:

* objects, colours, counts: one slot of each kind for every group of like objects. The groups of the scene and
  of the caption are matched so that as few slots as possible are wrong. A group that only one of the two has
  counts as three wrong slots (four or five if the caption states its size and texture).
* relations: a slot for each pair of successive groups in the scene or in the caption, whichever has more. It
  is right if the relation holds in the scene ("right of" is "left of" in reverse order).
* details: a slot for each size, texture, place and ground that the caption states. Unstated ones don't count.

Every reference states the first four kinds, so a caption can't gain by leaving them out. A wrong detail
counts against it. The scene is taken from the reference that states everything.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from pipelines.ondevice.vocabulary import words

from . import caption_grammar as grammar
from .statements import GROUND_COLOURS, GROUNDS, Group, Statement

Mark = tuple[str, bool]
"""The kind of a slot, and whether it is right."""
KINDS = ("objects", "colours", "counts", "relations", "details")

_COUNTS = {form: count for count, forms in (*grammar.COUNTS.items(), (1, ("an",))) for form in forms}
_SHAPES = {
    form: shape
    for shape, nouns in grammar.NOUNS.items()
    for noun in nouns
    for form in (noun, grammar.plural_of(noun))
}
_COLOURS = {form: colour for colour, forms in grammar.COLOUR_WORDS.items() for form in forms}
_SIZES = {form: size for size, forms in grammar.SIZE_WORDS.items() for form in forms}
_TEXTURES = {form: texture for texture, forms in grammar.TEXTURE_WORDS.items() for form in forms}
_TAILS = {form: texture for texture, forms in grammar.TEXTURE_TAILS.items() for form in forms}


def _any_of(forms: Iterable[str]) -> str:
    return "|".join(sorted(forms, key=len, reverse=True))


_NOUN_PHRASE = re.compile(
    rf"\b({_any_of(_COUNTS)}) ((?:(?:{_any_of([*_COLOURS, *_SIZES, *_TEXTURES])}) )*)"
    rf"({_any_of(_SHAPES)})\b(?: ({_any_of(_TAILS)})\b)?"
)
_GROUND = re.compile(
    rf"\b(?:on|against) a (?:({_any_of(GROUNDS)}) )?({_any_of(GROUND_COLOURS)}) "
    rf"(?:{_any_of(grammar.GROUND_NOUNS)})\b"
)
_SAME = {"their": "its", "them": "it"} | {form: "be" for verb in grammar.VERBS.items() for form in verb}


def _skeleton(text: str) -> str:
    """Return the words of a frame or caption, with "#" for each group and without grammatical number."""
    return " ".join(_SAME.get(word, word) for word in text.replace(",", "").split())


def _skeletons() -> Iterator[tuple[str, tuple[str, str | None, str | None]]]:
    """Yield the skeleton of each frame, with the order of its groups, its relation and its place."""
    for (_, relation), styles in grammar.FRAMES.items():
        for frame in itertools.chain(*styles):
            yield _bare(frame), ("".join(re.findall(r"{([abc])}", frame)), relation, None)
    for place, phrases in grammar.PLACE_WORDS.items():
        for frame, phrase in itertools.product(grammar.PLACED, phrases):
            yield _bare(frame.replace("PLACE", phrase)), ("a", None, place)


def _bare(frame: str) -> str:
    frame = re.sub(r"{([abc])}", "#", frame)
    return _skeleton(re.sub(r"{(\w+):[abc]}", r"\1", frame))


_SKELETONS = dict(_skeletons())
_OPENING = re.compile(rf"^(?:{_any_of(map(_bare, grammar.OPENINGS))}) (?=#)")


def parse(caption: str) -> Statement:
    """Return the facts that a caption states; no groups if it names no object as the grammar would.

    Relation and place are parsed only from sentences that the grammar can generate.
    """
    text = " ".join(words(caption))
    ground = _GROUND.search(text)
    if ground:
        text = text[: ground.start()] + text[ground.end() :]
    groups = [_group(*match.groups()) for match in _NOUN_PHRASE.finditer(text)]
    skeleton = _OPENING.sub("", _skeleton(_NOUN_PHRASE.sub("#", text)))
    order, relation, place = _SKELETONS.get(skeleton, ("", None, None))
    if order:
        groups = [group for _, group in sorted(zip(order, groups, strict=True), key=lambda pair: pair[0])]
    kind, colour = ground.groups() if ground else (None, None)
    return Statement(tuple(groups), relation, place, kind, colour)


def _group(count: str, adjectives: str, noun: str, tail: str | None) -> Group:
    found = adjectives.split()
    return Group(
        _COUNTS[count],
        _SHAPES[noun],
        _only(_COLOURS[word] for word in found if word in _COLOURS),
        _only(_SIZES[word] for word in found if word in _SIZES),
        _TAILS[tail] if tail else _only(_TEXTURES[word] for word in found if word in _TEXTURES),
    )


def _only(values: Iterable[str]) -> str | None:
    """Return the only value; None if there is none, or if there are different ones."""
    different = set(values)
    return different.pop() if len(different) == 1 else None


def fact_scores(hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return the share of right slots over all captions: of all kinds (`facts`), and of each kind.

    `all_right` is the share of captions without a wrong slot. A kind without slots has no score. If the
    references are not from the grammar, there are no scores at all.
    """
    if not all(scene_of(tuple(captions)).groups for captions in references):
        return {}
    right, slots, faultless = Counter[str](), Counter[str](), 0
    for hypothesis, captions in zip(hypotheses, references, strict=True):
        marks = _marks(hypothesis, tuple(captions))
        right.update(kind for kind, is_right in marks if is_right)
        slots.update(kind for kind, _ in marks)
        faultless += all(is_right for _, is_right in marks)
    scores = {kind: right[kind] / slots[kind] for kind in KINDS if slots[kind]}
    return {"facts": right.total() / slots.total(), **scores, "all_right": faultless / len(references)}


# The bootstrap scores the same captions many times.
@functools.lru_cache(maxsize=50_000)
def _marks(caption: str, references: tuple[str, ...]) -> list[Mark]:
    return mark(parse(caption), scene_of(references))


@functools.lru_cache(maxsize=50_000)
def scene_of(references: tuple[str, ...]) -> Statement:
    """Return the scene of the references: the facts of the most detailed one."""
    return max(map(parse, references), key=lambda statement: len(statement.details))


def mark(stated: Statement, scene: Statement) -> list[Mark]:
    """Return the slots of a caption, with groups matched so that as few as possible are wrong.

    Args:
        stated: the facts of the caption.
        scene: the facts of the scene.
    """
    size = max(len(stated.groups), len(scene.groups))
    matchings = itertools.permutations(range(size), len(scene.groups))
    grounds = [
        ("details", getattr(stated, name) == getattr(scene, name))
        for name in ("place", "ground", "ground_colour")
        if getattr(stated, name) is not None
    ]
    return max(
        (_mark_groups(stated, scene, matching) + grounds for matching in matchings),
        key=lambda marks: sum(is_right for _, is_right in marks) - len(marks),
    )


def _mark_groups(stated: Statement, scene: Statement, matching: Sequence[int]) -> list[Mark]:
    """Return the slots if group `matching[i]` of the caption (it may not exist) is group i of the scene."""
    partner = {theirs: ours for ours, theirs in enumerate(matching)}
    marks: list[Mark] = []
    for index in range(max(len(stated.groups), len(scene.groups))):
        group = stated.groups[index] if index < len(stated.groups) else None
        marks += _mark_group(group, scene.groups[partner[index]] if index in partner else None)
    steps = len(stated.groups) - 1 if stated.relation else 0
    for index in range(steps):
        in_order = partner.get(index, -1) < partner.get(index + 1, -1) and index in partner
        marks.append(("relations", stated.relation == scene.relation and in_order))
    return marks + [("relations", False)] * (len(scene.groups) - 1 - steps)


def _mark_group(stated: Group | None, true: Group | None) -> list[Mark]:
    kinds = {"shape": "objects", "colour": "colours", "count": "counts"}
    kinds |= {"size": "details", "texture": "details"}
    return [
        (kind, stated is not None and true is not None and getattr(stated, name) == getattr(true, name))
        for name, kind in kinds.items()
        if kind != "details" or (stated is not None and getattr(stated, name) is not None)
    ]
