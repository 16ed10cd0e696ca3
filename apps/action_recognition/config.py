"""The settings of the action recognition app, and its presets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from pipelines.config import (
    RECURRENT_SPACE,
    ClassifierConfig,
    Range,
    StreamConfig,
    require,
    require_above_0,
    require_at_least,
    require_rates,
)
from pipelines.data.windows import Cutting

HALVINGS = 3
"""How often the convolutions halve a picture."""


@dataclass(frozen=True)
class ActionConfig(ClassifierConfig, StreamConfig):
    """Recognises what happens in a video. The defaults suit the embedded clips."""

    kind: Literal["video", "joints"] = "video"
    """What is read: pictures, or the places of a body's joints."""
    answer: Literal["clip", "frame"] = "clip"
    """What the network is trained to tell: the label of a clip, or the label at every frame of a stream. In
    both cases it answers at every frame."""
    labels: tuple[str, ...] | None = None
    """The labels to tell apart; all others count as unlabelled. Default: all labels of the data."""
    nothing: str = "nothing"
    """The label of what is no action. It is trained as the others are, and never reported."""
    label_column: str = "label"
    """The column, or the array of an .npz file, with the label."""
    subject_column: str = "subject"
    """The column, or the array of an .npz file, that names the actor."""
    size: int = 32
    """Rows and columns of the pictures that the network reads."""
    colours: int = 1
    """1: grey pictures; 3: red, green and blue."""
    rate: float | None = None
    """Frames a second that the network reads; others are resampled. Default: that of the first clip."""
    recorded_rate: float | None = None
    """Frames a second of what doesn't tell its rate: joints without times, folders of pictures."""
    window: float = 4.0
    """Length in seconds of what is trained on. Copies of its first frame precede a shorter clip; of a longer
    one each window is an example."""
    hop: float = 2.0
    """Seconds from one window of a long clip or a stream to the next."""
    context: float = 0.0
    """With a label at every frame, so many seconds at the start of each held-out window aren't scored, except
    at the start of a stream."""
    delay: float = 0.0
    """With a label at every frame, the network may see so many seconds after the one it answers for."""
    root: int | None = None
    """The number of the joint, from 0 on, from which the places of all joints are measured; usually the hip.
    Default: places as they are."""
    torso: tuple[int, ...] = ()
    """Two joints whose distance is the unit of length in each frame. Default: lengths as they are."""
    filters: int = 8
    """Filters of the first of three convolutions on each picture, which have one, two and three times as
    many; or of each of two causal convolutions over the joints' places, 0 for none."""
    temporal: int = 1
    """Frames that a causal convolution over time sees after each convolution on pictures ((2+1)-D); 1 for
    none."""
    units: int = 64
    """Units of each recurrent layer."""
    dropout: float = 0.3
    """Fraction dropped in training between layers and before the output."""
    warp: float = 0.2
    """Training clips are made faster or slower by up to this fraction."""
    shift: int = 2
    """Training pictures are moved by up to so many pixels, all of a clip alike."""
    light: float = 0.2
    """Training pictures get brighter or darker, and more or less contrast, by up to this fraction."""
    scale: float = 0.1
    """Joints are brought nearer to each other or farther apart by up to this fraction in training."""
    turn: float = 20.0
    """Joints are turned about the vertical axis by up to this angle in degrees in training."""
    posture: float = 0.1
    """In training each joint of a clip is moved by about this share of the deviation of all places, as if
    another body did the same."""
    jitter: float = 0.02
    """Noise added in training, as a share of the deviation of all pixels or of all places."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_above_0(self, "window", "hop", "rate", "recorded_rate")
        least = 2**HALVINGS
        require(self.size % least == 0 and self.size > 0, "size", f"a multiple of {least}", self.size)
        require(self.colours in (1, 3), "colours", "1 or 3", self.colours)
        require_at_least(self, 1, "temporal")
        require_at_least(self, 0, "filters", "context", "delay", "shift", "turn", "posture", "jitter", "root")
        require(self.filters > 0 or self.kind == "joints", "filters", "1 or more with --kind video", 0)
        require_rates(self, "warp", "light", "scale")
        require(len(self.torso) in (0, 2), "torso", "two joints", self.torso)
        clip = self.answer == "clip"
        require(clip or not self.attention, "attention", "False unless --answer clip", self.attention)
        require(not clip or self.delay == 0, "delay", "0 with one label a clip", self.delay)
        balanced = self.class_weights == "balanced"
        require(clip or not balanced, "class_weights", "none unless --answer clip", self.class_weights)
        require(self.context < self.window, "context", "less than --window", self.context)

    @property
    def executions(self) -> tuple[str, ...]:
        """The executions to export: a network that reads only the past also runs frame by frame."""
        return ("loop",) if self.attention else ("loop", "step")


def cutting_of(config: ActionConfig, rate: float, labels: tuple[str, ...]) -> Cutting:
    """Return how clips and streams of this rate are cut into windows."""
    length = max(2, round(config.window * rate))
    return Cutting(
        answer="window" if config.answer == "clip" else "sample",
        labels=labels,
        length=length,
        hop=max(1, round(config.hop * rate)),
        packet=1,
        delay=round(config.delay * rate),
        context=min(length - 1, round(config.context * rate)),
        padded=True,
    )


_DRAWN = ActionConfig(
    filters=12,
    temporal=3,
    epochs=9,
    patience=9,
    batch_size=32,
    learning_rate=3e-3,
    dropout=0.2,
    warp=0.1,
    shift=1,
    light=0.1,
    lead_in=0.2,
)
_JOINTS = ActionConfig(
    kind="joints",
    batch_size=32,
    learning_rate=3e-3,
    filters=32,
    epochs=120,
    patience=120,
    dropout=0.4,
    warp=0.3,
    scale=0.15,
    turn=30.0,
    posture=0.12,
    jitter=0.03,
    lead_in=0.0,
)
_MSR = replace(
    _JOINTS, dataset="msr_action3d.npz", label_column="action", rate=15.0, window=6.7, root=6, torso=(2, 6)
)

SPACE = {
    **RECURRENT_SPACE,
    "filters": Range(0, 24),
    "temporal": (1, 3),
}
"""What `sweep` varies."""
PRESETS = {
    # Clips that the project draws.
    "default": _DRAWN,
    # Runs every step in a minute; its answers mean nothing.
    "smoke": replace(
        _DRAWN,
        dataset="embedded/small",
        precisions=("float32", "int8"),
        epochs=1,
        units=8,
        filters=2,
        temporal=1,
    ),
    # Joints of MSR Action3D, and of gestures while somebody tells a story (below); the README tells how these
    # files are made.
    "msr_action3d": _MSR,
    # The same, read in both directions: for whole clips only.
    "msr_whole": replace(_MSR, attention=True),
    "gesture_phase": replace(
        _JOINTS,
        epochs=12,
        patience=12,
        batch_size=8,
        posture=0.03,
        turn=10.0,
        delay=0.3,
        dataset="gesture_phase",
        answer="frame",
        label_column="phase",
        window=8.0,
        hop=0.5,
        context=2.0,
        root=3,
    ),
}
