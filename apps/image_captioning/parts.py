"""What of the network the device also runs by itself: the encoder, and the decoder word by word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np

from pipelines.export.part import Part

from .captions import Vocabulary
from .features import VOCABULARY
from .model import decoder_of, encoder_of

if TYPE_CHECKING:
    from pipelines.evaluation.outcome import Outcome

_COMPARED, _CALIBRATED_ON = 64, 100  # images


def make_parts(outcome: Outcome) -> dict[str, Part]:
    """Return `encode`: image -> features; `decode`: tokens, features -> log-probabilities, attention.

    `decode` goes step by step. It is compared, and calibrated, on the first captions that people gave.
    """
    features = outcome.features
    encoder, decoder = encoder_of(outcome.model), decoder_of(outcome.model)
    test = features.inputs["test"][:_COMPARED]
    count = len(features.inputs["train"])
    rows = np.unique(np.linspace(0, count - 1, _CALIBRATED_ON).astype(int))
    train = features.inputs["train"][rows]
    said = [captions[0] for captions in outcome.data.splits["test"].targets[:_COMPARED]]
    vocabulary = Vocabulary.from_json(features.assets[VOCABULARY])
    length = features.preprocessing["max_words"]
    told = np.array([vocabulary.encode(caption, length) for caption in said], np.int32)
    return {
        "encode": Part(encoder, ["features"], {"image": test}, {"image": train}),
        "decode": Part(
            decoder,
            ["log_probabilities", "attention"],
            {"tokens": _read(told, vocabulary), "features": _features(encoder, test)},
            {
                "tokens": _read(features.targets["train"][rows, 0, :length], vocabulary),
                "features": _features(encoder, train),
            },
            execution="step",
            whole=("features",),
        ),
    }


def _read(captions: np.ndarray, vocabulary: Vocabulary) -> np.ndarray:
    """Return ids (N, words), each with what stands before the first word in front."""
    start = np.full_like(captions[:, :1], vocabulary.start)
    return np.concatenate([start, captions[:, :-1]], axis=1)


def _features(encoder: keras.Model, images: np.ndarray) -> np.ndarray:
    return np.asarray(encoder.predict(images, batch_size=64, verbose=0))
