"""A TFDS set of drawings is stored and read again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipelines.data.stroke_reading import Reading
from pipelines.data.stroke_sources import drawings_from_builder
from pipelines.data.strokes import Drawing
from pipelines.errors import UserError

tfds = pytest.importorskip("tensorflow_datasets")

from pipelines.data.stroke_sets import StrokeSet, drawings_from_set  # noqa: E402  # needs tfds
from pipelines.data.tfds_sets import prepare  # noqa: E402


class Scribbles(StrokeSet):
    """Random lines of three writers, one for each split."""

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=name) for name in ("few", "many")]  # noqa: RUF012

    def about(self) -> tuple[str, str]:
        return "Random lines.", "CC0"

    def drawings(self, name: str) -> dict[str, list[Drawing]]:
        rng = np.random.default_rng(0)
        found: dict[str, list[Drawing]] = {}
        for split, count in {"train": 12, "validation": 3, "test": 4}.items():
            for number in range(count if name == "few" else 9 * count):
                points = rng.normal(size=(5 + number % 4, 3)).astype(np.float32)
                points[:, 2] = [*[0, 1, 0, 0] * 9, 1][-len(points) :]
                label = "ä b" if number % 2 else None
                found.setdefault(split, []).append(Drawing(points, label, f"of {split}", f"line {number}"))
        return found


def test_drawings_come_back_in_their_order(tmp_path: Path) -> None:
    builder = prepare(lambda: Scribbles(data_dir=str(tmp_path), config="few"), tmp_path)
    data = drawings_from_builder(builder, Reading())
    assert data.counts == {"train": 12, "validation": 3, "test": 4}
    assert data.source == builder.info.full_name
    assert [note.partition(": ")[2][:40] for note in data.notes] == [
        "4 drawings have strokes of one point: th"
    ]
    for name, given in Scribbles.drawings(builder, "few").items():
        assert data.splits[name].targets.tolist() == [each.label or "" for each in given]
        for one, two in zip(given, data.splits[name].inputs, strict=True):
            np.testing.assert_array_equal(one.points, two.points)
            assert one[1:] == two[1:]


def test_other_sets_are_refused() -> None:
    class Info:
        full_name, features = "digits/1.0.0", {"image": 0}

    class Builder:
        info = Info()

    with pytest.raises(UserError, match=r"digits/1\.0\.0: expected the features label, place, .*\['image'\]"):
        drawings_from_set(Builder())
