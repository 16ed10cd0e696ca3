"""The embedded scenes: clear pictures, captions that say what is there, splits that share nothing."""

from __future__ import annotations

import hashlib
import json
import re
import socket
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from apps.image_captioning.embedded import scenes
from apps.image_captioning.embedded.caption_grammar import captions
from apps.image_captioning.embedded.drawing import COLOUR_VALUES, GROUND_VALUES, render
from apps.image_captioning.embedded.facts import fact_scores, mark, parse, scene_of
from apps.image_captioning.embedded.layout import SIDE
from apps.image_captioning.embedded.scenes import Scene
from apps.image_captioning.embedded.statements import (
    COLOURS,
    GROUND_COLOURS,
    RELATIONS,
    SHAPES,
    SIZES,
    TEXTURES,
    Group,
    Statement,
)
from pipelines.ondevice.vocabulary import words

SPLITS = ("train", "validation", "test", "novel")


@pytest.fixture(scope="module")
def splits() -> dict[str, list[Scene]]:
    return scenes.scenes(scenes.SPLIT_SIZES["full"])


def group(count: int, shape: str, colour: str, size: str | None = None, texture: str | None = None) -> Group:
    return Group(count, shape, colour, size, texture)


# Captions as the grammar writes them, and what a reader takes from them.
EXPECTATIONS = [
    ("Four plain black hearts.", Statement((group(4, "heart", "black", texture="plain"),))),
    (
        "On a grainy navy background, a single tiny violet disc sits in the bottom left corner.",
        Statement((group(1, "circle", "purple", "small"),), None, "bottom left", "grainy", "navy"),
    ),
    ("A pair of pink boxes lie side by side.", Statement((group(2, "square", "pink"),), place="row")),
    (
        "A red disc is to the left of two blue plus signs.",
        Statement((group(1, "circle", "red"), group(2, "cross", "blue")), "left"),
    ),
    (
        "Right of a red circle there are two blue crosses with stripes.",
        Statement((group(1, "circle", "red"), group(2, "cross", "blue", texture="striped")), "left"),
    ),
    (
        "Two green stars with one big white moon above them on a white backdrop.",
        Statement(
            (group(1, "crescent", "white", "large"), group(2, "star", "green")),
            "above",
            ground_colour="white",
        ),
    ),
    (
        "An orange rhombus that holds two spotted yellow triangles.",
        Statement(
            (group(2, "triangle", "yellow", texture="dotted"), group(1, "diamond", "orange")), "inside"
        ),
    ),
    (
        "Around a white heart sits one brown square.",
        Statement((group(1, "heart", "white"), group(1, "square", "brown")), "inside"),
    ),
    (
        "A red star is below a red heart, which is below two red boxes.",
        Statement((group(2, "square", "red"), group(1, "heart", "red"), group(1, "star", "red")), "above"),
    ),
    (
        "On the left is a red star, on the right are two blue stars, and between them is a green star.",
        Statement((group(1, "star", "red"), group(1, "star", "green"), group(2, "star", "blue")), "left"),
    ),
    (
        "From right to left, a pink star, a red star and a blue star.",
        Statement((group(1, "star", "blue"), group(1, "star", "red"), group(1, "star", "pink")), "left"),
    ),
    ("a red blue circle", Statement((Group(1, "circle", None),))),
    (
        "a red circle a blue square left of",
        Statement((group(1, "circle", "red"), group(1, "square", "blue"))),
    ),
    ("a man rides a horse", Statement(())),
    ("", Statement(())),
]


@pytest.mark.parametrize(("caption", "statement"), EXPECTATIONS)
def test_captions_are_read_as_a_reader_would(caption: str, statement: Statement) -> None:
    assert parse(caption) == statement


TRUE = Statement(
    (group(1, "circle", "red", "small", "plain"), group(2, "star", "blue", "large", "dotted")),
    "left",
    None,
    "plain",
    "grey",
)


@pytest.mark.parametrize(
    ("caption", "right", "slots"),
    [
        ("A red circle is left of two blue stars.", 7, 7),
        (
            "Two large dotted blue stars are right of a small plain red circle on a plain grey backdrop.",
            13,
            13,
        ),
        ("A red circle is right of two blue stars.", 6, 7),
        ("A red circle is above two blue stars.", 6, 7),
        ("Two blue stars are left of a red circle.", 6, 7),
        ("A red circle is left of a blue star.", 6, 7),
        ("A green circle is left of two blue hearts.", 5, 7),
        ("A red circle is left of two tiny blue stars on a black background.", 7, 9),
        ("Two blue stars.", 3, 7),
        ("A red circle and two blue stars.", 6, 7),
        # The third group is three wrong slots, and its step one more relation.
        ("From left to right, a red circle, two blue stars and a pink box.", 7, 11),
        ("", 0, 7),
    ],
)
def test_marks_are_counted_slot_by_slot(caption: str, right: int, slots: int) -> None:
    marks = mark(parse(caption), TRUE)
    assert (sum(is_right for _, is_right in marks), len(marks)) == (right, slots)


def test_scores_are_shares_over_all_captions() -> None:
    full = "Two large dotted blue stars are right of a small plain red circle on a plain grey backdrop."
    references = [("A red circle is left of two blue stars.", full)] * 2
    scores = fact_scores(["A red circle is left of two blue stars.", "One small red star."], references)
    # The star of the second caption is matched with the circle: one wrong slot, with the stars it were three.
    assert scores == {
        "facts": pytest.approx((7 + 3) / (7 + 8)),
        "objects": pytest.approx(2 / 4),
        "colours": pytest.approx(3 / 4),
        "counts": pytest.approx(3 / 4),
        "relations": 1 / 2,
        "details": 1.0,
        "all_right": 0.5,
    }
    assert fact_scores(["a dog"], [("a dog runs", "the dog")]) == {}


def test_every_reference_is_right_about_its_scene_and_wrong_about_others(
    splits: dict[str, list[Scene]],
) -> None:
    some = [scene for split in SPLITS for scene in splits[split][:600]]
    references = [tuple(captions(scene.statement, scene.seed)) for scene in some]
    for scene, said in zip(some, references, strict=True):
        assert scene_of(said) == scene.statement
        assert len({" ".join(words(caption)) for caption in said}) == 5
    for number in range(5):
        scores = fact_scores([said[number] for said in references], references)
        assert set(scores.values()) == {1.0}
    others = fact_scores([said[0] for said in references[1:] + references[:1]], references)
    assert others["facts"] < 0.35
    assert others["all_right"] < 0.01


def test_captions_vary_and_are_clean_english_on_the_surface(splits: dict[str, list[Scene]]) -> None:
    said = [caption for scene in splits["train"][:1500] for caption in captions(scene.statement, scene.seed)]
    assert len(set(said)) > 0.95 * len(said)
    assert len({re.sub(r"\w+", "w", caption) for caption in said}) > 100
    for caption in said:
        assert re.fullmatch(r"[A-Z][a-z, ]+\.", caption), caption
        assert not re.search(
            r"  | ,|\b[Aa] [aeiou]|\b[Aa]n [^aeiou]|\b(\w+) \1\b|\bis (two|three|four)", caption
        )
        assert 3 <= len(caption.split()) < 45
    used = Counter(word for caption in said for word in words(caption))
    assert set(COLOURS) - set(used) == set()
    assert 90 < len(used) < 150


def test_captions_are_the_same_each_time_and_differ_by_seed(splits: dict[str, list[Scene]]) -> None:
    statement = splits["train"][0].statement
    assert captions(statement, 5) == captions(statement, 5) != captions(statement, 6)


def test_splits_have_their_sizes_and_everything_in_them(splits: dict[str, list[Scene]]) -> None:
    assert {name: len(split) for name, split in splits.items()} == scenes.SPLIT_SIZES["full"]
    assert sum(map(len, splits.values())) >= 6_000
    for split in splits.values():
        groups = [each for scene in split for each in scene.statement.groups]
        for seen, wanted in (
            ({each.shape for each in groups}, SHAPES),
            ({each.colour for each in groups}, COLOURS),
            ({each.size for each in groups}, SIZES),
            ({each.texture for each in groups}, TEXTURES),
            ({scene.statement.relation for scene in split}, (*RELATIONS, None)),
            ({scene.statement.ground_colour for scene in split}, GROUND_COLOURS),
            ({len(scene.objects) for scene in split}, (1, 2, 3, 4)),
        ):
            assert seen == set(wanted)


def combinations(scene: Scene) -> tuple[set, set]:
    """Return the pairs of a scene, and its pairs with their side of a relation, counted anew here."""
    statement = scene.statement
    pairs = [(each.colour, each.shape) for each in statement.groups]
    upper = {(*pair, statement.relation, "first") for pair in pairs[:-1]}
    return set(pairs), upper | {(*pair, statement.relation, "second") for pair in pairs[1:]}


def test_novel_scenes_hold_what_training_never_shows_and_test_scenes_do_not(
    splits: dict[str, list[Scene]],
) -> None:
    shown = [combinations(scene) for scene in splits["train"]]
    pairs, roles = set().union(*(of[0] for of in shown)), set().union(*(of[1] for of in shown))
    kinds = Counter()
    for scene in splits["novel"]:
        own_pairs, own_roles = combinations(scene)
        kinds["pair" if own_pairs - pairs else "role" if own_roles - roles else "nothing"] += 1
    assert kinds == {"pair": 500, "role": 500}
    for split in ("validation", "test"):
        for scene in splits[split]:
            own_pairs, own_roles = combinations(scene)
            assert not own_pairs - pairs
            assert not own_roles - roles
    assert len(pairs) == 70
    assert Counter(colour for colour, _ in pairs) == dict.fromkeys(COLOURS, 7)


def test_no_two_scenes_are_described_alike(splits: dict[str, list[Scene]]) -> None:
    statements = Counter(scene.statement for split in splits.values() for scene in split)
    assert statements.most_common(1)[0][1] == 1


def test_the_same_scenes_on_every_machine(splits: dict[str, list[Scene]]) -> None:
    # Frozen. After a change of words, frames or sampling: raise the builder's VERSION, put the new hash here.
    rows = [
        [split, scenes.facts_of(scene), captions(scene.statement, scene.seed)]
        for split in SPLITS
        for scene in splits[split][:100]
    ]
    assert (
        hashlib.sha256(json.dumps(rows).encode()).hexdigest()
        == "e987e2c1ced77820a45d4d157e271a5dcc2794ae538ad2af7d095b44f3b4c952"
    )


def test_objects_stand_as_the_statement_says(splits: dict[str, list[Scene]]) -> None:
    for scene in splits["train"][:2000] + splits["novel"]:
        statement, objects = scene.statement, scene.objects
        assert Counter(each.group for each in objects) == {
            index: each.count for index, each in enumerate(statement.groups)
        }
        for each in objects:
            assert 0.8 * each.radius < min(each.x, each.y, SIDE - each.x, SIDE - each.y)
            size = statement.groups[each.group].size
            assert each.radius < 10 if size == "small" else each.radius > 12.9
        if statement.relation == "inside":
            outer = next(each for each in objects if each.group == 1)
            for inner in (each for each in objects if each.group == 0):
                apart = np.hypot(inner.x - outer.x, inner.y - outer.y)
                assert apart + inner.radius < 0.8 * outer.radius
            continue
        for one, two in ((one, two) for one in objects for two in objects if one.group < two.group):
            across, down = two.x - one.x, two.y - one.y
            along = across if statement.relation == "left" else down
            assert along > 15
            if len(objects) == 2:  # nobody would say that one is above the other, too
                assert along > abs(down if statement.relation == "left" else across)
        for one, two in ((one, two) for one in objects for two in objects if one is not two):
            assert np.hypot(one.x - two.x, one.y - two.y) > 0.95 * (one.radius + two.radius)


def _nearest(pixel: np.ndarray, table: dict[str, tuple[int, int, int]]) -> str:
    return min(table, key=lambda name: float(np.linalg.norm(np.array(table[name]) - pixel)))


def test_pictures_show_the_facts(splits: dict[str, list[Scene]]) -> None:
    for scene in splits["test"][:150]:
        picture = render(scene)
        assert picture.shape == (SIDE, SIDE, 3)
        assert picture.dtype == np.uint8
        assert np.array_equal(picture, render(scene))
        corners = np.median(picture[[0, 0, -1, -1], [0, -1, 0, -1]], axis=0)
        if scene.statement.ground == "plain":
            assert _nearest(corners, GROUND_VALUES) == scene.statement.ground_colour
        for each in scene.objects:
            look = scene.statement.groups[each.group]
            if look.texture != "plain" or look.shape == "crescent" or each.group == 1:
                continue  # its middle has another tone, is empty, or may be covered
            assert _nearest(picture[round(each.y), round(each.x)], COLOUR_VALUES) == look.colour


def test_textures_and_grounds_are_there_to_see(splits: dict[str, list[Scene]]) -> None:
    scene = next(
        scene for scene in splits["train"] if scene.statement.groups == (scene.statement.groups[0],)
        and scene.statement.groups[0].size == "large" and scene.statement.groups[0].shape == "circle"
    )  # fmt: skip
    plain = replace(scene.statement.groups[0], texture="plain")

    def picture(texture: str, ground: str) -> np.ndarray:
        look = replace(plain, texture=texture)
        statement = replace(scene.statement, groups=(look,), ground=ground)
        return render(replace(scene, statement=statement)).astype(float)

    each = scene.objects[0]
    rows, columns = (slice(round(at - 5), round(at + 6)) for at in (each.y, each.x))
    spread = {t: picture(t, "plain")[rows, columns].std(axis=(0, 1)).max() for t in TEXTURES}
    assert spread["plain"] < 1
    assert min(spread["striped"], spread["dotted"]) > 20
    assert not np.array_equal(picture("striped", "plain"), picture("dotted", "plain"))
    assert picture("plain", "plain")[:4].std(axis=(0, 1)).max() < 1
    assert picture("plain", "grainy")[:4].std(axis=(0, 1)).max() > 5
    shaded = picture("plain", "shaded")
    assert (
        np.abs(shaded[:3].mean() - shaded[-3:].mean()) + np.abs(shaded[:, :3].mean() - shaded[:, -3:].mean())
        > 20
    )


def test_the_builder_prepares_and_reads_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tensorflow_datasets")
    from apps.image_captioning.embedded.rendered_scenes import RenderedScenes

    def refuse(*_: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    sizes = {"train": 12, "validation": 4, "test": 4, "novel": 4}
    monkeypatch.setitem(scenes.SPLIT_SIZES, "small", sizes)
    builder = RenderedScenes(config="small", data_dir=tmp_path)
    builder.download_and_prepare()
    assert {name: split.num_examples for name, split in builder.info.splits.items()} == sizes
    for name, split in scenes.scenes(sizes).items():
        written = {json.dumps(scenes.facts_of(scene)): scene for scene in split}
        rows = list(builder.as_dataset(split=name).as_numpy_iterator())
        assert {row["facts"].decode() for row in rows} == set(written)
        for row in rows:
            scene = written[row["facts"].decode()]
            assert np.array_equal(row["image"], render(scene))
            said = [caption.decode() for caption in row["captions"]]
            assert said == captions(scene.statement, scene.seed)
            facts = json.loads(row["facts"])
            assert [each["shape"] for each in facts["objects"]] == [
                scene.statement.groups[each.group].shape for each in scene.objects
            ]
