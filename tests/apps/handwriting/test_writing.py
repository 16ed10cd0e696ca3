"""Writing with handwriting: what the network is told, where drawings end, and who reads them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from apps.handwriting.embedded import written_lines
from apps.handwriting.predict import describe
from apps.handwriting.rows import Rows
from apps.handwriting.show import as_asked
from apps.handwriting.writer import Writer
from pipelines.data.examples import Data, Examples
from pipelines.data.strokes import Drawing
from pipelines.errors import UserError
from pipelines.ondevice.pen_sampling import PenSampler

ROWS = Rows((2.0, 4.0), steps=4, characters=3, alphabet="ab", labels=(), ahead=True)


class Straight:
    """Stands for a network whose pen goes right, and whose window moves a character in two steps."""

    def __init__(self, places: int) -> None:
        self._places = places
        self.told: list[np.ndarray] = []

    def initial_state(self) -> dict:
        return {"step": 0}

    def __call__(self, row: np.ndarray, state: dict, /) -> tuple[dict, dict]:
        self.told.append(row[3:])
        step = state["step"] + 1
        mixture = np.array([0.0, 1.0, 0.0, -9.0, -9.0, 0.0, 9.0 if step % 3 == 0 else -9.0])
        return {
            "output": np.concatenate([mixture, np.eye(self._places)[min(step // 2, self._places - 1)]])
        }, {"step": step}


def test_a_text_is_told_at_every_step_and_the_drawing_ends_behind_it() -> None:
    network = Straight(ROWS.characters)
    drawing, drawn = Writer(network, ROWS, 1)("ab", PenSampler(0.0), 0, steps=50)
    assert all(told.tolist() == [1, 2, 0] for told in network.told)
    assert drawn.finished
    assert len(drawn.offsets) == 6  # the window is behind the text at step 4, the pen is lifted at step 6
    np.testing.assert_allclose(drawing.points[:, 0], 2.0 * np.arange(7), atol=0.01)
    assert drawing.points[-1, 2] == 1
    for text, message in (
        ("abc", "unknown characters 'c'"),
        ("", "expected 1 to 2"),
        ("aba", "expected 1 to 2"),
    ):
        with pytest.raises(UserError, match=message):
            Writer(network, ROWS, 1)(text, PenSampler(0.0), 0, steps=5)


class Strokes:
    """Stands for a network whose drawings end with the third stroke."""

    def initial_state(self) -> dict:
        return {"lifts": 0.0}

    def __call__(self, row: np.ndarray, state: dict, /) -> tuple[dict, dict]:
        lifts = state["lifts"] + row[2]
        mixture, end = [0.0, 1.0, 0.0, -9.0, -9.0, 0.0, 0.0], 50.0 if lifts == 2 else -50.0
        return {"output": np.array([*mixture, end])}, {"lifts": lifts}


def test_a_drawing_without_a_text_ends_where_the_network_says_so() -> None:
    rows = dataclasses.replace(ROWS, characters=0, alphabet="")
    drawing, drawn = Writer(Strokes(), rows, 1)("", PenSampler(0.0), 0, steps=100)
    assert drawn.finished
    assert drawing.points[:, 2].sum() == 3
    assert drawn.window is None
    _, cut = Writer(Strokes(), rows, 1)("", PenSampler(0.0), 0, steps=2)
    assert not cut.finished
    answer = {"files": ["a.svg"], "written": "", "strokes": 1, "steps": 2, "finished": False}
    assert describe(answer).endswith("(stopped: it has the largest length)")


def test_a_label_is_drawn_in_the_style_of_a_drawing_of_any_label() -> None:
    network, rows = Straight(2), dataclasses.replace(ROWS, characters=1, alphabet="", labels=("1", "2"))
    like = Drawing(np.array([[0, 0, 0], [2, 4, 0], [6, 4, 1]], np.float32), label="1")
    Writer(network, rows, 1)("2", PenSampler(0.0), 0, steps=2, like=like)
    assert all(told.tolist() == [2] for told in network.told)


class Copies:
    """Stands for a writer whose drawings are real ones of other writers, of the label that is asked for."""

    rows = dataclasses.replace(ROWS, characters=1, alphabet="", labels=tuple("0123456789"))

    def __init__(self, real: list[Drawing], shift: int) -> None:
        self._real, self._shift = real, shift

    def __call__(self, label: str, sampler: PenSampler, seed: int, *, steps: int) -> tuple[Drawing, None]:
        wanted = str((int(label) + self._shift) % 10)
        some = [each for each in self._real if each.label == wanted]
        return some[seed % len(some)]._replace(label=label), None


def test_an_independent_reader_tells_whether_drawings_are_as_asked() -> None:
    splits = {
        name: Examples(some, np.zeros(0)) for name, some in written_lines.drawings("small_digits").items()
    }
    real = Data(splits, tuple("0123456789"), "digits")
    right = as_asked(real, Copies(splits["test"].inputs, 0))
    assert right["drawn_as_asked"] == right["reader_on_real"] >= 0.9
    wrong = as_asked(real, Copies(splits["test"].inputs, 1))
    assert wrong["drawn_as_asked"] <= 0.1
    assert wrong["reader_on_real"] == right["reader_on_real"]
