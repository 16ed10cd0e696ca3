"""Make sequences of joints sound by stated rules: lost joints, uneven times, another rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..errors import UserError
from .grouped_notes import Noted
from .joint_times import at_times, nearest, require_rising
from .recording_gaps import runs
from .recordings import Recording, Span, spans_of, spans_within

FILLED_SECONDS = 0.2
"""Frames that are lost for no longer are filled by straight lines between those around them."""
_MOST_NUMBERS = 2**28
_LONG = f"longer than {FILLED_SECONDS:g} s"


class Found(NamedTuple):
    """A sequence as a file has it."""

    recording: Recording
    """Its signal is (frames, joints, 3); lost joints are NaN or zeros."""
    times: np.ndarray | None = None
    """(frames,) in seconds; None if they follow from the rate."""
    labels: np.ndarray | None = None
    """(frames,) texts, empty where there is none; None if the recording has its spans."""


def mended(found: Found, rate: float | None = None) -> tuple[list[Recording], list[Noted]]:
    """Return the sound pieces of a sequence, with frames at even times, and what was wrong.

    A joint is lost in a frame if it has no numbers or is at zero, unless it always is: the root of a
    skeleton. A frame is lost if more than half of its joints are. Losses of up to `FILLED_SECONDS` are filled
    by straight lines; so are single joints in other frames, however long. Frames that are lost at the ends
    are left out. At longer losses, or jumps in the times, a stream is cut. A clip, which has one label for
    all frames, stays one: the frames around the loss follow each other.

    Args:
        found: the sequence.
        rate: frames a second of the result. Default: that of the recording.

    Raises:
        UserError: the times go backwards, or the result would be too long.
    """
    name = found.recording.name
    found, noted = _with_times(found)
    assert found.times is not None
    lost = lost_joints(found.recording.signal)
    seen = lost.sum(axis=1) * 2 <= lost.shape[1]
    if not seen.any():
        return [], [Noted("sequences are left out: the joints are lost in all frames", name, 1)]
    signal, of_joints = _single_joints_filled(found, lost, seen)
    recording, clip = replace(found.recording, signal=signal), _clip_label(found)
    found = found._replace(recording=recording)
    if clip is not None:
        found = Found(replace(recording, spans=(Span(0.0, np.inf, clip),)), found.times)
    pieces = _pieces(found, np.flatnonzero(seen))
    noted += [*of_joints, *_about_frames(name, pieces, len(seen))]
    if clip is not None and len(pieces) > 1:
        noted.append(Noted(f"clips with losses {_LONG}: the rest is joined", name, 1))
        found, pieces = _joined(found, pieces)
    elif len(pieces) > 1:
        noted.append(Noted(f"pieces of streams, cut at losses {_LONG} or jumps in time", name, len(pieces)))
    done = [_even(found, piece, rate or found.recording.rate) for piece in pieces]
    if not all(even for _, even in done):
        noted.append(Noted("frames at uneven times are put at even ones by straight lines", name))
    if rate and rate != found.recording.rate:
        noted.append(Noted(f"resampled from {found.recording.rate:g} to {rate:g} frames a second", name))
    return [recording for recording, _ in done], noted


def lost_joints(joints: np.ndarray) -> np.ndarray:
    """Return which joints are lost, (frames, joints), of joints (frames, joints, 3)."""
    zero = (joints == 0).all(axis=2)
    others = ~zero.all(axis=1)
    if others.any():
        always = zero[others].all(axis=0)
        zero[np.ix_(others, always)] = False
    return zero | ~np.isfinite(joints).all(axis=2)


def _with_times(found: Found) -> tuple[Found, list[Noted]]:
    """Return the sequence with times from 0 on, each after the one before."""
    recording, times = found.recording, found.times
    if times is None:
        return found._replace(times=np.arange(len(recording.signal)) / recording.rate), []
    require_rising(recording.name, times)
    first = np.concatenate([[True], np.diff(times) > 0]) if len(times) else np.empty(0, bool)
    if first.all():
        return found._replace(times=times - times[:1]), []
    labels = found.labels[first] if found.labels is not None else None
    kept = Found(replace(recording, signal=recording.signal[first]), times[first] - times[0], labels)
    what = "frames are left out that have the time of the one before"
    return kept, [Noted(what, recording.name, int((~first).sum()))]


def _single_joints_filled(found: Found, lost: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, list[Noted]]:
    """Return the signal with joints filled that are lost in frames that are not."""
    signal, times = found.recording.signal.astype(np.float64), found.times
    assert times is not None
    partly = lost & seen[:, None]
    never = long = 0
    for joint in np.flatnonzero(partly.any(axis=0)):
        holes, known = np.flatnonzero(partly[:, joint]), np.flatnonzero(~lost[:, joint])
        if len(known):
            signal[holes, joint] = at_times(signal[known, joint], times[known], times[holes])
            most = FILLED_SECONDS * found.recording.rate
            runs_of_it = [run for run in runs(lost[:, joint]) if run[1] - run[0] > most]
            long += sum(int(partly[first:end, joint].sum()) for first, end in runs_of_it)
        else:
            signal[:, joint] = 0
            never += 1
    name, count = found.recording.name, int(partly.sum())
    noted = [Noted("joints are lost in frames with others, and filled by straight lines", name, count)]
    noted += [Noted(f"of such joints are lost for {_LONG}", name, long)] * bool(long)
    noted += [Noted("joints are never seen, and put at zero", name, never)] * bool(never)
    return signal, noted if count else []


def _pieces(found: Found, kept: np.ndarray) -> list[np.ndarray]:
    """Return the numbers of the frames that are kept, in pieces between long losses."""
    assert found.times is not None
    gaps = np.diff(found.times[kept]) > FILLED_SECONDS + 1.001 / found.recording.rate
    pieces = np.split(kept, np.flatnonzero(gaps) + 1)
    long = [piece for piece in pieces if len(piece) > 1]
    return long or pieces[:1]


def _about_frames(name: str, pieces: Sequence[np.ndarray], frames: int) -> list[Noted]:
    filled = sum(int(piece[-1] - piece[0]) + 1 - len(piece) for piece in pieces)
    left_out = frames - filled - sum(map(len, pieces))
    what = f"lost frames are filled by straight lines, over at most {FILLED_SECONDS:g} s"
    noted = [Noted(what, name, filled)] * bool(filled)
    return noted + [
        Noted(
            f"frames are left out: lost at an end, for {_LONG}, or alone between such losses", name, left_out
        )
    ] * bool(left_out)


def _clip_label(found: Found) -> str | None:
    """Return the one label that all frames have, or None."""
    recording, labels = found.recording, found.labels
    if labels is not None:
        return str(labels[0]) if len(labels) and labels[0] and (labels == labels[0]).all() else None
    whole = len(recording.spans) == 1 and recording.spans[0].start <= 0
    return recording.spans[0].label if whole and recording.spans[0].end >= recording.seconds else None


def _joined(found: Found, pieces: Sequence[np.ndarray]) -> tuple[Found, list[np.ndarray]]:
    """Return a clip without its long losses."""
    recording = found.recording
    assert found.times is not None
    parts, start = [], 0.0
    for piece in pieces:
        times = found.times[piece]
        parts.append(times - times[0] + start)
        start = float(parts[-1][-1]) + 1 / recording.rate
    kept = np.concatenate(pieces)
    rest = Found(replace(recording, signal=recording.signal[kept]), np.concatenate(parts))
    return rest, [np.arange(len(kept))]


def _even(found: Found, piece: np.ndarray, rate: float) -> tuple[Recording, bool]:
    """Return a piece with frames at even times, and whether they were near them already."""
    recording, times = found.recording, found.times
    assert times is not None
    signal, own = recording.signal[piece], times[piece] - times[piece[0]]
    regular = np.arange(len(piece))
    even = bool(np.abs(own * recording.rate - np.rint(own * recording.rate)).max() <= 0.1)
    if rate == recording.rate and np.abs(own * rate - regular).max() <= 0.5:
        count, even = len(piece), True
    else:
        places = np.where(np.abs(own * rate - np.rint(own * rate)) < 1e-6, np.rint(own * rate), own * rate)
        count = int(places[-1] + 1e-6) + 1
        if count * signal[0].size > _MOST_NUMBERS:
            raise UserError(
                f"{recording.name}: expected a shorter sequence, {count:,} frames at {rate:g} a second"
            )
        signal = at_times(signal, places, np.arange(count))
    if found.labels is not None:
        labels = found.labels[nearest(times, times[piece[0]] + np.arange(count) / rate)]
        spans = spans_of(labels.tolist(), rate)
    else:
        spans = spans_within(recording.spans, float(times[piece[0]]), count / rate)
    start = recording.start + float(times[piece[0]])
    signal = signal.astype(np.float32)
    return replace(recording, signal=signal, rate=rate, spans=spans, start=start), even
