"""Music for the tracker: samples at several temperatures, and one after each epoch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

import layers
from pipelines.data.examples import Features
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.model import Stream
from pipelines.ondevice.sampling import Sampler

from .checks import musical_checks
from .config import MusicConfig
from .features import prepared, representation_of, settings_of
from .generate import OnDevice, compose
from .midi import write_midi
from .picture import png
from .predict import Options, voice_names
from .synthesis import synthesise, wav

if TYPE_CHECKING:
    from pipelines.evaluation.outcome import Outcome

TEMPERATURES = (0.7, 0.9, 1.0)
_BEATS = 64
_BEATS_OF_AN_EPOCH = 16
_TEMPO = Options.tempo


class InKeras:
    """A Keras model, step by step."""

    def __init__(self, model: keras.Model) -> None:
        one_step = layers.OneStep(model)
        self.state: Mapping[str, Any] = one_step.initial_states(1)
        self._step = tf.function(one_step)

    def __call__(self, step: np.ndarray, /) -> np.ndarray:
        """See `generate.Network`."""
        outputs, self.state = self._step(tf.constant(step[None, None]), self.state)
        return outputs[0, 0].numpy()


def sampled(network: Any, config: MusicConfig, beats: int, temperature: float) -> np.ndarray:
    """Return a piece of so many quarter notes; the same for the same network."""
    settings = settings_of(config)
    steps = beats * config.steps_per_beat
    sampler, rng = Sampler(temperature, top_p=Options.top_p), np.random.default_rng(config.seed)
    return compose(network, representation_of(settings), steps, sampler, rng)


def each_epoch(
    config: MusicConfig, features: Features, deployed: keras.Model, epoch: int, folder: Path
) -> None:
    """Write a short sample of what the network can by now."""
    piece = sampled(InKeras(deployed), config, _BEATS_OF_AN_EPOCH, Options.temperature)
    _write(piece, config, f"{folder}/epoch_{epoch:03}", sound=False)


def write_samples(config: MusicConfig, outcome: Outcome, bundle: Bundle, folder: Path) -> dict[str, float]:
    """Write samples of the float32 file at several temperatures; return the musical checks, as metrics."""
    stream = Stream(bundle.variant_path("float32", execution="step"))
    pieces = {}
    for temperature in TEMPERATURES:
        stream.reset()
        pieces[temperature] = sampled(OnDevice(stream), config, _BEATS, temperature)
        _write(pieces[temperature], config, f"{folder}/temperature_{temperature:g}", sound=True)
    rows = check_rows(config, outcome, pieces)
    (folder / "checks.json").write_text(json.dumps(rows, indent=1))
    return {f"checks.{row['of']}.{k}": v for row in rows for k, v in row.items() if k != "of"}


def check_rows(
    config: MusicConfig, outcome: Outcome, samples: Mapping[float, np.ndarray]
) -> list[dict[str, Any]]:
    """Return the musical checks of validation pieces and of each sample, side by side, against train."""
    settings = settings_of(config)
    splits, by_voice = outcome.data.splits, config.representation == "voices"
    training = [prepared(piece, settings) for piece in splits["train"].inputs]
    unseen = [prepared(piece, settings) for piece in splits["validation"].inputs]
    made = {"training": training, "validation": unseen} | {
        f"temperature_{t:g}": [p] for t, p in samples.items()
    }
    return [
        {"of": name, **musical_checks(pieces, training, config.steps_per_beat, by_voice)}
        for name, pieces in made.items()
    ]


def _write(piece: np.ndarray, config: MusicConfig, path: str, sound: bool) -> None:
    per_beat = config.steps_per_beat
    Path(f"{path}.mid").write_bytes(write_midi(piece, per_beat, _TEMPO, voice_names(piece)))
    Path(f"{path}.png").write_bytes(png(piece, per_beat))
    if sound:
        Path(f"{path}.wav").write_bytes(wav(synthesise(piece, 60 / _TEMPO / per_beat)))
