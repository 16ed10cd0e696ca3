"""Figures and tables of a sentiment training run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelines.tasks.classification_plots import most_wrong, usual_plots, weights_in_texts

from .config import SentimentConfig
from .model import attention_model

if TYPE_CHECKING:
    from pipelines.evaluation.outcome import Outcome


def make_plots(config: SentimentConfig, outcome: Outcome) -> dict[str, Any]:
    """Return figures and tables by name."""
    texts = outcome.data.splits["test"].inputs
    attention = weights_in_texts(outcome, attention_model(outcome.model))
    return usual_plots(outcome) | {"attention": attention, "most_wrong": most_wrong(outcome, texts)}
