"""Find what is wrong with a recording: gaps, samples that are no numbers, channels that are stuck."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..errors import UserError
from .recordings import Recording, spans_within

_FILLED_SECONDS = 0.1  # shorter gaps are filled with a straight line
_RATE_TOLERANCE = 0.05


def without_gaps(recording: Recording, times: np.ndarray | None = None) -> tuple[list[Recording], list[str]]:
    """Return the pieces of a recording between gaps, and notes.

    A gap is a stretch of samples that are no numbers (NaN, infinity), or of which the times are missing.
    Gaps of up to a tenth of a second are filled with straight lines.

    Args:
        recording: may hold NaN.
        times: the time of each sample in seconds, (samples,); None if they follow from the rate.

    Raises:
        UserError: the times go backwards, fit another rate than the recording's, or no numbers are left.
    """
    notes = []
    if times is not None:
        recording, added = _on_grid(recording, times)
        notes = [f"{recording.name}: {added:,} samples are missing in its times"] * bool(added)
    good = np.isfinite(recording.signal).all(axis=1)
    if not good.any():
        raise UserError(f"{recording.name}: expected numbers, found none in {len(good):,} samples")
    if good.all():
        return [recording], notes
    places, known = np.arange(len(good)), np.flatnonzero(good)
    lines = [np.interp(places, known, column[known]) for column in recording.signal.T]
    filled = replace(recording, signal=np.stack(lines, axis=1).astype(np.float32))
    long = _longer_than(~good, round(_FILLED_SECONDS * recording.rate))
    pieces = [_cut(filled, first, end) for first, end in runs(~long)]
    count = int((~good).sum())
    notes.append(f"{recording.name}: {count:,} samples are no numbers; cut into {len(pieces)} at long gaps")
    return pieces, notes


def _on_grid(recording: Recording, times: np.ndarray) -> tuple[Recording, int]:
    """Put the samples on a regular grid, NaN where one is missing; return how many are."""
    steps = np.diff(times)
    if not np.isfinite(times).all() or (steps < 0).any():
        bad = int(np.flatnonzero(~(steps >= 0))[0]) + 2 if len(steps) else 1
        raise UserError(
            f"{recording.name}: expected times that rise, sample {bad} is not after the one before"
        )
    measured = 1 / float(np.median(steps)) if len(steps) and np.median(steps) > 0 else recording.rate
    if abs(measured / recording.rate - 1) > _RATE_TOLERANCE:
        raise UserError(
            f"{recording.name}: its times say {measured:.4g} samples a second, expected {recording.rate:g}"
        )
    places = np.round((times - times[0]) * recording.rate).astype(np.int64)
    regular = np.arange(len(times))
    if np.abs(places - regular).max(initial=0) <= 2:
        return recording, 0
    signal = np.full((places[-1] + 1, recording.signal.shape[1]), np.nan, np.float32)
    signal[places] = recording.signal
    return replace(recording, signal=signal), len(signal) - len(np.unique(places))


def runs(chosen: np.ndarray) -> list[tuple[int, int]]:
    """Return (first, end) of each run of true values in `chosen`, (n,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], chosen.astype(np.int8), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _longer_than(chosen: np.ndarray, most: int) -> np.ndarray:
    long = np.zeros(len(chosen), bool)
    for first, end in runs(chosen):
        long[first:end] = end - first > most
    return long


def _cut(recording: Recording, first: int, end: int) -> Recording:
    start, length = first / recording.rate, (end - first) / recording.rate
    spans = spans_within(recording.spans, start, length)
    return replace(recording, signal=recording.signal[first:end], spans=spans, start=start)


def stuck_channels(recordings: Sequence[Recording]) -> list[str]:
    """Return a note for each recording with channels that never change."""
    notes = []
    for each in recordings:
        stuck = [
            c
            for c, column in zip(each.channels, each.signal.T, strict=True)
            if len(column) and not np.ptp(column)
        ]
        if stuck:
            notes.append(f"{each.name}: {', '.join(stuck)} never changes: a stuck sensor?")
    return notes
