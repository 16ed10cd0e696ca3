"""Figures, tables and a gallery of a finished training run."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from pipelines.ondevice.vocabulary import words
from pipelines.tasks.generation_attention import panels
from pipelines.tasks.generation_text import cider_of_each, java_runs, text_scores

from .config import CaptioningConfig
from .embedded.facts import KINDS
from .metrics import captions_of
from .predict import Captioner, Options, attention_of

if TYPE_CHECKING:
    from pipelines.evaluation.outcome import Outcome
    from pipelines.ondevice.bundle import Bundle

_OF_EACH = 3  # images from the best, the middle and the worst
_ACROSS = 9  # panels in a row of the gallery
_COMPARED = 200  # test images on which beam search and greedy search are compared


def make_plots(config: CaptioningConfig, outcome: Outcome) -> dict[str, Any]:
    """Return figures and tables by name."""
    exhibits: dict[str, Any] = {"captions": table(outcome), "caption_lengths": lengths(outcome)}
    if all("facts" in values for values in outcome.scores.values()):
        exhibits["facts"] = facts(outcome)
    return exhibits


def table(outcome: Outcome) -> list[dict[str, Any]]:
    """List test images with caption and CIDEr-D, worst first."""
    captions, references, scores = _scored(outcome)
    return [
        {
            "image": int(row),
            "caption": captions[row],
            "cider": round(float(scores[row]), 4),
            "references": " / ".join(references[row]),
        }
        for row in np.argsort(scores, kind="stable")
    ]


def lengths(outcome: Outcome) -> Figure:
    """Show the lengths of the reference captions and of the network's captions."""
    captions, references, _ = _scored(outcome)
    of_network = [len(words(caption)) for caption in captions]
    of_people = [len(words(caption)) for each in references for caption in each]
    figure = Figure(figsize=(6, 3.5), layout="constrained")
    axes = figure.subplots()
    bins = [count - 0.5 for count in range(max(of_network + of_people) + 2)]
    axes.hist([of_people, of_network], bins, density=True, label=["people", "network"])
    axes.set(xlabel="words of a caption", ylabel="share of captions", title="Lengths of captions, test split")
    axes.legend()
    return figure


def facts(outcome: Outcome) -> Figure:
    """Show the share of correct facts of each kind, by split."""
    told = set().union(*outcome.scores.values())
    names = [name for name in ("facts", *KINDS, "all_right") if name in told]
    figure = Figure(figsize=(8, 3.8), layout="constrained")
    axes = figure.subplots()
    width = 0.8 / len(outcome.scores)
    for index, (split, values) in enumerate(outcome.scores.items()):
        places = np.arange(len(names)) + index * width
        bars = axes.bar(places, [values.get(name, np.nan) for name in names], width, label=split)
        axes.bar_label(bars, fmt="%.2f", fontsize="small")
    axes.set_xticks(np.arange(len(names)) + 0.4 - width / 2, [name.replace("_", " ") for name in names])
    axes.set(ylim=(0, 1.1), ylabel="share correct", title="Facts read from the captions")
    figure.legend(loc="outside right upper")
    return figure


def show(config: CaptioningConfig, outcome: Outcome, bundle: Bundle, folder: Path) -> dict[str, float]:
    """Write the gallery, and compare beam search with greedy search on the first test images.

    METEOR is computed for a network that is better than the simple methods, where Java is installed.
    """
    captions, references, scores = _scored(outcome)
    captioner = Captioner(bundle, "float32", Options(beams=1))
    simple = max(of_split["test"] for of_split in outcome.baselines.values())
    for kind, rows in exhibited(captions, scores, simple).items():
        for number, row in enumerate(rows, start=1):
            image = outcome.features.inputs["test"][row]
            title = f"{kind}: CIDEr-D {scores[row]:.2f}"
            figure = _gallery_figure(image, captioner, references[row], title)
            figure.savefig(folder / f"gallery_{kind}_{number}.png", dpi=100)
    figures = _compare_searches(outcome, bundle)
    if scores.mean() > simple and java_runs():  # starting Java takes ten seconds
        figures["meteor"] = text_scores(captions, references, meteor=True)["meteor"]
    return figures


def exhibited(captions: Sequence[str], scores: np.ndarray, simple: float) -> dict[str, list[int]]:
    """Return the rows of the gallery's images: good, middling and worst ones, at most three of each.

    A good caption has a higher score than the best simple method has on average, and says no word twice in a
    row. If the network has no such caption, the gallery has no good ones.

    Args:
        captions: the network's captions.
        scores: the CIDEr-D of each caption, (N,).
        simple: the mean CIDEr-D of the best simple method.
    """
    order = np.argsort(-scores, kind="stable").tolist()
    good = [row for row in order if scores[row] > simple and not _stammers(captions[row])]
    middle = max(0, len(order) // 2 - _OF_EACH // 2)
    return {
        "good": good[:_OF_EACH],
        "middling": order[middle : middle + _OF_EACH],
        "worst": order[::-1][:_OF_EACH],
    }


def _stammers(caption: str) -> bool:
    return any(first == second for first, second in itertools.pairwise(words(caption)))


def _gallery_figure(
    image: np.ndarray, captioner: Captioner, references: tuple[str, ...], title: str
) -> Figure:
    """Show the attention for each word, and the reference captions."""
    hypothesis = captioner(image)
    caption = captioner.vocabulary.decode(hypothesis.tokens)
    sheet = np.asarray(panels(image, caption.split(), attention_of(hypothesis), across=_ACROSS))
    lines = [f"network: {caption}", *(f"people: {reference}" for reference in references)]
    text = "\n".join(textwrap.fill(line, 150, subsequent_indent="    ") for line in lines)
    below = 0.3 + 0.18 * (1 + text.count("\n"))  # inches
    height = 14 * sheet.shape[0] / sheet.shape[1]
    figure = Figure(figsize=(14, height + below + 0.4))
    axes = figure.add_axes((0, below / figure.get_figheight(), 1, height / figure.get_figheight()))
    axes.imshow(sheet)
    axes.axis("off")
    figure.text(0.01, 1 - 0.1 / figure.get_figheight(), title, fontsize=12, va="top")
    figure.text(0.01, 0.1 / figure.get_figheight(), text, fontsize=10, va="bottom")
    return figure


def _compare_searches(outcome: Outcome, bundle: Bundle) -> dict[str, float]:
    """Return CIDEr-D and mean log-probability of greedy search and of beam search."""
    images = outcome.features.inputs["test"][:_COMPARED]
    references = list(outcome.data.splits["test"].targets[:_COMPARED])
    figures = {}
    for name, options in (("greedy", Options(beams=1)), ("beam_search", Options())):
        captioner = Captioner(bundle, "float32", options)
        found = [captioner(image) for image in images]
        captions = [captioner.vocabulary.decode(each.tokens) for each in found]
        figures[f"{name}.cider"] = float(cider_of_each(captions, references).mean())
        figures[f"{name}.log_probability"] = float(np.mean([each.log_probability for each in found]))
    return figures


def _scored(outcome: Outcome) -> tuple[tuple[str, ...], list[tuple[str, ...]], np.ndarray]:
    """Return the captions of the test split, their references, and the CIDEr-D of each."""
    captions = captions_of(outcome.outputs["test"], outcome.features.targets["test"])
    references = list(outcome.data.splits["test"].targets)
    return captions, references, cider_of_each(captions, references)
