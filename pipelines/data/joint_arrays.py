"""Sequences of joints in `.npz` files: one, or many that follow each other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..errors import UserError
from .array_files import read_arrays
from .frames import LARGEST
from .grouped_notes import Noted
from .joint_mending import Found
from .joint_reading import MOST_BYTES, MOST_SEQUENCES, TIMES, JointReading, checked, text_of
from .joint_times import UNITS, rate_of, unit_of
from .recordings import Recording, Span

_EXPECTED = (
    "an array `joints` (frames, joints, 3), or (frames, 3 * joints), or (frames, joints, 2), of numbers"
)
Arrays = Mapping[str, np.ndarray]


def read_npz(path: Path, reading: JointReading) -> tuple[list[Found], list[Noted]]:
    """Return the sequences in a file.

    `joints` holds one sequence, or with `lengths` (sequences,) many of them. `names` (joints,) may name the
    joints. The arrays of labels and persons, `split`, `rate` and the times may have one entry for all
    frames, labels and times one for each frame, and all but times one for each sequence.

    Raises:
        UserError: the file is too large, lacks `joints`, holds objects of Python, or arrays don't fit.
    """
    arrays = read_arrays(path, MOST_BYTES, scalars=True)
    if not isinstance(arrays, Mapping):
        raise UserError(f"{path}: expected {_EXPECTED} in an .npz file, found a single array")
    joints = checked(str(path), _joints(path, arrays), LARGEST)
    if many := "lengths" in arrays:
        ends = np.cumsum(_lengths(path, arrays["lengths"], len(joints)))
    else:
        ends = np.array([len(joints)])
    names = _names(path, arrays, joints.shape[1])
    of_each = _OfEach(path, arrays, reading, np.diff(ends, prepend=0))
    found = []
    for number, end in enumerate(ends.tolist()):
        first = int(ends[number - 1]) if number else 0
        name = f"{path}[{number}]" if many else str(path)
        found.append(of_each.found(name, joints[first:end], number, names))
    known = {"joints", "lengths", "names", "rate", "split", *TIMES}
    known |= {reading.columns.label, reading.columns.subject}
    unread = ", ".join(sorted(set(arrays) - known))
    return found, of_each.noted + [Noted(f"arrays that are not read: {unread}", str(path))] * bool(unread)


def _joints(path: Path, arrays: Arrays) -> np.ndarray:
    joints = arrays.get("joints")
    if joints is None:
        raise UserError(
            f"{path}: expected {_EXPECTED}, the arrays are {', '.join(list(arrays)[:9]) or 'none'}"
        )
    if joints.ndim == 2 and joints.shape[1] % 3 == 0:
        joints = joints.reshape(len(joints), joints.shape[1] // 3, 3)
    if joints.ndim != 3 or joints.shape[2] not in (2, 3) or joints.dtype.kind not in "iuf":
        shape = ", ".join(map(str, arrays["joints"].shape))
        raise UserError(f"{path}: expected {_EXPECTED}, found ({shape}) of {joints.dtype}")
    return joints


def _lengths(path: Path, lengths: np.ndarray, frames: int) -> np.ndarray:
    if lengths.ndim != 1 or lengths.dtype.kind not in "iu" or not 0 < len(lengths) <= MOST_SEQUENCES:
        kind = f"whole numbers, for 1 to {MOST_SEQUENCES:,} sequences"
        raise UserError(f"{path}: expected `lengths` (sequences,) of {kind}, found {lengths.shape}")
    if lengths.min() < 0 or lengths.sum(dtype=object) != frames:
        raise UserError(f"{path}: expected as many frames as the lengths say, found {frames:,}")
    return lengths.astype(np.int64)


def _names(path: Path, arrays: Arrays, count: int) -> tuple[str, ...]:
    if "names" not in arrays:
        return ()
    names = tuple(map(text_of, np.atleast_1d(arrays["names"]).ravel().tolist()))
    if len(names) != count or len(set(names)) != count:
        raise UserError(f"{path}: expected {count:,} different `names` of joints, found {len(names):,}")
    return names


class _OfEach:
    """What the arrays say of each sequence."""

    def __init__(self, path: Path, arrays: Arrays, reading: JointReading, lengths: np.ndarray) -> None:
        self._path, self._arrays, self._reading = path, arrays, reading
        self._count, self._frames = len(lengths), int(lengths.sum())
        self._starts = np.cumsum(lengths) - lengths
        self.noted: list[Noted] = []
        columns = reading.columns
        self._labels = self._entries(columns.label, by_frame=True)
        self._people, self._splits = self._entries(columns.subject), self._entries("split")
        self._rates = self._entries("rate")
        if self._rates is not None and self._rates.dtype.kind not in "iuf":
            raise UserError(f"{path}: expected numbers in `rate`, found {self._rates.dtype}")
        self._times = self._all_times()

    def _entries(self, name: str, *, by_frame: bool = False) -> np.ndarray | None:
        """Return an array with an entry for each sequence, or for each frame if they are allowed."""
        if name not in self._arrays:
            return None
        array = self._arrays[name]
        if array.size == 1 and self._count > 0:
            return np.repeat(array.ravel(), self._count)
        if array.shape == (self._count,) or (by_frame and array.shape == (self._frames,)):
            return array
        frames = f", or of {self._frames:,} frames" if by_frame else ""
        found = ", ".join(map(str, array.shape))
        raise UserError(
            f"{self._path}: expected {name!r} of {self._count:,} sequences{frames}, found ({found})"
        )

    def _all_times(self) -> np.ndarray | None:
        name = next((name for name in TIMES if name in self._arrays), None)
        if name is None:
            return None
        times = self._arrays[name]
        if times.shape != (self._frames,) or times.dtype.kind not in "iuf":
            raise UserError(f"{self._path}: expected `{name}`, a number for each of {self._frames:,} frames")
        times = times.astype(np.float64)
        if not (np.abs(times) <= LARGEST).all():
            raise UserError(f"{self._path}: expected `{name}` of numbers up to {LARGEST:g}")
        said = self._said(0) or self._reading.columns.rate
        unit = unit_of(times, said)
        if unit != "seconds":
            self.noted.append(Noted(f"`{name}` is taken for {unit}", str(self._path)))
        return times * UNITS[unit]

    def _said(self, number: int) -> float | None:
        return float(self._rates[number]) if self._rates is not None else self._reading.said

    def found(self, name: str, joints: np.ndarray, number: int, names: tuple[str, ...]) -> Found:
        """Return the sequence with a number."""
        frames = slice(int(self._starts[number]), int(self._starts[number]) + len(joints))
        times = self._times[frames] if self._times is not None else None
        rate = rate_of(name, self._said(number), times, self._reading.columns.rate)
        labels, spans = None, tuple[Span, ...]()
        if self._labels is not None and len(self._labels) == self._count:
            label = text_of(self._labels[number].item())
            spans = (Span(0.0, np.inf, label),) if label else ()
        elif self._labels is not None:
            labels = np.array([text_of(each) for each in self._labels[frames].tolist()], str)
        person, split = (
            text_of(each[number].item()) if each is not None else "" for each in (self._people, self._splits)
        )
        return Found(Recording(name, joints, rate, names, spans, person, split), times, labels)
