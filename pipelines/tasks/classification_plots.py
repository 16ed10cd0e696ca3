"""Draw figures and make tables of a classifier's answers on the test split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import ConfusionMatrixDisplay

from ..ondevice.token_ids import VOCABULARY
from ..ondevice.tokenizer import Tokenizer

if TYPE_CHECKING:
    import keras
    from matplotlib.axes import Axes

    from ..evaluation.outcome import Outcome

_MOST_SHOWN = 40  # labels: more can't be read, and their cells take time
_MOST_PEOPLE = 6


def usual_plots(outcome: Outcome) -> dict[str, Any]:
    """Return the figures that every classifier has, by name: confusion matrix, recall, reliability."""
    outputs, targets, labels = outcome.outputs["test"], outcome.features.targets["test"], outcome.data.labels
    return {
        "confusion_matrix": confusion_matrix(outputs, targets, labels),
        "recall": recall(outputs, targets, labels),
        "reliability": reliability(outputs, targets),
    }


def confusion_matrix(outputs: np.ndarray, targets: np.ndarray, labels: Sequence[str]) -> Figure:
    """Return a figure that counts examples by true label (rows) and most probable label (columns).

    Of many labels, only the commonest are shown.
    """
    shown, title = _shown(targets, labels)
    side = max(3.0, 0.6 * len(shown))
    figure = Figure(figsize=(2 + side, 2 + side), layout="constrained")
    axes = figure.subplots()
    counts = _confusion(outputs, targets, len(labels))[np.ix_(shown, shown)]
    _draw_confusion(axes, counts, [labels[k] for k in shown])
    axes.set_title(f"Confusion, test examples{title}")
    return figure


def confusion_by_person(people: Mapping[str, tuple[np.ndarray, np.ndarray]], labels: Sequence[str]) -> Figure:
    """Return a figure with a confusion matrix for each of the first people; each row sums to 1.

    Args:
        people: outputs (N, labels) and targets (N,) of each.
        labels: their names.
    """
    shown = list(people.items())[:_MOST_PEOPLE]
    side = 1.5 + 0.45 * len(labels)
    figure = Figure(figsize=(side * len(shown) + 1, side + 1.8), layout="constrained")
    panels = figure.subplots(1, len(shown), squeeze=False)[0]
    for axes, (name, (outputs, targets)) in zip(panels, shown, strict=True):
        counts = _confusion(outputs, targets, len(labels))
        shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
        _draw_confusion(axes, shares, labels, include_values=False, im_kw={"vmin": 0, "vmax": 1})
        axes.label_outer()
        axes.set_title(f"person {name} ({len(targets):,})", fontsize="small")
    figure.suptitle("Share of each true label (rows) by the label given, test split")
    return figure


def _confusion(outputs: np.ndarray, targets: np.ndarray, labels: int) -> np.ndarray:
    """Return the number of examples by true label (rows) and most probable label (columns)."""
    counts = np.zeros((labels, labels), np.int64)
    np.add.at(counts, (targets, outputs.argmax(axis=1)), 1)
    return counts


def _draw_confusion(axes: Axes, numbers: np.ndarray, names: Sequence[str], **options: Any) -> None:
    ConfusionMatrixDisplay(numbers, display_labels=names).plot(
        cmap="Blues", colorbar=False, ax=axes, **options
    )
    _name_labels(axes, names)


def recall(outputs: np.ndarray, targets: np.ndarray, labels: Sequence[str]) -> Figure:
    """Return a figure of the recall of each label; of many labels, only of the commonest."""
    shown, title = _shown(targets, labels)
    right = outputs.argmax(axis=1) == targets
    counts = np.bincount(targets, minlength=len(labels))[shown]
    shares = np.bincount(targets, weights=right, minlength=len(labels))[shown] / np.maximum(counts, 1)
    figure = Figure(figsize=(3 + 0.6 * len(shown), 4), layout="constrained")
    axes = figure.subplots()
    bars = axes.bar(range(len(shown)), shares)
    texts = [f"{share:.2f}" if count else "none" for share, count in zip(shares, counts, strict=True)]
    axes.bar_label(bars, texts)
    _name_labels(axes, [labels[k] for k in shown])
    axes.set_xlim(-0.6, len(shown) - 0.4)
    axes.set(ylim=(0, 1.08), ylabel="share of its examples found")
    axes.set_title(f"Recall of each label, test split{title}")
    return figure


def _shown(targets: np.ndarray, labels: Sequence[str]) -> tuple[np.ndarray, str]:
    """Return the numbers of the labels that a figure has room for, and what its title says of them."""
    if len(labels) <= _MOST_SHOWN:
        return np.arange(len(labels)), ""
    counts = np.bincount(targets, minlength=len(labels))
    commonest = np.argsort(-counts, kind="stable")[:_MOST_SHOWN]
    return np.sort(commonest), f" (the {_MOST_SHOWN} commonest of {len(labels):,} labels)"


def _name_labels(axes: Axes, labels: Sequence[str]) -> None:
    """Name the labels on the horizontal axis, at an angle so that long names have room."""
    axes.set_xticks(range(len(labels)), labels, rotation=40, ha="right", rotation_mode="anchor")


def reliability(outputs: np.ndarray, targets: np.ndarray, bins: int = 10) -> Figure:
    """Return a reliability diagram: how often the most probable label is correct, by its probability.

    The title has the expected calibration error: the mean difference of the two over `bins` equal bins.
    """
    confidence = outputs.max(axis=1)
    right = outputs.argmax(axis=1) == targets
    edges = np.linspace(1 / outputs.shape[1], 1, bins + 1)
    which = np.clip(np.digitize(confidence, edges) - 1, 0, bins - 1)
    used = [b for b in range(bins) if (which == b).any()]
    said = np.array([confidence[which == b].mean() for b in used])
    was = np.array([right[which == b].mean() for b in used])
    share = np.array([(which == b).mean() for b in used])
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":", label="perfect")
    axes.bar(said, share, width=0.02, alpha=0.4, label="share of examples")
    axes.plot(said, was, marker="o", label="this model")
    error = float(np.sum(share * np.abs(said - was)))
    axes.set(xlabel="probability given", ylabel="share right", xlim=(0, 1), ylim=(0, 1.02))
    axes.set_title(f"Reliability (expected calibration error {error:.3f})")
    axes.legend()
    return figure


def most_wrong(
    outcome: Outcome, inputs: Sequence[Any], *, column: str = "input", count: int = 20
) -> list[dict[str, Any]]:
    """Return a table of wrong answers on the test split, ordered by the probability of the true label.

    Args:
        outcome: the result of a training run.
        inputs: the text that the table shows for each test example.
        column: the heading of the column with `inputs`.
        count: the largest number of rows.
    """
    outputs, targets, labels = outcome.outputs["test"], outcome.features.targets["test"], outcome.data.labels
    of_truth = outputs[np.arange(len(targets)), targets]
    wrong = [i for i in np.argsort(of_truth, kind="stable") if outputs[i].argmax() != targets[i]]
    return [
        {
            column: inputs[i],
            "true": labels[targets[i]],
            "given": labels[int(outputs[i].argmax())],
            "probability of true": round(float(of_truth[i]), 4),
        }
        for i in wrong[:count]
    ]


def weights_in_texts(outcome: Outcome, weights_of: keras.Model, count: int = 6, words: int = 14) -> Figure:
    """Return a figure with the weight of each word in a few test texts of about `words` words.

    Args:
        outcome: the result of a training run; its features have a tokenizer.
        weights_of: computes the weights: tokens (batch, steps) -> (batch, steps).
        count: the number of texts.
        words: the preferred length of the texts, in tokens.
    """
    tokenizer = Tokenizer.from_json(outcome.features.assets[VOCABULARY])
    inputs, texts = outcome.features.inputs["test"], outcome.data.splits["test"].inputs
    assert outcome.features.lengths is not None, "token features have lengths"
    distance = np.abs(outcome.features.lengths["test"] - words)
    chosen = np.argsort(distance, kind="stable")[:count]
    weights = np.asarray(weights_of.predict(inputs[chosen], verbose=0))
    tokens = [tokenizer.truncate(tokenizer.tokenize(texts[row])) for row in chosen]
    given = [outcome.data.labels[int(outcome.outputs["test"][row].argmax())] for row in chosen]
    return word_weights(tokens, weights, given)


def word_weights(
    texts: Sequence[Sequence[str]], weights: np.ndarray, labels: Sequence[str], most_words: int = 24
) -> Figure:
    """Return a figure with a row for each text: its words, shaded by weight, and its label.

    Args:
        texts: the words of each text.
        weights: (texts, steps), with at least one step for each word of the longest text.
        labels: the predicted label of each text.
        most_words: the largest number of words shown of a text.
    """
    figure = Figure(figsize=(14, 1.4 * len(texts) + 0.5), layout="constrained")
    panels = figure.subplots(len(texts), 1, squeeze=False)[:, 0]
    longest = min(most_words, max(map(len, texts)))
    for axes, words, weight, label in zip(panels, texts, weights, labels, strict=True):
        count = min(len(words), most_words)
        axes.imshow(weight[None, :count], aspect="auto", cmap="Blues", vmin=0)
        axes.set_xticks(range(count), words[:count], rotation=30, ha="right", rotation_mode="anchor")
        axes.set_xlim(-0.5, longest - 0.5)
        axes.set_yticks([0], [label])
    figure.suptitle("Attention to each word (darker is more), and the most probable label")
    return figure
