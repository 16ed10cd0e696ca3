"""Times a `fit` epoch of the sentiment model with our recurrent layers and with those of keras.

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

from .timing import quartiles, ratios, seconds


@dataclass(frozen=True)
class Fit:
    """Time an epoch of the sentiment app's default preset."""

    rounds: int = 15
    """The number of timed epochs of each model."""


def compare(config: Config, rounds: int) -> dict[str, Any]:
    """Time epochs of `model.fit` with each kind of layers, in alternation and on the same batches.

    The kinds are "ours", "keras", and "no recurrence": the same network without recurrent layers, which shows
    what the rest of an epoch costs. A first epoch of each warms up, and is recorded separately, since it
    includes tracing and compiling. All timed epochs use the batches of the second epoch.

    Args:
        config: the config of the sentiment app.
        rounds: the number of timed epochs of each model.

    Returns:
        The number of `batches` and `rounds`; by model `first_epoch_seconds` and `seconds` (median and
        quartiles); `ratios` of the times to ours; and `recurrent_part` (see there).
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
    for _ in tqdm(range(rounds), desc="sentiment epochs", disable=None):
        for name in rng.permutation(list(models)):
            times[name].append(seconds(partial(_epoch, models[name], features, config, 1)))
    spent = {name: quartiles(values) for name, values in times.items()}
    return {
        "batches": sum(1 for _ in batching.batches(features, config, 1)),
        "rounds": rounds,
        "first_epoch_seconds": first,
        "seconds": spent,
        "ratios": ratios(times),
        "recurrent_part": recurrent_part({name: each["median"] for name, each in spent.items()}),
    }


def recurrent_part(medians: Mapping[str, float]) -> float:
    """Return how many times faster our layers are than keras's when the rest of the epoch is subtracted.

    Args:
        medians: seconds per epoch for "ours", "keras" and "no recurrence".
    """
    rest = medians["no recurrence"]
    return (medians["keras"] - rest) / (medians["ours"] - rest)


def with_keras_layers(model: keras.Model) -> keras.Model:
    """Return the network with the same weights; the layer in its `Stack` becomes one of keras.layers."""

    def to_keras(stack: layers.Stack) -> keras.layers.Layer:
        (only,) = stack.layers
        return layers.to_keras(only)

    copy = _with_stack_replaced(model, to_keras)
    copy.set_weights(model.get_weights())
    return copy


def without_recurrence(model: keras.Model) -> keras.Model:
    """Return the network with a cheap layer of as many outputs instead of its `Stack`."""

    def repeat_features(stack: layers.Stack) -> keras.layers.Layer:
        return _RepeatFeatures(stack.compute_output_shape((1, 1, 1))[-1])

    return _with_stack_replaced(model, repeat_features)


class _RepeatFeatures(keras.layers.Layer):
    """Repeats the features until there are `size` of them."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.supports_masking = True

    def call(self, x: tf.Tensor, mask: Any = None) -> tf.Tensor:
        return tf.concat([x] * -(-self.size // x.shape[-1]), -1)[..., : self.size]


def _with_stack_replaced(model: keras.Model, replace: Callable[[layers.Stack], Any]) -> keras.Model:
    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        if isinstance(layer, layers.Stack):
            return replace(layer)
        return type(layer).from_config(layer.get_config())

    return keras.models.clone_model(model, clone_function=clone)


def _epoch(model: keras.Model, features: Features, config: Config, epoch: int) -> None:
    model.fit(batching.dataset(features, config, epoch), shuffle=False, verbose=0)


def _run() -> None:
    command = parse(Fit, "python -m benchmarks.fit", sys.argv[1:])
    record = compare(APP.presets["default"], command.rounds)
    print(json.dumps({"command": "python -m benchmarks.fit"} | record, indent=1))


if __name__ == "__main__":
    sys.exit(guarded(_run))
