"""Fit a network: seeds, optimizer, early stopping, and how to resume after an interruption."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from .._layers import layers
from ..config import Config
from ..data.examples import Features, take
from ..evaluation.outcome import Progress
from ..evaluation.predictors import of_network
from ..evaluation.score import score
from .batches import batch, class_weights, count_batches, dataset
from .checkpoint import Checkpoint
from .interruption import check
from .pruning import Pruning
from .shared_step import SharedStep

if TYPE_CHECKING:
    from ..cluster.collective import Collective
    from ..evaluation.predictors import Predictor
    from ..evaluation.score import Metric

_STEPS_PER_EXECUTION = 16  # steps between calls of callbacks: a call costs a third of a small model's step
_LOSS_BATCH = 64  # validation examples whose loss is computed at once
_DIAGNOSED_EXAMPLES = 16  # training examples on which the recurrent layers are diagnosed


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and TensorFlow, and make TensorFlow use deterministic kernels only."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def compile_model(model: keras.Model, config: Config, loss: keras.losses.Loss, features: Features) -> None:
    """Compile with AdamW, the learning rate of `config.schedule`, and clipping by global norm."""
    plateau = config.schedule == "plateau"
    optimizer = layers.CountingAdamW(
        config.learning_rate if plateau else _cosine(config, features),
        weight_decay=config.weight_decay,
        global_clipnorm=config.clip_norm,
    )
    model.compile(optimizer, loss, jit_compile=False, steps_per_execution=_STEPS_PER_EXECUTION)
    optimizer.build(model.trainable_variables)


def _cosine(config: Config, features: Features) -> keras.optimizers.schedules.LearningRateSchedule:
    """Return linear warm-up, then cosine decay to 0."""
    steps = sum(count_batches(features, config, epoch) for epoch in range(config.epochs))
    warmup = max(1, steps // 20)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=config.learning_rate / warmup,
        decay_steps=max(1, steps - warmup),
        warmup_target=config.learning_rate,
        warmup_steps=warmup,
    )


class _ProgressBar(keras.callbacks.Callback):
    """Show one progress bar per epoch on standard error, and stop where an interruption was lost."""

    def __init__(self, title: str, steps: int) -> None:
        super().__init__()
        self.bar = tqdm(total=steps, desc=title, unit="batch", leave=False, mininterval=0.5, disable=None)

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        check()

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self.bar.update(batch + 1 - self.bar.n)
        self.bar.set_postfix({name: f"{value:.4f}" for name, value in (logs or {}).items()}, refresh=False)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.bar.close()


def fit(
    model: keras.Model,
    features: Features,
    config: Config,
    *,
    metrics: Mapping[str, Metric],
    checkpoint: Checkpoint,
    on_epoch: Callable[[int, dict[str, float]], None],
    deployed: keras.Model | None = None,
    higher_is_better: bool = True,
    set_trainable: Callable[[int], None] | None = None,
    each_epoch: Callable[[], AbstractContextManager[None]] = nullcontext,
    collective: Collective | None = None,
) -> Progress:
    """Train a compiled model, starting from the state in `checkpoint`; at the end it has its best weights.

    After each epoch the validation split is scored. Training ends after all epochs, or after
    `config.patience` epochs without a better first metric. If it is interrupted, the best weights of the
    finished epochs are restored before the exception is raised.

    Args:
        model: a model that `compile_model` has compiled.
        features: inputs and targets by split.
        config: the settings.
        metrics: metrics by name; the first one decides which epoch is best.
        checkpoint: the progress, which is read at the start and written after each epoch.
        on_epoch: `on_epoch(epoch, values)` is called after each epoch, counted from 1. It is called again
            if the process was killed before the epoch's checkpoint was written: the epoch is then repeated.
        deployed: the model that is scored; it shares the weights of `model`. Default: `model` itself.
        higher_is_better: whether a higher value of the first metric is better.
        set_trainable: `set_trainable(epoch)` is called before each epoch, counted from 0, and sets which
            layers are trained in it.
        each_epoch: the network is trained and scored in a `with` block of what this returns.
        collective: sums gradients over the processes that train together, if there are several; the others
            `follow`.
    """
    progress = checkpoint.load()
    if progress.epochs:
        restore(model.variables + model.optimizer.variables, progress.model + progress.optimizer)
    diagnostics = _diagnostics(features, config)
    predictor = of_network(deployed or model, features)
    pruning = Pruning(model, config.sparsity, config.epochs)
    shared = SharedStep(model, collective) if collective else None
    options = {"diagnostics": diagnostics, "shared": shared}
    try:
        while not progress.finished:
            started = time.monotonic()
            start_epoch(model, progress.epochs, set_trainable, pruning, shared=shared)
            with each_epoch():
                trained = _one_epoch(model, features, config, epoch=progress.epochs, **options)
                values = _validate(model, deployed or model, features, metrics, predictor=predictor) | trained
            progress.gradients.append(_gradients_by_lag(diagnostics))
            value = values[f"validation.{next(iter(metrics))}"] * (1 if higher_is_better else -1)
            _add_epoch(progress, values, value, model=model, config=config, pruning=pruning)
            progress.seconds += time.monotonic() - started
            on_epoch(progress.epochs, values)
            checkpoint.save(progress)
            check()
    finally:
        if progress.best:
            restore(model.variables, progress.best)
    return progress


def start_epoch(
    model: keras.Model,
    epoch: int,
    set_trainable: Callable[[int], None] | None,
    pruning: Pruning,
    *,
    shared: SharedStep | None = None,
) -> None:
    """Set which layers are trained and which weights are zero.

    Args:
        model: the model; it is compiled again if other layers are trained.
        epoch: the next epoch, counted from 0.
        set_trainable: `set_trainable(epoch)` sets which layers are trained; None for all.
        pruning: chooses the weights that are zero.
        shared: tells the processes that train with this one, the chief, to start as well.
    """
    if shared:
        shared.tell_epoch(epoch)
    if set_trainable:
        _set_phase(model, epoch, set_trainable)
    pruning.start_epoch(epoch)


def _set_phase(model: keras.Model, epoch: int, set_trainable: Callable[[int], None]) -> None:
    """Let the app set which layers are trained; compile the model again if that changes."""
    before = [variable.path for variable in model.trainable_variables]
    set_trainable(epoch)
    if [variable.path for variable in model.trainable_variables] != before:
        model.compile(
            model.optimizer,
            model.loss,
            jit_compile=model.jit_compile,
            steps_per_execution=_STEPS_PER_EXECUTION,
        )


def _diagnostics(features: Features, config: Config) -> keras.callbacks.Callback:
    """Return a callback that examines the same few training examples after every epoch."""
    last = len(features.targets["train"]) - 1
    if features.in_order:  # the network takes whole batches only
        return layers.Diagnostics(
            *batch(features, "train", np.arange(config.batch_size), np.random.default_rng(0))
        )
    rows = np.unique(np.linspace(0, last, _DIAGNOSED_EXAMPLES).astype(int))
    return layers.Diagnostics(*batch(features, "train", rows, np.random.default_rng(0)))


def _gradients_by_lag(diagnostics: keras.callbacks.Callback) -> dict[str, list[list[float]]]:
    """Return the last epoch's gradient norms by lag, of the loss and of the last output, for each state."""
    return {
        f"{layer}.{state}": [by_lag.tolist(), found.memory_by_lag[state].tolist()]
        for layer, found in diagnostics.history[-1].items()
        for state, by_lag in found.gradient_by_lag.items()
    }


def _one_epoch(
    model: keras.Model,
    features: Features,
    config: Config,
    *,
    diagnostics: keras.callbacks.Callback,
    epoch: int,
    shared: SharedStep | None,
) -> dict[str, float]:
    bar = _ProgressBar(f"epoch {epoch + 1}/{config.epochs}", count_batches(features, config, epoch))
    if shared:
        found = shared.run_epoch(features, config, epoch, bar.on_train_batch_end)
        for callback in (bar, diagnostics):
            callback.set_model(model)
            callback.on_epoch_end(epoch, found)
    else:
        fitted = model.fit(
            dataset(features, config, epoch),
            epochs=epoch + 1,
            initial_epoch=epoch,
            shuffle=False,
            verbose=0,
            callbacks=[bar, diagnostics],
            class_weight=class_weights(features, config, epoch),
        )
        found = {name: values[-1] for name, values in fitted.history.items()}
    return {
        **found,
        **model.optimizer.take_counts(),
        "learning_rate": float(keras.ops.convert_to_numpy(model.optimizer.learning_rate)),
    }


def _validate(
    model: keras.Model,
    deployed: keras.Model,
    features: Features,
    metrics: Mapping[str, Metric],
    *,
    predictor: Predictor,
) -> dict[str, float]:
    """Return the metrics and the loss on the validation split; the metrics come first.

    `predictor` answers as `deployed` does. It is the same in all epochs, since its first call is slow.
    """
    targets = features.targets["validation"]
    values, outputs = score(predictor, features.inputs["validation"], targets, metrics)
    values = {f"validation.{name}": value for name, value in values.items()}
    if deployed is model or features.in_order:
        loss = _mean_loss(model.loss, targets, lambda rows: outputs[rows])
    elif features.validation:
        inputs, targets = features.validation
        loss = _mean_loss(model.loss, targets, lambda rows: model.predict_on_batch(take(inputs, rows)))
    else:
        return values
    return values | {"validation.loss": loss}


def _mean_loss(loss: keras.losses.Loss, targets: np.ndarray, outputs: Callable[[slice], np.ndarray]) -> float:
    """Return the loss of a split, the mean over batches as in training, from `outputs(rows)`."""
    batches = [slice(start, start + _LOSS_BATCH) for start in range(0, len(targets), _LOSS_BATCH)]
    values = [float(loss(targets[rows], outputs(rows))) for rows in batches]
    return float(np.average(values, weights=[len(targets[rows]) for rows in batches]))


def _add_epoch(
    progress: Progress,
    values: dict[str, float],
    value: float,
    *,
    model: keras.Model,
    config: Config,
    pruning: Pruning,
) -> None:
    """Add a finished epoch to the progress; on a plateau, halve the learning rate.

    A higher `value` is better. An epoch in which weights were still pruned is better than all before it.
    """
    if config.schedule == "plateau" and value <= progress.best_value:
        model.optimizer.learning_rate = model.optimizer.learning_rate / 2
    progress.history.append(values)
    progress.model = [variable.numpy() for variable in model.variables]
    progress.optimizer = [variable.numpy() for variable in model.optimizer.variables]
    if value > progress.best_value or progress.epochs <= pruning.full_from:
        progress.best_epoch, progress.best_value, progress.best = progress.epochs, value, progress.model
    since_best = progress.epochs - progress.best_epoch
    progress.finished = progress.epochs >= config.epochs or since_best >= config.patience


def restore(variables: list[keras.Variable], values: list[np.ndarray]) -> None:
    """Give variables the values that they had."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
