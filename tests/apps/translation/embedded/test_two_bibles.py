"""The verses of the two Bibles say the same, and no chapter is in two splits."""

from __future__ import annotations

import re
from pathlib import Path

from apps.translation.embedded.two_bibles import TwoBibles, pairs
from pipelines.data.pair_sources import pairs_from_builder
from pipelines.data.tfds_sets import prepare


def test_verses_are_pairs_by_chapter() -> None:
    found = pairs("full")
    assert {name: len(some) for name, some in found.items()} == {
        "train": 24_375,
        "validation": 2_574,
        "test": 2_587,
    }
    train = found["train"]
    assert train[1001001] == (
        "In the beginning God created the heaven and the earth.",
        "At the first God made the heaven and the earth.",
    )
    assert 19003001 not in train  # in Basic English a psalm's title is its first verse
    assert 1043001 not in train
    sources = "".join(source for some in found.values() for source, _ in some.values())
    assert not set("[]\\") & set(sources)
    chapters = [{number // 1000 for number in some} for some in found.values()]
    assert not chapters[0] & chapters[1] | chapters[0] & chapters[2] | chapters[1] & chapters[2]


def test_names_stand_in_both_verses_of_a_pair() -> None:
    """A shifted chapter would have other names than its source."""
    shared: dict[int, list[bool]] = {}
    for some in pairs("full").values():
        for number, (source, target) in some.items():
            for name in re.findall(r"(?<=[a-z] )(?:Moses|David|Jesus|Paul|Saul|Job|Jacob|Joseph)\b", source):
                shared.setdefault(number // 1000, []).append(name in target)
    assert sum(map(sum, shared.values())) > 0.9 * sum(map(len, shared.values()))
    assert [chapter for chapter, each in shared.items() if len(each) > 4 and sum(each) < len(each) / 2] == []


def test_small_pairs_are_some_of_the_short_ones() -> None:
    found = {config: pairs(config) for config in ("short", "small")}
    for split, some in found["small"].items():
        assert 40 < len(some) < 800
        assert some.items() <= found["short"][split].items()


def test_longer_verses_are_for_training_only() -> None:
    short, longer, full = (pairs(config) for config in ("short", "longer", "full"))
    assert len(short["train"]) == 12_290 < len(longer["train"]) < len(full["train"])
    assert short["train"].items() < longer["train"].items() < full["train"].items()
    assert all(longer[split] == short[split] for split in ("validation", "test"))


def test_the_builder_gives_the_pairs_as_data(tmp_path: Path) -> None:
    builder = prepare(lambda: TwoBibles(config="small", data_dir=str(tmp_path)), tmp_path)
    data = pairs_from_builder(builder)
    expected = {name: list(some.values()) for name, some in pairs("small").items()}
    found = list(zip(data.splits["test"].inputs, data.splits["test"].targets, strict=True))
    assert sorted(found) == sorted(expected["test"])
    kept = len(data.splits["train"]) / len(expected["train"])
    assert 0.8 < kept <= 1  # without the verses whose source is in a held-out chapter too
