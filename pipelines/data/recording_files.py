"""Read recordings of sensors from files: CSV, Parquet, `.npz`, and WFDB through the package `wfdb`."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..archives import check_archive
from ..errors import UserError
from ..files import read_file
from .frames import PARQUET, SUFFIXES, is_numeric, numbers, read_frame
from .recording_gaps import without_gaps
from .recording_tables import INTERVALS, TABLE, Columns, Told, as_text, person_in, read_tables, seconds_in
from .recordings import Recording, Span, bare_name, in_common_units, spans_of, with_channels
from .tables import DELIMITERS, bare

_MOST_BYTES = 2**30
_NOTHING = Told()
_KINDS = f"recordings ({', '.join((*SUFFIXES, '.npz', '.hea'))})"
_AAMI = {
    **dict.fromkeys("NLRejn", "N"),
    **dict.fromkeys("AaJS", "S"),
    **dict.fromkeys("VEr", "V"),
    **dict.fromkeys("F", "F"),
    **dict.fromkeys("/fQ?", "Q"),
}
"""The class of a beat (ANSI/AAMI EC57) by its symbol in PhysioNet's annotations; others are no beats."""


def read_folder(folder: Path, columns: Columns) -> tuple[list[Recording], list[str]]:
    """Return all recordings in a folder and below it, in the order of their names, and notes.

    `recordings.csv` may name the files (`file`), and give each its `label`, `split`, `rate` and subject.
    `labels.csv` may have a line for each labelled stretch: `file`, `start` and `end` in seconds, `label`. A
    line without an end is an event. A recording with long gaps becomes several.

    Raises:
        UserError: one line, if a file can't be read, lacks a channel or a rate, or there is none.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: expected a folder of {_KINDS}")
    told = read_tables(folder, _found)
    if not told:
        raise UserError(f"{folder}: expected {_KINDS}, found none")
    recordings, notes = [], []
    for name, each in told.items():
        pieces, said = read_recording(folder / name, columns, each)
        if not columns.channels:
            columns = replace(columns, channels=pieces[0].channels)
        recordings += [replace(piece, name=name) for piece in pieces]
        notes += [f"{folder.name}/{note.removeprefix(str(folder)).lstrip('/')}" for note in said]
    return recordings, notes


def read_recording(path: Path, columns: Columns, told: Told = _NOTHING) -> tuple[list[Recording], list[str]]:
    """Return the recording in a file, in pieces if it has long gaps, and notes.

    Args:
        path: the file; its suffix decides the format.
        columns: the names of columns.
        told: what tables say of the recording.

    Raises:
        UserError: see `read_folder`.
    """
    reader = _reader(path)
    said = told.rate(path)
    recording, times = reader(path, replace(columns, rate=said or columns.rate))
    if said and times is None and abs(recording.rate / said - 1) > 0.05:
        raise UserError(f"{path}: it says {recording.rate:g} samples a second, {TABLE} says {said:g}")
    recording = told.added(in_common_units(recording), columns)
    if columns.channels:
        recording = with_channels(recording, columns.channels)
    return without_gaps(recording, times)


_Read = tuple[Recording, "np.ndarray | None"]


def _reader(path: Path) -> Callable[[Path, Columns], _Read]:
    suffix = bare(path).suffix.lower()
    readers = {".npz": _npz, ".hea": _wfdb, **dict.fromkeys(SUFFIXES, _table)}
    if suffix not in readers:
        raise UserError(f"{path}: expected {_KINDS}")
    return readers[suffix]


def _found(folder: Path) -> list[str]:
    suffixes = (*DELIMITERS, *PARQUET, ".npz", ".hea")
    paths = [path for path in sorted(folder.rglob("*")) if bare(path).suffix.lower() in suffixes]
    return [str(path.relative_to(folder)) for path in paths if path.name not in (TABLE, INTERVALS)]


def _table(path: Path, columns: Columns) -> _Read:
    """Read a table with a column for each channel, and maybe time, label and subject."""
    frame = read_frame(path, index=("time",))
    special = ("time", columns.label, columns.subject)
    names = [name for name in map(str, frame.columns) if name not in special]
    if columns.channels:
        wanted = set(map(bare_name, columns.channels))
        names = [name for name in names if bare_name(name) in wanted]
    elif text := [name for name in names if not is_numeric(frame, name)]:
        numbers(path, frame, text[0])  # tells the cell that is no number
    signal = np.stack([numbers(path, frame, name) for name in names] or [np.empty(len(frame))], axis=1)
    if not names:
        raise UserError(f"{path}: expected columns with the channels' samples, found none")
    times = seconds_in(path, frame, "time") if "time" in frame.columns else None
    rate = _rate(path, columns.rate, times)
    labels = frame[columns.label] if columns.label in frame.columns else None
    spans = spans_of(labels.fillna("").map(as_text).tolist(), rate) if labels is not None else ()
    return Recording(
        str(path),
        signal.astype(np.float32),
        rate,
        tuple(names),
        spans,
        person_in(path, frame, columns.subject),
    ), times


def _rate(path: Path, said: float | None, times: np.ndarray | None) -> float:
    """Return what is said, or else what the times say, rounded to a hundredth."""
    if said:
        return said
    steps = np.diff(times) if times is not None else np.array([])
    if not len(steps) or not np.median(steps) > 0:
        raise UserError(f"{path}: expected a column `time` in seconds, or --recorded-rate")
    return round(1 / float(np.median(steps)), 2)


def _npz(path: Path, columns: Columns) -> _Read:
    """Read arrays: signal, and maybe rate, channels, time, label, subject, event_seconds, event_label."""
    try:
        content = io.BytesIO(read_file(path, _MOST_BYTES, "an .npz file"))
        check_archive(content)
        content.seek(0)
        with np.load(content, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except UserError:
        raise
    except Exception as error:  # zipfile and numpy raise many types
        raise UserError(f"{path}: expected arrays in an .npz file: {error}") from None
    signal = arrays.get("signal", np.empty(0))
    signal = signal[:, None] if signal.ndim == 1 else signal
    if signal.ndim != 2 or signal.dtype.kind not in "iuf" or not signal.size:
        raise UserError(f"{path}: expected an array `signal` (samples, channels) of numbers")
    count = signal.shape[1]
    channels = tuple(map(str, arrays.get("channels", [f"channel_{n + 1}" for n in range(count)])))
    if len(channels) != count:
        raise UserError(f"{path}: expected the names of {count} channels, got {len(channels)}")
    times = arrays.get("time")
    said = float(arrays["rate"]) if "rate" in arrays else columns.rate
    rate = _rate(path, said, times)
    labels = arrays.get(columns.label, np.array([], str))
    if labels.ndim and len(labels) not in (0, len(signal)):
        raise UserError(f"{path}: expected {len(signal)} labels, got {len(labels)}")
    spans = spans_of(labels.tolist(), rate) if labels.ndim else (Span(0.0, len(signal) / rate, str(labels)),)
    spans += _events(arrays.get("event_seconds", ()), arrays.get("event_label", ()))
    person = str(arrays.get(columns.subject, ""))
    return Recording(str(path), signal.astype(np.float32), rate, channels, spans, person), times


def _events(seconds: Any, labels: Any) -> tuple[Span, ...]:
    return tuple(Span(float(at), float(at), str(label)) for at, label in zip(seconds, labels, strict=True))


def _wfdb(path: Path, columns: Columns) -> _Read:
    """Read a PhysioNet record; the beats of its annotations (.atr) are events of the AAMI classes."""
    try:
        import wfdb
    except ImportError:
        raise UserError(f"{path}: reading WFDB needs wfdb: pip install 'unrolled[wfdb]'") from None
    record = str(path.with_suffix(""))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what wfdb uses of pandas
            signal = wfdb.rdrecord(record)
            beats = wfdb.rdann(record, "atr") if path.with_suffix(".atr").exists() else None
    except FileNotFoundError as error:
        raise UserError(f"{path}: its data file is missing: {Path(error.filename or record).name}") from None
    except Exception as error:  # wfdb raises many types for damaged files
        raise UserError(f"{path}: expected a WFDB record: {error}") from None
    rate = float(signal.fs)
    channels = tuple(f"{name} [{unit}]" for name, unit in zip(signal.sig_name, signal.units, strict=True))
    marked = zip(beats.sample, beats.symbol, strict=True) if beats is not None else ()
    spans = tuple(Span(at / rate, at / rate, _AAMI[kind]) for at, kind in marked if kind in _AAMI)
    return Recording(str(path), signal.p_signal.astype(np.float32), rate, channels, spans), None
