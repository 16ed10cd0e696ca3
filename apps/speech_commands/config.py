"""The settings of the speech command app, and its presets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from pipelines.config import (
    RECURRENT_SPACE,
    ClassifierConfig,
    LargeDataConfig,
    PretrainedConfig,
    Range,
    StreamConfig,
    require,
    require_at_least,
    require_rates,
)

Stem = Literal["image", "time"]
FeatureKind = Literal["log_mel", "mfcc", "pcen"]

SAMPLE_RATE = 16_000
"""Samples per second of the networks' input; other rates are resampled."""
PACKET_MS = 20
"""Length of the packets that a streaming network reads."""
WORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
UNKNOWN, SILENCE = "_unknown_", "_silence_"


@dataclass(frozen=True)
class SpeechConfig(ClassifierConfig, PretrainedConfig, LargeDataConfig, StreamConfig):
    """Recognises the word in a second of speech. The defaults suit the embedded, synthetic speech."""

    words: tuple[str, ...] | None = None
    """The labels to tell apart; every other label becomes _unknown_. Default: all labels of the data."""
    seconds: float = 1.0
    """Length of a clip. Shorter clips are padded with zeros, longer ones cut to their loudest part."""
    features: FeatureKind = "log_mel"
    """The features that the network computes every 20 ms: log-mel energies, their cosine transform
    (mfcc), or mel energies with per-channel energy normalisation (pcen)."""
    bins: int = 40
    """Number of mel bands."""
    stem: Stem = "image"
    """The convolutions before the recurrent layers: three over time and frequency, or one over time."""
    filters: int = 8
    """Filters of the first convolution; further convolutions have twice as many."""
    units: int = 56
    """Units of each recurrent layer."""
    dropout: float = 0.2
    """Fraction dropped in training between recurrent layers and before the output."""
    shift_ms: float = 100.0
    """Training clips are shifted by up to this time, forwards or backwards."""
    speed: float = 0.15
    """Training clips are made faster or slower by up to this fraction."""
    gain_db: float = 10.0
    """Training clips are made louder or softer by up to this many decibels."""
    noise: float = 0.8
    """Share of training clips that noise is mixed into."""
    masks: int = 2
    """Number of mel bands, and of time spans, that training masks in each clip (SpecAugment)."""
    stream_minutes: float = 30.0
    """Length of the stream of test clips in which word detection is measured."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0.1 <= self.seconds <= 10, "seconds", "0.1 to 10", self.seconds)
        samples = self.seconds * 1000 / PACKET_MS
        require(samples == int(samples), "seconds", f"a multiple of {PACKET_MS} ms", self.seconds)
        require(self.stream_minutes >= 0.5, "stream_minutes", "at least 0.5", self.stream_minutes)
        require_at_least(self, 1, "bins", "filters")
        require_at_least(self, 0, "shift_ms", "gain_db", "masks")
        require_rates(self, "speed")
        require(0 <= self.noise <= 1, "noise", "0 to 1", self.noise)

    @property
    def streams(self) -> bool:
        """Whether the network can run on packets, because it reads only the past."""
        return not self.attention


# Eight epochs of synthetic speech, then real speech: Speech Commands, or your own with --dataset FOLDER. With
# the 2,398 training clips of the README each takes about five minutes on 2 cores.
_REAL = SpeechConfig(
    dataset="speech_commands",
    pretraining_dataset="embedded",
    pretraining_epochs=8,
    epochs=48,
    patience=48,
    batch_size=32,
    clip_norm=5.0,
    learning_rate=3e-3,
    filters=16,
    units=96,
)
_SMALL = replace(_REAL, filters=8, units=56, learning_rate=4e-3, dropout=0.1)

SPACE = {
    **RECURRENT_SPACE,
    "filters": Range(2, 24),
    "bins": Range(16, 64),
    "noise": Range(0.0, 1.0),
}
"""What `sweep` varies."""
PRESETS = {
    # The embedded, synthetic speech: three minutes on 2 cores, and three more to generate it the first time.
    "default": SpeechConfig(epochs=15, patience=15, batch_size=32, clip_norm=5.0, learning_rate=4e-3),
    # Runs every step in a minute; its accuracy means nothing.
    "smoke": SpeechConfig(
        precisions=("float32", "int8"),
        dataset="embedded/small",
        epochs=1,
        units=8,
        filters=4,
        batch_size=60,
        learning_rate=5e-3,
        stream_minutes=1.0,
    ),
    # At most 30,000 parameters.
    "gru_small": _SMALL,
    # The same without synthetic speech first, for comparison.
    "gru_small_scratch": replace(_SMALL, pretraining_dataset=None, pretraining_epochs=0, epochs=40),
    "crnn": _REAL,
    "lstm": replace(_REAL, cell="lstm"),
    "attention": replace(_REAL, attention=True, units=64),
}
