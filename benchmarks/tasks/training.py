"""Trains a network of one recurrent layer on a task."""

from __future__ import annotations

import logging
import math
import time
from typing import Any, NamedTuple

import keras
import numpy as np
from tqdm import tqdm

from .cells import find
from .task import Batch, Task

log = logging.getLogger(__name__)


class Outcome(NamedTuple):
    """The scores and the cost of a training."""

    scores: dict[str, float]
    """The scores of the weights with the lowest validation loss, by test set; the first is the main score."""
    held_out_loss: float
    """The lowest validation loss."""
    steps: int
    """The number of updates."""
    minutes: float
    parameters: int
    """The number of parameters of the whole network."""


def network(task: Task, cell: str, units: int) -> keras.Model:
    """Return the recurrent layer followed by the task's head.

    The model is compiled with Adam, and gradients are clipped to a norm of 1.

    Args:
        task: the task.
        cell: a key of `cells.CELLS`.
        units: the units of the recurrent layer.
    """
    options = dict((task.options or {}).get(cell, {}))
    layer = find(cell)(units, return_sequences=task.per_step, **options)
    inputs = keras.Input((None, task.features))
    model = keras.Model(inputs, task.head()(layer(inputs)))
    model.compile(keras.optimizers.Adam(task.learning_rate, global_clipnorm=1.0), task.loss)
    return model


def train(task: Task, cell: str, units: int, *, steps: int, minutes: float, seed: int = 1) -> Outcome:
    """Train on new examples until the goal, the last step or the end of the time, and score the network.

    Args:
        task: the task.
        cell: a key of `cells.CELLS`.
        units: the units of the recurrent layer.
        steps: the largest number of updates.
        minutes: the longest time; at least one interval of updates is made.
        seed: the seed of the initial weights and the training examples.
    """
    keras.utils.set_random_seed(seed)
    model = network(task, cell, units)
    validation, tests = task.held_out()
    rng = np.random.default_rng(seed)
    start, best, weights, done = time.perf_counter(), math.inf, model.get_weights(), 0
    with tqdm(total=steps, desc=f"{task.name} {cell}", disable=None) as bar:
        while not done or (done < steps and best > task.goal and time.perf_counter() - start < 60 * minutes):
            count = min(task.steps_between, steps - done)
            _fit(model, task.draw(rng, count * task.batch_size), task.batch_size)
            done += count
            loss = _loss(model, validation)
            if loss < best:
                best, weights = loss, model.get_weights()
            bar.update(count)
            bar.set_postfix(loss=f"{loss:.3g}", best=f"{best:.3g}")
            if not math.isfinite(loss):
                log.warning("%s %s: the loss is %s after %d steps", task.name, cell, loss, done)
                break
    spent = (time.perf_counter() - start) / 60
    model.set_weights(weights)
    scores = {name: task.score(_outputs(model, batch), batch) for name, batch in tests.items()}
    return Outcome(scores, best, done, spent, model.count_params())


def _fit(model: keras.Model, batch: Batch, batch_size: int) -> None:
    model.fit(
        batch.inputs,
        batch.targets,
        sample_weight=batch.weights,
        batch_size=batch_size,
        shuffle=False,
        verbose=0,
    )


def _loss(model: keras.Model, batch: Batch) -> float:
    count = len(batch.inputs)
    loss: Any = model.evaluate(
        batch.inputs, batch.targets, sample_weight=batch.weights, batch_size=count, verbose=0
    )
    return float(loss)


def _outputs(model: keras.Model, batch: Batch) -> np.ndarray:
    return model.predict(batch.inputs, batch_size=100, verbose=0)
