"""Trainings of a tiny network by several processes, without an app's data, export and tracking."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from reference.trainings import ROOT

import layers
from pipelines.cluster.collective import Collective
from pipelines.cluster.place import VARIABLE, Place, from_environment, on_this_machine
from pipelines.cluster.team import Team
from pipelines.commands.command_line import guarded
from pipelines.config import ClassifierConfig
from pipelines.data.examples import Features
from pipelines.training import fit as fitting
from pipelines.training.checkpoint import Checkpoint
from pipelines.training.follow import follow
from pipelines.training.shared_step import SharedStep

PATIENCE = 900
"""Seconds to wait for a training; it takes 20 where nothing else runs."""
CONFIG = ClassifierConfig(
    epochs=4, batch_size=16, learning_rate=0.01, clip_norm=0.05, sparsity=0.3, patience=4, seed=3
)
"""200 steps on `features`. All of them are clipped."""
STEPS = 200

_CODE = """
from pathlib import Path
from pipelines.commands.compiled_code import keep_compiled_code
from pipelines.devices import import_tensorflow
keep_compiled_code(Path(".cache", "xla"))
import_tensorflow()
from reference.teams import main
main()
"""


def features() -> Features:
    """Return sequences of tokens whose label at each step is the parity of the token; the padding has none.

    The last of the 50 batches has one example, so that one of two workers has none.
    """
    rng = np.random.default_rng(0)
    inputs, targets, lengths = {}, {}, {}
    for split, count in (("train", 785), ("validation", 20)):
        lengths[split] = rng.integers(3, 13, count)
        real = np.arange(12) < lengths[split][:, None]
        tokens = rng.integers(1, 20, (count, 12))
        inputs[split] = (tokens * real).astype(np.int32)
        targets[split] = np.where(real, tokens % 2, -1).astype(np.int32)
    return Features(inputs, targets, ("even", "odd"), lengths=lengths, targets_per_step=True)


class TinyApp:
    """What `follow` needs of an app."""

    name = "tiny"
    trainable = None

    def __init__(self, dropout: float) -> None:
        self._dropout = dropout

    def of(self, config):
        return self

    def features(self, config, data):
        return features()

    def build(self, config, features):
        tokens = keras.Input([None], dtype="int32")
        x = keras.layers.Embedding(20, 6, mask_zero=True)(tokens)
        x = layers.GRU(8, return_sequences=True, dropout=self._dropout, name="recurrent")(x)
        return keras.Model(tokens, keras.layers.Dense(2, activation="softmax")(x))

    def loss(self, config):
        return keras.losses.SparseCategoricalCrossentropy(ignore_class=-1)


def right_labels(outputs, targets):
    """Return the share of right labels."""
    return float(np.mean((outputs.argmax(axis=-1) == targets)[targets >= 0]))


def train(app: TinyApp, folder: Path, *, collective=None, dies_after: int | None = None) -> keras.Model:
    """Train alone or as the chief, and return the network; `dies_after` an epoch the process is killed."""
    fitting.seed_everything(CONFIG.seed)
    model = app.build(CONFIG, features())
    fitting.compile_model(model, CONFIG, app.loss(CONFIG), features())

    def on_epoch(epoch, values):
        if epoch == dies_after:
            os.kill(os.getpid(), signal.SIGKILL)

    fitting.fit(
        model,
        features(),
        CONFIG,
        metrics={"right": right_labels},
        checkpoint=Checkpoint(folder),
        on_epoch=on_epoch,
        collective=collective,
    )
    return model


def weights_of(path: Path) -> list[np.ndarray]:
    """Return the weights that a chief has written."""
    with np.load(path) as stored:
        return [stored[name] for name in stored.files]


def start(
    place: Place, folder: Path, *, dropout: float = 0.0, dies_after: int | None = None
) -> subprocess.Popen[str]:
    """Start a process that trains at a place: it writes `weights.npz` if it is the chief."""
    options = {"folder": str(folder), "dropout": dropout, "dies_after": dies_after}
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", VARIABLE: place.as_tf_config()}
    return subprocess.Popen(
        [sys.executable, "-c", _CODE, json.dumps(options)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def start_all(workers: int, folder: Path, dies_after: Mapping[int, int] = {}, **options) -> list[Any]:
    """Start all processes of a training on this machine; the chief is the first."""
    folder.mkdir(exist_ok=True)
    places = on_this_machine(workers)
    return [start(each, folder, dies_after=dies_after.get(each.index), **options) for each in places]


def ended(processes: Sequence[Any]) -> list[tuple[int, str]]:
    """Wait for processes; return the exit code of each and what it said on standard error."""
    said = [process.communicate(timeout=PATIENCE)[1] for process in processes]
    return [(process.returncode, text) for process, text in zip(processes, said, strict=True)]


def main() -> None:
    """Train at the place that TF_CONFIG gives."""
    options = json.loads(sys.argv[1])
    sys.exit(guarded(lambda: _train_together(options)))


def _train_together(options: Mapping[str, Any]) -> None:
    place = from_environment()
    app, folder, dies_after = TinyApp(options["dropout"]), Path(options["folder"]), options["dies_after"]
    with Team.gathered(place) as team:
        collective = Collective(team)
        if not place.is_chief:
            if dies_after:
                run_epoch = SharedStep.run_epoch

                def dying(step, features, config, epoch):
                    if epoch == dies_after:
                        os.kill(os.getpid(), signal.SIGKILL)
                    return run_epoch(step, features, config, epoch)

                SharedStep.run_epoch = dying
            follow(app, CONFIG, None, collective)
            return
        with team.guarded("again"):
            model = train(app, folder, collective=collective, dies_after=dies_after)
            np.savez(folder / "weights.npz", *(variable.numpy() for variable in model.variables))
        team.finish()
