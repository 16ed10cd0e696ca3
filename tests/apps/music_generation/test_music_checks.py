"""The musical checks, on chords that were made to fail them."""

import numpy as np
import pytest

from apps.music_generation.checks import (
    chords,
    longest_copied_run,
    musical_checks,
    note_lengths,
    out_of_range,
    parallels,
    pitch_class_distance,
    voice_crossings,
)
from pipelines.data.note_grid import transposed


def piece(*rows):
    return np.array(rows, np.int16)


def test_chords_are_the_steps_at_which_something_begins():
    found = chords(piece([72, 60], [-72, -60], [-72, 62], [0, -62]))
    assert found.tolist() == [[72, 60], [72, 62]]


def test_parallel_fifths_and_octaves():
    fifths = piece([67, 60], [69, 62], [-69, -62], [71, 64])
    assert parallels(fifths, 7) == 2
    assert parallels(fifths, 0) == 0
    octaves = piece([72, 64, 60], [74, 64, 62])
    assert parallels(octaves, 0) == 1
    assert parallels(octaves, 7) == 0
    repeated = piece([67, 60], [67, 60])
    contrary = piece([67, 60], [62, 67])  # a fifth, then a fourth below
    apart = piece([67, 60], [74, 55])  # fifths, but the voices part
    twelfths = piece([79, 60], [81, 62])
    assert [parallels(p, 7) for p in (repeated, contrary, apart, twelfths)] == [0, 0, 0, 1]


def test_voices_that_cross():
    assert voice_crossings(piece([60, 62], [62, 62], [64, 62])) == 1
    assert voice_crossings(piece([60, 0, 62], [60, 0, 59])) == 1  # over a silent voice, too


def test_notes_out_of_their_voices_range():
    assert out_of_range([piece([72, 67, 60, 48])]) == 0
    assert out_of_range([piece([59, 67, 60, 48], [82, -67, -60, 35])]) == pytest.approx(100 * 3 / 6)


def test_lengths_of_notes():
    found = note_lengths([piece(*[[60]], *[[-60]] * 19, [62], [64], [-64])])
    assert found[[15, 0, 1]].tolist() == pytest.approx([1 / 3] * 3)


def test_the_same_music_in_another_key_is_no_distance():
    scale = piece(*[[60 + step] for step in (0, 2, 4, 5, 7, 9, 11, 0, 0)])
    assert pitch_class_distance([transposed(scale, 5)], [scale, transposed(scale, 3)]) == pytest.approx(0)
    chromatic = piece(*[[60 + step] for step in range(12)])
    assert pitch_class_distance([chromatic], [scale]) == pytest.approx(5 / 12)


def test_the_longest_run_that_was_copied_in_whatever_key():
    rng = np.random.default_rng(0)
    training = [rng.integers(50, 80, (40, 4)).astype(np.int16) for _ in range(3)]
    own = rng.integers(50, 80, (30, 4)).astype(np.int16)
    own[5:17] = transposed(training[1][20:32], 3)
    found = longest_copied_run([own], training)
    assert found in (11, 12)  # what the first of the twelve moves from is not copied
    assert longest_copied_run([rng.integers(50, 80, (30, 4)).astype(np.int16)], training) == 0
    assert longest_copied_run(training, training) == 0  # each against the others
    assert longest_copied_run([training[2].copy()], training) == 40


def test_checks_of_voices_are_for_voices_only():
    four, silent = piece([72, 67, 60, 48]), np.zeros((3, 4), np.int16)
    for made in (four, silent):
        found = musical_checks([made], [four], 4, by_voice=True)
        assert all(np.isfinite(value) for value in found.values())
        assert set(musical_checks([piece([72])], [four], 4, by_voice=False)) < set(found)
