"""The loader that MLflow calls: raw inputs in every shape they arrive in, without MLflow or TensorFlow."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from pipelines import app
from pipelines.tracking import serving

BUNDLE = SimpleNamespace(manifest={"app": "echo"})
ECHO = SimpleNamespace(
    options=app.NoOptions,
    predict=lambda bundle, inputs, variant, options: [{"input": text} for text in inputs],
)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> serving.Served:
    monkeypatch.setattr(app, "find", {"echo": ECHO}.__getitem__)
    return serving.Served(BUNDLE)


@pytest.mark.parametrize(
    "given",
    [
        ["not bad", ""],
        ("not bad", ""),
        np.array(["not bad", ""]),
        np.array([["not bad"], [""]], dtype=object),
        pd.Series(["not bad", ""]),
        pd.DataFrame({"text": ["not bad", ""]}),
        pd.DataFrame([["not bad"], [""]]),
    ],
    ids=lambda given: type(given).__name__,
)
def test_every_shape_of_inputs_gives_one_answer_each(served: serving.Served, given: object) -> None:
    answers = served.predict(given)
    assert answers == [{"input": "not bad"}, {"input": ""}]
    assert {type(answer["input"]) for answer in answers} == {str}


def test_two_columns_are_refused(served: serving.Served) -> None:
    with pytest.raises(ValueError, match=r"one column .* \['a', 'b'\]"):
        served.predict(pd.DataFrame({"a": ["x"], "b": ["y"]}))
    with pytest.raises(ValueError, match=r"one input per row, got shape \(1, 2\)"):
        served.predict(np.array([["x", "y"]]))


def test_rows_of_numbers_are_inputs_of_their_own(served: serving.Served) -> None:
    answers = served.predict(np.array([[1, 2, 3], [4, 5, 6]]))
    assert [answer["input"].tolist() for answer in answers] == [[1, 2, 3], [4, 5, 6]]


def test_no_input_gives_no_answer(served: serving.Served) -> None:
    assert served.predict([]) == []
    assert served.predict(np.array([])) == []


def test_needs_neither_mlflow_nor_tensorflow() -> None:
    blocked = "import sys; sys.modules.update(dict.fromkeys(['mlflow', 'tensorflow', 'keras', 'pandas']))"
    code = f"{blocked}; import pipelines.tracking.serving"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])
