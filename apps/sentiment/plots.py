"""What is worth looking at after a training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from pipelines.ondevice.tokenizer import Tokenizer
from pipelines.tasks import classification_plots

from .config import SentimentConfig
from .features import VOCABULARY
from .model import attention_model

if TYPE_CHECKING:
    from pipelines.evaluation.outcome import Outcome

_SHOWN = 6  # texts in the picture of attention
_WORDS_SHOWN = 24


def make_plots(config: SentimentConfig, outcome: Outcome) -> dict[str, Any]:
    """Return figures and tables by name."""
    outputs, targets = outcome.outputs["test"], outcome.features.targets["test"]
    texts = outcome.data.splits["test"].inputs
    return {
        "confusion_matrix": classification_plots.confusion_matrix(outputs, targets, outcome.data.labels),
        "reliability": classification_plots.reliability(outputs, targets),
        "attention": attention(outcome),
        "most_wrong": classification_plots.most_wrong(texts, outputs, targets, outcome.data.labels),
    }


def attention(outcome: Outcome) -> Figure:
    """Show how much each word of a few short test texts weighs."""
    tokenizer = Tokenizer.from_json(outcome.features.assets[VOCABULARY])
    inputs = outcome.features.inputs["test"]
    lengths = (inputs > 0).sum(axis=1)
    chosen = np.argsort(np.abs(lengths - 14), kind="stable")[:_SHOWN]
    weights = np.asarray(attention_model(outcome.model).predict(inputs[chosen], verbose=0))
    figure = Figure(figsize=(14, 1.4 * len(chosen) + 0.5), layout="constrained")
    panels = figure.subplots(len(chosen), 1, squeeze=False)[:, 0]
    for axes, row, weight in zip(panels, chosen, weights, strict=True):
        count = min(int(lengths[row]), _WORDS_SHOWN)
        axes.imshow(weight[None, :count], aspect="auto", cmap="Blues", vmin=0)
        words = tokenizer.truncate(tokenizer.tokenize(outcome.data.splits["test"].inputs[row]))
        axes.set_xticks(range(count), words[:count], rotation=20)
        axes.set_yticks([0], [outcome.data.labels[int(outcome.outputs["test"][row].argmax())]])
    figure.suptitle("Attention over the words, with the label given")
    return figure
