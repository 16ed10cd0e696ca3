"""A training step that several processes share: each computes the gradient of its rows of the batch.

Their sum is the gradient of the whole batch, whose norm is clipped, so the weights become those of one
process with the whole batch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..cluster.collective import Collective, Gradient
from ..cluster.place import Place
from ..config import Config
from ..data.examples import Features
from ..errors import UserError
from .batches import class_weights, dataset
from .interruption import check

_OWN_SEEDS = 10_007  # added to a worker's seeds of dropout, times its index


class SharedStep:
    """Trains a compiled model together with other processes, which have the same one.

    Args:
        model: a model that `fit.compile_model` has compiled.
        collective: sums over all processes.
    """

    def __init__(self, model: keras.Model, collective: Collective) -> None:
        self._model, self._collective = model, collective
        self._place = collective.team.place
        self._steps: dict[Any, Callable[..., tf.Tensor]] = {}

    def tell_epoch(self, epoch: int) -> None:
        """Let the other processes train an epoch, counted from 0, from the state of this one."""
        variables = self._model.variables + self._model.optimizer.variables
        self._collective.team.tell_epoch(epoch, [variable.numpy() for variable in variables])

    def run_epoch(
        self,
        features: Features,
        config: Config,
        epoch: int,
        after_step: Callable[[int, dict[str, float]], None] = lambda step, values: None,
    ) -> dict[str, float]:
        """Train an epoch, counted from 0, from the state that all processes have; return its mean loss."""
        data = dataset(features, config, epoch)
        weights = class_weights(features, config, epoch)
        step = self.step(data.element_spec, weights)
        _draw_other_numbers(self._model, self._place.index)
        losses, counts = [], []
        for inputs, targets in data:
            check()
            counts.append(len(targets))
            losses.append(float(step(inputs, targets)))
            after_step(len(losses) - 1, {"loss": losses[-1]})
        return {"loss": float(np.average(losses, weights=counts))}

    def step(self, signature: Any, weights: Mapping[int, float] | None = None) -> Callable[..., tf.Tensor]:
        """Return a function that trains a step and returns its loss, for the variables that are trained now.

        Args:
            signature: the specs of the inputs and of the targets of whole batches, which the function takes.
            weights: the weight of each label's examples.
        """
        variables = self._model.trainable_variables
        key = (repr(signature), repr(weights), tuple(each.path for each in variables))
        if key not in self._steps:
            self._steps[key] = self._made(signature, weights, variables)
        return self._steps[key]

    def _made(
        self, signature: Any, weights: Mapping[int, float] | None, variables: list[keras.Variable]
    ) -> Callable[..., tf.Tensor]:
        @tf.function(input_signature=signature, autograph=False)
        def step(inputs: Any, targets: tf.Tensor) -> tf.Tensor:
            share = of_share(self._model, inputs, targets, place=self._place, weights=weights)
            loss, *gradients = self._collective.sum(share)
            self._model.optimizer.apply(gradients, variables)
            return loss

        return step


def of_share(
    model: keras.Model,
    inputs: Any,
    targets: tf.Tensor,
    *,
    place: Place,
    weights: Mapping[int, float] | None = None,
    training: bool = True,
) -> list[Gradient]:
    """Return what this process adds to the loss of a batch, and to the gradients of all trained weights.

    Process k of n has the rows k, k + n, ... The loss is a mean over examples or, if it has a method `count`,
    over what that counts, such as the steps without padding: the shares are weighted accordingly.

    Args:
        model: a compiled model.
        inputs: those of the whole batch.
        targets: those of the whole batch.
        place: which of the processes this is.
        weights: the weight of each label's examples.
        training: whether the model trains.
    """
    size = tf.shape(targets)[0]
    rows = tf.range(place.index, tf.maximum(size, place.index + 1), place.workers) % size
    own = tf.where(place.index < size, tf.size(rows), 0)  # with fewer rows than workers some have none
    mine, wanted = keras.tree.map_structure(lambda each: tf.gather(each, rows), (inputs, targets))
    of_rows = tf.cast(own, tf.float32) / tf.cast(size, tf.float32)
    variables = [each.value for each in model.trainable_variables]
    with tf.GradientTape() as tape:
        outputs = model(mine, training=training)
        counted = [_counted(model.loss, each, outputs) for each in (wanted, targets)]
        share = counted[0] / tf.maximum(1.0, counted[1]) * tf.sign(of_rows)
        loss = share * model.loss(wanted, outputs, _of_examples(wanted, weights))
        if model.losses:  # those that layers add are means over the rows
            loss += of_rows * tf.add_n(model.losses)
    return [loss, *tape.gradient(loss, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)]


def _counted(loss: keras.losses.Loss, targets: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
    """Return how many the loss of these targets is a mean over."""
    if hasattr(loss, "count"):
        return loss.count(targets, outputs)
    if getattr(loss, "ignore_class", None) is not None:  # of Keras
        return tf.reduce_sum(tf.cast(targets != loss.ignore_class, tf.float32))
    return tf.cast(tf.shape(targets)[0], tf.float32)


def _of_examples(targets: tf.Tensor, weights: Mapping[int, float] | None) -> tf.Tensor | None:
    return None if weights is None else tf.gather([weights[label] for label in range(len(weights))], targets)


def _draw_other_numbers(model: keras.Model, index: int) -> None:
    """Let dropout draw other numbers in each process: their examples are others, too."""
    for variable in model.variables:
        if variable.name == "seed_generator_state":
            variable.assign(variable.value + np.array([_OWN_SEEDS * index, 0], np.uint32))


def require_shareable(app_name: str, features: Features, workers: int) -> None:
    """Raise UserError if the batches of these features can't be shared."""
    if features.in_order:
        raise UserError(
            f"--workers: {app_name} carries the state of each row of a batch to the next batch: "
            f"expected 1, got {workers}"
        )
