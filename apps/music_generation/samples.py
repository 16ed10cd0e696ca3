"""Writes samples for the tracker: at several temperatures, and one after each epoch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from pipelines.data.examples import Features
from pipelines.data.midi_files import write_midi
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.sampling import Sampler
from pipelines.ondevice.step_network import StepNetwork, StreamNetwork
from pipelines.tasks.generation_layers import KerasNetwork
from pipelines.tasks.music_picture import png
from pipelines.tasks.music_sound import synthesise, wav

from .checks import musical_checks
from .config import MusicConfig
from .features import prepared, representation_of, settings_of
from .generate import Composer
from .predict import Options, voice_names

if TYPE_CHECKING:
    from pipelines.evaluation.outcome import Outcome

TEMPERATURES = (0.7, 0.9, 1.0)
_BEATS = 64
_BEATS_OF_AN_EPOCH = 16
_TEMPO = Options.tempo


def sampled(network: StepNetwork, config: MusicConfig, temperatures: Sequence[float]) -> list[np.ndarray]:
    """Return a piece of 64 quarter notes at each temperature, always the same pieces for a network."""
    return [_sample(network, config, _BEATS, temperature) for temperature in temperatures]


def _sample(network: StepNetwork, config: MusicConfig, beats: int, temperature: float) -> np.ndarray:
    representation = representation_of(settings_of(config))
    composer = Composer(network, representation, Sampler(temperature, top_p=Options.top_p), config.seed)
    return composer.compose(beats * config.steps_per_beat)


def each_epoch(
    config: MusicConfig, features: Features, deployed: keras.Model, *, epoch: int, folder: Path
) -> None:
    """Write a short sample of the network after this epoch."""
    piece = _sample(KerasNetwork(deployed), config, _BEATS_OF_AN_EPOCH, Options.temperature)
    _write(piece, config, f"{folder}/epoch_{epoch:03}", sound=False)


def write_samples(config: MusicConfig, outcome: Outcome, bundle: Bundle, folder: Path) -> dict[str, float]:
    """Write samples of the float32 file at several temperatures, and return the musical checks as metrics."""
    network = StreamNetwork.of(bundle, "float32")
    pieces = dict(zip(TEMPERATURES, sampled(network, config, TEMPERATURES), strict=True))
    for temperature, piece in pieces.items():
        _write(piece, config, f"{folder}/temperature_{temperature:g}", sound=True)
    rows = check_rows(config, outcome, pieces)
    (folder / "checks.json").write_text(json.dumps(rows, indent=1))
    return {f"checks.{row['of']}.{k}": v for row in rows for k, v in row.items() if k != "of"}


def check_rows(
    config: MusicConfig, outcome: Outcome, samples: Mapping[float, np.ndarray]
) -> list[dict[str, Any]]:
    """Return the musical checks of training pieces, validation pieces and each sample, one row each."""
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
    names = voice_names(piece)
    Path(f"{path}.mid").write_bytes(write_midi(piece, per_beat, _TEMPO, names))
    Path(f"{path}.png").write_bytes(png(piece, per_beat, names))
    if sound:
        Path(f"{path}.wav").write_bytes(wav(synthesise(piece, 60 / _TEMPO / per_beat)))
