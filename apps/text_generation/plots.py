"""Figures of a finished training run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from pipelines.ondevice.alphabet import Alphabet
from pipelines.tasks.generation import FLOOR, nll_of_each

from .config import TextConfig
from .features import PADDING

if TYPE_CHECKING:
    from pipelines.evaluation.outcome import Outcome

_SHOWN = 40


def make_plots(config: TextConfig, outcome: Outcome) -> dict[str, Any]:
    """Return figures by name."""
    outputs, targets = outcome.outputs["test"], outcome.features.targets["test"]
    alphabet = Alphabet.from_settings(outcome.features.preprocessing)
    return {"nll_by_symbol": nll_by_symbol(outputs, targets, alphabet), "nll_of_passages": passages(outcome)}


def nll_by_symbol(outputs: np.ndarray, targets: np.ndarray, alphabet: Alphabet) -> Figure:
    """Show how well each of the commonest symbols is predicted."""
    scored = targets != PADDING
    symbols = targets[scored]
    chosen = np.take_along_axis(outputs[scored], symbols[:, None].astype(np.intp), axis=1)[:, 0]
    nats = np.bincount(symbols, -np.log(np.maximum(chosen, FLOOR)), minlength=len(alphabet))
    counts = np.bincount(symbols, minlength=len(alphabet))
    common = np.argsort(-counts, kind="stable")[:_SHOWN]
    common = common[counts[common] > 0]
    figure = Figure(figsize=(10, 3.5), layout="constrained")
    axes = figure.subplots()
    axes.bar(range(len(common)), nats[common] / counts[common])
    names = [repr(alphabet.decode(np.array([each])))[1:-1].replace(" ", "space") for each in common]
    axes.set_xticks(range(len(common)), names, fontsize="small", rotation=90)
    title = "Negative log-likelihood of the commonest symbols, the commonest first"
    axes.set(title=title, xlabel="symbol", ylabel="nats")
    return figure


def passages(outcome: Outcome) -> Figure:
    """Show how the negative log-likelihood changes over the test text."""
    values = nll_of_each(outcome.outputs["test"], outcome.features.targets["test"])
    figure = Figure(figsize=(10, 3), layout="constrained")
    axes = figure.subplots()
    axes.plot(values, linewidth=0.8)
    axes.axhline(float(values.mean()), color="grey", linewidth=0.8)
    axes.set(title="Passages of the test text in their order", xlabel="passage", ylabel="nats a symbol")
    return figure
