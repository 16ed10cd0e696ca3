"""Recordings of sensors: channels by name, labels by time, units and rates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ..errors import UserError

UNITS = {"g": ("m/s2", 9.80665), "mg": ("m/s2", 9.80665e-3), "m/s^2": ("m/s2", 1.0)} | {
    **{"deg/s": ("rad/s", np.pi / 180), "dps": ("rad/s", np.pi / 180)},
    **{"uv": ("mV", 1e-3), "µv": ("mV", 1e-3), "v": ("mV", 1e3), "mv": ("mV", 1.0)},
}
"""Units that are converted, in small letters: the unit that they become, and the factor."""


class Span(NamedTuple):
    """A labelled stretch of a recording; an event, such as a heartbeat, ends where it starts."""

    start: float
    """Seconds from the start of the recording."""
    end: float
    label: str


@dataclass(frozen=True)
class Recording:
    """The samples of one or more sensors, taken at the same times."""

    name: str
    signal: np.ndarray
    """(samples, channels), float32."""
    rate: float
    """Samples per second."""
    channels: tuple[str, ...]
    spans: tuple[Span, ...] = ()
    subject: str = ""
    """The person; empty if the data doesn't say."""
    split: str = ""
    """Empty if not given."""
    start: float = 0.0
    """Seconds from the first sample of the file to the first of this recording, which may be a part of it."""

    @property
    def seconds(self) -> float:
        """Return the length."""
        return len(self.signal) / self.rate

    def labels_at(self, labels: Sequence[str], unlabelled: int = -1) -> np.ndarray:
        """Return for each sample the number of its label in `labels`, (samples,); `unlabelled` for others."""
        found = np.full(len(self.signal), unlabelled, np.int64)
        for span in self.spans:
            if span.label in labels:
                first, end = (int(np.ceil(at * self.rate - 1e-6)) for at in span[:2])
                found[max(first, 0) : end] = labels.index(span.label)
        return found


def spans_of(labels: Sequence[str], rate: float) -> tuple[Span, ...]:
    """Return the stretches of equal labels, one label a sample; samples with an empty label have none."""
    names = np.asarray(labels, str)
    edges = np.flatnonzero(np.append(True, names[1:] != names[:-1])[: len(names)])
    ends = np.append(edges[1:], len(names))[: len(edges)]
    return tuple(
        Span(float(first / rate), float(end / rate), str(names[first]))
        for first, end in zip(edges, ends, strict=True)
        if names[first]
    )


def spans_within(spans: Sequence[Span], start: float, length: float) -> tuple[Span, ...]:
    """Return what lies in a piece of a recording, counted from its start; both in seconds."""
    moved = [Span(max(0.0, each.start - start), min(length, each.end - start), each.label) for each in spans]
    return tuple(
        new
        for new, old in zip(moved, spans, strict=True)
        if start <= old.end and old.start < start + length and new.end >= new.start
    )


def resampled(recording: Recording, rate: float) -> Recording:
    """Return the recording at another rate, by linear interpolation; what is too fast for it is filtered off.

    The filter is a windowed sinc, so the result does not lag.
    """
    old = recording.rate
    if old == rate:
        return recording
    signal = recording.signal.astype(np.float64)
    if rate < old:
        half = round(4 * old / rate)
        taps = np.sinc(np.arange(-half, half + 1) * 0.9 * rate / old) * np.hanning(2 * half + 3)[1:-1]
        padded = np.pad(signal, ((half, half), (0, 0)), mode="edge")
        signal = np.stack([np.convolve(column, taps / taps.sum(), "valid") for column in padded.T], axis=1)
    times = np.arange(round(len(signal) * rate / old)) * (old / rate)
    places = np.arange(len(signal))
    columns = [np.interp(times, places, column) for column in signal.T]
    return replace(recording, signal=np.stack(columns, axis=1).astype(np.float32), rate=rate)


def in_common_units(recording: Recording) -> Recording:
    """Return the recording in m/s2, rad/s and mV, where the channels' names have a known unit in brackets."""
    signal, channels = recording.signal.copy(), list(recording.channels)
    for place, channel in enumerate(channels):
        name, unit = _name_and_unit(channel)
        if unit in UNITS:
            common, factor = UNITS[unit]
            signal[:, place] *= np.float32(factor)
            channels[place] = f"{name} [{common}]"
    return replace(recording, signal=signal, channels=tuple(channels))


def in_units_of(recording: Recording, channels: Sequence[str]) -> Recording:
    """Return a recording in common units in those of these channels, the same ones in the same order."""
    signal = recording.signal.copy()
    for place, (given, wanted) in enumerate(zip(recording.channels, channels, strict=True)):
        common, factor = UNITS.get(_name_and_unit(wanted)[1], ("", 1.0))
        if _name_and_unit(given)[1] == common.lower():
            signal[:, place] /= np.float32(factor)
    return replace(recording, signal=signal, channels=tuple(channels))


def _name_and_unit(channel: str) -> tuple[str, str]:
    """Return the name of a channel, and its unit in small letters; without brackets both are empty."""
    name, bracket, unit = channel.rstrip(" ])").replace("(", "[").rpartition("[")
    return name.strip(), unit.strip().lower() if bracket else ""


def bare_name(channel: str) -> str:
    """Return the name of a channel without its unit."""
    return channel.replace("(", "[").partition("[")[0].strip()


def with_channels(recording: Recording, wanted: Sequence[str]) -> Recording:
    """Return the recording with these channels in this order. Units in brackets count for nothing.

    Raises:
        UserError: it lacks a channel.
    """
    names = [bare_name(channel) for channel in recording.channels]
    for name in map(bare_name, wanted):
        if name not in names:
            listed = ", ".join(recording.channels)
            raise UserError(f"{recording.name}: expected a channel {name!r}, the channels are {listed}")
    places = [names.index(bare_name(name)) for name in wanted]
    channels = tuple(recording.channels[place] for place in places)
    return replace(recording, signal=recording.signal[:, places], channels=channels)


def in_a_row(recordings: Sequence[Recording]) -> Recording:
    """Return recordings of the same channels and rate as one, one after the other."""
    first, spans, start = recordings[0], list[Span](), 0.0
    for each in recordings:
        spans += [
            Span(span.start + start, min(span.end, each.seconds) + start, span.label) for span in each.spans
        ]
        start += each.seconds
    signal = np.concatenate([each.signal for each in recordings])
    return replace(first, signal=signal, spans=tuple(spans), start=0.0)
