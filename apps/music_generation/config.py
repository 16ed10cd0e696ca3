"""The settings of the music app, and its presets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipelines.config import Config, require

Representation = Literal["voices", "melody", "pianoroll"]
Keys = Literal["independent", "autoregressive"]
Cell = Literal["simple_rnn", "lstm", "gru"]
Collection = Literal["chorales", "folk", "few"]


@dataclass(frozen=True)
class MusicConfig(Config):
    """What was played so far in, what comes next out. The defaults are those of the embedded chorales."""

    collection: Collection = "chorales"
    """Of the embedded data: Bach's chorales, folk tunes of one voice, or a few of the chorales."""
    representation: Representation = "voices"
    """Four voices as tokens, one voice as tokens, or frames of 88 keys."""
    keys: Keys = "autoregressive"
    """Of frames: each key given the lower keys of its frame, or all keys independent of each other."""
    steps_per_beat: int = 4
    """Steps of the grid in a quarter note, for MIDI and ABC files; also how long a step is when played."""
    max_steps: int | None = None
    """Steps (voice by voice, of tokens) kept of a piece. Default: those of the longest."""
    transpose: int = 6
    """Training pieces are moved by up to so many semitones, anew in each epoch."""
    cell: Cell = "gru"
    """The recurrent cell."""
    units: int = 192
    """Of each recurrent layer."""
    depth: int = 2
    """Recurrent layers, one on another."""
    attention: int = 0
    """Attend to so many of the last steps, beside what the recurrent layers remember; 0: don't."""
    embedding: int = 32
    """Of tokens: size of a token's vector."""
    channels: int = 32
    """Of frames: hidden units for each key."""
    dropout: float = 0.3
    """Fraction of the recurrent layers' outputs dropped in training."""
    recurrent_dropout: float = 0.0
    """Fraction of the recurrent layers' state dropped in training, the same in all steps of a sequence."""
    output_dropout: float = 0.0
    """Fraction of the hidden units before the output dropped in training."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("steps_per_beat", "units", "depth", "embedding", "channels"):
            require(getattr(self, name) >= 1, name, "at least 1", getattr(self, name))
        for name in ("dropout", "recurrent_dropout", "output_dropout"):
            require(0 <= getattr(self, name) < 1, name, "0 <= rate < 1", getattr(self, name))
        divides = 480 % self.steps_per_beat == 0  # a quarter note of MIDI has 480 ticks here
        require(divides, "steps_per_beat", "a divisor of 480", self.steps_per_beat)
        require(0 <= self.transpose <= 12, "transpose", "0 to 12", self.transpose)
        require(self.attention >= 0, "attention", "0 or more", self.attention)
        require(self.max_steps is None or self.max_steps >= 1, "max_steps", "at least 1", self.max_steps)
        require(self.pretraining_epochs == 0, "pretraining_epochs", "0", self.pretraining_epochs)


PRESETS = {
    # Bach's chorales, voice by voice.
    "default": MusicConfig(
        epochs=30, batch_size=16, learning_rate=4e-3, weight_decay=1e-4, patience=5, max_steps=1536
    ),
    # A look at the whole road in a minute; its figures mean nothing.
    "smoke": MusicConfig(
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
    # The published JSB chorales (--dataset jsb-chorales-quarter.json), frames of quarter notes: keys
    # independent of each other. Published: GRU 8.43, TCN 8.10.
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
    # The same, each key given the lower ones. Published: RNN-RBM 6.27, RNN-NADE 5.56.
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
    # Published, of other splits: LSTM 3.29, GRU 3.46, TCN 3.07.
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
