"""What is worth looking at after a training."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from pipelines.tasks import classification_plots

from .config import SAMPLE_RATE, SpeechConfig
from .detection import Rates, detection_curve, make_stream
from .listen import SpeechOptions

if TYPE_CHECKING:
    from pipelines.evaluation.outcome import Outcome
    from pipelines.ondevice.bundle import Bundle

_SHOWN = 12  # most wrong clips


def make_plots(config: SpeechConfig, outcome: Outcome) -> dict[str, Any]:
    """Return figures and tables by name."""
    outputs, targets = outcome.outputs["test"], outcome.features.targets["test"]
    labels = outcome.data.labels
    return {
        "confusion_matrix": classification_plots.confusion_matrix(outputs, targets, labels),
        "recall": recall(outputs, targets, labels),
        "reliability": classification_plots.reliability(outputs, targets),
        "most_wrong": most_wrong(outcome),
        "most_wrong_spectrograms": spectrograms(outcome),
    }


def recall(outputs: np.ndarray, targets: np.ndarray, labels: tuple[str, ...]) -> Figure:
    """Show the share of each label's clips that were given it."""
    right = outputs.argmax(axis=1) == targets
    shares = [right[targets == k].mean() if (targets == k).any() else np.nan for k in range(len(labels))]
    figure = Figure(figsize=(2 + 0.6 * len(labels), 4), layout="constrained")
    axes = figure.subplots()
    bars = axes.bar(labels, shares)
    axes.bar_label(bars, fmt="%.2f")
    axes.tick_params(axis="x", rotation=40)
    axes.set(ylim=(0, 1.08), ylabel="recall", title="Test split, share of each label's clips that is found")
    return figure


def most_wrong(outcome: Outcome) -> list[dict[str, Any]]:
    """List the clips whose true label was given the least probability, by their place in the split."""
    outputs, targets = outcome.outputs["test"], outcome.features.targets["test"]
    rows = classification_plots.most_wrong(range(len(targets)), outputs, targets, outcome.data.labels, _SHOWN)
    return [{"clip": row.pop("input"), **row} for row in rows]


def spectrograms(outcome: Outcome) -> Figure:
    """Show the most wrong clips as the network sees them: time to the right, low mel bands at the bottom."""
    import keras

    rows = most_wrong(outcome)
    layer = outcome.model.get_layer("features")
    seen = keras.Model(outcome.model.input, layer.output)
    figure = Figure(figsize=(14, 8), layout="constrained")
    panels = figure.subplots(3, 4).ravel()
    for axes in panels:
        axes.axis("off")
    for axes, row in zip(panels, rows, strict=False):
        clip = outcome.features.inputs["test"][row["clip"]][None]
        axes.axis("on")
        axes.imshow(np.asarray(seen(clip))[0].T, origin="lower", aspect="auto", cmap="magma")
        axes.set_title(f"clip {row['clip']}: {row['true']}, heard as {row['given']}", fontsize="small")
        axes.set(xlabel="frame of 20 ms", ylabel="mel band")
    return figure


def show(config: SpeechConfig, outcome: Outcome, bundle: Bundle, folder: Path) -> dict[str, float]:
    """Write the most wrong clips as WAV files, and how well words are found in a stream of test clips."""
    _write_clips(outcome, folder)
    options = SpeechOptions()
    test, labels = outcome.data.splits["test"], outcome.data.labels
    samples, spoken = make_stream(test, labels, config.stream_minutes, config.seed)
    curve = detection_curve(bundle, samples, spoken, options)
    (folder / "detection.json").write_text(json.dumps([rates._asdict() for rates in curve], indent=1))
    detection_figure(curve, len(spoken), config.stream_minutes).savefig(folder / "detection.png", dpi=120)
    (at_default,) = (rates for rates in curve if rates.threshold == options.threshold)
    return {f"detection.{name}": value for name, value in at_default._asdict().items()}


def detection_figure(curve: Sequence[Rates], words: int, minutes: float) -> Figure:
    """Show misses against false accepts, a point a threshold."""
    figure = Figure(figsize=(6, 4.5), layout="constrained")
    axes = figure.subplots()
    accepts = [rates.false_accepts_per_hour for rates in curve]
    axes.plot(accepts, [100 * rates.miss_rate for rates in curve], marker="o")
    for rates, x in zip(curve, accepts, strict=True):
        axes.annotate(f"{rates.threshold:g}", (x, 100 * rates.miss_rate), (4, 4), textcoords="offset points")
    axes.set_xscale("symlog", linthresh=1)
    axes.set(xlabel="false accepts an hour", ylabel="missed words, %", xlim=(0, None), ylim=(0, 100))
    axes.set_title(f"Stream of {minutes:g} minutes, {words} words; at each point its threshold")
    axes.grid(alpha=0.3)
    return figure


def _write_clips(outcome: Outcome, folder: Path) -> None:
    import soundfile

    for row in most_wrong(outcome):
        name = f"clip_{row['clip']}_{row['true']}_as_{row['given']}.wav"
        soundfile.write(folder / name, outcome.features.inputs["test"][row["clip"]], SAMPLE_RATE)
