"""The settings of the speech command app, and its presets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from pipelines.config import Config, require

Cell = Literal["simple_rnn", "lstm", "gru"]
Stem = Literal["image", "time"]
FeatureKind = Literal["log_mel", "mfcc", "pcen"]

SAMPLE_RATE = 16_000
"""Samples a second that the networks hear; other rates are resampled."""
PACKET_MS = 20
"""What a streaming network takes at a time."""
WORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
UNKNOWN, SILENCE = "_unknown_", "_silence_"


@dataclass(frozen=True)
class SpeechConfig(Config):
    """A second of speech in, a word out. The defaults are those of the embedded, synthetic speech."""

    pretraining_dataset: str | None = None
    """What the pretraining epochs hear: a data set, named as --dataset, with as many labels in the same
    order."""
    words: tuple[str, ...] | None = None
    """The labels to tell apart; every other one becomes _unknown_. Default: all labels of the data."""
    seconds: float = 1.0
    """Length of a clip; shorter ones are padded with zeros, of longer ones the loudest part is taken."""
    features: FeatureKind = "log_mel"
    """What the network sees of the samples, every 20 ms: logarithms of mel energies, their cosine transform,
    or per-channel energy normalisation."""
    bins: int = 40
    """Mel bands."""
    stem: Stem = "image"
    """The convolutions before the recurrent layers: three over time and frequency, or one over time."""
    filters: int = 8
    """Of the first convolution; the others have twice as many."""
    cell: Cell = "gru"
    """The recurrent cell."""
    attention: bool = False
    """Read the clip in both directions and attend to all of it. Such a network does not stream."""
    units: int = 56
    """Of each recurrent layer."""
    depth: int = 1
    """Recurrent layers, one on another."""
    dropout: float = 0.2
    """Fraction dropped between recurrent layers and before the output in training."""
    label_smoothing: float = 0.05
    """Share of a label's probability that training gives to all labels alike."""
    shift_ms: float = 100.0
    """Training clips are moved by up to so much, either way."""
    speed: float = 0.15
    """Training clips are made faster or slower by up to this fraction."""
    gain_db: float = 10.0
    """Training clips are made louder or softer by up to so much."""
    noise: float = 0.8
    """Share of training clips that noise is mixed into."""
    lead_in: float = 0.3
    """Share of training batches in which another clip comes before each clip: a stream never starts anew."""
    masks: int = 2
    """Bands of mel bins, and stretches of time, that training blots out of each clip (SpecAugment)."""
    stream_minutes: float = 30.0
    """Of the stream, made of test clips, in which finding words is measured."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0.1 <= self.seconds <= 10, "seconds", "0.1 to 10", self.seconds)
        samples = self.seconds * 1000 / PACKET_MS
        require(samples == int(samples), "seconds", f"a multiple of {PACKET_MS} ms", self.seconds)
        require(self.stream_minutes >= 0.5, "stream_minutes", "at least 0.5", self.stream_minutes)
        for name in ("bins", "filters", "units", "depth"):
            require(getattr(self, name) >= 1, name, "at least 1", getattr(self, name))
        for name in ("dropout", "label_smoothing", "speed"):
            require(0 <= getattr(self, name) < 1, name, "0 <= rate < 1", getattr(self, name))
        for name in ("noise", "lead_in"):
            require(0 <= getattr(self, name) <= 1, name, "0 to 1", getattr(self, name))
        for name in ("shift_ms", "gain_db", "masks"):
            require(getattr(self, name) >= 0, name, "0 or more", getattr(self, name))
        both = (self.pretraining_dataset is None) == (self.pretraining_epochs == 0)
        require(both, "pretraining_dataset", "to come with --pretraining-epochs", self.pretraining_dataset)

    @property
    def streams(self) -> bool:
        """Whether the network takes packets: it looks at the past only."""
        return not self.attention


# Eight epochs of synthetic speech, then people: Speech Commands, or --dataset FOLDER of them. With the 2,398
# training clips of the README some five minutes on 2 cores each.
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

PRESETS = {
    # The embedded, synthetic speech: three minutes on 2 cores, and as much once to generate it.
    "default": SpeechConfig(epochs=15, patience=15, batch_size=32, clip_norm=5.0, learning_rate=4e-3),
    # A look at the whole road in a minute; its accuracy means nothing.
    "smoke": SpeechConfig(
        dataset="embedded/small",
        epochs=2,
        units=8,
        filters=4,
        batch_size=60,
        learning_rate=5e-3,
        stream_minutes=1.0,
    ),
    # At most 30,000 parameters.
    "gru_small": _SMALL,
    # The same without synthetic speech first: what that brings.
    "gru_small_scratch": replace(_SMALL, pretraining_dataset=None, pretraining_epochs=0, epochs=40),
    "crnn": _REAL,
    "lstm": replace(_REAL, cell="lstm"),
    "attention": replace(_REAL, attention=True, units=64, epochs=68),
}
