"""Reading drawings with handwriting: an answer after each stroke, and drawings that are broken on purpose."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from apps.handwriting.config import PRESETS
from apps.handwriting.drawing_input import drawings_of
from apps.handwriting.predict import describe
from apps.handwriting.reader import Reader
from apps.handwriting.rows import Rows
from pipelines.config import to_dict
from pipelines.data.strokes import Drawing
from pipelines.errors import UserError
from pipelines.ondevice.alphabet import Alphabet

SMOKE = dataclasses.replace(PRESETS["smoke"], max_points=30)
ROWS = Rows((2.0, 4.0), steps=4, characters=0, alphabet="ab", labels=(), ahead=False)


def reader_of(outputs: np.ndarray, *, both: bool, labels: list[str], beams: int = 1) -> Reader:
    """Return a reader whose network answers like this, step by step or to padded drawings."""
    reader = object.__new__(Reader)
    reader._rows, reader._alphabet = ROWS, Alphabet("ab")
    reader._labels, reader._beams, reader._reads_texts = labels, beams, not labels
    reader._both = both

    def whole(rows: np.ndarray) -> np.ndarray:
        assert rows.shape == (1, ROWS.steps, 3)
        seen = int((rows != 0).any(-1).sum())
        return outputs[None, seen - 1] if labels else outputs[None]

    if both:
        reader._run = SimpleNamespace(predict=whole)
    else:
        reader.outputs = lambda offsets: outputs
    return reader


@pytest.mark.parametrize("both", [False, True])
def test_a_reader_answers_after_each_stroke(both: bool) -> None:
    reader = reader_of(np.array([[0.9, 0.1], [0.2, 0.8]]), both=both, labels=["a", "b"])
    points = np.array([[0, 0, 0], [2, 4, 1], [6, 4, 1]], np.float32)
    found = reader(Drawing(points))
    assert found["label"] == "b"
    assert [each["label"] for each in found["by_stroke"]] == ["a", "b"]
    assert describe({"drawing": "x", **found}).endswith("by stroke: a b")
    with pytest.raises(UserError, match="the bundle has 3 labels"):
        reader_of(np.array([[0.9, 0.1], [0.2, 0.8]]), both=both, labels=["a", "b", "c"])(Drawing(points))


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("beams", [1, 8])
def test_a_reader_of_texts_answers_after_each_stroke(beams: int, both: bool) -> None:
    outputs = np.log([[0.1, 0.8, 0.1], [0.8, 0.1, 0.1], [0.1, 0.1, 0.8], [0.8, 0.1, 0.1]])
    reader = reader_of(outputs, both=both, labels=[], beams=beams)
    points = np.array([[0, 0, 0], [2, 4, 1], [6, 4, 0], [6, 4, 1], [9, 4, 0]], np.float32)
    found = reader(Drawing(points))
    assert found == {"text": "ab", "by_stroke": [{"text": "a"}, {"text": "ab"}]}
    never = points.copy()
    never[:, 2] = 0
    assert reader(Drawing(never)) == {"text": "ab", "by_stroke": [{"text": "ab"}]}


ENTITY = '<!DOCTYPE ink [<!ENTITY x SYSTEM "file:///etc/hostname">]><ink>&x;</ink>'
BOMB = '<!DOCTYPE svg [<!ENTITY a "b"><!ENTITY c "&a;&a;&a;">]><svg>&c;</svg>'


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "x,y,pen\n1,1,1\n", "a single dot"),
        ("a.csv", "x,y\n" + "".join(f"{n % 7},{n}\n" for n in range(20_000)), "more than 30 points"),
        ("a.csv", "x,y\n1,1\nnan,2\n", "a point is no number"),
        ("a.inkml", ENTITY, "expected no declarations"),
        ("a.svg", BOMB, "expected no declarations"),
        ("a.csv", "x,y,pen\n1,1,0\n2,2,0\n", None),
        ("a.csv", "x,y,pen\n1,1,1\n2,2,0\n3,3,1\n", None),
    ],
)
def test_what_is_broken_on_purpose_is_mended_or_refused_in_one_line(
    tmp_path: Path, name: str, content: str, said: str | None
) -> None:
    (tmp_path / name).write_text(content)
    made_by = SimpleNamespace(manifest={"config": to_dict(SMOKE)})
    if said is None:
        (drawing,) = drawings_of(made_by, tmp_path / name)
        assert drawing.points[-1, 2] == 1
        return
    with pytest.raises(UserError, match=said) as told:
        drawings_of(made_by, tmp_path / name)
    assert "\n" not in str(told.value)
