"""Fit a network: batches, optimizer, seeds, early stopping, and going on after an interruption."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from .checkpoint import Checkpoint, Progress
from .config import Config
from .data import Features
from .evaluation import KerasPredictor, score

if TYPE_CHECKING:
    from .app import Metric

_POOL = 50  # batches shuffled together before they are sorted by length
_ROUND = 8  # lengths are cut to a multiple of this


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
    optimizer = keras.optimizers.AdamW(
        schedule, weight_decay=config.weight_decay, global_clipnorm=config.clip_norm
    )
    model.compile(optimizer, loss, jit_compile=False)
    optimizer.build(model.trainable_variables)


def batches(features: Features, config: Config, epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the training batches of one epoch; their order depends on the seed and the epoch only.

    Where the features tell lengths, a batch holds sequences of like length, cut to the longest of them.
    """
    rng = np.random.default_rng([config.seed, epoch])
    split = _split(config, epoch)
    inputs, targets = features.inputs[split], features.targets[split]
    order = rng.permutation(len(targets))
    lengths = features.lengths[split] if features.lengths else None
    if lengths is not None:
        pools = _cut(order, _POOL * config.batch_size)
        order = np.concatenate([pool[np.argsort(lengths[pool], kind="stable")] for pool in pools])
    chunks = _cut(order, config.batch_size)
    for i in rng.permutation(len(chunks)):
        rows = chunks[i]
        batch = inputs[rows]
        if lengths is not None:
            batch = batch[:, : max(_ROUND, -(-int(lengths[rows].max()) // _ROUND) * _ROUND)]
        yield batch, targets[rows]


def _split(config: Config, epoch: int) -> str:
    return "pretraining" if epoch < config.pretraining_epochs else "train"


def _steps(features: Features, config: Config, epoch: int) -> int:
    return -(-len(features.targets[_split(config, epoch)]) // config.batch_size)


def _cut(rows: np.ndarray, size: int) -> list[np.ndarray]:
    return [rows[i : i + size] for i in range(0, len(rows), size)]


def _dataset(features: Features, config: Config, epoch: int) -> tf.data.Dataset:
    inputs, targets = features.inputs["train"], features.targets["train"]
    free = [None] * (2 if features.lengths else 1)
    signature = (
        tf.TensorSpec([*free, *inputs.shape[len(free) :]], inputs.dtype),
        tf.TensorSpec([None, *targets.shape[1:]], targets.dtype),
    )
    dataset = tf.data.Dataset.from_generator(
        lambda: batches(features, config, epoch), output_signature=signature
    )
    count = _steps(features, config, epoch)
    return dataset.apply(tf.data.experimental.assert_cardinality(count)).prefetch(2)


class _ProgressBar(keras.callbacks.Callback):
    """One bar an epoch on standard error."""

    def __init__(self, title: str, steps: int) -> None:
        super().__init__()
        self.bar = tqdm(total=steps, desc=title, unit="batch", file=sys.stderr, leave=False, mininterval=0.5)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self.bar.update()
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
) -> Progress:
    """Train a compiled model, from where `checkpoint` stands, and leave it with its best weights.

    After each epoch the validation split is scored and `on_epoch(epoch, values)` told (epochs count from
    1); an epoch that ended without its checkpoint is trained, and told, again. Training ends after
    `config.patience` epochs without a better first metric. On an interruption the best weights of the
    finished epochs are restored before it goes on up.
    """
    progress = checkpoint.load()
    if progress.epochs:
        _restore(model.variables, progress.model)
        _restore(model.optimizer.variables, progress.optimizer)
    try:
        while not progress.finished:
            values = _one_epoch(model, features, config, metrics, progress.epochs)
            _advance(progress, values, next(iter(metrics)), model, config)
            on_epoch(progress.epochs, values)
            checkpoint.save(progress)
    finally:
        if progress.best:
            _restore(model.variables, progress.best)
    return progress


def _one_epoch(
    model: keras.Model, features: Features, config: Config, metrics: Mapping[str, Metric], epoch: int
) -> dict[str, float]:
    bar = _ProgressBar(f"epoch {epoch + 1}/{config.epochs}", _steps(features, config, epoch))
    data = _dataset(features, config, epoch)
    history = model.fit(
        data, epochs=epoch + 1, initial_epoch=epoch, shuffle=False, verbose=0, callbacks=[bar]
    ).history
    values, _ = score(
        KerasPredictor(model), features.inputs["validation"], features.targets["validation"], metrics
    )
    rate = float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))
    return {
        "loss": history["loss"][-1],
        **{f"validation.{name}": value for name, value in values.items()},
        "learning_rate": rate,
    }


def _advance(
    progress: Progress, values: dict[str, float], metric: str, model: keras.Model, config: Config
) -> None:
    """Book a finished epoch."""
    progress.history.append(values)
    progress.model = [variable.numpy() for variable in model.variables]
    progress.optimizer = [variable.numpy() for variable in model.optimizer.variables]
    value = values[f"validation.{metric}"]
    if value > progress.best_value:
        progress.best_epoch, progress.best_value, progress.best = progress.epochs, value, progress.model
    stale = progress.epochs - progress.best_epoch
    progress.finished = progress.epochs >= config.epochs or stale >= config.patience


def _restore(variables: list[keras.Variable], values: list[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
