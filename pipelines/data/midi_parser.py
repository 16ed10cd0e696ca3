"""Find the notes in a MIDI file, also in one that is damaged: only notes and their times are read.

A file has chunks: a name (4 bytes), a length (4 bytes) and content. `MThd` has the format, the number of
tracks and the ticks of a quarter note. `MTrk` has events: the ticks since the last one, and a message. A
message without a status byte has that of the last one. In RIFF-RMID files all this lies in a chunk `data`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

_END_OF_TRACK, _KEY_SIGNATURE = 0x2F, 0x59
_SYSTEM = {0xF1: 1, 0xF2: 2, 0xF3: 1, 0xF6: 0, 0xF8: 0, 0xFA: 0, 0xFB: 0, 0xFC: 0, 0xFE: 0}
"""The data bytes of system messages."""
_LONGEST_NUMBER = 4
CUT = "a track is cut short or damaged"
LENGTH = "wrong length of a track"
COUNT = "wrong number of tracks"
UNKNOWN = "unknown chunks"
BEFORE = "bytes before the header"
KEY = "no such key signature"


class Timed(NamedTuple):
    """A note; times are in ticks."""

    track: int
    channel: int
    pitch: int
    start: int
    stop: int


class Parsed(NamedTuple):
    """The notes of a file."""

    ticks: int
    """Ticks of a quarter note."""
    notes: list[Timed]
    """Track by track, in the order of their ends."""
    mended: tuple[str, ...]
    """What was wrong in the file, each once."""


def parse(content: bytes) -> Parsed:
    """Return all notes of a MIDI file that can be read.

    A note without an end lasts until the next note of its pitch or the end of its track.

    Raises:
        ValueError: there is no header, or its times are no ticks of a quarter note.
    """
    content = _unwrapped(content)
    begin = content.find(b"MThd")
    if begin < 0:
        raise ValueError("MThd not found")
    if len(content) < begin + 14:
        raise ValueError("it ends too early")
    size, _, count, ticks = struct.unpack(">LHHH", content[begin + 4 : begin + 14])
    if not 0 < ticks < 0x8000:
        raise ValueError("its times are not in ticks of a quarter note")
    tracks = _Tracks(content, begin + 8 + size)
    if begin:
        tracks.mended[BEFORE] = None
    notes = [Timed(number, *note) for number, track in enumerate(tracks) for note in track.notes]
    if tracks.count != count:
        tracks.mended[COUNT] = None
    return Parsed(ticks, notes, tuple(tracks.mended))


def _unwrapped(content: bytes) -> bytes:
    """Return what a RIFF file has in its chunk `data`; the content itself if it is none."""
    if content[:4] != b"RIFF" or content[8:12] != b"RMID":
        return content
    at = 12
    while at + 8 <= len(content):
        size = int.from_bytes(content[at + 4 : at + 8], "little")
        if content[at : at + 4] == b"data":
            return content[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    return content


class _Tracks:
    """Reads the tracks one after another, and finds the next one where a length is wrong."""

    def __init__(self, content: bytes, at: int) -> None:
        self.content, self.at = content, at
        self.count = 0
        self.mended: dict[str, None] = {}

    def __iter__(self) -> Iterator[_Track]:
        while self.at + 8 <= len(self.content):
            name = self.content[self.at : self.at + 4]
            declared = self.at + 8 + int.from_bytes(self.content[self.at + 4 : self.at + 8], "big")
            if name != b"MTrk":
                self.mended[UNKNOWN] = None
                self.at = declared if self._is_border(declared) else self._next(self.at + 1)
                continue
            track = _Track(self.content, self.at + 8)
            right = self._is_border(declared)
            track.read(declared if right else len(self.content), whole=right)
            self.count += 1
            if track.broken:
                self.mended[CUT] = None
            elif not right and track.at != declared:
                self.mended[LENGTH] = None
            if track.wrong_key:
                self.mended[KEY] = None
            self.at = declared if right else self._next(track.at)
            yield track

    def _is_border(self, at: int) -> bool:
        """Return whether a chunk begins or the file ends here. The names of chunks are letters."""
        return at == len(self.content) or (
            at + 8 <= len(self.content) and self.content[at : at + 4].isalpha()
        )

    def _next(self, at: int) -> int:
        found = self.content.find(b"MTrk", at)
        return len(self.content) if found < 0 else found


class _Track:
    """Reads the events of a track, up to its end or to the first that can't be read."""

    def __init__(self, content: bytes, at: int) -> None:
        self.content, self.at = content, at
        self.notes: list[tuple[int, int, int, int]] = []
        """Channel, pitch, start and stop of each."""
        self.ended = self.broken = self.wrong_key = False
        self._status = 0

    def read(self, stop: int, *, whole: bool) -> None:
        """Read the events before `stop`; unless the track is `whole`, it must have an event that ends it."""
        now, sounding = 0, dict[tuple[int, int], int]()
        try:
            while self.at < stop and not self.ended:
                now += self._number()
                event = self._event()
                if event is None:
                    continue
                channel, pitch, begins = event
                key = (channel, pitch)
                if key in sounding:
                    self.notes.append((channel, pitch, sounding.pop(key), now))
                if begins:
                    sounding[key] = now
            self.broken = not (whole or self.ended)
        except (IndexError, KeyError):
            self.broken = True
        for (channel, pitch), start in sounding.items():
            if now > start or not self.broken:  # where a file is cut, nobody knows how long the last note is
                self.notes.append((channel, pitch, start, now))

    def _number(self) -> int:
        number, at = 0, self.at
        for byte in self.content[at : at + _LONGEST_NUMBER]:
            at += 1
            number = number << 7 | byte & 0x7F
            if byte < 0x80:
                self.at = at
                return number
        raise IndexError

    def _event(self) -> tuple[int, int, bool] | None:
        """Return channel, pitch and whether a note begins; None for other events."""
        byte = self.content[self.at]
        if byte >= 0xF0:
            self.at += 1
            self._other(byte)
            return None
        if byte >= 0x80:
            self._status = byte
            self.at += 1
        kind = self._status >> 4
        if not kind:
            raise KeyError(byte)
        if kind in (0xC, 0xD):  # one data byte
            self._skip(1)
            return None
        pitch, velocity = min(self.content[self.at], 127), self.content[self.at + 1]
        self.at += 2
        return (self._status & 0xF, pitch, kind == 9 and velocity > 0) if kind <= 9 else None

    def _other(self, status: int) -> None:
        """Skip a meta event or a system message."""
        if status == 0xFF:
            kind = self.content[self.at]
            self.at += 1
            length, start = self._number(), self.at
            self._skip(length)
            self.ended = kind == _END_OF_TRACK
            if kind == _KEY_SIGNATURE:
                self.wrong_key |= not _is_key(self.content[start : start + length])
        elif status in (0xF0, 0xF7):
            self._skip(self._number())
        else:
            self._skip(_SYSTEM[status])

    def _skip(self, count: int) -> None:
        self.at += count
        if self.at > len(self.content):
            raise IndexError


def _is_key(data: bytes) -> bool:
    """Return whether the data of a key signature has at most 7 sharps or flats, and major or minor."""
    return len(data) == 2 and (data[0] <= 7 or data[0] >= 256 - 7) and data[1] <= 1
