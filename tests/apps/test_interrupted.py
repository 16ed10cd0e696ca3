"""Trainings that are killed, stopped, or have nowhere to write."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from reference.bundles import head, record
from reference.damage import rounds

from pipelines.export.bundle_writing import write_bundle
from pipelines.ondevice.bundle import Bundle

ROOT = Path(__file__).parents[2]
GOOD, BAD = ("fine", "lovely", "great", "superb"), ("poor", "awful", "dull", "broken")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A folder with a small data set; the tests of this file follow one another in it."""
    folder = tmp_path_factory.mktemp("checkout")
    rng = random.Random(5)
    rows = [
        f"the {rng.choice(('film', 'soup', 'lamp'))} {i} was {rng.choice(words)},{label}"
        for i in range(150)
        for words, label in ((GOOD, "good"), (BAD, "bad"))
    ]
    (folder / "reviews.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    return folder


def start(
    folder,
    *options,
    code="from pipelines.commands.console import run_apps as main; import sys; sys.exit(main(sys.argv[1:]))",
    script=None,
):
    program = ["-c", code] if script is None else [str(script)]
    arguments = [sys.executable, *program, "sentiment", "train", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(folder), "PYTHONUNBUFFERED": "1"}
    environment.pop("MLFLOW_TRACKING_URI", None)
    return subprocess.Popen(arguments, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)


def read_until(process, pattern):
    said = []
    for line in process.stderr:
        said.append(line)
        if match := re.search(pattern, line):
            return match
    pytest.fail(f"{pattern!r} never came:\n{''.join(said)[-3000:]}")


def finish(process):
    said = process.communicate(timeout=240)[1]
    return process.returncode, said


def runs(folder):
    from pipelines.tracking.quiet_mlflow import mlflow  # imported there without its own deprecation warnings

    client = mlflow.MlflowClient(f"sqlite:///{folder}/mlruns/mlflow.db")
    experiment = client.get_experiment_by_name("sentiment")
    found = client.search_runs([experiment.experiment_id], order_by=["start_time DESC"])
    return client, {run.info.run_id: run for run in found}


SMALL = ("--preset", "smoke", "--dataset", "reviews.csv", "--batch-size", "32")
# A small network without plots, in one precision, is enough to be interrupted in.
SMALL_NETWORK = """
import functools
import keras
import apps.sentiment.model as model, apps.sentiment.plots as plots, pipelines.training.bundle as bundle

def build_model(config, features):
    tokens = keras.Input([None], dtype="int32", name="tokens")
    x = keras.layers.Embedding(int(features.counts["vocabulary"]), 8, mask_zero=True)(tokens)
    x = keras.layers.Dropout(0.1)(keras.layers.GlobalAveragePooling1D()(x))
    return keras.Model(tokens, keras.layers.Dense(2, activation="softmax", name="probabilities")(x))

model.build_model = build_model
plots.make_plots = lambda config, outcome: {}
bundle.export = functools.partial(bundle.export, precisions=("float32",))
"""
QUICK = f"""
import sys
{SMALL_NETWORK}
from pipelines.commands.console import run_apps as main
sys.exit(main(sys.argv[1:]))
"""
STEPPED = f"""
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore it, and pass that on
{SMALL_NETWORK}
import pipelines.training.batches as training
slowly = training.batches
def batches(*args):
    for batch in slowly(*args):
        time.sleep(0.1)
        yield batch
training.batches = batches
from pipelines.commands.console import run_apps as main
sys.exit(main(sys.argv[1:]))
"""
KILLED_IN_EXPORT = f"""
import os, signal
import pipelines.export.bundle_writing as write
def publish(*args, **options):
    os.kill(os.getpid(), signal.SIGKILL)
write._publish = publish
{QUICK}
"""


def test_killed_in_an_epoch_and_then_in_the_export_it_resumes_with_nothing_lost(checkout):
    exports = checkout / "exports" / "sentiment"
    older = write_bundle(exports, head("older", app="sentiment"), [(record(), b"model")], {}).folder
    process = start(checkout, *SMALL, "--epochs", "3", "--patience", "3", code=STEPPED)
    run_id = read_until(process, r"run ([0-9a-f]{32})")[1]
    read_until(process, "^.*epoch 2: ")
    time.sleep(0.5)  # into the third epoch
    process.kill()
    process.communicate()
    client, found = runs(checkout)
    assert found[run_id].info.status == "RUNNING"

    code, said = finish(start(checkout, "--resume", run_id, code=KILLED_IN_EXPORT))
    assert code == -signal.SIGKILL
    assert "epoch 3: " in said
    assert "epoch 2: " not in said
    assert (exports / "latest").resolve() == older
    assert (older / "manifest.json").is_file()
    assert not (exports / run_id).exists()

    code, said = finish(start(checkout, "--resume", run_id, code=QUICK))
    assert code == 0, said[-3000:]
    assert "epoch 3: " not in said
    client, found = runs(checkout)
    assert found[run_id].info.status == "FINISHED"
    points = client.get_metric_history(run_id, "validation.accuracy")
    assert [point.step for point in points] == [1, 2, 3]
    assert (exports / "latest").resolve().name == run_id
    assert not [path for path in exports.iterdir() if path.name.startswith(".")]


def test_ctrl_c_ends_the_run_as_killed_with_its_best_weights(checkout):
    process = start(checkout, *SMALL, "--epochs", "50", "--patience", "50", code=STEPPED)
    run_id = read_until(process, r"run ([0-9a-f]{32})")[1]
    read_until(process, "^.*epoch 1: ")
    time.sleep(0.5)  # into the second epoch
    process.send_signal(signal.SIGINT)
    code, said = finish(process)
    assert code == 1
    assert "Traceback" not in said
    assert "stopped; kept the model of epoch" in said
    client, found = runs(checkout)
    assert found[run_id].info.status == "KILLED"
    assert [item.path for item in client.list_artifacts(run_id, "best_so_far")] == ["best_so_far/model.keras"]


def test_an_output_that_cannot_be_written_is_refused_before_any_work(checkout):
    _, before = runs(checkout)
    for output in ("reviews.csv", "reviews.csv/below", "/proc/none"):
        code, said = finish(start(checkout, *SMALL, "--output", output))
        assert code == 2
        assert f"error: --output {output}: expected a folder to write to" in said
        assert "Traceback" not in said
    assert runs(checkout)[1].keys() == before.keys()


SEEDS = f"""
import signal, sys, time
from pipelines.commands.console import run_apps as main

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main(sys.argv[1:]))
# Each seed's own process imports this file under another name.
{SMALL_NETWORK}
import pipelines.training.batches as training

def batches(*arguments, every=training.batches):
    for batch in every(*arguments):
        time.sleep(0.1)
        yield batch

training.batches = batches
"""


def status(folder, *run_ids):
    _, found = runs(folder)
    return [found[run_id].info.status for run_id in run_ids]


@pytest.mark.long
def test_several_seeds_that_are_stopped_go_on_and_each_gives_what_it_gives_alone(checkout):
    script = checkout / "seeds.py"
    script.write_text(SEEDS)
    settings = (*SMALL, "--epochs", "2", "--patience", "2")
    process = start(checkout, *settings, "--seeds", "2", script=script)
    parent = read_until(process, r"run ([0-9a-f]{32}), 2 seeds")[1]
    first = read_until(process, r"seed 1 \(1 of 2\): run ([0-9a-f]{32})")[1]
    second = read_until(process, r"seed 2 \(2 of 2\): run ([0-9a-f]{32})")[1]
    read_until(process, "seed 2 of 2, epoch 1: ")
    time.sleep(0.5)  # into its second epoch
    process.send_signal(signal.SIGINT)
    code, said = finish(process)
    assert code == 1
    assert "Traceback" not in said
    assert status(checkout, parent, first, second) == ["KILLED", "FINISHED", "KILLED"]

    code, said = finish(start(checkout, "--resume", parent, script=script))
    assert code == 0, said[-3000:]
    assert "seed 1 (1 of 2) is already trained" in said
    assert status(checkout, parent, first, second) == ["FINISHED"] * 3
    _, found = runs(checkout)
    assert found[second].data.tags["mlflow.parentRunId"] == parent
    best = found[parent].data.tags["best_run"]
    assert (checkout / "exports" / "sentiment" / "latest").resolve().name == best

    process = start(checkout, *settings, "--seed", "2", code=QUICK)
    alone = read_until(process, r"run ([0-9a-f]{32})")[1]
    code, said = finish(process)
    assert code == 0, said[-3000:]
    of_seed, of_alone = (runs(checkout)[1][run_id].data.metrics for run_id in (second, alone))
    same = [name for name in of_alone if name.startswith(("test.", "validation.", "baseline.", "loss"))]
    assert len(same) >= 6
    assert {name: of_seed[name] for name in same} == {name: of_alone[name] for name in same}


KILLS = 20


@pytest.mark.long
def test_killed_at_any_moment_again_and_again_it_ends_as_if_never_killed(checkout, campaign):
    """Kills over the whole length of trainings, each followed by --resume; another seed, other moments."""
    settings = (*SMALL, "--epochs", "3", "--patience", "3")
    began = time.monotonic()
    code, said = finish(start(checkout, *settings, code=QUICK))
    length = time.monotonic() - began
    assert code == 0, said[-3000:]
    expected, counts = re.search(r"run ([0-9a-f]{32})", said)[1], Counter()
    for seed in rounds():
        counts.update(killed(checkout, settings, random.Random(seed), length, expected))
    campaign(counts)


def killed(checkout, settings, rng, length, expected):
    """Kill KILLS trainings; return how many were new ones, and how many resumed ones."""
    run_id, counts, arguments = expected, Counter(), settings
    while counts.total() < KILLS or arguments is not settings:
        process = start(checkout, *arguments, code=QUICK)
        try:
            wait = rng.uniform(0, length) if counts.total() < KILLS else 240
            said = process.communicate(timeout=wait)[1]
            run_id = (re.search(r"run ([0-9a-f]{32})", said) or [run_id, run_id])[1]
            # Killed before its first file was written, or after its last one.
            too_soon_or_late = arguments[0] == "--resume" and "nothing to resume" in said
            assert process.returncode == 0 or too_soon_or_late, said[-3000:]
            if status(checkout, run_id) == ["FINISHED"] or not too_soon_or_late:
                assert figures(checkout, run_id) == figures(checkout, expected)
            arguments = settings
        except subprocess.TimeoutExpired:
            process.kill()
            said = process.communicate()[1]
            counts["in a resumed run" if arguments[0] == "--resume" else "in a new run"] += 1
            Bundle.open(checkout / "exports" / "sentiment" / "latest")
            if begun := re.search(r"run ([0-9a-f]{32})", said):
                run_id = begun[1]
                arguments = ("--resume", run_id)
    return counts


def figures(folder, run_id):
    _, found = runs(folder)
    assert found[run_id].info.status == "FINISHED"
    wanted = ("test.", "validation.", "baseline.", "loss")
    return {name: value for name, value in found[run_id].data.metrics.items() if name.startswith(wanted)}
