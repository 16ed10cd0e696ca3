"""The settings of the handwriting app, and its presets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from pipelines.config import RECURRENT_SPACE, Range, RecurrentConfig, require, require_at_least, require_rates

Answer = Literal["strokes", "text", "label"]
Given = Literal["text", "label", "nothing"]


@dataclass(frozen=True)
class HandwritingConfig(RecurrentConfig):
    """Writes and reads strokes of a pen. The defaults suit lines of made-up handwriting."""

    answer: Answer = "strokes"
    """What the network tells: the next offset of the pen (strokes), the characters that were written (text),
    or the class of a drawing (label)."""
    given: Given = "text"
    """What a network of strokes is told: the text to write, the label to draw, or nothing."""
    label_column: str | None = None
    """The column, or the array of an .npz file, with the texts or labels. Default: label, labels or text."""
    writer_column: str | None = None
    """The column or array with the writers, who are kept in one split. Default: writer or drawer."""
    y_up: bool | None = None
    """Whether y grows upwards in your files. Default: only in UNIPEN files."""
    step: float | None = None
    """Resample strokes to points this far apart, in the units of the files."""
    rate: float | None = None
    """Resample to this many points a second; the files must have times."""
    max_points: int = 700
    """Drawings with more points are left out."""
    mixtures: int = 16
    """The number of bivariate Gaussians that are mixed for the next offset."""
    window: int = 8
    """The number of Gaussians of the window over the text."""
    embedding: int = 24
    """The size of the vector of a label that the network is given."""
    slant: float = 0.0
    """Training drawings are slanted by up to this much: the x of a point changes by a share of its y."""
    scale: float = 0.0
    """Training drawings are made wider and higher by up to this fraction, each on its own."""
    bidirectional: bool = False
    """Read drawings in both directions, which needs whole drawings: after each stroke all of it is read
    again. Not for networks that write."""
    rotation: float = 0.0
    """Training drawings are turned by up to this angle in degrees."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(self, 1, "mixtures", "window", "embedding")
        require_at_least(self, 8, "max_points")
        require_at_least(self, 0, "slant", "rotation")
        for name in ("step", "rate"):
            value = getattr(self, name)
            require(value is None or value > 0, name, "above 0", value)
        require_rates(self, "scale")
        nothing = self.answer == "strokes" or self.given == "nothing"
        reads = self.answer != "strokes" or not self.bidirectional
        require(reads, "bidirectional", "False with --answer strokes", self.bidirectional)
        require(nothing, "given", f"nothing with --answer {self.answer}", self.given)
        require(self.depth >= 2 or self.given != "text", "depth", "2 or more with --given text", self.depth)


_WRITING = HandwritingConfig(
    cell="lstm",
    units=160,
    depth=2,
    dropout=0.1,
    batch_size=32,
    learning_rate=3e-3,
    clip_norm=5.0,
    epochs=20,
    patience=20,
    slant=0.1,
    scale=0.1,
)
_READING = replace(_WRITING, given="nothing", cell="gru", units=96, slant=0.2, scale=0.2, rotation=5.0)
_SKETCHES = replace(_WRITING, given="nothing", depth=1, units=256, slant=0.0, epochs=40)

SPACE = {
    **RECURRENT_SPACE,
    "mixtures": Range(2, 24),
    "window": Range(2, 12),
}
"""What `sweep` varies."""
PRESETS = {
    # Lines by made-up writers: the text is given, the pen follows.
    "default": replace(_WRITING, epochs=30),
    # The same lines, read in both directions.
    "read": replace(_READING, answer="text", bidirectional=True, learning_rate=2e-3, epochs=12, patience=12),
    # Single digits by made-up writers, read after each stroke.
    "digits": replace(_READING, answer="label", dataset="embedded/digits", depth=1),
    # Digits of a pen on a tablet, drawn on demand: --dataset with points, lengths and labels.
    "pendigits": replace(_SKETCHES, given="label", y_up=True),
    # The same digits, read.
    "read_pendigits": replace(_READING, answer="label", y_up=True),
    # Drawings without labels: --dataset with points and lengths.
    "kanji": _SKETCHES,
    # Fewer and longer ones: in small batches, so that training has enough steps. Their coordinates are on a
    # coarse grid, which a larger change of the scale would blur.
    "omniglot": replace(_SKETCHES, batch_size=16, learning_rate=2e-3, scale=0.05),
    # Runs every step in a minute; what it writes means nothing.
    "smoke": HandwritingConfig(
        dataset="embedded/small",
        precisions=("float32", "int8"),
        cell="gru",
        depth=2,
        units=12,
        mixtures=2,
        window=2,
        embedding=6,
        max_points=200,
        batch_size=16,
        epochs=1,
        learning_rate=5e-3,
    ),
}
