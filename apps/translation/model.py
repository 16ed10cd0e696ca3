"""The network: an encoder that reads the source, and a decoder that writes the target piece by piece.

    f = P [RNN_both(E x), E x]                x the pieces of the source, both directions, one or more layers
    h_t = RNN([w_t, mean_j f_j])              w_t the previous piece of the target
    a_t, c_t = attention(h_t, f)              over the places of the source, padding excepted
    s_t = RNN([h_t, c_t])
    z_t = W tanh(D [s_t, c_t]),   p_t = softmax(z_t)

Both layers of the decoder run over the whole target at once in training. With --input-feeding h_t also reads
c_(t-1) (`FedAttention`). With --copy p_t is a mixture with the attention (`Copying`). With --hops f comes
from lines that are read several times, for questions about a text (`LineReader`). The pieces' own vectors in
f are a short way from a word to its translation, which is then learned in the first epoch. Without guidance
attention hardly learns anything at first, so it is drawn to the alignment that IBM model 1 finds in the
training pairs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np

import layers
from pipelines.data.examples import Features
from pipelines.export.part import Part
from pipelines.ondevice.subwords import Subwords
from pipelines.ondevice.vocabulary import END
from pipelines.tasks.generation import shifted
from pipelines.tasks.generation_copying import Copying
from pipelines.tasks.generation_decoder import ContextAttention, ContextMean, GreedyDecoder
from pipelines.tasks.generation_feeding import FedAttention
from pipelines.tasks.generation_layers import Columns, WithoutMask
from pipelines.tasks.generation_losses import NextTokenLoss
from pipelines.tasks.generation_training import TeacherForcing
from pipelines.tasks.line_reader import LineReader
from pipelines.tasks.recurrent_stack import recurrent_stack

from .config import TranslationConfig
from .features import SUBWORDS

if TYPE_CHECKING:
    from pipelines.evaluation.outcome import Outcome

_PAIRS = 100  # on which the parts are calibrated and compared
_READING = "teacher_forcing"
_FIRST_VECTORS = keras.initializers.RandomNormal(stddev=0.1)  # with Keras's .03 lines are too much alike
_RARE = 0.01  # of a time that a piece counts which no target has


def build_model(config: TranslationConfig, features: Features) -> keras.Model:
    """Return the network that is trained.

    Inputs: `source` (batch, places), `tokens` (batch, steps, 1), the piece before each step, and with
    --attention-guidance `alignment` (batch, steps * places).
    Output: log-probabilities of the piece after each token, (batch, steps, 1, pieces + 1).
    """
    given = {
        "source": keras.Input([None], dtype="int32", name="source"),
        "tokens": keras.Input([None, 1], dtype="int32", name="tokens"),
    }
    if config.attention_guidance:
        given["alignment"] = keras.Input([None], name="alignment")
    encoder = build_encoder(config, features)
    reading = TeacherForcing(
        build_decoder(config, features, encoder.output.shape[-1]),
        name=_READING,
        scheduled_sampling=config.scheduled_sampling,
        attention_guidance=config.attention_guidance,
    )
    more = {name: tensor for name, tensor in given.items() if name != "tokens"}
    outputs = reading(given["tokens"], encoder(given["source"]), **more)
    return keras.Model(list(given.values()), outputs, name="translation")


def build_encoder(config: TranslationConfig, features: Features) -> keras.Model:
    """Return the encoder: `source` (batch, places), END at padding -> (batch, places, units)."""
    subwords = Subwords.from_json(features.assets[SUBWORDS])
    source = keras.Input([None], dtype="int32", name="source")
    x = layers.TokenDropout(config.word_dropout, name="word_dropout")(source)
    first = keras.initializers.RandomNormal(stddev=0.1)
    x = keras.layers.Embedding(subwords.start, config.embedding, first, mask_zero=True, name="source_pieces")(
        x
    )
    x = keras.layers.Dropout(config.dropout, name="source_dropout")(x)
    if config.hops:
        lines, longest = (int(features.counts[name]) for name in ("max_lines", "max_line"))
        vectors = WithoutMask(name="pieces_without_mask")(x)
        x = LineReader(config.hops, lines, longest, subwords.line, name="lines")(vectors, source)
        if config.copy:  # which needs to tell the pieces of a line apart
            x = keras.layers.Concatenate(name="lines_and_pieces")([x, vectors])
    else:
        vectors = WithoutMask(name="pieces_without_mask")(x)
        x = WithoutMask(name="read_without_mask")(recurrent_stack(config, bidirectional=True)(x))
        x = keras.layers.Concatenate(name="read_and_pieces")([x, vectors])
    x = keras.layers.Dropout(config.dropout, name="places_dropout")(x)
    x = WithoutMask(name="places_without_mask")(keras.layers.Dense(config.units, name="places")(x))
    return keras.Model(source, x, name="encoder")


def build_decoder(config: TranslationConfig, features: Features, channels: int) -> keras.Model:
    """Return the decoder, whose first answers are pieces as frequent as in the training targets.

    Inputs: `tokens` (batch, steps), `features` (batch, places, channels) and `source` (batch, places).
    Outputs: log-probabilities (batch, steps, pieces), where index 0 is END, and attention weights (batch,
    steps, places).
    """
    pieces = Subwords.from_json(features.assets[SUBWORDS]).start
    tokens = keras.Input([None], dtype="int32", name="tokens")
    context = keras.Input([None, channels], name="features")
    source = keras.Input([None], dtype="int32", name="source")
    cell, drop = layers.by_name(config.cell), config.dropout
    embedding = _embedding(config, pieces + 1)
    x = keras.layers.Dropout(drop, name="target_dropout")(embedding(tokens))
    x = ContextMean(name="with_mean")(x, context, source)
    query, attended, weights = _attending(config, x, context, source)
    x = keras.layers.Concatenate(name="with_context")([query, attended])
    x = cell(config.units, return_sequences=True, name="writing")(
        keras.layers.Dropout(drop, name="context_dropout")(x)
    )
    x = keras.layers.Concatenate(name="written_and_context")([x, attended])
    x = keras.layers.Dropout(drop, name="written_dropout")(x)
    hidden = keras.layers.Dense(
        config.embedding if config.tied else config.units, activation="tanh", name="hidden"
    )(x)
    hidden = keras.layers.Dropout(drop, name="hidden_dropout")(hidden)
    if config.tied:  # the start token, which is read but never written, is the last
        logits = Columns(0, pieces, name="logits")(embedding(hidden, reverse=True))
    else:
        layer = keras.layers.Dense(pieces, name="logits")
        logits = layer(hidden)
        layer.bias.assign(_log_shares(features.targets["train"], pieces))
    if config.copy:
        outputs = Copying(name="log_probabilities")(logits, x, weights, source)
    else:
        outputs = keras.layers.Activation("log_softmax", name="log_probabilities")(logits)
    return keras.Model([tokens, context, source], [outputs, weights], name="decoder")


def _log_shares(targets: np.ndarray, pieces: int) -> np.ndarray:
    """Return the logarithm of each piece's share of the targets, where END is once in each.

    Without this start, a network with few pairs learns for many epochs which pieces never occur, and little
    else.
    """
    counts = np.bincount(targets.ravel(), minlength=pieces).astype(np.float64)
    counts[END] = len(targets)
    return np.log((counts + _RARE) / (counts + _RARE).sum())


def _attending(config: TranslationConfig, x: Any, context: Any, source: Any) -> Any:
    """Return the first recurrent layer's outputs, the attended contexts and the attention weights."""
    units, kind, heads = config.attention_units, config.attention, config.heads
    if config.input_feeding:
        attending = FedAttention(config.cell, config.units, units, kind, heads=heads, name="attending")
        return attending(x, context, source)
    recurrent = layers.by_name(config.cell)(config.units, return_sequences=True, name="attending")
    query = recurrent(x)
    return query, *ContextAttention(units, kind, heads, name="attention")(query, context, source)


def _embedding(config: TranslationConfig, tokens: int) -> keras.layers.Layer:
    kind = keras.layers.ReversibleEmbedding if config.tied else keras.layers.Embedding
    return kind(tokens, config.embedding, name="target_pieces")


def make_loss(config: TranslationConfig) -> keras.losses.Loss:
    """Return the cross-entropy of each next piece."""
    return NextTokenLoss(config.label_smoothing)


def translator(config: TranslationConfig, features: Features, model: keras.Model) -> keras.Model:
    """Return the deployed network: `source` (batch, places) -> ids (batch, max_target), greedily."""
    limits = features.preprocessing
    encoder, decoder = _halves(model)
    source = keras.Input([limits["max_source"]], dtype="int32", name="source")
    start = Subwords.from_json(features.assets[SUBWORDS]).start
    greedy = GreedyDecoder(decoder, start, limits["max_target"], name="target")
    return keras.Model(source, greedy(encoder(source), source), name="translator")


def _halves(model: keras.Model) -> tuple[keras.Model, keras.Model]:
    """Return the encoder and the decoder of a trained network."""
    return model.get_layer("encoder"), model.get_layer(_READING).decoder


def make_parts(config: TranslationConfig, outcome: Outcome) -> dict[str, Part]:
    """Return the halves, which beam search runs: `encode` and, step by step, `decode`."""
    encoder, decoder = _halves(outcome.model)
    sources = {name: outcome.features.inputs[name][:_PAIRS] for name in ("test", "train")}
    calibration = outcome.features.targets["train"][:_PAIRS]
    subwords = Subwords.from_json(outcome.features.assets[SUBWORDS])
    texts = outcome.data.splits["test"].targets[:_PAIRS]
    ids = [subwords.encode(text) for text in texts]
    compared = max(1, min(calibration.shape[1] - 1, int(np.median([len(each) for each in ids]))))
    longer = [row for row, each in enumerate(ids) if len(each) >= compared]
    targets = np.array([ids[row][:compared] for row in longer], np.int32)
    return {
        "encode": Part(encoder, ["features"], {"source": sources["test"]}, {"source": sources["train"]}),
        "decode": Part(
            decoder,
            ["log_probabilities", "attention"],
            _read(encoder, sources["test"][longer], shifted(targets, subwords.start)),
            _read(encoder, sources["train"], shifted(calibration, subwords.start)[:, :-1]),
            execution="step",
            whole=("features", "source"),
        ),
    }


def _read(encoder: keras.Model, source: np.ndarray, tokens: np.ndarray) -> dict[str, Any]:
    """Return what the decoder reads."""
    features = np.asarray(encoder.predict(source, batch_size=64, verbose=0))
    return {"tokens": tokens, "features": features, "source": source}
