"""Figures and tables of a finished training, pictures of the attention, and what beam search gains."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from pipelines.tasks.alignment_picture import png
from pipelines.tasks.translation_scores import SCORES

from .config import TranslationConfig
from .metrics import written
from .predict import Options, Translator

if TYPE_CHECKING:
    from pipelines.evaluation.outcome import Outcome
    from pipelines.ondevice.bundle import Bundle

_GROUPS = 5  # of test sources by length
_SEARCHED, _PICTURES = 100, 6  # test sources


def make_plots(config: TranslationConfig, outcome: Outcome) -> dict[str, Any]:
    """Return the test answers as a table, and BLEU by the length of the source."""
    sources, answers, targets = _of_test(outcome)
    chrf = SCORES["chrf"]
    values = [chrf.value(counts) for counts in chrf.counts(answers, targets)]
    rows = [
        {"source": source, "answer": answer, "target": target, "chrf": round(value, 2)}
        for source, answer, target, value in zip(sources, answers, targets, values, strict=True)
    ]
    return {"answers": rows, "bleu_by_length": by_length(sources, SCORES["bleu"].counts(answers, targets))}


def by_length(sources: list[str], counts: np.ndarray) -> Figure:
    """Show the BLEU of equal groups of sources, from the shortest to the longest.

    Args:
        sources: the texts.
        counts: the counts of each answer that BLEU is computed from, (N, counts).
    """
    words = np.array([len(source.split()) for source in sources])
    groups = [rows for rows in np.array_split(np.argsort(words, kind="stable"), _GROUPS) if len(rows)]
    names = [f"{words[rows].min()} to {words[rows].max()}" for rows in groups]
    figure = Figure(figsize=(6, 3.5), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(groups))
    axes.bar_label(
        axes.bar(places, [SCORES["bleu"].value(counts[rows].sum(axis=0)) for rows in groups]), fmt="%.1f"
    )
    axes.set_xticks(places, names)
    axes.set(xlabel="words of the source", ylabel="BLEU", title="Long and short sources, test split")
    return figure


def write_samples(
    config: TranslationConfig, outcome: Outcome, bundle: Bundle, folder: Path
) -> dict[str, float]:
    """Draw the attention for some test sources, and compare beam search with greedy search on more."""
    sources = outcome.data.splits["test"].inputs[:_SEARCHED]
    targets = list(outcome.data.splits["test"].targets[:_SEARCHED])
    figures = {}
    for name, options in (("greedy", Options(beams=1)), ("beam_search", Options())):
        translator = Translator(bundle, "float32", options)
        found = [translator(source)[0] for source in sources]
        figures[f"{name}.bleu"] = SCORES["bleu"]([each.text for each in found], targets)
    for number, answer in enumerate(found[:_PICTURES], start=1):
        Path(folder, f"attention_{number}.png").write_bytes(
            png(answer.source, answer.pieces, answer.attention)
        )
    return figures


def _of_test(outcome: Outcome) -> tuple[list[str], list[str], list[str]]:
    """Return sources, answers and targets of the test split."""
    test = outcome.data.splits["test"]
    answers = written(outcome.outputs["test"], outcome.features.targets["test"])
    return list(test.inputs), answers, list(test.targets)
