"""From sentences to facts: reads captions by the grammar that wrote the references, and marks them.

Each fact is a slot, and a caption is marked slot by slot:

* objects, colours, counts: a slot each for every group of like objects, those of the scene and those that
  the caption says matched so that least is wrong; a group that only one of the two has makes three wrong
  slots (four or five where its size and texture are said);
* relations: a slot for each step from one group to the next, in the scene or in the caption, whichever
  has more; right where it holds in the scene ("right of" is "left of", read backwards);
* details: a slot for each size, texture, place and ground that the caption says; unsaid ones don't count.

So the first four kinds are what every reference says, a caption can't win by silence about them, and what
it says beyond them is held against it where it is wrong. The scene itself is taken from its references:
one of them says everything.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from . import caption_grammar as grammar
from .captions import words
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
    """Return the words of a frame or of what is left of a caption, each group a "#", without number."""
    return " ".join(_SAME.get(word, word) for word in text.replace(",", "").split())


def _skeletons() -> Iterator[tuple[str, tuple[str, str | None, str | None]]]:
    """Yield, for each frame, its skeleton and: its groups in the order of the sentence, relation, place."""
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
    """Return what `caption` says; without groups where it names no object as the grammar does.

    A relation and a place are read only from a sentence that the grammar could have made.
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
    said = adjectives.split()
    return Group(
        _COUNTS[count],
        _SHAPES[noun],
        _only(_COLOURS[word] for word in said if word in _COLOURS),
        _only(_SIZES[word] for word in said if word in _SIZES),
        _TAILS[tail] if tail else _only(_TEXTURES[word] for word in said if word in _TEXTURES),
    )


def _only(values: Iterable[str]) -> str | None:
    """Return the one value; None where there is none, or several that contradict each other."""
    different = set(values)
    return different.pop() if len(different) == 1 else None


def fact_scores(hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return the share of right slots over all captions: `facts`, and of each kind; see the module.

    `all_right` is the share of captions without a wrong slot. A kind without slots has no score; nothing
    has one where the references are not the grammar's.
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


# Bootstrapping asks for the same again and again.
@functools.lru_cache(maxsize=50_000)
def _marks(caption: str, references: tuple[str, ...]) -> list[Mark]:
    return mark(parse(caption), scene_of(references))


@functools.lru_cache(maxsize=50_000)
def scene_of(references: tuple[str, ...]) -> Statement:
    """Return the scene that the references describe: what the fullest of them says."""
    return max(map(parse, references), key=lambda statement: len(statement.details))


def mark(said: Statement, scene: Statement) -> list[Mark]:
    """Return the slots of a caption that says `said` of `scene`, groups matched so that least is wrong."""
    size = max(len(said.groups), len(scene.groups))
    matchings = itertools.permutations(range(size), len(scene.groups))
    grounds = [
        ("details", getattr(said, name) == getattr(scene, name))
        for name in ("place", "ground", "ground_colour")
        if getattr(said, name) is not None
    ]
    return max(
        (_mark_groups(said, scene, matching) + grounds for matching in matchings),
        key=lambda marks: sum(is_right for _, is_right in marks) - len(marks),
    )


def _mark_groups(said: Statement, scene: Statement, matching: Sequence[int]) -> list[Mark]:
    """Mark with group `matching[i]` of the caption (there may be none of that number) for i of the scene."""
    partner = {theirs: ours for ours, theirs in enumerate(matching)}
    marks: list[Mark] = []
    for index in range(max(len(said.groups), len(scene.groups))):
        group = said.groups[index] if index < len(said.groups) else None
        marks += _mark_group(group, scene.groups[partner[index]] if index in partner else None)
    steps = len(said.groups) - 1 if said.relation else 0
    for index in range(steps):
        in_order = partner.get(index, -1) < partner.get(index + 1, -1) and index in partner
        marks.append(("relations", said.relation == scene.relation and in_order))
    return marks + [("relations", False)] * (len(scene.groups) - 1 - steps)


def _mark_group(said: Group | None, true: Group | None) -> list[Mark]:
    kinds = {"shape": "objects", "colour": "colours", "count": "counts"}
    kinds |= {"size": "details", "texture": "details"}
    return [
        (kind, said is not None and true is not None and getattr(said, name) == getattr(true, name))
        for name, kind in kinds.items()
        if kind != "details" or (said is not None and getattr(said, name) is not None)
    ]
