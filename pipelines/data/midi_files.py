"""Read MIDI files as grids (see `note_grid`), and write grids as MIDI files."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..errors import UserError
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


class _Timed(NamedTuple):
    """A note in ticks."""

    voice: tuple[int, int]
    pitch: int
    start: int
    stop: int


def read_midi(source: Path | bytes, steps_per_beat: int, drums: bool = False, name: str = "") -> Score:
    """Read a file as a grid with `steps_per_beat` steps per quarter note. The tempo is ignored.

    If there are at most four tracks (or channels within a track) and each plays one note at a time, they
    become the voices, ordered by mean pitch, highest first. Otherwise the piano roll is read. A note
    without an end lasts until the next note of its pitch or the end of its track. The silence before the
    first bar with a note is cut.

    Args:
        source: the file, or its content.
        steps_per_beat: the number of steps per quarter note.
        drums: read only the drums. By default drums are left out.
        name: the name of the source in error messages. Default: the path.

    Raises:
        UserError: the file is too large, isn't MIDI, is longer than 40,000 steps or has no notes.
    """
    import mido

    where = name or str(source)
    try:
        content = source if isinstance(source, bytes) else _content(source)
        file = mido.MidiFile(file=io.BytesIO(content), clip=True)
        ticks = _checked_division(file.ticks_per_beat)
        found = [note for number, track in enumerate(file.tracks) for note in _of_track(number, track)]
    except OSError as error:
        raise UserError(f"{where}: expected a MIDI file: {error.strerror or _reason(error)}") from None
    except (EOFError, ValueError, IndexError, KeyError, TypeError, mido.KeySignatureError) as error:
        raise UserError(f"{where}: expected a MIDI file: {_reason(error)}") from None
    pitched = [note for note in found if (note.voice[1] == DRUMS) == drums]
    kept = [note for note in pitched if LOWEST <= note.pitch < LOWEST + KEYS]
    if not kept:
        only = " but drums" if found and not pitched else ""
        raise UserError(f"{where}: expected notes, found none{only}")
    return Score(_on_grid(kept, steps_per_beat / ticks, steps_per_beat, where), len(pitched) - len(kept))


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
    return path.read_bytes()


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split()) or "it ends too early"


def _checked_division(ticks: int) -> int:
    if not 0 < ticks < 0x8000:
        raise ValueError("its times are not in ticks of a quarter note")
    return ticks


def _of_track(number: int, track: mido.MidiTrack) -> Iterable[_Timed]:
    """Yield the notes of a track, including those without an end."""
    now, sounding = 0, dict[tuple[int, int], int]()
    for message in track:
        now += message.time
        if message.type not in ("note_on", "note_off"):
            continue
        key = (message.channel, message.note)
        if key in sounding:
            yield _Timed((number, key[0]), key[1], sounding.pop(key), now)
        if message.type == "note_on" and message.velocity > 0:
            sounding[key] = now
    for (channel, pitch), start in sounding.items():
        yield _Timed((number, channel), pitch, start, now)


def _on_grid(some: Sequence[_Timed], steps_per_tick: float, steps_per_beat: int, where: str) -> np.ndarray:
    voices: dict[tuple[int, int], list[Note]] = {}
    for voice, pitch, *ticks in some:
        start, stop = (round(tick * steps_per_tick) for tick in ticks)
        voices.setdefault(voice, []).append(Note(0, pitch, start, max(1, stop - start)))
    every = [note for line in voices.values() for note in line]
    first = min(note.start for note in every) // (4 * steps_per_beat) * 4 * steps_per_beat
    steps = max(note.start + note.length for note in every) - first
    if steps > LONGEST_STEPS:
        raise UserError(f"{where}: expected at most {LONGEST_STEPS:,} steps of music, got {steps:,}")
    lines = [[note._replace(start=note.start - first) for note in line] for line in voices.values()]
    if len(lines) <= 4 and all(_one_at_a_time(line) for line in lines):
        lines.sort(key=lambda line: -float(np.mean([note.pitch for note in line])))
        numbered = [note._replace(voice=voice) for voice, line in enumerate(lines) for note in line]
        return from_notes(numbered, len(lines), steps)
    sounding = np.zeros((steps, KEYS), bool)
    for _, pitch, start, length in itertools.chain.from_iterable(lines):
        sounding[start : start + length, pitch - LOWEST] = True
    return from_roll(sounding)


def _one_at_a_time(line: Sequence[Note]) -> bool:
    ordered = sorted(line, key=lambda note: note.start)
    return all(a.start + a.length <= b.start for a, b in itertools.pairwise(ordered))


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
