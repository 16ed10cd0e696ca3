"""The metrics of the sensor signal app, and simple methods to compare it with."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipelines.data.windows import WindowedData
from pipelines.tasks.labelling import METRICS as METRICS
from pipelines.tasks.signal_baselines import beat_shapes, window_statistics

from .config import SensorConfig, cutting_of


def baselines(config: SensorConfig, data: WindowedData, *_: Any) -> dict[str, dict[str, float]]:
    """Return the macro F1, by test split, of the commonest label and of a random forest.

    The forest (200 trees of scikit-learn) reads statistics of each window; of a label at every sample, of the
    seconds before it; of events, the shape around the event and the intervals before it.
    """
    from sklearn.ensemble import RandomForestClassifier

    rate = data.whole["train"][0].rate
    cutting = cutting_of(config, rate, data.labels)
    read = beat_shapes if config.answer == "events" else window_statistics
    splits = {name: read(data, name, cutting) for name in ("train", *data.test_splits)}
    forest = RandomForestClassifier(200, random_state=config.seed, n_jobs=1)
    forest.fit(*splits["train"])
    commonest = np.bincount(splits["train"][1]).argmax()
    found: dict[str, dict[str, float]] = {"majority": {}, "forest": {}}
    for name in data.test_splits:
        inputs, targets = splits[name]
        for method, answers in (
            ("majority", np.full(len(targets), commonest)),
            ("forest", forest.predict(inputs)),
        ):
            found[method][name] = METRICS["macro_f1"](np.eye(len(data.labels))[answers], targets) or 0.0
    return found
