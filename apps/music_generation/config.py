"""Settings and presets of the music generation app."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from pipelines.config import RECURRENT_SPACE, Range, RecurrentConfig, require, require_at_least, require_rates

Representation = Literal["voices", "melody", "pianoroll"]
Keys = Literal["independent", "autoregressive"]
Collection = Literal["chorales", "folk", "few"]


@dataclass(frozen=True)
class MusicConfig(RecurrentConfig):
    """Settings of the data, the representation of music and the network."""

    collection: Collection = "chorales"
    """The embedded data: Bach's chorales, folk tunes with one voice, or a few of the chorales."""
    representation: Representation = "voices"
    """Four voices as tokens, one voice as tokens, or frames of 88 keys."""
    keys: Keys = "autoregressive"
    """For frames: predict each key given the lower keys of the frame, or all keys independently."""
    steps_per_beat: int = 4
    """Steps in a quarter note, for reading MIDI and ABC files and for playing."""
    max_steps: int | None = None
    """Maximum number of network steps of a piece. A token is one step. Default: the longest piece."""
    transpose: int = 6
    """Transpose training pieces at random by up to this many semitones."""
    units: int = 192
    """Units of each recurrent layer."""
    depth: int = 2
    """Number of recurrent layers."""
    attention: int = 0
    """Attend to this many of the previous steps; 0 turns attention off."""
    embedding: int = 32
    """Size of the vector of a token."""
    channels: int = 32
    """For frames: hidden units of each key."""
    dropout: float = 0.3
    """Dropout rate of the outputs of the recurrent layers."""
    recurrent_dropout: float = 0.0
    """Dropout rate of the recurrent state, with one mask for all steps of a sequence."""
    output_dropout: float = 0.0
    """Dropout rate of the hidden units before the output."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(self, 1, "steps_per_beat", "embedding", "channels", "max_steps")
        require_at_least(self, 0, "attention")
        require_rates(self, "recurrent_dropout", "output_dropout")
        self._require_dropped(self.recurrent_dropout)
        divides = 480 % self.steps_per_beat == 0  # a quarter note of MIDI has 480 ticks here
        require(divides, "steps_per_beat", "a divisor of 480", self.steps_per_beat)
        require(0 <= self.transpose <= 12, "transpose", "0 to 12", self.transpose)
        require(self.pretraining_epochs == 0, "pretraining_epochs", "0", self.pretraining_epochs)


_CHORALES = MusicConfig(
    epochs=30, batch_size=16, learning_rate=4e-3, weight_decay=1e-4, patience=5, max_steps=1536
)

SPACE = {
    **RECURRENT_SPACE,
    "embedding": Range(8, 64, logarithmic=True),
    "recurrent_dropout": Range(0.0, 0.5),
}
"""What `sweep` varies."""
PRESETS = {
    # Bach's chorales, voice by voice.
    "default": replace(_CHORALES, units=128, epochs=16),
    # The same with twice the parameters: twenty minutes on 2 cores.
    "full": _CHORALES,
    # Runs the whole pipeline in a minute; its figures are meaningless.
    "smoke": MusicConfig(
        precisions=("float32", "int8"),
        collection="few",
        max_steps=256,
        epochs=1,
        units=16,
        depth=1,
        embedding=8,
        batch_size=4,
        learning_rate=5e-3,
    ),
    # Fiddle tunes, token by token.
    "melody": MusicConfig(
        collection="folk",
        representation="melody",
        epochs=40,
        batch_size=32,
        learning_rate=4e-3,
        weight_decay=1e-4,
        patience=4,
        max_steps=512,
    ),
    # The published JSB chorales (--dataset jsb-chorales-quarter.json), frames of quarter notes, independent
    # keys. Published: GRU 8.43, TCN 8.10.
    "jsb_independent": MusicConfig(
        representation="pianoroll",
        keys="independent",
        steps_per_beat=1,
        epochs=150,
        batch_size=16,
        learning_rate=4e-3,
        weight_decay=1e-4,
        units=640,
        depth=1,
        dropout=0.5,
        recurrent_dropout=0.5,
        patience=40,
    ),
    # The same, each key given the lower keys. Published: RNN-RBM 6.27, RNN-NADE 5.56.
    "jsb_nade": MusicConfig(
        representation="pianoroll",
        steps_per_beat=1,
        epochs=60,
        batch_size=16,
        learning_rate=5e-3,
        weight_decay=1e-4,
        units=200,
        depth=1,
        recurrent_dropout=0.3,
        patience=15,
    ),
    # Folk tunes with chords (--dataset a folder with Nottingham's MIDI files), frames of eighth notes.
    # Published, on other splits: LSTM 3.29, GRU 3.46, TCN 3.07.
    "nottingham": MusicConfig(
        representation="pianoroll",
        keys="independent",
        steps_per_beat=2,
        max_steps=512,
        epochs=20,
        batch_size=16,
        learning_rate=4e-3,
        weight_decay=1e-4,
        units=256,
        depth=1,
        channels=16,
        patience=5,
    ),
}
