"""What the readers of joints share: settings, limits, and what a file says of its sequences."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..errors import UserError
from .recording_tables import Columns, as_text
from .recordings import Recording

MOST_BYTES = 2**30
"""A larger file, packed or unpacked, is refused."""
MOST_JOINTS = 1_000
"""A file with more joints in a frame is refused."""
MOST_NUMBERS = 2**28
"""A file with more coordinates is refused."""
MOST_SEQUENCES = 1_000_000
"""A file with more sequences is refused."""
TIMES = ("time", "timestamp")
"""The names of columns and arrays with times."""


@dataclass(frozen=True)
class JointReading:
    """How files of joints are read."""

    columns: Columns = field(default_factory=Columns)
    """The names of columns, or of arrays; its `channels` are the joints, in order, and its `rate` is that of
    files that tell none and have no times."""
    rate: float | None = None
    """Frames a second that sequences are resampled to. Default: that of the first one in the file."""
    said: float | None = None
    """Frames a second that a table says the file has; times that say something else are an error."""


def text_of(value: Any) -> str:
    """Return a label, a person or a split in an array or a table as text; a missing one is empty."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return "" if value is None or value != value else as_text(value)


def with_joints(recording: Recording, wanted: tuple[str, ...], count: int | None = None) -> Recording:
    """Return the recording with these joints in this order.

    Args:
        recording: of joints; its `channels` may be empty if nobody named them.
        wanted: their names; empty if they have none.
        count: how many there must be, if they have no names.

    Raises:
        UserError: it lacks one, or joints without names are another number than is wanted.
    """
    there = recording.signal.shape[1]
    if wanted and recording.channels:
        if missing := [name for name in wanted if name not in recording.channels]:
            listed = ", ".join(recording.channels)
            raise UserError(f"{recording.name}: expected a joint {missing[0]!r}, the joints are {listed}")
        places = [recording.channels.index(name) for name in wanted]
        return replace(recording, signal=recording.signal[:, places], channels=wanted)
    expected = len(wanted) or count or there
    if there != expected:
        raise UserError(f"{recording.name}: expected {expected:,} joints, found {there:,}")
    return replace(recording, channels=wanted)


def checked(where: str, joints: np.ndarray, largest: float) -> np.ndarray:
    """Return joints (frames, joints, 2 or 3) as float32 (frames, joints, 3); NaN stays, it marks lost ones.

    Raises:
        UserError: there are too many joints, or a number is infinite or beyond `largest`.
    """
    count, width = joints.shape[1:]
    if joints.size > MOST_NUMBERS:
        raise UserError(f"{where}: expected at most {MOST_NUMBERS:,} coordinates, found {joints.size:,}")
    if not 0 < count <= MOST_JOINTS:
        raise UserError(f"{where}: expected 1 to {MOST_JOINTS:,} joints in a frame, found {count:,}")
    with np.errstate(over="ignore"):
        joints = joints.astype(np.float64)
    wrong = np.abs(joints) > largest
    if wrong.any():
        frame, joint = (int(place) + 1 for place in np.argwhere(wrong)[0][:2])
        found = joints[wrong][0]
        raise UserError(
            f"{where}: frame {frame}, joint {joint}: expected a number of at most {largest:g}, got {found:g}"
        )
    return np.pad(joints.astype(np.float32), ((0, 0), (0, 0), (0, 3 - width)))
