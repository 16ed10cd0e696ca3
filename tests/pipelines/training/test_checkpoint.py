"""What a killed training leaves behind can be read, whole."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pipelines import files
from pipelines.errors import UserError
from pipelines.evaluation.outcome import Progress
from pipelines.files import write_atomically
from pipelines.training.checkpoint import Checkpoint

RUN = "0123456789abcdef" * 2
ROOT = Path(__file__).parents[3]
SETTINGS = {"app": "sentiment", "preset": "smoke", "config": {"seed": 3}}


@pytest.fixture
def progress():
    weights = [np.arange(n, dtype=np.float32) for n in range(12)]
    return Progress([{"loss": 0.5}], 1, 0.75, False, weights[:3], weights, [*weights, np.int64(7)])


def test_progress_comes_back_in_order(tmp_path, progress):
    checkpoint = Checkpoint(tmp_path)
    checkpoint.save(progress)
    back = checkpoint.load()
    assert (back.history, back.best_epoch, back.best_value, back.finished) == (
        [{"loss": 0.5}],
        1,
        0.75,
        False,
    )
    for name in ("best", "model", "optimizer"):
        stored, expected = getattr(back, name), getattr(progress, name)
        assert len(stored) == len(expected)
        for a, b in zip(stored, expected, strict=True):
            np.testing.assert_array_equal(a, b)
            assert a.dtype == b.dtype


def test_before_the_first_epoch_there_is_no_progress(tmp_path):
    assert Checkpoint(tmp_path).load().epochs == 0


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def fail(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("run_id", ["", "..", "../../etc", "x" * 32, RUN.upper(), RUN[:31]])
def test_what_is_no_run_id_is_refused(run_id):
    with pytest.raises(UserError, match="expected the id of a run"):
        Checkpoint.of_run(run_id)


def test_a_run_without_checkpoint_is_refused_and_the_others_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    other = "f" * 32
    Checkpoint.of_run(other).folder.mkdir(parents=True)
    Checkpoint.of_run(other).write_settings(SETTINGS)
    assert Checkpoint.of_run(other).settings() == SETTINGS
    with pytest.raises(UserError, match=f"nothing to resume .* one of: {other}"):
        Checkpoint.of_run(RUN).settings()


HOLDER = """
import sys
from pipelines.training.checkpoint import Checkpoint

with Checkpoint.of_run(sys.argv[1]).held():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path, monkeypatch):
    """A process that runs a run; it is killed at the end."""
    monkeypatch.chdir(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, RUN],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_run_is_resumed_by_one_process_at_a_time_until_that_is_gone(holder):
    checkpoint, child = Checkpoint.of_run(RUN), Checkpoint.of_run("f" * 32)
    checkpoint.write_settings(SETTINGS)
    child.folder.mkdir()
    child.write_settings({**SETTINGS, "parent": RUN})
    said = f"--resume {RUN}: the run is still running, in process {holder.pid} on .*: expected a run that was"
    for running in (checkpoint, child):
        with pytest.raises(UserError, match=said) as refused:
            running.require_stopped()
        assert "\n" not in str(refused.value)
    holder.kill()
    holder.wait()
    child.require_stopped()
    with checkpoint.held():
        pass


@pytest.mark.parametrize("content", [b'{"app": "sentim', b"[]", b'{"app": "sentiment"}', b"\xff"])
def test_damaged_settings_are_one_line(content, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    damaged, other = Checkpoint.of_run(RUN), Checkpoint.of_run("f" * 32)
    for checkpoint in (damaged, other):
        checkpoint.folder.mkdir(parents=True)
        checkpoint.write_settings({**SETTINGS, "parent": "a" * 32})
    (damaged.folder / "settings.json").write_bytes(content)
    with pytest.raises(UserError, match=f"{RUN}/settings.json is damaged: expected a JSON object with app"):
        damaged.settings()
    assert Checkpoint.of_child("a" * 32, 3).folder == other.folder


def test_the_newest_whole_epoch_is_used_and_said_once(tmp_path, progress, caplog):
    checkpoint = Checkpoint(tmp_path)
    for epoch in (1, 2, 3):
        progress.history = [{"loss": 0.5}] * epoch
        checkpoint.save(progress)
    newest = tmp_path / "progress.npz"
    whole = newest.read_bytes()
    for damaged in (whole[:-40], whole[:9], b"", whole.replace(b"loss", b"lots")):
        newest.write_bytes(damaged)
        caplog.clear()
        after = Checkpoint(tmp_path)
        assert after.load().epochs == after.load().epochs == 2
        assert len(caplog.messages) == 1
        assert "progress.npz is damaged" in caplog.text
        assert "going on after epoch 2" in caplog.text
    checkpoint.save(progress)  # the third epoch, repeated
    assert Checkpoint(tmp_path).load().epochs == 3
    for path in tmp_path.glob("*.npz"):
        path.write_bytes(whole[:100])
    with pytest.raises(UserError, match=r"progress.npz is damaged \(.*expected a whole epoch"):
        Checkpoint(tmp_path).load()


@pytest.mark.parametrize("step", [1, 2])
def test_a_writer_that_is_stopped_at_any_step_leaves_a_whole_epoch(step, tmp_path, progress, monkeypatch):
    checkpoint = Checkpoint(tmp_path)
    checkpoint.save(progress)
    progress.history = [{"loss": 0.5}] * 2
    checkpoint.save(progress)
    progress.history = [{"loss": 0.5}] * 3
    steps, replace = itertools.count(), Path.replace

    def stop_at(path, target):
        if next(steps) == step:
            raise KeyboardInterrupt
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", stop_at)
    with pytest.raises(KeyboardInterrupt):
        checkpoint.save(progress)
    assert Checkpoint(tmp_path).load().epochs == 3


def test_damaged_scores_are_made_again(tmp_path):
    checkpoint = Checkpoint(tmp_path)
    assert checkpoint.scores() is None
    checkpoint.write_scores({"seed": 3})
    assert checkpoint.scores() == {"seed": 3}
    (tmp_path / "scores.json").write_bytes(b'{"seed"')
    assert checkpoint.scores() is None
