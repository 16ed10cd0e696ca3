"""Read MIDI files as grids (see `note_grid`), and write grids as MIDI files."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..errors import UserError
from ..files import read_regular
from .midi_parser import Timed, parse
from .note_grid import KEYS, LOWEST, Note, from_notes, from_roll, notes

if TYPE_CHECKING:
    import mido

LARGEST_BYTES = 10_000_000
LONGEST_STEPS = 40_000
DRUMS = 9
"""The General MIDI channel of drums, whose note numbers are not pitches."""
_TICKS = 480
_VELOCITY = 80
_CHOIR = 52  # General MIDI's "choir aahs", counted from 0


class Score(NamedTuple):
    """The content of a MIDI file."""

    piece: np.ndarray
    outside: int
    """The number of notes that were left out because they are outside the 88 keys."""
    mended: tuple[str, ...] = ()
    """What was wrong in the file; see `midi_parser`."""


def read_midi(source: Path | bytes, steps_per_beat: int, drums: bool = False, name: str = "") -> Score:
    """Read a file as a grid with `steps_per_beat` steps per quarter note. The tempo is ignored.

    If there are at most four tracks (or channels within a track) and each plays one note at a time, they
    become the voices, ordered by mean pitch, highest first. Otherwise the piano roll is read. A note
    without an end lasts until the next note of its pitch or the end of its track. The silence before the
    first bar with a note is cut. Of a damaged file, all notes that can be read are kept.

    Args:
        source: the file, or its content.
        steps_per_beat: the number of steps per quarter note.
        drums: read only the drums. By default drums are left out.
        name: the name of the source in error messages. Default: the path.

    Raises:
        UserError: the file is too large, isn't MIDI, is longer than 40,000 steps or has no notes.
    """
    where = name or str(source)
    try:
        parsed = parse(source if isinstance(source, bytes) else _content(source))
    except OSError as error:
        raise UserError(f"{where}: expected a MIDI file: {error.strerror}") from None
    except ValueError as error:
        raise UserError(f"{where}: expected a MIDI file: {error}") from None
    found = np.array(parsed.notes, np.int64).reshape(-1, len(Timed._fields))
    pitched = found[(found[:, 1] == DRUMS) == drums]
    pitches = pitched[:, 2]
    kept = pitched[(pitches >= LOWEST) & (pitches < LOWEST + KEYS)]
    if not len(kept):
        if parsed.mended and not len(found):
            raise UserError(f"{where}: expected a MIDI file: no notes can be read: {parsed.mended[0]}")
        only = " but drums" if len(found) and not len(pitched) else ""
        raise UserError(f"{where}: expected notes, found none{only}")
    piece = _on_grid(kept, steps_per_beat / parsed.ticks, steps_per_beat, where)
    return Score(piece, len(pitched) - len(kept), parsed.mended)


def write_midi(
    piece: np.ndarray, steps_per_beat: int, beats_per_minute: float, names: Sequence[str]
) -> bytes:
    """Return the content of a MIDI file with a track for each voice.

    Args:
        piece: the grid.
        steps_per_beat: the number of steps per quarter note.
        beats_per_minute: the tempo in quarter notes per minute.
        names: the names of the tracks, one for each voice.
    """
    import mido

    file = mido.MidiFile(type=1, ticks_per_beat=_TICKS)
    tempo = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(beats_per_minute))])
    file.tracks.append(tempo)
    every, step = notes(piece), _TICKS // steps_per_beat
    for voice, name in zip(range(piece.shape[1]), names, strict=True):
        file.tracks.append(_track([note for note in every if note.voice == voice], name, step))
    content = io.BytesIO()
    file.save(file=content)
    return content.getvalue()


def _content(path: Path) -> bytes:
    size = path.stat().st_size
    if size > LARGEST_BYTES:
        raise UserError(f"{path}: expected a MIDI file of at most {LARGEST_BYTES:,} bytes, got {size:,}")
    return read_regular(path, LARGEST_BYTES, "a MIDI file")


def _on_grid(some: np.ndarray, steps_per_tick: float, steps_per_beat: int, where: str) -> np.ndarray:
    """Return the piece with some notes, whose columns are those of `Timed`."""
    pitches = some[:, 2]
    starts, stops = (np.rint(some[:, i] * steps_per_tick).astype(np.int64) for i in (3, 4))
    lengths = np.maximum(1, stops - starts)
    starts -= starts.min() // (4 * steps_per_beat) * 4 * steps_per_beat
    steps = int((starts + lengths).max())
    if steps > LONGEST_STEPS:
        raise UserError(f"{where}: expected at most {LONGEST_STEPS:,} steps of music, got {steps:,}")
    _, first, voices = np.unique(some[:, 0] * 16 + some[:, 1], return_index=True, return_inverse=True)
    lines = [voices == voice for voice in range(len(first))] if len(first) <= 4 else []
    if lines and all(_one_at_a_time(starts[line], lengths[line]) for line in lines):
        order = sorted(range(len(lines)), key=lambda voice: (-pitches[lines[voice]].mean(), first[voice]))
        rows = zip(voices.tolist(), pitches.tolist(), starts.tolist(), lengths.tolist(), strict=True)
        return from_notes((Note(order.index(voice), *more) for voice, *more in rows), len(lines), steps)
    changes = np.zeros((steps + 1, KEYS), np.int64)
    np.add.at(changes, (starts, pitches - LOWEST), 1)
    np.add.at(changes, (starts + lengths, pitches - LOWEST), -1)
    return from_roll(changes[:-1].cumsum(axis=0) > 0)


def _one_at_a_time(starts: np.ndarray, lengths: np.ndarray) -> bool:
    order = np.argsort(starts, kind="stable")
    starts, stops = starts[order], (starts + lengths)[order]
    return bool((stops[:-1] <= starts[1:]).all())


def _track(line: Iterable[Note], name: str, step: int) -> mido.MidiTrack:
    """Return the MIDI track of one voice; at equal times, ends come before beginnings."""
    import mido

    track = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
    track.append(mido.Message("program_change", program=_CHOIR))
    events = []
    for note in line:
        events.append((note.start * step, True, note.pitch))
        events.append(((note.start + note.length) * step, False, note.pitch))
    before = 0
    for tick, on, pitch in sorted(events):
        kind = "note_on" if on else "note_off"
        track.append(mido.Message(kind, note=pitch, velocity=_VELOCITY if on else 0, time=tick - before))
        before = tick
    return track
