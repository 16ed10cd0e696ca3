"""Figures and tables of a tagging run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from pipelines.ondevice.tag_decoding import Span, spans_of
from pipelines.tasks.tagging import counts_by_type, decided, f1_of, precision_of, recall_of, types_of

from .config import TaggingConfig

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.evaluation.outcome import Outcome
    from pipelines.ondevice.bundle import Bundle

_SHOWN = 40  # wrong sentences
Sentences = list[tuple[list[Span], list[Span]]]


def make_plots(config: TaggingConfig, outcome: Outcome) -> dict[str, Any]:
    """Return figures and tables by name."""
    outputs, targets = outcome.outputs["test"], outcome.features.targets["test"]
    spans = [(spans_of(tags), spans_of(true)) for tags, true in decided(outputs, targets)]
    labels = types_of(outcome.features.labels)
    wrong = most_wrong(spans, outcome.data.splits["test"].inputs, labels) if _whole(outcome) else []
    return {
        "by_label": by_label(counts_by_type(outputs, targets, len(labels)), labels),
        "confused": confused(spans, labels),
        "wrong": wrong,
    }


def show_types(config: TaggingConfig, outcome: Outcome, bundle: Bundle, folder: Path) -> dict[str, float]:
    """Return precision, recall and F1 of each type of span in the test split."""
    types = types_of(outcome.features.labels)
    counts = counts_by_type(outcome.outputs["test"], outcome.features.targets["test"], len(types))
    return {
        f"{name}.{label}": value
        for name, values in _by_label(counts).items()
        for label, value in zip(types, values, strict=True)
    }


def _by_label(counts: np.ndarray) -> dict[str, list[float]]:
    functions = {"precision": precision_of, "recall": recall_of, "f1": f1_of}
    return {name: [function(each) for each in counts] for name, function in functions.items()}


def _whole(outcome: Outcome) -> bool:
    """Return whether each test sentence is one example, and none is cut into pieces."""
    return len(outcome.features.targets["test"]) == len(outcome.data.splits["test"])


def by_label(counts: np.ndarray, labels: Sequence[str]) -> Figure:
    """Show precision, recall and F1 of each type of span, from its `tagging.counts_by_type`."""
    figure = Figure(figsize=(max(6, 0.6 * len(labels)), 3.5), layout="constrained")
    axes = figure.subplots()
    for i, (name, heights) in enumerate(_by_label(counts).items()):
        axes.bar(np.arange(len(labels)) + 0.27 * (i - 1), heights, 0.25, label=name)
    names = [f"{label}\n({int(count):,})" for label, count in zip(labels, counts[:, 2], strict=True)]
    axes.set_xticks(range(len(labels)), names, fontsize="small")
    axes.set(title="Spans of the test split by type (number of true ones)", ylim=(0, 1.02))
    axes.legend(loc="lower right", ncols=3, fontsize="small")
    return figure


def confused(spans: Sentences, labels: Sequence[str]) -> Figure:
    """Show what the true spans were taken for: a type, another place, or nothing; and what was made up."""
    names = [*labels, "other place", "none"]
    table = np.zeros([len(labels) + 1, len(names)])
    for found, true in spans:
        places = {each[:2]: each.kind for each in found}
        for each in true:
            touched = any(one.start < each.end and each.start < one.end for one in found)
            column = places.get(each[:2], len(labels) + (0 if touched else 1))
            table[each.kind, column] += 1
        for each in found:
            if not any(one.start < each.end and each.start < one.end for one in true):
                table[-1, each.kind] += 1
    figure = Figure(figsize=(1.2 + 0.7 * len(names), 1.2 + 0.5 * len(labels)), layout="constrained")
    axes = figure.subplots()
    axes.imshow(
        table / np.maximum(1, table.sum(axis=1, keepdims=True)), cmap="Blues", vmin=0, vmax=1, aspect="auto"
    )
    for (row, column), count in np.ndenumerate(table):
        if count:
            share = count / table[row].sum()
            axes.text(
                column,
                row,
                str(int(count)),
                ha="center",
                va="center",
                color="white" if share > 0.5 else "black",
                fontsize="small",
            )
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right", fontsize="small")
    axes.set_yticks(range(len(labels) + 1), [*labels, "none"], fontsize="small")
    axes.set(title="Spans of the test split", xlabel="found", ylabel="true")
    return figure


def most_wrong(spans: Sentences, sentences: Sequence[Any], labels: Sequence[str]) -> list[dict[str, str]]:
    """Return the sentences with the most wrong spans, with what was found and what is true."""
    errors = [len(set(found) ^ set(true)) for found, true in spans]
    order = sorted(range(len(spans)), key=lambda i: -errors[i])[:_SHOWN]

    def said(some: list[Span], words: Any) -> str:
        return "; ".join(f"{' '.join(words[each.start : each.end])} {labels[each.kind]}" for each in some)

    return [
        {
            "sentence": " ".join(sentences[i]),
            "found": said(spans[i][0], sentences[i]),
            "true": said(spans[i][1], sentences[i]),
        }
        for i in order
        if errors[i]
    ]
