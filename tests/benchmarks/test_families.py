"""Comparisons are kept one per app, data and budget, and shown as tables."""

import json

import pytest

from benchmarks.families import SOURCE, Families, read, run
from pipelines.commands.readme import END_MARKER, begin_marker
from pipelines.errors import UserError

ROW = {
    "metric": "mse",
    "higher_is_better": False,
    "spread": 0.01,
    "step_ms": 0.02,
    "answer_ms": 0.5,
    "state": 8,
}
COMPARISON = {
    "app": "forecasting",
    "preset": "default",
    "config": {"dataset": "folder/load.csv", "epochs": 3},
    "budget": 30_000,
    "precision": "int8",
    "seeds": 2,
    "learning_rates": [0.001],
    "execution": None,
    "families": ["gru", "tcn", "lstm"],
    "rows": [
        {"family": "gru", "value": 0.7, **ROW},
        {"family": "tcn", "value": 0.6, **ROW, "step_ms": None},
        {"family": "lstm", "reason": "too large"},
    ],
}


def _file(folder, name, **changes):
    path = folder / name
    path.write_text(json.dumps(COMPARISON | changes))
    return path


def test_the_best_is_bold_and_what_is_left_out_is_a_dash(tmp_path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{begin_marker(SOURCE)}\nold\n{END_MARKER}\nafter\n")
    command = Families((_file(tmp_path, "a.json"),), tmp_path / "families.json", readme)
    figures, costs = (line for line in run(command).splitlines() if line.startswith("| forecasting"))
    cells = [cell.strip() for cell in figures.split("|")]
    assert cells[1:4] == ["forecasting: load.csv", "mse (less is better)", "30 KB int8"]
    assert cells[4:7] == ["0.700 ± 0.010", "**0.600** ± 0.010", "-"]
    assert [cell.strip() for cell in costs.split("|")][3:6] == ["0.020 / 8", "0.500 / 8", "-"]
    text = readme.read_text()
    assert figures in text
    assert "old" not in text
    assert text.startswith("before")
    assert text.endswith("after\n")


def test_a_comparison_replaces_the_one_of_the_same_data_and_budget(tmp_path) -> None:
    first = [_file(tmp_path, "a.json"), _file(tmp_path, "b.json", budget=90_000)]
    command = Families(tuple(first), tmp_path / "families.json", tmp_path / "README.md")
    run(command)
    better = [{**COMPARISON["rows"][0], "value": 0.5}]
    again = Families((_file(tmp_path, "c.json", rows=better),), command.output, command.readme)
    lines = [line for line in run(again).splitlines() if line.startswith("| forecasting")]
    assert len(lines) == 4
    assert "**0.500** ± 0.010" in lines[0]
    assert "0.700" in lines[1]
    assert not command.readme.exists()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"app": 1}'])
def test_other_files_are_refused(text, tmp_path) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(UserError, match="expected the output of compare --json"):
        read(path)
    with pytest.raises(UserError, match="expected the output of compare --json"):
        read(tmp_path / "missing.json")
