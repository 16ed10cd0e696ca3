"""Figures, tables and sound files of a speech command training run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from pipelines.data.sound import coloured_noise
from pipelines.tasks.classification_plots import most_wrong, usual_plots
from pipelines.tasks.event_plots import write_detection
from pipelines.tasks.event_rates import Clips, detection_curve, make_stream
from pipelines.tasks.events import EventOptions, Listener

from .config import SAMPLE_RATE, SILENCE, UNKNOWN, SpeechConfig

if TYPE_CHECKING:
    from pipelines.evaluation.outcome import Outcome
    from pipelines.ondevice.bundle import Bundle

_LISTED = 12  # most wrong clips
_SNR_DB = (10.0, 25.0)
_SLOPES = (0.0, -1.0, -2.0)  # of the noise: white, pink, brown


def make_plots(config: SpeechConfig, outcome: Outcome) -> dict[str, Any]:
    """Return figures and tables by name."""
    own = {"most_wrong": wrong_clips(outcome), "most_wrong_spectrograms": spectrograms(outcome)}
    return usual_plots(outcome) | own


def wrong_clips(outcome: Outcome) -> list[dict[str, Any]]:
    """Return a table of the most wrong test clips, with their number in the split."""
    numbers = range(len(outcome.features.targets["test"]))
    return most_wrong(outcome, numbers, column="clip", count=_LISTED)


def spectrograms(outcome: Outcome) -> Figure:
    """Return a figure with the spectrograms of the most wrong test clips, as the network sees them."""
    import keras

    layer = outcome.model.get_layer("features")
    seen = keras.Model(outcome.model.input, layer.output)
    figure = Figure(figsize=(14, 8), layout="constrained")
    figure.suptitle("The most wrong test clips, as the network sees them")
    panels = figure.subplots(3, 4).ravel()
    for axes in panels:
        axes.axis("off")
    for axes, row in zip(panels, wrong_clips(outcome), strict=False):
        clip = outcome.features.inputs["test"][row["clip"]][None]
        axes.axis("on")
        axes.imshow(np.asarray(seen(clip))[0].T, origin="lower", aspect="auto", cmap="magma")
        axes.set_title(f"clip {row['clip']}: {row['true']}, heard as {row['given']}", fontsize="small")
        axes.set(xlabel="frame of 20 ms", ylabel="mel band")
    return figure


def show(config: SpeechConfig, outcome: Outcome, bundle: Bundle, folder: Path) -> dict[str, float]:
    """Write the most wrong clips and the detection curve; return the rates at the default threshold."""
    import soundfile

    inputs, targets = outcome.features.inputs["test"], outcome.features.targets["test"]
    for row in wrong_clips(outcome):
        name = f"clip_{row['clip']}_{row['true']}_as_{row['given']}.wav"
        soundfile.write(folder / name, inputs[row["clip"]], SAMPLE_RATE)
    others, options, minutes = (UNKNOWN, SILENCE), EventOptions(), config.stream_minutes
    clips = Clips(lambda row: inputs[row], [outcome.data.labels[target] for target in targets], others)
    samples, spoken = make_stream(clips, noise, rate=SAMPLE_RATE, minutes=minutes, seed=config.seed)
    listener = Listener(bundle, None, options, ignored=others)
    curve = detection_curve(listener, samples, spoken, options)
    title = f"Detection of words: a stream of {minutes:g} min with {len(spoken)} words"
    return write_detection(folder, curve, title=title, threshold=options.threshold)


def noise(samples: int, rng: np.random.Generator) -> np.ndarray:
    """Return background noise (samples,) of a random colour, 10 to 25 dB below speech of level 1."""
    quiet = 10 ** (-rng.uniform(*_SNR_DB) / 20)
    slope = rng.choice(_SLOPES)
    return np.float32(quiet) * coloured_noise(samples, slope=slope, rate=SAMPLE_RATE, rng=rng)
