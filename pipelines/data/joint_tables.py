"""Sequences of joints in tables: three columns for each joint, whose names end in x, y and z."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import UserError
from .frames import LARGEST, is_numeric, numbers, read_frame
from .grouped_notes import Noted
from .joint_mending import Found
from .joint_reading import TIMES, JointReading, checked, text_of
from .joint_times import UNITS, rate_of, unit_of
from .recording_tables import person_in, seconds_in
from .recordings import Recording

if TYPE_CHECKING:
    import pandas as pd

_AXIS = re.compile(r"(.*?)[ ._:/-]*([xyz])", re.IGNORECASE)
_UNNAMED = "joint"
"""The name of a joint whose columns are just x, y and z."""


def read_table(path: Path, reading: JointReading) -> tuple[list[Found], list[Noted]]:
    """Return the sequence in a table: a row is a frame.

    The columns of a joint end in x, y and z, and what is left is its name: `lhx`, `hand.x`, `hand_x`. If no
    column ends in z, joints are flat. A column `time` or `timestamp` has seconds, or another unit that fits.

    Raises:
        UserError: no columns are joints, a joint lacks an axis, or a cell is no number. See `read_frame`.
    """
    frame = read_frame(path, index=TIMES)
    columns = reading.columns
    time = next((name for name in map(str, frame.columns) if name.lower() in TIMES), None)
    special = {time, columns.label, columns.subject}
    joints = _joints_of(path, frame, special)
    times, noted = (None, []) if time is None else _times(path, frame, time, reading.said or columns.rate)
    where, width = str(path), len(next(iter(joints.values())))
    signal = np.stack(
        [numbers(path, frame, name) for axes in joints.values() for name in axes.values()], axis=1
    )
    signal = checked(where, signal.reshape(len(frame), len(joints), width), LARGEST)
    rate = rate_of(where, reading.said, times, columns.rate)
    labels = None
    if columns.label in frame.columns:
        labels = np.array([text_of(each) for each in frame[columns.label].tolist()], str)
    read = special.union(*(axes.values() for axes in joints.values()))
    if unread := [name for name in map(str, frame.columns) if name not in read]:
        noted.append(Noted(f"columns that are not read: {', '.join(unread[:9])}", where))
    person = person_in(path, frame, columns.subject)
    return [Found(Recording(where, signal, rate, tuple(joints), (), person), times, labels)], noted


def _joints_of(path: Path, frame: pd.DataFrame, special: set[str | None]) -> dict[str, dict[str, str]]:
    """Return the columns of each joint by axis, in the order of the axes."""
    found: dict[str, dict[str, str]] = {}
    for column in map(str, frame.columns):
        match = _AXIS.fullmatch(column)
        if match is None or column in special:
            continue
        axes = found.setdefault(match[1] or _UNNAMED, {})
        axis = match[2].lower()
        if axis in axes:
            raise UserError(
                f"{path}: expected one column for {axis} of a joint, got {axes[axis]!r} and {column!r}"
            )
        axes[axis] = column
    solid = any(len(axes) == 3 for axes in found.values())
    wanted = "xyz" if solid else "xy"
    for axes in found.values():
        names = list(axes.values())
        missing = [axis for axis in wanted if axis not in axes]
        if len(axes) == 2 and missing and all(is_numeric(frame, name) for name in names):
            raise UserError(
                f"{path}: expected a column for {missing[0]} beside {' and '.join(map(repr, names))}"
            )
    joints = {
        name: {axis: axes[axis] for axis in wanted} for name, axes in found.items() if set(axes) == {*wanted}
    }
    if not joints:
        listed = ", ".join(repr(str(name)) for name in list(frame.columns)[:20])
        raise UserError(
            f"{path}: expected columns of joints, which end in x, y and z, the columns are {listed}"
        )
    return joints


def _times(
    path: Path, frame: pd.DataFrame, column: str, said: float | None
) -> tuple[np.ndarray, list[Noted]]:
    times = seconds_in(path, frame, column)
    if frame[column].dtype.kind == "M":
        return times, []
    unit = unit_of(times, said)
    noted = [Noted(f"column {column!r} is taken for {unit}", str(path))] if unit != "seconds" else []
    return times * UNITS[unit], noted
