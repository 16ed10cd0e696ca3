"""Compares generated music with the training music by rules of music theory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from pipelines.data.note_grid import notes

RANGES = ((60, 81), (53, 74), (48, 69), (36, 64))
"""Lowest and highest MIDI number of soprano, alto, tenor and bass."""
LONGEST = 16
"""Steps; the last bin of the histogram of note lengths holds all longer notes."""


def musical_checks(
    pieces: Sequence[np.ndarray], training: Sequence[np.ndarray], steps_per_beat: int, by_voice: bool
) -> dict[str, float]:
    """Return measures of pieces by name.

    Distances are total variation distances of two histograms, 0 to 1. A chord is a step at which a voice
    begins a note.

    Args:
        pieces: grids, generated or not.
        training: grids of the training split.
        steps_per_beat: steps in a quarter note.
        by_voice: also return the measures of voice leading, for pieces with soprano, alto, tenor and bass.
    """
    values = {
        "pitch_class_distance": pitch_class_distance(pieces, training),
        "note_length_distance": _distance(note_lengths(pieces), note_lengths(training)),
        "copied_beats": longest_copied_run(pieces, training) / steps_per_beat,
    }
    if by_voice:
        values |= {
            "voice_crossings_per_100_chords": _per_100(map(voice_crossings, pieces), pieces),
            "parallel_fifths_per_100_chords": _per_100((parallels(p, 7) for p in pieces), pieces),
            "parallel_octaves_per_100_chords": _per_100((parallels(p, 0) for p in pieces), pieces),
            "notes_out_of_range_per_100": out_of_range(pieces),
        }
    return values


def pitch_classes(pieces: Sequence[np.ndarray]) -> np.ndarray:
    """Return the share of time of each of the 12 pitch classes, (12,)."""
    counts = sum(np.bincount(np.abs(piece[piece != 0]) % 12, minlength=12) for piece in pieces)
    return np.asarray(counts) / max(1, np.sum(counts))


def pitch_class_distance(pieces: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> float:
    """Return the mean distance of the pitch classes of each piece from those of the others.

    Pieces are compared in the key in which they are closest. Before that, the others are transposed to the
    key that is closest to the first of them.
    """
    reference = pitch_classes(others[:1])
    aligned = np.mean([_closest(pitch_classes([other]), reference) for other in others], axis=0)
    return float(np.mean([_distance(_closest(pitch_classes([piece]), aligned), aligned) for piece in pieces]))


def _closest(histogram: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return the rotation of a histogram that is closest to the reference."""
    return min((np.roll(histogram, k) for k in range(12)), key=lambda one: _distance(one, reference))


def note_lengths(pieces: Sequence[np.ndarray]) -> np.ndarray:
    """Return the share of notes of each length, (16,): 1 to 15 steps, and 16 or more."""
    lengths = [min(note.length, LONGEST) for piece in pieces for note in notes(piece)]
    counts = np.bincount(lengths, minlength=LONGEST + 1)[1:]
    return counts / max(1, counts.sum())


def _distance(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).sum() / 2)


def chords(piece: np.ndarray) -> np.ndarray:
    """Return the pitches at each step at which a voice begins a note, (chords, voices); 0 is silence."""
    return np.abs(piece[(piece > 0).any(axis=1)])


def _per_100(counts: Iterator[int], pieces: Sequence[np.ndarray]) -> float:
    return 100.0 * sum(counts) / max(1, sum(len(chords(piece)) for piece in pieces))


def voice_crossings(piece: np.ndarray) -> int:
    """Return the number of chords in which a voice is above a higher voice; silent voices don't count."""
    found = chords(piece)
    upper = np.where(found == 0, 999, found)
    return int((np.minimum.accumulate(upper, axis=1)[:, :-1] < found[:, 1:]).any(axis=1).sum())


def parallels(piece: np.ndarray, interval: int) -> int:
    """Return how often two voices move in parallel fifths (7), or octaves and unisons (0)."""
    found = chords(piece).astype(int)
    count = 0
    for high in range(found.shape[1]):
        for low in range(high + 1, found.shape[1]):
            pair = found[:, [high, low]]
            step = np.diff(pair, axis=0)
            is_interval = ((pair[:, 0] - pair[:, 1]) % 12 == interval) & (pair > 0).all(axis=1)
            together = (step[:, 0] * step[:, 1] > 0) & is_interval[:-1] & is_interval[1:]
            count += int(together.sum())
    return count


def out_of_range(pieces: Sequence[np.ndarray]) -> float:
    """Return the percentage of notes outside the range of their voice."""
    every = [note for piece in pieces for note in notes(piece)]
    outside = [not RANGES[note.voice][0] <= note.pitch <= RANGES[note.voice][1] for note in every]
    return 100.0 * sum(outside) / max(1, len(outside))


def longest_copied_run(pieces: Sequence[np.ndarray], training: Sequence[np.ndarray]) -> int:
    """Return the length in steps of the longest passage that a training piece also has, in any key.

    A training piece is compared with the other training pieces. If the numbers of voices differ, only the
    highest voices are compared.
    """
    same = len({piece.shape[1] for piece in (*pieces, *training)}) == 1
    known = {id(piece): _moves(piece if same else piece[:, :1]) for piece in training}
    made = {id(piece): _moves(piece if same else piece[:, :1]) for piece in pieces}
    shortest, longest = 0, max((len(moves) for moves in made.values()), default=0)
    while shortest < longest:
        length = (shortest + longest + 1) // 2
        owners: dict[int, int] = {}  # the piece that has each run; 0 if several have it
        for owner, moves in known.items():
            for run in _runs(moves, length):
                owners[run] = owner if owners.get(run, owner) == owner else 0
        if any(owners.get(run, me) != me for me, moves in made.items() for run in _runs(moves, length)):
            shortest = length
        else:
            longest = length - 1
    return shortest


def _moves(piece: np.ndarray) -> np.ndarray:
    """Return each step independent of the key: moves, intervals below the highest voice, and onsets."""
    pitches = np.abs(piece).astype(np.int16)
    moved = np.diff(pitches, axis=0, prepend=pitches[:1])
    silent = pitches == 0
    below_top = np.where(silent, -1, pitches[:, :1] - pitches)
    return np.hstack([moved * ~silent, below_top, piece > 0]).astype(np.int16)


def _runs(moves: np.ndarray, length: int) -> Iterator[int]:
    """Yield a hash of each passage of this many steps."""
    for start in range(len(moves) - length + 1):
        yield hash(moves[start : start + length].tobytes())
