"""What a killed training leaves behind can be read, whole."""

import numpy as np
import pytest

from pipelines import files
from pipelines.errors import UserError
from pipelines.evaluation.outcome import Progress
from pipelines.files import write_atomically
from pipelines.training.checkpoint import Checkpoint

RUN = "0123456789abcdef" * 2


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
    Checkpoint.of_run(other).write_settings({"preset": "smoke"})
    assert Checkpoint.of_run(other).settings() == {"preset": "smoke"}
    with pytest.raises(UserError, match=f"nothing to resume .* one of: {other}"):
        Checkpoint.of_run(RUN).settings()
