"""Tests that the examples of the tasks are as described, and that their scores have the known values."""

import dataclasses
import json
import typing
from pathlib import Path

import keras
import numpy as np
import pytest

from benchmarks.tasks import adding, copy_memory, digits, ntm_copy, report
from benchmarks.tasks.__main__ import TASKS, Name, Train, run
from benchmarks.tasks.cells import CELLS
from benchmarks.tasks.training import train
from pipelines.commands.readme import END_MARKER, begin_marker, with_results
from pipelines.errors import UserError


def _rng() -> np.random.Generator:
    return np.random.default_rng(5)


def test_adding_targets_are_the_sum_of_the_two_marked_numbers() -> None:
    inputs, targets, _ = adding.draw(_rng(), 50, 9)
    assert inputs.shape == (50, 9, 2)
    assert targets.shape == (50, 1)
    for (numbers, markers), (total,) in zip(np.swapaxes(inputs, 1, 2), targets, strict=True):
        first, second = np.flatnonzero(markers)
        assert first < 4 <= second
        assert markers.sum() == 2.0
        assert total == pytest.approx(numbers[first] + numbers[second])
        assert numbers.min() >= 0.0
        assert numbers.max() < 1.0


def test_adding_every_position_can_be_marked() -> None:
    inputs = adding.draw(_rng(), 500, 6).inputs
    assert (inputs[:, :, 1].sum(0) > 100).all()


def test_adding_the_error_of_the_mean_is_a_sixth() -> None:
    batch = adding.draw(_rng(), 100_000, 4)
    assert adding.mean_squared_error(np.ones_like(batch.targets), batch) == pytest.approx(1 / 6, abs=2e-3)
    assert adding.adding().baseline[1] == pytest.approx(1 / 6)


def test_copy_memory_waits_and_repeats() -> None:
    inputs, targets, _ = copy_memory.draw(_rng(), 3, 7)
    given = inputs.argmax(-1)
    assert given.shape == targets.shape == (3, 27)
    np.testing.assert_array_equal(inputs.sum(-1), 1.0)
    np.testing.assert_array_equal(given[:, 10:16], 0)
    np.testing.assert_array_equal(given[:, 16:], 9)
    np.testing.assert_array_equal(targets[:, :17], 0)
    np.testing.assert_array_equal(targets[:, 17:], given[:, :10])
    assert set(np.unique(given[:, :10])) == set(range(1, 9))


def test_copy_memory_baseline_is_the_best_without_memory() -> None:
    """The outputs are certain of the blanks, and give each symbol a probability of 1/8."""
    batch = copy_memory.draw(_rng(), 4, 1000)
    outputs = np.full((4, 1020, 10), -50.0)
    outputs[:, :1010, 0] = outputs[:, 1010:, 1:9] = 50.0
    expected = 10 * np.log(8) / 1020
    assert copy_memory.cross_entropy(outputs, batch) == pytest.approx(expected)
    assert copy_memory.copy_memory().baseline[1] == pytest.approx(expected)
    assert expected == pytest.approx(0.0204, abs=5e-5)


def test_digits_are_the_pixels_of_scikit_learn() -> None:
    in_rows, permuted = digits.images(permuted=False), digits.images(permuted=True)
    assert in_rows.inputs.shape == permuted.inputs.shape == (1797, 64, 1)
    np.testing.assert_array_equal(in_rows.targets, permuted.targets)
    np.testing.assert_array_equal(np.sort(in_rows.inputs, 1), np.sort(permuted.inputs, 1))
    assert (in_rows.inputs != permuted.inputs).mean() > 0.3
    assert in_rows.inputs.min() == 0.0
    assert in_rows.inputs.max() == 1.0


def test_digits_in_training_are_not_held_out() -> None:
    task = digits.digits()
    drawn = {image.tobytes() for image in task.draw(_rng(), 5000).inputs}
    validation, tests = task.held_out()
    assert len(drawn) > 900
    for held_out in (validation, *tests.values()):
        assert not drawn & {image.tobytes() for image in held_out.inputs}
    assert (len(validation.inputs), len(tests[""].inputs)) == (297, 500)


def test_ntm_copy_repeats_after_the_sign() -> None:
    inputs, targets, weights = ntm_copy.draw(_rng(), 40, rows=(1, 3), bits=2)
    assert inputs.shape == (40, 7, 3)
    lengths = inputs[:, :, 2].argmax(1)
    assert set(lengths) == {1, 2, 3}
    for example, length in enumerate(lengths):
        assert inputs[example, :, 2].sum() == 1.0
        assert not inputs[example, length + 1 :].any()
        answer = slice(length + 1, 2 * length + 1)
        np.testing.assert_array_equal(targets[example, answer], inputs[example, :length, :2])
        assert (weights[example] > 0).tolist() == [answer.start <= t < answer.stop for t in range(7)]
    assert weights.mean() == pytest.approx(1.0)


def test_ntm_copy_bit_error_rate() -> None:
    batch = ntm_copy.draw(_rng(), 200, (4, 4), 5)
    right = np.where(batch.targets > 0.5, 3.0, -3.0)
    assert ntm_copy.bit_error_rate(right, batch) == 0.0
    assert ntm_copy.bit_error_rate(-right, batch) == 1.0
    assert ntm_copy.bit_error_rate(np.ones_like(right), batch) == pytest.approx(0.5, abs=0.05)
    right[:, 8, 0] *= -1.0  # one bit of twenty
    assert ntm_copy.bit_error_rate(right, batch) == pytest.approx(0.05)


@pytest.mark.parametrize("name", TASKS)
def test_examples_come_from_the_seed(name: str) -> None:
    draw = TASKS[name].draw
    first, again, other = (draw(np.random.default_rng(seed), 3).inputs for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("name", TASKS)
def test_tasks_compare_cells_that_exist(name: str) -> None:
    task = TASKS[name]
    assert task.name == name
    assert set(task.published) <= set(task.cells) <= set(CELLS)
    assert len(task.cells) >= 3


def test_command_names_every_task() -> None:
    assert set(typing.get_args(Name)) == set(TASKS)


def test_a_cell_learns_to_add() -> None:
    task = dataclasses.replace(adding.adding(8), learning_rate=1e-2)
    outcome = train(task, "LSTM", 16, steps=300, minutes=3.0)
    assert outcome.scores[""] < 0.05
    assert outcome.held_out_loss == pytest.approx(outcome.scores[""], rel=0.5)
    assert outcome.steps == 300
    assert outcome.parameters == 4 * 16 * (16 + 2 + 1) + 17


def test_training_ends_when_the_time_is_over() -> None:
    task = dataclasses.replace(adding.adding(8), steps_between=2)
    assert train(task, "keras.SimpleRNN", 4, steps=100_000, minutes=1e-6).steps == 2


def test_training_ends_at_the_goal() -> None:
    task = dataclasses.replace(adding.adding(8), steps_between=2, goal=100.0)
    assert train(task, "keras.SimpleRNN", 4, steps=100_000, minutes=3.0).steps == 2


@pytest.mark.long
def test_turing_machine_copies_twice_as_many_rows_as_in_training() -> None:
    outcome = train(ntm_copy.ntm_copy(longest=5, bits=4), "NeuralTuringMachine", 32, steps=1000, minutes=5.0)
    assert outcome.scores["5 rows"] < 0.01
    assert outcome.scores["10 rows"] < 0.1


def test_records_are_kept_by_task_and_cell(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    readme = tmp_path / "README.md"
    readme.write_text(f"above\n{begin_marker(report.SOURCE)}\nold\n{END_MARKER}\nbelow\n")
    tasks = {"adding": adding.adding(4)}
    for cells, steps in ((("keras.GRU", "keras.SimpleRNN"), 2), (("keras.GRU",), 3)):
        run(Train("adding", cells, units=3, steps=steps, output=path), ["adding"], tasks)
    records = json.loads(path.read_text())
    assert [(each["cell"], each["steps"]) for each in records] == [("keras.GRU", 3), ("keras.SimpleRNN", 2)]
    assert records[0]["command"] == "python -m benchmarks.tasks adding"
    assert records[0]["made_with"]["git.commit"]
    text = readme.read_text()
    assert text.startswith("above\n")
    assert text.endswith("below\n")
    assert "old" not in text
    assert "| keras.GRU " in text


def test_published_figures_stand_beside_ours() -> None:
    record = {"scores": {"": 0.00012}, "published": 5.3e-5, "parameters": 69451, "steps": 1, "minutes": 2.0}
    text = report.markdown([record | {"task": "adding", "cell": "GRU"}], TASKS)
    assert "*the mean*" in text
    assert "0.00012 |   5.3e-05 |" in text
    assert "69,451" in text


def test_readme_shows_the_results() -> None:
    folder = Path(report.__file__).parent
    text = (folder / "README.md").read_text()
    tables = report.markdown(report.read(folder / "results.json"), TASKS)
    assert text == with_results(text, report.SOURCE, tables)


def test_unknown_cell_is_the_users_mistake() -> None:
    with pytest.raises(UserError, match=r"--cell: expected one of SimpleRNN, .* got 'LTSM'"):
        Train("adding", ("LTSM",))


def test_unreadable_records_are_the_users_mistake(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text("[")
    with pytest.raises(UserError, match=r"results.json: expected JSON"):
        report.read(tmp_path / "results.json")


@pytest.mark.parametrize("name", CELLS)
def test_every_cell_can_be_made(name: str) -> None:
    outputs = CELLS[name](33, return_sequences=True)(np.zeros((1, 2, 3), np.float32))
    assert outputs.shape[:2] == (1, 2)
    assert isinstance(CELLS[name](33), keras.layers.Layer)
