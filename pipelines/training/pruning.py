"""Magnitude pruning: the smallest weights of every matrix become zero while the network trains.

The files keep their size, but compress: a zip holds a run of zeros in a few bytes.

Source: M. Zhu and S. Gupta, To prune, or not to prune: exploring the efficacy of pruning for model
compression, 2017.
"""

from __future__ import annotations

from functools import partial

import keras
import numpy as np
import tensorflow as tf

_LEAST_RANK = 2
"""Matrices and filters are pruned; biases are few."""


class Pruning:
    """The schedule and the masks of a training.

    With E epochs of pruning, the first half of all epochs, epoch e (from 1) has the share of zeros
    s (1 - (1 - e / E)^3), and s from epoch E on: many weights go at first, when most of them matter little.
    The masks follow from the weights at the start of an epoch, so that a resumed training is the same.

    Args:
        model: the network.
        sparsity: the share s of zeros in every matrix, from 0 up to below 1.
        epochs: the number of epochs of the training.

    Attributes:
        full_from: the first epoch, counted from 1, that has all zeros.
    """

    def __init__(self, model: keras.Model, sparsity: float, epochs: int) -> None:
        self.full_from = -(-epochs // 2) if sparsity else 0
        self._sparsity = sparsity
        self._masked: list[tuple[keras.Variable, tf.Variable]] = []
        weights = [each for each in model.trainable_variables if len(each.shape) >= _LEAST_RANK]
        for weight in weights if sparsity else []:
            mask = tf.Variable(tf.ones(weight.shape, weight.dtype), trainable=False)
            weight.constraint = partial(tf.multiply, mask)  # the optimizer applies it after each step
            self._masked.append((weight, mask))

    def start_epoch(self, epoch: int) -> None:
        """Choose the zeros of an epoch, counted from 0."""
        share = self._sparsity
        if epoch + 1 < self.full_from:
            share *= 1 - (1 - (epoch + 1) / self.full_from) ** 3
        for weight, mask in self._masked:
            values = weight.numpy()
            smallest = np.argsort(np.abs(values), axis=None, kind="stable")[: round(share * values.size)]
            kept = np.ones(values.size, values.dtype)
            kept[smallest] = 0
            mask.assign(kept.reshape(values.shape))
            weight.assign(values * mask.numpy())
