"""Scores captions, and the baselines that the network must beat."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from pipelines.data.examples import Data, Features
from pipelines.evaluation.score import MeanOf
from pipelines.tasks.generation_text import cider_of_each, commonest_text, text_scores

from .config import CaptioningConfig
from .embedded.facts import KINDS, fact_scores

if TYPE_CHECKING:
    import keras

    from pipelines.evaluation.score import Metric

Corpus = tuple[str, ...]


def captions_of(outputs: np.ndarray, targets: np.ndarray) -> Corpus:
    """Return the captions of ids (N, words); the targets are `features.References`."""
    return tuple(target.vocabulary.decode(row) for row, target in zip(outputs.tolist(), targets, strict=True))


def _cider_of_each(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    return cider_of_each(captions_of(outputs, targets), [target.captions for target in targets])


def _score(name: str, outputs: np.ndarray, targets: np.ndarray) -> float | None:
    return _scores(captions_of(outputs, targets), tuple(target.captions for target in targets)).get(name)


@functools.lru_cache(maxsize=1)  # all metrics score the same captions one after the other
def _scores(captions: Corpus, references: tuple[Corpus, ...]) -> Mapping[str, float]:
    return text_scores(captions, references) | fact_scores(captions, references)


METRICS: dict[str, Metric] = {
    "cider": MeanOf(_cider_of_each),
    **{
        name: functools.partial(_score, name)
        for name in ("bleu_1", "bleu_2", "bleu_3", "bleu_4", "rouge_l", "facts", *KINDS, "all_right")
    },
}


def baselines(
    config: CaptioningConfig, data: Data, features: Features, captioner: keras.Model
) -> dict[str, dict[str, float]]:
    """Return the CIDEr-D of two baselines on every test split.

    commonest_caption: the caption that most training images have. nearest_image: the first caption of the
    training image with the most similar encoder features (cosine of their means over the image).
    """
    from .model import encoder_of

    commonest = commonest_text(data.splits["train"].targets)
    encoder = encoder_of(captioner)
    known = _directions(encoder, features.inputs["train"])
    results: dict[str, dict[str, float]] = {"commonest_caption": {}, "nearest_image": {}}
    for name in data.test_splits:
        references = list(data.splits[name].targets)
        nearest = (_directions(encoder, features.inputs[name]) @ known.T).argmax(axis=1)
        for method, captions in (
            ("commonest_caption", [commonest] * len(references)),
            ("nearest_image", [data.splits["train"].targets[row][0] for row in nearest]),
        ):
            results[method][name] = float(cider_of_each(captions, references).mean())
    return results


def _directions(encoder: keras.Model, images: np.ndarray) -> np.ndarray:
    """Return the mean features of each image, scaled to length 1."""
    mean = encoder.predict(images, batch_size=64, verbose=0).mean(axis=1)
    return mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-9)
