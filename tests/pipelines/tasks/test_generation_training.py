"""Losses of generation, and teacher forcing with guided attention."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipelines.ondevice.vocabulary import END
from pipelines.tasks.generation_losses import NextTokenLoss
from pipelines.tasks.generation_training import TeacherForcing, WordSpotting


def test_the_loss_by_hand() -> None:
    """Three classes; of four targets one is unknown (3) and one stands behind the end."""
    p = np.array([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1], [0.25, 0.5, 0.25], [1, 1e-9, 1e-9]], np.float32)
    targets = np.array([[[1], [3], [END], [END]]])
    outputs = tf.math.log(p)[None, :, None]
    assert float(NextTokenLoss()(targets, outputs)) == pytest.approx(np.log(4), rel=1e-5)
    smoothed = (0.7 * np.log(4) - 0.3 * np.log([0.5, 0.25, 0.25]).mean()) * 2 / 2
    assert float(NextTokenLoss(0.3)(targets, outputs)) == pytest.approx(smoothed, rel=1e-5)


class _Fixed(keras.layers.Layer):
    """Stands for a decoder: looks where it is told."""

    def __init__(self, attention: np.ndarray) -> None:
        super().__init__()
        self.attention = attention
        self.read: list[np.ndarray] = []

    def call(self, inputs: list, training: bool = False) -> list:
        tokens, _ = inputs
        self.read.append(np.asarray(tokens))
        guess = tf.one_hot(tf.fill(tf.shape(tokens), 2), 5)
        return [tf.math.log(guess + 1e-3), tf.constant(self.attention)]


def test_places_are_to_be_looked_at_once_in_a_sentence() -> None:
    attention = np.array([[[0.5, 0.5], [1, 0], [0.2, 0.8]]], np.float32)
    reading = TeacherForcing(_Fixed(attention), attention_regularization=3.0)
    tokens = np.array([[[4], [1], [END]]])  # two words are read; the third step doesn't count
    features, spots = np.zeros((1, 2, 1), np.float32), np.zeros((1, 2, 5), np.float32)
    reading(tokens, features, spots, training=True)
    (loss,) = reading.losses
    assert float(loss) == pytest.approx(3 * ((1 - 1.5) ** 2 + (1 - 0.5) ** 2) / 2)
    reading(tokens, features, spots, training=False)
    assert not reading.losses


def test_attention_is_led_to_where_the_next_word_was_spotted() -> None:
    """Of two captions the words 1 and 2 come; 1 could be anywhere, 2 is surely at the first of two places."""
    attention = np.array([[[0.25, 0.75], [0.5, 0.5]]] * 2, np.float32)
    reading = TeacherForcing(_Fixed(attention), attention_guidance=2.0)
    spots = np.zeros((1, 2, 5), np.float32)
    spots[0, 0, 2] = 100.0
    tokens = np.array([[[4, 4], [1, 2], [END, END]]], np.int32)[:, :2]
    reading(tokens, np.zeros((1, 2, 1), np.float32), spots, training=True)
    (loss,) = reading.losses
    assert float(loss) == pytest.approx(2 * (0 + np.log(4)) / 2, rel=1e-5)


def test_scheduled_sampling_reads_guesses_but_keeps_start_and_end() -> None:
    keras.utils.set_random_seed(0)
    decoder = _Fixed(np.zeros((200, 6, 1), np.float32))
    tokens = np.array([[7], [1], [3], [1], [END], [END]], np.int32)[None].repeat(200, axis=0)
    features, spots = np.zeros((200, 1, 1), np.float32), np.zeros((200, 1, 8), np.float32)
    TeacherForcing(decoder, scheduled_sampling=0.5)(tokens, features, spots, training=True)
    true, mixed = decoder.read
    np.testing.assert_array_equal(true[0], [7, 1, 3, 1, END, END])
    np.testing.assert_array_equal(mixed[:, [0, 4, 5]], true[:, [0, 4, 5]])
    assert set(np.unique(mixed[:, 1:4])) == {1, 2, 3}
    assert 0.4 < (mixed[:, 1:4] == 2).mean() < 0.6


def test_word_spotting_by_hand() -> None:
    layer = WordSpotting(4, 0.5)
    seen = np.array([[[1.0], [-1.0]]], np.float32)
    tokens = np.array([[3, 1, END, 3]])
    layer(seen, tokens)
    layer.kernel.assign([[0.0, 1.0, 2.0, -1.0]])
    layer.bias.assign([0.0, 0.5, -1.0, 0.0])
    spots = np.asarray(layer(seen, tokens, training=True))
    np.testing.assert_allclose(spots, [[[0, 1.5, 1, -1], [0, -0.5, -3, 1]]])
    z = [np.log(np.exp(u + b) + np.exp(-u + b)) for u, b in ((1, 0.5), (2, -1), (-1, 0))]
    p = 1 / (1 + np.exp(-np.array(z)))
    expected = -np.log(p[0]) - np.log(1 - p[1]) - np.log(p[2])
    assert float(layer.losses[0]) == pytest.approx(0.5 * expected, rel=1e-5)
