"""Decoders over contexts of variable length: padding changes nothing, copying by hand, one step at a time."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from layers import GRU, OneStep
from pipelines.ondevice.vocabulary import END
from pipelines.tasks.generation_copying import Copying
from pipelines.tasks.generation_decoder import ContextAttention, ContextMean, GreedyDecoder
from pipelines.tasks.generation_feeding import FedAttention
from pipelines.tasks.generation_training import TeacherForcing

KINDS = ("additive", "multiplicative", "multi_head")
CLASSES, CHANNELS, START = 6, 5, 6
rng = np.random.default_rng(0)
SOURCE = np.array([[3, 1, 4, END], [2, END, END, END]], np.int32)
FEATURES = rng.normal(size=(2, 4, CHANNELS)).astype(np.float32)
"""The padding holds numbers that would be noticed."""


def small_decoder(kind: str, fed: str | None = None) -> keras.Model:
    tokens = keras.Input([None], dtype="int32", name="tokens")
    features = keras.Input([None, CHANNELS], name="features")
    source = keras.Input([None], dtype="int32", name="source")
    x = keras.layers.Embedding(START + 1, 4)(tokens)
    x = ContextMean()(x, features, source)
    if fed:
        query, context, weights = FedAttention(fed, 8, 4, kind, heads=2)(x, features, source)
    else:
        query = GRU(7, return_sequences=True)(x)
        context, weights = ContextAttention(4, kind, heads=2)(query, features, source)
    x = keras.layers.Concatenate()([query, context])
    logits = keras.layers.Dense(CLASSES)(x)
    return keras.Model([tokens, features, source], [Copying()(logits, x, weights, source), weights])


def test_the_mean_is_that_of_the_real_places() -> None:
    steps = np.zeros((2, 3, 1), np.float32)
    found = np.asarray(ContextMean()(steps, FEATURES, SOURCE))[:, :, 1:]
    for row, count in enumerate((3, 1)):
        expected = np.broadcast_to(FEATURES[row, :count].mean(axis=0), (3, CHANNELS))
        np.testing.assert_allclose(found[row], expected, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_padding_gets_no_weight_and_changes_nothing(kind: str) -> None:
    layer = ContextAttention(4, kind, heads=2)
    query = rng.normal(size=(2, 3, 7)).astype(np.float32)
    attended, weights = layer(query, FEATURES, SOURCE)
    np.testing.assert_allclose(np.sum(weights, axis=-1), 1, atol=1e-6)
    assert (np.asarray(weights)[np.broadcast_to(SOURCE[:, None] == END, (2, 3, 4))] == 0).all()
    short, _ = layer(query[:1], FEATURES[:1, :3])
    np.testing.assert_allclose(attended[:1], short, atol=1e-6)
    assert layer.compute_output_shape(query.shape, FEATURES.shape) == [attended.shape, weights.shape]


def test_an_unknown_kind_of_attention_is_refused() -> None:
    with pytest.raises(ValueError, match="kind: expected additive, multiplicative or multi_head, got 'both'"):
        ContextAttention(4, "both")  # type: ignore[arg-type]


def test_copying_by_hand() -> None:
    """The token 3 is at two places; the rest of the probability is that of the vocabulary."""
    source = np.array([[3, 1, 3, END]], np.int32)
    attention = np.array([[[0.5, 0.3, 0.2, 0.0]]], np.float32)
    logits, steps = rng.normal(size=(1, 1, CLASSES)), rng.normal(size=(1, 1, 2))
    layer = Copying()
    layer.build(logits.shape, steps.shape, attention.shape, source.shape)
    layer.kernel.assign([[0.5], [-2.0]])
    layer.bias.assign([0.3])
    p = np.exp(layer(logits.astype(np.float32), steps.astype(np.float32), attention, source))
    gate = 1 / (1 + np.exp(-(0.5 * steps[0, 0, 0] - 2 * steps[0, 0, 1] + 0.3)))
    expected = gate * np.exp(logits[0, 0]) / np.exp(logits[0, 0]).sum()
    expected[3] += (1 - gate) * 0.7
    expected[1] += (1 - gate) * 0.3
    np.testing.assert_allclose(p[0, 0], expected, rtol=1e-5)
    assert p.sum() == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize(
    ("kind", "fed"), [*((kind, None) for kind in KINDS), *zip(KINDS, ("gru", "lstm", "min_gru"), strict=True)]
)
def test_step_by_step_and_greedily_it_says_what_the_whole_says(kind: str, fed: str | None) -> None:
    keras.utils.set_random_seed(1)
    decoder = small_decoder(kind, fed)
    for variable in decoder.trainable_variables:
        variable.assign(variable * 3)
    found = np.asarray(GreedyDecoder(decoder, START, 5)(FEATURES, SOURCE))
    step, tokens = OneStep(decoder), np.full((2, 1), START, np.int32)
    states = step.initial_states(2)
    for _ in range(5):
        (one, _), states = step([tokens[:, -1:], FEATURES, SOURCE], states)
        whole, _ = decoder([tokens, FEATURES, SOURCE])
        np.testing.assert_allclose(one[:, 0], whole[:, -1], atol=1e-5)
        following = np.argmax(whole[:, -1], axis=-1)
        following[(tokens[:, 1:] == END).any(axis=1)] = END
        tokens = np.concatenate([tokens, following[:, None].astype(np.int32)], axis=1)
    np.testing.assert_array_equal(found, tokens[:, 1:])


def test_each_step_reads_what_the_step_before_attended_to() -> None:
    layer = FedAttention("simple_rnn", 8, 4)
    x = rng.normal(size=(2, 3, 5)).astype(np.float32)
    found = layer(x, FEATURES, SOURCE)
    h, attended = np.zeros((2, 8), np.float32), np.zeros((2, CHANNELS), np.float32)
    for t in range(3):
        h, _ = layer.cell(np.concatenate([x[:, t], attended], axis=1), (h,))
        attended, weights = layer.attention(h, FEATURES, mask=SOURCE != END)
        for one, whole in zip((h, attended, weights), found, strict=True):
            np.testing.assert_allclose(whole[:, t], one, atol=1e-6)
    assert layer.compute_output_shape(x.shape, FEATURES.shape) == [tuple(each.shape) for each in found]


@pytest.mark.parametrize("fed", [None, "lstm"])
def test_layers_can_be_made_again_from_their_settings(fed: str | None) -> None:
    decoder = small_decoder("multi_head", fed)
    made = keras.Model.from_config(decoder.get_config())
    made.set_weights(decoder.get_weights())
    given = [np.array([[START, 1], [START, 2]], np.int32), FEATURES, SOURCE]
    np.testing.assert_allclose(made(given)[0], decoder(given)[0], atol=1e-6)


def test_attention_is_led_to_where_the_alignment_says() -> None:
    decoder = small_decoder("additive")
    reading = TeacherForcing(decoder, attention_guidance=2.0)
    tokens = np.array([[[START], [1]], [[START], [2]]], np.int32)
    alignment = np.zeros((2, 2, 4), np.float32)
    alignment[0, 1] = [0.25, 0.75, 0, 0]  # only one of the four steps is aligned
    alignment = alignment.reshape(2, -1)
    outputs = reading(tokens, FEATURES, source=SOURCE, alignment=alignment, training=True)
    log_probabilities, weights = decoder([tokens[:, :, 0], FEATURES, SOURCE])
    np.testing.assert_allclose(outputs[:, :, 0], log_probabilities, atol=1e-6)
    expected = -2 * (0.25 * np.log(weights[0, 1, 0]) + 0.75 * np.log(weights[0, 1, 1]))
    assert float(reading.losses[0]) == pytest.approx(float(expected), rel=1e-4)
    reading(tokens, FEATURES, source=SOURCE, alignment=alignment, training=False)
    assert not reading.losses
    graph = reading(
        keras.Input([None, 1], dtype="int32"),
        keras.Input([None, CHANNELS]),
        source=keras.Input([None], dtype="int32"),
        alignment=keras.Input([None]),
    )
    assert graph.shape == (None, None, 1, CLASSES)
