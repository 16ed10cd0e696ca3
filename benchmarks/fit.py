"""A whole `fit` epoch of the sentiment model, with our recurrent layers and with those of keras.

python -m benchmarks.fit [--rounds 15]        prints one JSON object
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

import layers
from apps.sentiment import APP
from pipelines.commands.command_line import guarded, parse
from pipelines.config import Config
from pipelines.data.examples import Features
from pipelines.training import batches as batching
from pipelines.training import fit as training

from .timing import ratios, seconds, spread


@dataclass(frozen=True)
class Fit:
    """Time an epoch of the sentiment app's default preset."""

    rounds: int = 15
    """Timed epochs of each model."""


def compare(config: Config, rounds: int) -> dict[str, Any]:
    """Time one epoch of `model.fit`, ours and keras's in alternation, on the same batches.

    A first epoch warms both up; its seconds, tracing and compiling included, are given apart. The timed
    epochs all see the batches of the second epoch. "no recurrence" is the same network without recurrent
    layers: what an epoch costs whatever they do; `recurrent_part` is the ratio of what comes on top of it.
    """
    training.seed_everything(config.seed)
    features = APP.features(config, APP.load(config))
    ours = APP.build(config, features)
    models = {"ours": ours, "keras": with_keras_layers(ours), "no recurrence": without_recurrence(ours)}
    for model in models.values():
        training.compile_model(model, config, APP.loss(config), features)
    first = {name: seconds(partial(_epoch, model, features, config, 0)) for name, model in models.items()}
    rng = np.random.default_rng(config.seed)
    times: dict[str, list[float]] = {name: [] for name in models}
    for _ in tqdm(range(rounds), desc="sentiment epochs", file=sys.stderr):
        for name in rng.permutation(list(models)):
            times[name].append(seconds(partial(_epoch, models[name], features, config, 1)))
    return {
        "batches": sum(1 for _ in batching.batches(features, config, 1)),
        "rounds": rounds,
        "first_epoch_seconds": first,
        "seconds": {name: spread(values) for name, values in times.items()},
        "ratios": ratios(times),
        "recurrent_part": recurrent_part({name: spread(values)["median"] for name, values in times.items()}),
    }


def recurrent_part(medians: Mapping[str, float]) -> float:
    """Return how many times faster our recurrent layers are, the rest of the epoch taken off both."""
    rest = medians["no recurrence"]
    return (medians["keras"] - rest) / (medians["ours"] - rest)


def with_keras_layers(model: keras.Model) -> keras.Model:
    """Return the same network, weights included, with the layer in its `Stack` from keras.layers."""

    def to_keras(stack: layers.Stack) -> keras.layers.Layer:
        (only,) = stack.layers
        return layers.to_keras(only)

    copy = _with_another_stack(model, to_keras)
    copy.set_weights(model.get_weights())
    return copy


def without_recurrence(model: keras.Model) -> keras.Model:
    """Return the network with its `Stack` replaced by a layer of no cost and as many outputs."""
    return _with_another_stack(model, lambda stack: _Widen(stack.compute_output_shape((1, 1, 1))[-1]))


class _Widen(keras.layers.Layer):
    """Repeats features up to a size."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.supports_masking = True

    def call(self, x: tf.Tensor, mask: Any = None) -> tf.Tensor:
        return tf.concat([x] * -(-self.size // x.shape[-1]), -1)[..., : self.size]


def _with_another_stack(model: keras.Model, replace: Callable[[layers.Stack], Any]) -> keras.Model:
    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        return (
            replace(layer) if isinstance(layer, layers.Stack) else type(layer).from_config(layer.get_config())
        )

    return keras.models.clone_model(model, clone_function=clone)


def _epoch(model: keras.Model, features: Features, config: Config, epoch: int) -> None:
    model.fit(batching.dataset(features, config, epoch), shuffle=False, verbose=0)


def _run() -> None:
    command = parse(Fit, "python -m benchmarks.fit", sys.argv[1:])
    record = compare(APP.presets["default"], command.rounds)
    print(json.dumps({"command": "python -m benchmarks.fit"} | record, indent=1))


if __name__ == "__main__":
    sys.exit(guarded(_run))
