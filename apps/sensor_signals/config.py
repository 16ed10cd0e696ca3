"""The settings of the sensor signal app, and its presets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from pipelines.config import (
    RECURRENT_SPACE,
    ClassifierConfig,
    PretrainedConfig,
    Range,
    StreamConfig,
    require,
    require_above_0,
    require_at_least,
    require_rates,
)
from pipelines.data.windows import Answer, Cutting
from pipelines.errors import UserError

Unlabelled = Literal["left_out", "label"]
_AHEAD = 0.5  # seconds that a network may see after what it answers for


@dataclass(frozen=True)
class SensorConfig(ClassifierConfig, PretrainedConfig, StreamConfig):
    """Recognises what a sensor's wearer does. The defaults suit the embedded recordings of a watch."""

    answer: Answer = "window"
    """What the network is trained to tell: the label of a window, the label at every sample, or events such
    as heartbeats. Exported as `step` it answers at every packet in each case."""
    labels: tuple[str, ...] | None = None
    """The labels to tell apart; all others count as unlabelled. Default: all labels of the data."""
    unlabelled: Unlabelled = "left_out"
    """left_out: windows (or samples) without a label, and windows of several labels, are neither trained nor
    scored. label: stretches without a label have the label _none_, windows their commonest label."""
    channels: tuple[str, ...] = ()
    """The channels to use, by name. Default: all channels of the first recording."""
    rate: float | None = None
    """Samples a second that the network reads; recordings are resampled. Default: that of the first one."""
    recorded_rate: float | None = None
    """Samples a second of recordings that don't tell theirs."""
    label_column: str = "label"
    """The column, or the array of an .npz file, with the label of each sample."""
    subject_column: str = "subject"
    """The column of recordings.csv, or of each recording, that names the person."""
    window: float = 2.0
    """Length of a window in seconds."""
    hop: float = 1.0
    """Seconds from one window to the next. With a label at every sample, held-out windows don't overlap
    but for --context."""
    context: float = 0.0
    """With a label at every sample or events, so many seconds at the start of each held-out window aren't
    scored, except at the start of a recording."""
    packet: int = 2
    """Samples of all channels that the network reads at a time."""
    delay: float = 0.0
    """With a label at every sample or events, the network may see so many seconds after what it answers for;
    at most 0.5. Of an event it sees the rest of that packet, too, which counts."""
    filters: int = 0
    """Filters of each of two causal convolutions before the recurrent layers; 0 for none."""
    units: int = 48
    """Units of each recurrent layer."""
    dropout: float = 0.3
    """Fraction dropped in training between layers and before the output."""
    scale: float = 0.15
    """Training windows are made larger or smaller by up to this fraction."""
    jitter: float = 0.05
    """Noise added to training windows, as a share of each channel's deviation."""
    rotation: float = 0.0
    """Each sensor with three axes is turned in training by up to this angle in degrees, all alike."""
    warp: float = 0.15
    """Training windows are made faster or slower by up to this fraction."""
    wander: float = 0.0
    """Slow waves of up to this height, as a share of each channel's deviation, are added in training."""
    coloring: float = 0.0
    """Training windows are filtered, each by a short random filter; 0 for none. What a shape is then says
    less than how it differs from the others of its window, which holds for new people, too."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_above_0(self, "window", "hop", "rate", "recorded_rate")
        require_at_least(self, 1, "packet")
        require_at_least(self, 0, "filters", "context", "jitter", "rotation", "wander", "coloring")
        require_rates(self, "scale", "warp")
        require(0 <= self.delay <= _AHEAD, "delay", f"0 to {_AHEAD}", self.delay)
        whole = self.answer == "window"
        require(whole or not self.attention, "attention", "False unless --answer window", self.attention)
        require(not whole or self.delay == 0, "delay", "0 with one label a window", self.delay)
        balanced = self.class_weights == "balanced"
        require(whole or not balanced, "class_weights", "none unless --answer window", self.class_weights)
        require(self.context < self.window, "context", "less than --window", self.context)
        require(self.answer != "events" or bool(self.labels), "labels", "the events to find", self.labels)

    @property
    def executions(self) -> tuple[str, ...]:
        """The executions to export: a network that reads only the past also runs on packets."""
        return ("loop",) if self.attention else ("loop", "step")


def cutting_of(config: SensorConfig, rate: float, labels: tuple[str, ...]) -> Cutting:
    """Return how recordings of this rate are cut; lengths are whole packets.

    Raises:
        UserError: a window is no longer than a packet, or the answer for an event comes later than half a
            second after it.
    """
    length = round(config.window * rate / config.packet) * config.packet
    if length <= config.packet:
        raise UserError(f"--window: expected more than one packet of {config.packet / rate:g} s")
    rest = (config.packet - 1) / rate
    if config.answer == "events" and config.delay + rest > _AHEAD + 1e-9:
        raise UserError(
            f"--delay: expected at most {_AHEAD} s together with the rest of a packet "
            f"({config.packet} samples at {rate:g} Hz: {rest:.3g} s), got {config.delay:g}"
        )
    return Cutting(
        answer=config.answer,
        labels=labels,
        length=length,
        hop=max(1, round(config.hop * rate)),
        packet=config.packet,
        delay=round(config.delay * rate),
        context=round(config.context * rate / config.packet) * config.packet,
        mixed=config.unlabelled == "label",
    )


_WATCH = SensorConfig(epochs=24, patience=24, batch_size=32, learning_rate=4e-3, clip_norm=5.0, rotation=15.0)
_BEATS = replace(
    _WATCH,
    answer="events",
    labels=("N", "S", "V"),
    rate=120.0,
    window=30.0,
    hop=15.0,
    context=5.0,
    packet=8,
    delay=0.4,
    filters=32,
    rotation=0.0,
    scale=0.3,
    jitter=0.1,
    wander=0.5,
)
_PHONE = replace(
    _WATCH,
    dataset="hapt",
    window=2.56,
    hop=1.28,
    packet=4,
    filters=48,
    units=64,
    epochs=8,
    batch_size=64,
    learning_rate=5e-3,
)
_SIX = ("walking", "upstairs", "downstairs", "sitting", "standing", "lying")

SPACE = {
    **RECURRENT_SPACE,
    "filters": Range(0, 64),
    "packet": (1, 2, 4, 8),
}
"""What `sweep` varies."""
PRESETS = {
    # The embedded recordings of a watch.
    "default": replace(_WATCH, filters=32),
    # Runs every step in a minute; its figures mean nothing.
    "smoke": replace(
        _WATCH, dataset="embedded/small", precisions=("float32", "int8"), epochs=1, units=8, packet=4
    ),
    # At most 10,000 parameters, for microcontrollers.
    "tiny": replace(_WATCH, units=24, packet=4, dropout=0.1),
    "gru": replace(_WATCH, units=64),
    "crnn": replace(_WATCH, filters=48, units=64),
    "attention": replace(_WATCH, filters=32, attention=True),
    # The generated ECG.
    "heartbeats": replace(_BEATS, dataset="embedded/heartbeats", epochs=12, units=32),
    # Recordings of your own; the README tells how these folders are made.
    "hapt": replace(_PHONE, labels=_SIX),
    "hapt_all": replace(_PHONE, labels=(*_SIX, "transition"), unlabelled="label", lead_in=0.0),
    "hapt_stream": replace(
        _PHONE,
        answer="sample",
        labels=_SIX,
        window=20.48,
        hop=10.24,
        context=2.56,
        delay=0.5,
        batch_size=32,
    ),
    # Random filters, since the beats of few patients are seen.
    "mitbih": replace(
        _BEATS,
        dataset="mitbih",
        packet=4,
        filters=48,
        units=64,
        coloring=0.3,
        epochs=20,
        precisions=("float32", "int8"),
    ),
}
