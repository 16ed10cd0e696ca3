"""Tokens and piano rolls: what a network sees of a piece, and back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.music_pieces import pieces

from apps.music_generation.pianoroll import PianoRoll
from apps.music_generation.tokens import HOLD, REST, SILENT, START, Tokens
from pipelines.data.note_grid import (
    transposed,
)

QUICK = settings(max_examples=60, deadline=None)


@QUICK
@given(pieces(), st.integers(1, 4))
def test_tokens_there_and_back(piece, steps_per_beat):
    voices = piece.shape[1]
    representation = Tokens(voices, steps_per_beat)
    inputs, targets = representation.encode(piece)
    assert np.array_equal(representation.piece_of(targets.reshape(-1, voices)), piece)
    assert inputs[0, 0] == START
    assert inputs[1:, 0].tolist() == targets[:-1].tolist()


def test_what_a_network_of_tokens_sees_by_hand():
    piece = np.array([[72, 60], [74, -60], [-74, 0]], np.int16)
    inputs, targets = Tokens(2, 1).encode(piece)
    assert targets.tolist() == [51, 39, 53, HOLD, HOLD, REST]
    # the token before, the voice to come, the place in the bar, what the two voices sound by now, how far
    # above the voice to come they were (37 for not at all), how far they have moved (13 for not at all)
    assert inputs.tolist() == [
        [START, 0, 0, SILENT, SILENT, 0, 0, 0, 0],
        [51, 1, 0, 51, SILENT, 0, 0, 0, 0],
        [39, 0, 1, 51, 39, 37, 37 - 12, 13, 13],
        [53, 1, 1, 53, 39, 37 + 12, 37, 13 + 2, 13],
        [HOLD, 0, 2, 53, 39, 37, 37 - 14, 13, 13],
        [HOLD, 1, 2, 53, 39, 37 + 14, 37, 13, 13],
    ]


def test_what_a_network_of_frames_sees():
    piece = np.array([[72], [-72], [74]], np.int16)
    before, now = np.split(PianoRoll(True, 1).encode(piece)[0], 2, axis=1)
    assert np.array_equal(now.argmax(axis=1), [51, 51, 53])
    assert not before[0].any()
    assert np.array_equal(before[1:], now[:-1])
    inputs, targets = PianoRoll(False, 1).encode(piece)
    assert np.array_equal(inputs, before)
    assert np.array_equal(targets, now)


@pytest.mark.parametrize("representation", [Tokens(4, 4), PianoRoll(True, 4)])
def test_transposing_an_example_is_encoding_the_transposed_piece(representation):
    piece = np.array([[72, 67, 60, 48], [-72, 67, 0, -48]], np.int16)
    inputs, targets = representation.encode(piece)
    representation.transpose(inputs, targets, 5)
    moved = representation.encode(transposed(piece, 5))
    np.testing.assert_array_equal(inputs, moved[0])
    np.testing.assert_array_equal(targets, moved[1])
