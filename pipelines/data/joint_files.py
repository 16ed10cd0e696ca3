"""Read sequences of joints (skeletons, poses, markers) from files: CSV, TSV, Parquet and `.npz`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..errors import UserError
from .frames import SUFFIXES as TABLES
from .grouped_notes import Noted
from .joint_arrays import read_npz
from .joint_mending import Found, mended
from .joint_reading import JointReading, with_joints
from .joint_tables import read_table
from .recording_tables import INTERVALS, TABLE, Told
from .recordings import Recording
from .tables import bare

SUFFIXES = (*TABLES, ".npz")
"""The suffixes of files of joints, tables before .gz."""
_NOTHING = Told()


def is_joint_file(path: Path) -> bool:
    """Return whether a file's suffix is that of a file of joints."""
    return path.suffix.lower() == ".npz" or bare(path).suffix.lower() in TABLES


def read_joints(
    path: Path, reading: JointReading, told: Told = _NOTHING
) -> tuple[list[Recording], list[Noted]]:
    """Return the recordings in a file of joints, and what was mended or left out; see `mended`.

    A signal is float32 (frames, joints, 3), `channels` holds the joints' names. A sequence that is cut at
    long losses becomes several recordings of one name.

    Args:
        path: the file; its suffix decides the format.
        reading: the settings.
        told: what tables say of the file.

    Raises:
        UserError: the file can't be read, lacks joints or a rate, has times that contradict its rate, or the
            sequences in it have other joints than are wanted.
    """
    if not is_joint_file(path):
        raise UserError(f"{path}: expected joints ({', '.join(SUFFIXES)})")
    reading = replace(reading, said=told.rate(path))
    read = read_npz if path.suffix.lower() == ".npz" else read_table
    sequences, noted = read(path, reading)
    reading = replace(reading, rate=reading.rate or sequences[0].recording.rate)
    if told.spans and len(sequences) > 1:
        raise UserError(f"{path}: {INTERVALS} labels one sequence, the file has {len(sequences):,}")
    recordings: list[Recording] = []
    for each in sequences:
        pieces, more = _pieces(each, path, reading, told)
        recordings += pieces
        noted += more
    return recordings, noted


def _pieces(
    found: Found, path: Path, reading: JointReading, told: Told
) -> tuple[list[Recording], list[Noted]]:
    said, rate = reading.said, found.recording.rate
    if said and abs(rate / said - 1) > 0.05:
        raise UserError(f"{path}: it says {rate:g} frames a second, {TABLE} says {said:g}")
    if found.labels is not None and (found.labels != "").any():
        told = told._replace(label="")
    recording = told.added(found.recording, reading.columns)
    labels = found.labels if recording.spans == found.recording.spans else None
    if reading.columns.channels:
        recording = with_joints(recording, reading.columns.channels)
    return mended(found._replace(recording=recording, labels=labels), reading.rate)
