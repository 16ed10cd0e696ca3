"""Form the batches of an epoch: order, cut and augment them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..config import ClassifierConfig, Config
from ..data.examples import Features, take

_POOL = 50  # batches shuffled together before they are sorted by length
_ROUND = 8  # lengths are cut to a multiple of this


def batches(features: Features, config: Config, epoch: int) -> Iterator[tuple[Any, np.ndarray]]:
    """Yield the training batches of one epoch; their order depends on the seed and the epoch only.

    If the features have lengths, a batch holds sequences of similar length, cut to the longest of them.
    Each batch is augmented differently in each epoch.

    Args:
        features: the features of the whole data set.
        config: the settings; only the batch size and the seed are used.
        epoch: counted from 0.
    """
    rng = np.random.default_rng([config.seed, epoch])
    split = _split(config, epoch)
    if features.in_order:
        for rows in _cut(np.arange(len(features.targets[split])), config.batch_size):
            yield batch(features, split, rows, rng)
        return
    order = rng.permutation(len(features.targets[split]))
    lengths = features.lengths[split] if features.lengths else None
    if lengths is not None:
        pools = _cut(order, _POOL * config.batch_size)
        order = np.concatenate([pool[np.argsort(lengths[pool], kind="stable")] for pool in pools])
    chunks = _cut(order, config.batch_size)
    for i in rng.permutation(len(chunks)):
        yield batch(features, split, chunks[i], rng)


def batch(
    features: Features, split: str, rows: np.ndarray, rng: np.random.Generator
) -> tuple[Any, np.ndarray]:
    """Return inputs and targets of the examples in `rows` of a split, augmented."""
    inputs, targets = _examples(features, split, rows)
    return (inputs, targets) if features.augment is None else features.augment(inputs, targets, rng)


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


def count_batches(features: Features, config: Config, epoch: int) -> int:
    """Return the number of batches in an epoch, counted from 0."""
    return -(-len(features.targets[_split(config, epoch)]) // config.batch_size)


def class_weights(features: Features, config: Config, epoch: int) -> dict[int, float] | None:
    """Return the weight of each label's examples in an epoch; None if all count the same.

    Balanced weights are N / (K count), for N examples of K labels. A label without examples has weight 1.
    """
    if not isinstance(config, ClassifierConfig) or config.class_weights == "none":
        return None
    counts = np.bincount(features.targets[_split(config, epoch)], minlength=len(features.labels))
    weights = counts.sum() / (np.count_nonzero(counts) * np.maximum(counts, 1))
    return dict(enumerate(np.where(counts, weights, 1.0).tolist()))


def _cut(rows: np.ndarray, size: int) -> list[np.ndarray]:
    return [rows[i : i + size] for i in range(0, len(rows), size)]


def dataset(features: Features, config: Config, epoch: int) -> tf.data.Dataset:
    """Return the training batches of one epoch; the next ones are prepared in the background."""
    inputs, targets = next(batches(features, config, epoch))
    signature = (
        keras.tree.map_structure(lambda array: _spec(array, features), inputs),
        _spec(targets, features if features.targets_per_step else None),
    )
    data = tf.data.Dataset.from_generator(
        lambda: batches(features, config, epoch), output_signature=signature
    )
    count = count_batches(features, config, epoch)
    options = tf.data.Options()
    options.autotune.enabled = False  # at the end of an epoch its thread may sleep for another second or two
    return data.apply(tf.data.experimental.assert_cardinality(count)).prefetch(2).with_options(options)


def _spec(array: np.ndarray, features: Features | None) -> tf.TensorSpec:
    """Return the spec of a batch. The length is open if features are cut or augmented.

    Images, which have four axes, keep their size, unless they are sequences.
    """
    varies = features is not None and (features.lengths or features.augment)
    sequences = array.ndim in (2, 3, 5) or (features is not None and features.of_sequences)
    free = 2 if varies and sequences and array.ndim > 1 else 1
    return tf.TensorSpec([*[None] * free, *array.shape[free:]], array.dtype)
