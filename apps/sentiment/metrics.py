"""The metrics of the sentiment app, and simple methods to compare it with."""

from __future__ import annotations

from typing import Any

from pipelines.data.examples import Data
from pipelines.ondevice.tokenizer import tokenize
from pipelines.tasks import vader
from pipelines.tasks.classification import METRICS as METRICS
from pipelines.tasks.classification_baselines import bag_of_words, majority

from .config import SentimentConfig


def baselines(config: SentimentConfig, data: Data, *_: Any) -> dict[str, dict[str, float]]:
    """Return the accuracy, by test split, of the commonest label, of regression on a bag of words, and of
    VADER if the labels are those that it gives."""
    found = {"majority": majority(data), "bag_of_words": bag_of_words(data, tokenize, config.seed)}
    return found | ({"vader": vader.accuracy(data)} if set(data.labels) == set(vader.LABELS) else {})
