"""A whole `fit` epoch of the sentiment model, with our recurrent layers and with those of keras.

python -m benchmarks.fit [--rounds 5]        prints one JSON object
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

import layers
from apps.sentiment import APP
from pipelines import training
from pipelines.cli import guarded, parse
from pipelines.config import Config
from pipelines.data import Features

from .timing import ratios, seconds, spread


@dataclass(frozen=True)
class Fit:
    """Time an epoch of the sentiment app's default preset."""

    rounds: int = 5
    """Timed epochs of each model."""


def compare(config: Config, rounds: int) -> dict[str, Any]:
    """Time one epoch of `model.fit`, ours and keras's in alternation, on the same batches.

    A first epoch warms both up; its seconds, tracing and compiling included, are given apart. The timed
    epochs all see the batches of the second epoch.
    """
    training.seed_everything(config.seed)
    features = APP.features(config, APP.load(config))
    ours = APP.build(config, features)
    models = {"ours": ours, "keras": with_keras_layers(ours)}
    for model in models.values():
        training.compile_model(model, config, APP.loss(config), features)
    first = {name: seconds(partial(_epoch, model, features, config, 0)) for name, model in models.items()}
    rng = np.random.default_rng(config.seed)
    times: dict[str, list[float]] = {name: [] for name in models}
    for _ in tqdm(range(rounds), desc="sentiment epochs", file=sys.stderr):
        for name in rng.permutation(list(models)):
            times[name].append(seconds(partial(_epoch, models[name], features, config, 1)))
    return {
        "batches": sum(1 for _ in training.batches(features, config, 1)),
        "rounds": rounds,
        "first_epoch_seconds": first,
        "seconds": {name: spread(values) for name, values in times.items()},
        "ratios": ratios(times),
    }


def with_keras_layers(model: keras.Model) -> keras.Model:
    """Return the same network, weights included, with the layer in its `Stack` from keras.layers."""

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        if not isinstance(layer, layers.Stack):
            return layer.__class__.from_config(layer.get_config())
        (only,) = layer.layers
        return layers.to_keras(only)

    copy = keras.models.clone_model(model, clone_function=clone)
    copy.set_weights(model.get_weights())
    return copy


def _epoch(model: keras.Model, features: Features, config: Config, epoch: int) -> None:
    inputs, targets = features.inputs["train"], features.targets["train"]
    signature = (tf.TensorSpec([None, None], inputs.dtype), tf.TensorSpec([None], targets.dtype))
    data = tf.data.Dataset.from_generator(
        lambda: training.batches(features, config, epoch), output_signature=signature
    )
    count = -(-len(targets) // config.batch_size)
    model.fit(
        data.apply(tf.data.experimental.assert_cardinality(count)).prefetch(2), shuffle=False, verbose=0
    )


def _run() -> None:
    command = parse(Fit, "python -m benchmarks.fit", sys.argv[1:])
    print(json.dumps(compare(APP.presets["default"], command.rounds), indent=1))


if __name__ == "__main__":
    sys.exit(guarded(_run))
