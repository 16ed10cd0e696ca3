"""The captioning network: an image encoder, and a decoder that predicts the caption word by word.

The decoder has two recurrent layers with attention between them. The first reads the words so far and decides
where to look; the second takes the attended features and decides on the word:

    h_t = RNN([w_t, mean_j f_j])        w_t the previous word, f_j the features of place j
    a_tj = softmax_j(v . tanh(W h_t + U f_j + b)),   c_t = sum_j a_tj f_j
    s_t = RNN([h_t, c_t])
    p_t = softmax(V tanh(D [s_t, c_t]))

In Show, Attend and Tell (K. Xu et al., ICML 2015) attention uses the state of the only layer, so no step can
begin before the previous step has ended. Here both layers run over the whole caption at once in training.
The two layers are those of P. Anderson et al., Bottom-up and top-down attention, CVPR 2018, without the
connection from the second back to the first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np

import layers
from pipelines.data.examples import Features
from pipelines.export.part import Part
from pipelines.ondevice.vocabulary import Vocabulary
from pipelines.tasks.generation import shifted
from pipelines.tasks.generation_decoder import ContextAttention, ContextMean, GreedyDecoder
from pipelines.tasks.generation_losses import NextTokenLoss
from pipelines.tasks.generation_training import TeacherForcing, WordSpotting
from pipelines.tasks.image_encoder import EncoderSettings, build_encoder

from .config import CaptioningConfig
from .features import VOCABULARY

if TYPE_CHECKING:
    from pipelines.evaluation.outcome import Outcome

_COMPARED, _CALIBRATED_ON = 64, 100  # images


def build_model(config: CaptioningConfig, features: Features) -> keras.Model:
    """Return the network that is trained.

    Inputs: `image`, `tokens` (batch, steps, captions), and `words` (batch, ids), the words of all captions.
    Output: log-probabilities of the word after each token, (batch, steps, captions, words + 1).
    """
    vocabulary = Vocabulary.from_json(features.assets[VOCABULARY])
    encoder = build_encoder(encoder_settings(config))
    decoder = build_decoder(config, vocabulary, encoder.outputs[0].shape[1])
    image = keras.Input(encoder.inputs[0].shape[1:], dtype="uint8", name="image")
    tokens = keras.Input([None, None], dtype="int32", name="tokens")
    teacher_forcing = TeacherForcing(
        decoder,
        attention_guidance=config.attention_guidance,
        attention_regularization=config.attention_regularization,
        scheduled_sampling=config.scheduled_sampling,
        name="teacher_forcing",
    )
    spotting = WordSpotting(vocabulary.start + 1, config.word_spotting, name="word_spotting")
    words = keras.Input([None], dtype="int32", name="words")
    places = encoder(image)
    outputs = teacher_forcing(tokens, places, spotting(places, words))
    return keras.Model([image, tokens, words], outputs, name="image_captioning")


def encoder_settings(config: CaptioningConfig) -> EncoderSettings:
    """Return the settings of the image encoder."""
    return EncoderSettings(
        image_size=config.image_size,
        units=config.units,
        kind=config.encoder,
        weights=config.encoder_weights,
        width=config.width,
        halvings=config.halvings,
        dropout=config.encoder_dropout,
    )


def build_decoder(config: CaptioningConfig, vocabulary: Vocabulary, places: int) -> keras.Model:
    """Return the decoder.

    Inputs: `tokens` (batch, steps), the word before each step, and `features` (batch, places, units).
    Outputs: log-probabilities (batch, steps, words + 1), where index 0 is END, and attention weights
    (batch, steps, places).
    """
    tokens = keras.Input([None], dtype="int32", name="tokens")
    features = keras.Input([places, config.units], name="features")
    cell = layers.by_name(config.cell)
    x = keras.layers.Embedding(vocabulary.start + 1, config.embedding, name="words")(tokens)
    x = keras.layers.Dropout(config.dropout, name="words_dropout")(x)
    x = ContextMean(name="context_mean")(x, features)
    query = cell(config.units, return_sequences=True, name="attending")(x)
    context, weights = ContextAttention(config.attention_units, name="context_attention")(query, features)
    x = keras.layers.Concatenate(name="query_and_context")([query, context])
    x = keras.layers.Dropout(config.dropout, name="context_dropout")(x)
    x = cell(config.units, return_sequences=True, name="predicting")(x)
    x = keras.layers.Concatenate(name="prediction_and_context")([x, context])
    x = keras.layers.Dropout(config.dropout, name="prediction_dropout")(x)
    x = keras.layers.Dense(config.units, activation="tanh", name="hidden")(x)
    x = keras.layers.Dropout(config.dropout, name="hidden_dropout")(x)
    logits = keras.layers.Dense(len(vocabulary.known) + 1, name="logits")(x)
    # The last operation of the graph stays in float32 in every precision.
    log_probabilities = keras.layers.Activation("log_softmax", name="log_probabilities")(logits)
    return keras.Model([tokens, features], [log_probabilities, weights], name="decoder")


def make_loss(config: CaptioningConfig) -> keras.losses.Loss:
    """Return the loss of each next word."""
    return NextTokenLoss(config.label_smoothing)


def encoder_of(model: keras.Model) -> keras.Model:
    """Return the encoder of a built network."""
    return model.get_layer("encoder")


def decoder_of(model: keras.Model) -> keras.Model:
    """Return the decoder of a built network."""
    return model.get_layer("teacher_forcing").decoder


def set_trainable(config: CaptioningConfig, model: keras.Model, epoch: int) -> None:
    """Freeze the encoder in the first `frozen_epochs` epochs."""
    encoder_of(model).trainable = epoch >= config.frozen_epochs


def captioner(config: CaptioningConfig, features: Features, model: keras.Model) -> keras.Model:
    """Return the deployed model: `image` -> ids (batch, max_words), the most probable word each time."""
    vocabulary = Vocabulary.from_json(features.assets[VOCABULARY])
    encoder = encoder_of(model)
    image = keras.Input(encoder.inputs[0].shape[1:], dtype="uint8", name="image")
    max_words = features.preprocessing["max_words"]
    greedy = GreedyDecoder(decoder_of(model), vocabulary.start, max_words, name="caption")
    return keras.Model(image, greedy(encoder(image)), name="captioner")


def make_parts(config: CaptioningConfig, outcome: Outcome) -> dict[str, Part]:
    """Return the parts of the model that are also exported as separate files.

    `encode`: image -> features. `decode`: tokens, features -> log-probabilities, attention, step by step; it
    is calibrated on the first caption of each image, and compared on the longer half of them, without the
    steps after their end, which are never used.
    """
    features = outcome.features
    encoder, decoder = encoder_of(outcome.model), decoder_of(outcome.model)
    test = features.inputs["test"][:_COMPARED]
    count = len(features.inputs["train"])
    rows = np.unique(np.linspace(0, count - 1, _CALIBRATED_ON).astype(int))
    train = features.inputs["train"][rows]
    vocabulary = Vocabulary.from_json(features.assets[VOCABULARY])
    length = features.preprocessing["max_words"]
    captions = [captions[0] for captions in outcome.data.splits["test"].targets[:_COMPARED]]
    words = np.array([len(caption.split()) for caption in captions])
    compared = min(int(np.median(words)), length)
    longer = np.flatnonzero(words >= compared)
    ids = np.array([vocabulary.encode(captions[row], compared) for row in longer], np.int32)
    return {
        "encode": Part(encoder, ["features"], {"image": test}, {"image": train}),
        "decode": Part(
            decoder,
            ["log_probabilities", "attention"],
            {"tokens": shifted(ids, vocabulary.start), "features": _encoded(encoder, test[longer])},
            {
                "tokens": shifted(features.targets["train"][rows, 0, :length], vocabulary.start),
                "features": _encoded(encoder, train),
            },
            execution="step",
            whole=("features",),
        ),
    }


def _encoded(encoder: keras.Model, images: np.ndarray) -> np.ndarray:
    return np.asarray(encoder.predict(images, batch_size=64, verbose=0))
