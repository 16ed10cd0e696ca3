"""`train --workers 2` and TF_CONFIG, as typed: a worker is killed, the run goes on, other data is refused."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines.cluster.place import on_this_machine

pytestmark = pytest.mark.long
ROOT = Path(__file__).parents[2]
PATIENCE = 900
SMALL = ("--preset", "smoke", "--dataset", "reviews.csv", "--batch-size", "32", "--precisions", "float32")


def write_reviews(folder, seed=5):
    rng = random.Random(seed)
    rows = [
        f"the {rng.choice(('film', 'soup', 'lamp'))} {i} was {word},{label}"
        for i in range(150)
        for word, label in (("fine", "good"), ("poor", "bad"))
    ]
    folder.mkdir(exist_ok=True)
    (folder / "reviews.csv").write_text("\n".join(["text,label", *rows]) + "\n")


def start(folder, *options, place=None):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(folder), "PYTHONUNBUFFERED": "1"}
    environment.pop("MLFLOW_TRACKING_URI", None)
    if place:
        environment["TF_CONFIG"] = place.as_tf_config()
    command = [sys.executable, "-m", "apps", "sentiment", "train", *options]
    return subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)


def finish(process):
    said = process.communicate(timeout=PATIENCE)[1]
    return process.returncode, said


def read_until(process, pattern):
    for line in process.stderr:
        if match := re.search(pattern, line):
            return match
    pytest.fail(f"{pattern!r} never came")


def worker_of(process):
    """The process id of the worker that a chief has started."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    (found,) = [each for each in children if b"spawn_main" in Path(f"/proc/{each}/cmdline").read_bytes()]
    return int(found)


def test_a_killed_worker_ends_the_training_in_a_line_and_resume_finishes_it(tmp_path):
    from pipelines.tracking.quiet_mlflow import mlflow

    write_reviews(tmp_path)
    process = start(tmp_path, *SMALL, "--epochs", "40", "--patience", "40", "--workers", "2")
    run_id = read_until(process, "^run ([0-9a-f]{32}) ")[1]
    read_until(process, "^epoch 1:")
    os.kill(worker_of(process), signal.SIGKILL)
    killed = time.monotonic()
    code, said = finish(process)
    assert time.monotonic() - killed < 60
    assert code == 1
    said = [line for line in said.splitlines() if not line.startswith("epoch ")]
    assert re.fullmatch(rf"error: worker 1 .* has ended, .*: train --resume {run_id} goes on", said[-1])
    assert len(said) == 1
    run = mlflow.MlflowClient(f"sqlite:///{tmp_path}/mlruns/mlflow.db").get_run(run_id)
    assert run.info.status == "FAILED"
    assert "worker 1" in run.data.tags["reason"]
    assert not (tmp_path / "exports").exists()

    code, said = finish(start(tmp_path, "--resume", run_id, "--workers", "2"))
    assert code == 0, said
    assert (tmp_path / "exports/sentiment" / run_id / "manifest.json").is_file()


def test_a_worker_with_other_data_is_named_by_all_and_nothing_is_written(tmp_path):
    folders = [tmp_path / name for name in ("chief", "worker")]
    for seed, folder in enumerate(folders):
        write_reviews(folder, seed)
    started = [
        start(folder, *SMALL, place=place) for folder, place in zip(folders, on_this_machine(2), strict=True)
    ]
    ends = [finish(process) for process in started]
    assert [code for code, _ in ends] == [2, 2]
    for (_, said), folder in zip(ends, folders, strict=True):
        (line,) = [line for line in said.splitlines() if line.startswith("error: ")]
        assert re.search(r"worker 1 \(127.*\): data: expected reviews.csv [0-9a-f]+, as the chief has", line)
        assert not (folder / "mlruns").exists()
        assert not (folder / "exports").exists()
