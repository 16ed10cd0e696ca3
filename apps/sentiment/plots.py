"""Figures and tables of a sentiment training run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from pipelines.ondevice.token_ids import VOCABULARY
from pipelines.ondevice.tokenizer import Tokenizer
from pipelines.tasks.classification_plots import most_wrong, usual_plots, word_weights

from .config import SentimentConfig
from .model import attention_model

if TYPE_CHECKING:
    from pipelines.evaluation.outcome import Outcome

_TEXTS, _TYPICAL_LENGTH = 6, 14


def make_plots(config: SentimentConfig, outcome: Outcome) -> dict[str, Any]:
    """Return figures and tables by name."""
    texts = outcome.data.splits["test"].inputs
    own = {"attention": attention(outcome), "most_wrong": most_wrong(outcome, texts)}
    return usual_plots(outcome) | own


def attention(outcome: Outcome) -> Figure:
    """Return a figure with the attention weight of each word in a few short test texts."""
    tokenizer = Tokenizer.from_json(outcome.features.assets[VOCABULARY])
    inputs, texts = outcome.features.inputs["test"], outcome.data.splits["test"].inputs
    distance = np.abs((inputs > 0).sum(axis=1) - _TYPICAL_LENGTH)
    chosen = np.argsort(distance, kind="stable")[:_TEXTS]
    weights = np.asarray(attention_model(outcome.model).predict(inputs[chosen], verbose=0))
    words = [tokenizer.truncate(tokenizer.tokenize(texts[row])) for row in chosen]
    given = [outcome.data.labels[int(outcome.outputs["test"][row].argmax())] for row in chosen]
    return word_weights(words, weights, given)
