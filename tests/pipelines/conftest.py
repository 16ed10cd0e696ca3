"""A tiny trained-like model, exported once for all tests here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    import keras

    from pipelines.evaluation.score import Metric
    from pipelines.export.trained import ExportResult, TrainedModel

STEPS, WORDS, CLASSES, EXAMPLES = 7, 11, 3, 210


def accuracy(outputs: np.ndarray, targets: np.ndarray) -> float:
    """Return the share of examples whose largest output is the target."""
    return float(np.mean(outputs.argmax(axis=1) == targets))


@dataclass(frozen=True)
class Tiny:
    """What was exported, and what came out."""

    model: keras.Model
    inputs: np.ndarray
    targets: np.ndarray
    exported: ExportResult
    saved_model: Path
    output: Path

    def trained(self, metrics: Mapping[str, Metric]) -> TrainedModel:
        """Return the model and its data, for metrics of another kind."""
        from pipelines.export.trained import TrainedModel

        specs = {"tokens": ((STEPS,), "int32")}
        return TrainedModel(self.model, specs, self.inputs, self.targets, self.inputs, metrics)

    @property
    def folder(self) -> Path:
        """The folder of the bundle."""
        return self.exported.bundle.folder

    def content(self, precision: str = "float32") -> bytes:
        """Return the .tflite file of a precision."""
        return self.exported.bundle.variant_path(precision).read_bytes()


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """Export Embedding -> LSTM -> Dense, with padding, in every precision."""
    from pipelines.export.trained import RunInfo, TrainedModel, export

    folder = tmp_path_factory.mktemp("tiny")
    model = tiny_model()
    rng = np.random.default_rng(5)
    inputs = rng.integers(1, WORDS, (EXAMPLES, STEPS)).astype(np.int32)
    inputs[np.arange(STEPS) >= rng.integers(1, STEPS + 1, EXAMPLES)[:, None]] = 0
    targets = model.predict_on_batch(inputs).argmax(axis=1)
    targets[::7] = (targets[::7] + 1) % CLASSES  # so that accuracy is not 1
    info = RunInfo(
        app="tiny",
        run_id="run1",
        dataset="embedded",
        preset="default",
        config={"units": 18},
        labels=("bad", "fair", "good"),
        preprocessing={"max_length": STEPS},
        baseline=0.4,
    )
    output, workspace = folder / "exports", folder / "work"
    workspace.mkdir()
    specs = {"tokens": ((STEPS,), "int32")}
    assets = {"vocabulary.json": b'["a", "b"]'}
    trained = TrainedModel(model, specs, inputs, targets, inputs, {"accuracy": accuracy})
    exported = export(trained, info, assets=assets, output=output, workspace=workspace)
    return Tiny(model, inputs, targets, exported, workspace / "saved_model", output)


def tiny_model() -> keras.Model:
    """Make the model; weights are large enough for answers to differ."""
    import keras

    from layers import LSTM

    keras.utils.set_random_seed(7)
    tokens = keras.Input((STEPS,), dtype="int32", name="tokens")
    x = keras.layers.Embedding(WORDS, 4, mask_zero=True, embeddings_initializer="normal")(tokens)
    # 18 units: the converter quantizes no weights of fewer than 1024 values
    x = LSTM(18, kernel_initializer=keras.initializers.RandomNormal(stddev=2.0))(x)
    dense = keras.layers.Dense(
        CLASSES, "softmax", kernel_initializer=keras.initializers.RandomNormal(stddev=2)
    )
    return keras.Model(tokens, dense(x))
