"""Trains on data four times larger than the memory that the process may take, and measures what it takes.

    python -m benchmarks.large_data [--limit-mb 64] [--output benchmarks/large_data.json]

Prints a table, and writes it and the record. Linux only.
"""

from __future__ import annotations

import dataclasses
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from pipelines.app import find
from pipelines.commands.command_line import guarded, parse
from pipelines.config import Config, require
from pipelines.errors import UserError
from pipelines.files import require_folder

from .record import keep_record, record_header
from .report import aligned_table

TIMES_LARGER = 4
"""How many times larger than the limit the set is: the bytes of its examples, without their labels."""
VARIANTS = ("limited", "in memory")
"""A training with `--memory-gb` at the limit, so that examples stay on disk, and one that may take all."""
_FEWEST_BATCHES = 4  # those of the set that loads libraries and compiles, before anything is measured
_SCORED = 300
_SHARD = 1000  # examples of a file
_STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class LargeData:
    """Measure the memory of a training on data that is larger than it."""

    limit_mb: float = 64.0
    """The memory that the data may take, in MB: what a training takes beyond the same on a few examples."""
    apps: tuple[str, ...] = ("sentiment", "speech_commands")
    """The apps to measure. The texts of sentiment take several times as long as the clips."""
    output: Path = Path("benchmarks/large_data.json")
    """The file of the record."""
    app: str | None = None
    """Measure this app in this process, with --variant and --folder. Default: --apps, in new processes."""
    variant: str | None = None
    """The variant to measure."""
    folder: Path | None = None
    """The folder of the generated sets."""

    def __post_init__(self) -> None:
        require(self.limit_mb > 0, "limit_mb", "above 0", self.limit_mb)
        known = bool(self.apps) and set(self.apps) <= set(SETS)
        require(known, "apps", f"some of {', '.join(SETS)}", self.apps)


def _texts(rng: np.random.Generator) -> Iterator[tuple[str, str]]:
    """Yield endless texts of 2 KB, parts of a long one, and their labels, which some words tell."""
    words = np.array([f"{a}{b}{c}" for a in "bdfgklmnprst" for b in "aeiou" for c in "bdfgklmnprst"])
    common = 1 / np.arange(1, len(words) + 1)
    long = rng.choice(words, 1_000_000, p=common / common.sum()).tolist()
    while True:
        start, at = rng.integers(len(long) - 500), rng.integers(500)
        label = ("bad", "good")[int(rng.integers(2))]
        yield " ".join([*long[start : start + at], *[label] * 5, *long[start + at : start + 500]]), label


def _clips(rng: np.random.Generator) -> Iterator[tuple[np.ndarray, str]]:
    """Yield endless seconds of noise with a tone, whose height is the label, as samples of 16 bits."""
    times = np.arange(16_000) / 16_000
    noise = rng.normal(0, 2000, 4_000_000)
    while True:
        start, label = rng.integers(len(noise) - 16_000), ("high", "low")[int(rng.integers(2))]
        tone = np.sin(2 * np.pi * times * (1500 if label == "high" else 300) * rng.uniform(0.9, 1.1))
        yield (8000 * tone + noise[start : start + 16_000]).astype(np.int16), label


SETS: dict[str, tuple[Callable[[np.random.Generator], Iterator[tuple[Any, str]]], dict[str, Any]]] = {
    "sentiment": (_texts, {"batch_size": 256, "max_length": 64, "units": 8, "embedding": 8}),
    "speech_commands": (_clips, {"batch_size": 64, "units": 8, "filters": 4, "lead_in": 0.0}),
}
"""By app: what makes its examples, and the settings of a small network whose batches have one shape."""


def write_set(folder: Path, app: str, size: float) -> None:
    """Write a set of TFRecord files, whose training examples have about `size` bytes in whole batches.

    Its other splits have as many examples as a network is scored on at a time, and some more.
    """
    import tensorflow as tf

    folder.mkdir()
    make, settings = SETS[app]
    examples = make(np.random.default_rng(len(folder.name)))
    batch = settings["batch_size"] * _bytes(next(examples)[0])
    batches = max(_FEWEST_BATCHES, round(size / batch))
    counts = {"train": batches * settings["batch_size"], "validation": _SCORED, "test": _SCORED}
    for split, count in counts.items():
        for start in range(0, count, _SHARD):
            with tf.io.TFRecordWriter(str(folder / f"{split}-{start:07}.tfrecord")) as file:
                for _ in range(start, min(count, start + _SHARD)):
                    file.write(_record(*next(examples)))


def _record(example: Any, label: str) -> bytes:
    import tensorflow as tf

    if isinstance(example, str):
        name, value = "text", tf.train.Feature(bytes_list={"value": [example.encode()]})
    else:
        name, value = "audio", tf.train.Feature(int64_list={"value": example})
    of_label = tf.train.Feature(bytes_list={"value": [label.encode()]})
    return tf.train.Example(features={"feature": {name: value, "label": of_label}}).SerializeToString()


def _bytes(example: Any) -> int:
    return len(example.encode()) if isinstance(example, str) else example.nbytes


def measure(app_name: str, variant: str, folder: Path, limit: float) -> dict[str, Any]:
    """Load a set, train on it and score it in this process, and return what that took.

    Args:
        app_name: a key of `SETS`.
        variant: a key of `VARIANTS`.
        folder: has the sets "small" and "large".
        limit: the bytes of the limit. The kernel doesn't enforce it: a TensorFlow that gets no more memory
            crashes, and the limits that a process may set count what is reserved, not what is used.

    Returns:
        `added_mb`: how much the largest resident memory grew, and `small_mb`: how much it grew in the same on
        the small set just before, when libraries were loaded. `seconds`: from the start of loading.
        `examples`: the number of training examples. `loss` and `accuracy`: of the training, and on the test
        split.
    """
    config = find(app_name).presets["smoke"]
    memory_gb = limit / 1e9 if variant == "limited" else 1e6
    usual: dict[str, Any] = {
        "epochs": 1,
        "data_dir": None,
        "precisions": ("float32",),
        "memory_gb": memory_gb,
    }
    config = dataclasses.replace(config, **SETS[app_name][1], **usual)
    on_small = dataclasses.replace(config, dataset=str(folder / "small"))
    for _ in range(2):  # the first loads libraries
        small, _ = _added(app_name, on_small)
    started = time.monotonic()
    added, found = _added(app_name, dataclasses.replace(config, dataset=str(folder / "large")))
    took = {"added_mb": round(added / 1e6, 1), "small_mb": round(small / 1e6, 1)}
    return {**took, "seconds": round(time.monotonic() - started), **found}


def _added(app_name: str, config: Config) -> tuple[int, dict[str, Any]]:
    """Train, and return by how many bytes the largest resident memory grew, and what came of it."""
    gc.collect()
    before = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the largest is counted from here on
    found = _train(app_name, config)
    return _status("VmHWM") - before, found


def _train(app_name: str, config: Config) -> dict[str, Any]:
    """Train an epoch as the command `train` does, without its run in MLflow, and score the test split."""
    from pipelines.evaluation.predictors import of_network
    from pipelines.evaluation.score import score
    from pipelines.training.checkpoint import Checkpoint
    from pipelines.training.fit import compile_model, fit, seed_everything
    from pipelines.training.raw_data import load_data

    app = find(app_name)
    data = load_data(app, config)
    seed_everything(config.seed)
    features = app.features(config, data)
    model = app.build(config, features)
    compile_model(model, config, app.loss(config), features)
    with tempfile.TemporaryDirectory() as folder:
        progress = fit(
            model,
            features,
            config,
            metrics=app.metrics,
            checkpoint=Checkpoint(Path(folder)),
            on_epoch=lambda epoch, values: None,
        )
    predictor = of_network(model, features)
    scores, _ = score(predictor, features.inputs["test"], features.targets["test"], app.metrics)
    return {
        "examples": data.counts["train"],
        "fingerprint": data.fingerprint,
        "loss": progress.history[-1]["loss"],
        "accuracy": scores["accuracy"],
    }


def _status(name: str) -> int:
    """Return a size of this process in bytes, as the kernel tells it."""
    (line,) = (line for line in _STATUS.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024


def run(command: LargeData, argv: Sequence[str]) -> dict[str, Any]:
    """Make the sets, measure every variant in a new process, and return the record."""
    record = record_header("benchmarks.large_data", argv, 0)
    size = TIMES_LARGER * command.limit_mb * 1e6
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as name:
        for app in tqdm(command.apps, desc="apps", disable=None):
            folder = Path(name, app)
            folder.mkdir()
            write_set(folder / "small", app, 0)
            write_set(folder / "large", app, size)
            found[app] = {each: _in_new_process(command, app, each, folder) for each in VARIANTS}
    return record | {"limit_mb": command.limit_mb, "data_mb": size / 1e6, "apps": found}


def _in_new_process(command: LargeData, app: str, variant: str, folder: Path) -> dict[str, Any]:
    of_variant = ["--app", app, "--variant", variant, "--folder", str(folder)]
    words = [sys.executable, "-m", "benchmarks.large_data", "--limit-mb", str(command.limit_mb), *of_variant]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    done = subprocess.run(words, capture_output=True, text=True, env=environment)
    if done.returncode:
        why = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise UserError(f"{app}, {variant}: expected a training, got: {why}")
    return json.loads(done.stdout)


def table(record: dict[str, Any]) -> str:
    """Return the record as a Markdown table, with the machine and the date above it."""
    header = [
        "app, training",
        "data, MB",
        "limit, MB",
        "taken, MB",
        "small, MB",
        "data's, MB",
        "seconds",
        "loss",
    ]
    lines = []
    for app, variants in record["apps"].items():
        for variant, row in variants.items():
            limit = f"{record['limit_mb']:g}" if variant == "limited" else "none"
            sizes = [row["added_mb"], row["small_mb"], row["added_mb"] - row["small_mb"]]
            taken = [*(f"{size:.0f}" for size in sizes), str(row["seconds"]), f"{row['loss']:.6f}"]
            lines.append([f"{app}, {variant}", f"{record['data_mb']:g}", limit, *taken])
    made_with = record["made_with"]
    made = (
        f"`{record['command']}`; {made_with['hardware.cpu']}, {made_with['hardware.cores']} cores; "
        f"TensorFlow {made_with['version.tensorflow']}; {record['date'][:10]}, "
        f"commit {made_with['git.commit'][:10]}."
    )
    return f"{made}\n\n{aligned_table(header, lines)}"


def _run() -> None:
    argv = sys.argv[1:]
    command = parse(LargeData, "python -m benchmarks.large_data", argv)
    if command.app and command.variant and command.folder:
        print(json.dumps(measure(command.app, command.variant, command.folder, command.limit_mb * 1e6)))
        return
    require_folder("--output", command.output.parent)
    record = run(command, argv)
    keep_record(record, command.output, source="large_data.json", text=table(record))
    print(table(record))


if __name__ == "__main__":
    sys.exit(guarded(_run))
