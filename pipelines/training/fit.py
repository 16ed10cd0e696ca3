"""Fit a network: batches, optimizer, seeds, early stopping, and going on after an interruption."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from .._layers import layers
from ..config import Config
from ..data.examples import Features, take
from ..evaluation.outcome import Progress
from ..evaluation.predictors import KerasPredictor
from ..evaluation.score import score
from .checkpoint import Checkpoint

if TYPE_CHECKING:
    from ..evaluation.score import Metric

_POOL = 50  # batches shuffled together before they are sorted by length
_ROUND = 8  # lengths are cut to a multiple of this
_AT_ONCE = 16  # steps between two looks at callbacks: each look costs a third of a small model's step
_LOOKED_AT = 16  # training examples by which the recurrent layers are diagnosed


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and TensorFlow, and let TensorFlow use only kernels that repeat themselves."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def compile_model(model: keras.Model, config: Config, loss: keras.losses.Loss, features: Features) -> None:
    """Compile with AdamW, linear warm-up then cosine decay, and clipping by global norm."""
    steps = sum(_steps(features, config, epoch) for epoch in range(config.epochs))
    warmup = max(1, steps // 20)
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=config.learning_rate / warmup,
        decay_steps=max(1, steps - warmup),
        warmup_target=config.learning_rate,
        warmup_steps=warmup,
    )
    optimizer = layers.CountingAdamW(
        schedule, weight_decay=config.weight_decay, global_clipnorm=config.clip_norm
    )
    model.compile(optimizer, loss, jit_compile=False, steps_per_execution=_AT_ONCE)
    optimizer.build(model.trainable_variables)


def batches(features: Features, config: Config, epoch: int) -> Iterator[tuple[Any, np.ndarray]]:
    """Yield the training batches of one epoch; their order depends on the seed and the epoch only.

    Where the features tell lengths, a batch holds sequences of like length, cut to the longest of them.
    Augmentation is drawn anew for every batch.
    """
    rng = np.random.default_rng([config.seed, epoch])
    split = _split(config, epoch)
    order = rng.permutation(len(features.targets[split]))
    lengths = features.lengths[split] if features.lengths else None
    if lengths is not None:
        pools = _cut(order, _POOL * config.batch_size)
        order = np.concatenate([pool[np.argsort(lengths[pool], kind="stable")] for pool in pools])
    chunks = _cut(order, config.batch_size)
    for i in rng.permutation(len(chunks)):
        yield _batch(features, split, chunks[i], rng)


def _batch(
    features: Features, split: str, rows: np.ndarray, rng: np.random.Generator
) -> tuple[Any, np.ndarray]:
    some, wanted = _examples(features, split, rows)
    return (some, wanted) if features.augment is None else features.augment(some, wanted, rng)


def _examples(features: Features, split: str, rows: np.ndarray) -> tuple[Any, np.ndarray]:
    """Return inputs and targets; sequences with lengths are cut to the longest of them."""
    inputs, targets = features.inputs[split], features.targets[split][rows]
    if features.lengths is None:
        return take(inputs, rows), targets
    longest = int(features.lengths[split][rows].max())
    steps = slice(max(_ROUND, -(-longest // _ROUND) * _ROUND))
    return take(inputs, rows)[:, steps], targets[:, steps] if features.targets_per_step else targets


def _split(config: Config, epoch: int) -> str:
    return "pretraining" if epoch < config.pretraining_epochs else "train"


def _steps(features: Features, config: Config, epoch: int) -> int:
    return -(-len(features.targets[_split(config, epoch)]) // config.batch_size)


def _cut(rows: np.ndarray, size: int) -> list[np.ndarray]:
    return [rows[i : i + size] for i in range(0, len(rows), size)]


def dataset(features: Features, config: Config, epoch: int) -> tf.data.Dataset:
    """Return the training batches of one epoch, prepared ahead."""
    first, wanted = next(batches(features, config, epoch))
    signature = (
        keras.tree.map_structure(lambda array: _any_of(array, features), first),
        _any_of(wanted, features if features.targets_per_step else None),
    )
    data = tf.data.Dataset.from_generator(
        lambda: batches(features, config, epoch), output_signature=signature
    )
    count = _steps(features, config, epoch)
    options = tf.data.Options()
    options.autotune.enabled = False  # at the end of an epoch its thread may sleep on for a second or two
    return data.apply(tf.data.experimental.assert_cardinality(count)).prefetch(2).with_options(options)


def _any_of(array: np.ndarray, features: Features | None) -> tf.TensorSpec:
    """Return the spec of any number of examples, and of any length where features are cut or augmented.

    Pictures, which have four axes, keep their size.
    """
    varies = features is not None and array.ndim in (2, 3) and (features.lengths or features.augment)
    free = 2 if varies else 1
    return tf.TensorSpec([*[None] * free, *array.shape[free:]], array.dtype)


class _ProgressBar(keras.callbacks.Callback):
    """One bar an epoch on standard error."""

    def __init__(self, title: str, steps: int) -> None:
        super().__init__()
        self.bar = tqdm(total=steps, desc=title, unit="batch", file=sys.stderr, leave=False, mininterval=0.5)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self.bar.update(batch + 1 - self.bar.n)
        self.bar.set_postfix({name: f"{value:.4f}" for name, value in (logs or {}).items()}, refresh=False)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.bar.close()


def fit(
    model: keras.Model,
    features: Features,
    config: Config,
    metrics: Mapping[str, Metric],
    checkpoint: Checkpoint,
    on_epoch: Callable[[int, dict[str, float]], None],
    deployed: keras.Model | None = None,
    higher_is_better: bool = True,
    set_trainable: Callable[[int], None] | None = None,
) -> Progress:
    """Train a compiled model, from where `checkpoint` stands, and leave it with its best weights.

    `deployed`, where it isn't the model itself, shares its weights and is what is scored. `set_trainable`
    is told each epoch, counted from 0, before it begins, and sets which layers are trained in it.

    After each epoch the validation split is scored and `on_epoch(epoch, values)` told (epochs count from
    1); an epoch that ended without its checkpoint is trained, and told, again. Training ends after
    `config.patience` epochs without a better first metric. On an interruption the best weights of the
    finished epochs are restored before it goes on up.
    """
    progress = checkpoint.load()
    if progress.epochs:
        _restore(model.variables, progress.model)
        _restore(model.optimizer.variables, progress.optimizer)
    diagnostics = _diagnostics(features)
    try:
        while not progress.finished:
            started = time.monotonic()
            if set_trainable:
                _set_phase(model, progress.epochs, set_trainable)
            values = _one_epoch(model, features, config, diagnostics, progress.epochs)
            values |= _validated(model if deployed is None else deployed, features, metrics)
            progress.gradients.append(_curves(diagnostics))
            value = values[f"validation.{next(iter(metrics))}"]
            _advance(progress, values, value if higher_is_better else -value, model, config)
            progress.seconds += time.monotonic() - started
            on_epoch(progress.epochs, values)
            checkpoint.save(progress)
    finally:
        if progress.best:
            _restore(model.variables, progress.best)
    return progress


def _set_phase(model: keras.Model, epoch: int, set_trainable: Callable[[int], None]) -> None:
    """Let the app say which layers are trained; `fit` must be compiled again where that changes."""
    before = [variable.path for variable in model.trainable_variables]
    set_trainable(epoch)
    if [variable.path for variable in model.trainable_variables] != before:
        model.compile(
            model.optimizer, model.loss, jit_compile=model.jit_compile, steps_per_execution=_AT_ONCE
        )


def _diagnostics(features: Features) -> keras.callbacks.Callback:
    """Look at the same few training examples after every epoch, from all over the split."""
    last = len(features.targets["train"]) - 1
    rows = np.unique(np.linspace(0, last, _LOOKED_AT).astype(int))
    return layers.Diagnostics(*_batch(features, "train", rows, np.random.default_rng(0)))


def _curves(diagnostics: keras.callbacks.Callback) -> dict[str, list[list[float]]]:
    """Return for each layer and state the last epoch's gradients by lag: of the loss, of the last output."""
    return {
        f"{layer}.{state}": [by_lag.tolist(), found.memory_by_lag[state].tolist()]
        for layer, found in diagnostics.history[-1].items()
        for state, by_lag in found.gradient_by_lag.items()
    }


def _one_epoch(
    model: keras.Model,
    features: Features,
    config: Config,
    diagnostics: keras.callbacks.Callback,
    epoch: int,
) -> dict[str, float]:
    bar = _ProgressBar(f"epoch {epoch + 1}/{config.epochs}", _steps(features, config, epoch))
    data = dataset(features, config, epoch)
    fitted = model.fit(
        data, epochs=epoch + 1, initial_epoch=epoch, shuffle=False, verbose=0, callbacks=[bar, diagnostics]
    )
    return {
        **{name: values[-1] for name, values in fitted.history.items()},
        **model.optimizer.take_counts(),
        "learning_rate": float(keras.ops.convert_to_numpy(model.optimizer.learning_rate)),
    }


def _validated(model: keras.Model, features: Features, metrics: Mapping[str, Metric]) -> dict[str, float]:
    inputs = features.inputs["validation"]
    values, _ = score(KerasPredictor(model), inputs, features.targets["validation"], metrics)
    return {f"validation.{name}": value for name, value in values.items()}


def _advance(
    progress: Progress, values: dict[str, float], value: float, model: keras.Model, config: Config
) -> None:
    """Book a finished epoch; the higher its `value`, the better."""
    progress.history.append(values)
    progress.model = [variable.numpy() for variable in model.variables]
    progress.optimizer = [variable.numpy() for variable in model.optimizer.variables]
    if value > progress.best_value:
        progress.best_epoch, progress.best_value, progress.best = progress.epochs, value, progress.model
    stale = progress.epochs - progress.best_epoch
    progress.finished = progress.epochs >= config.epochs or stale >= config.patience


def _restore(variables: list[keras.Variable], values: list[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
