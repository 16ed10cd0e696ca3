"""Pieces as grids: into MIDI, piano rolls and tokens, and back; files that nobody expects."""

import contextlib
import io
import struct
import time
import timeit

import mido
import numpy as np
import pytest
import scipy.io
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.music_pieces import pieces

from pipelines.data import midi_parser
from pipelines.data import music_files as readers
from pipelines.data.midi_files import read_midi, write_midi
from pipelines.data.note_grid import (
    Note,
    from_chords,
    from_notes,
    from_roll,
    notes,
    outer_voices,
    roll,
)
from pipelines.errors import UserError

QUICK = settings(max_examples=60, deadline=None)
NAMES = ["a", "b", "c", "d"]


def midi(*tracks, ticks=480, **header):
    """The bytes of a file of tracks, each a list of messages."""
    file = mido.MidiFile(ticks_per_beat=ticks, **header)
    file.tracks.extend(mido.MidiTrack(track) for track in tracks)
    content = io.BytesIO()
    file.save(file=content)
    return content.getvalue()


def on(pitch, time=0, channel=0, velocity=64):
    return mido.Message("note_on", note=pitch, time=time, channel=channel, velocity=velocity)


def off(pitch, time=0, channel=0):
    return mido.Message("note_off", note=pitch, time=time, channel=channel)


def test_notes_of_a_grid_by_hand():
    piece = np.array([[72, 60], [-72, -60], [72, 0], [0, 59]], np.int16)
    assert notes(piece) == [Note(0, 72, 0, 2), Note(0, 72, 2, 1), Note(1, 60, 0, 2), Note(1, 59, 3, 1)]


@QUICK
@given(pieces())
def test_a_piece_is_its_notes(piece):
    assert np.array_equal(from_notes(notes(piece), piece.shape[1], len(piece)), piece)


@QUICK
@given(pieces())
def test_a_piano_roll_keeps_what_sounds(piece):
    frames = roll(piece)
    assert np.array_equal(roll(from_roll(frames)), frames)
    expected = [set(np.abs(row[row != 0]).tolist()) for row in piece]
    assert [set((np.flatnonzero(row) + 21).tolist()) for row in frames] == expected


def test_the_highest_voice_of_many():
    piece = np.array([[60, 72], [-60, 0], [62, 74], [-62, -74]], np.int16)
    # where the upper note ends, the one that was below it is heard as new
    assert outer_voices(piece).ravel().tolist() == [72, 60, 74, -74]


@QUICK
@given(pieces(4), st.sampled_from([1, 2, 4]))
def test_midi_there_and_back(piece, steps_per_beat):
    content = write_midi(piece, steps_per_beat, 90, NAMES)
    if not piece.any():
        with pytest.raises(UserError, match="expected notes, found none"):
            read_midi(content, steps_per_beat, name="it")
        return
    found = read_midi(content, steps_per_beat)
    assert found.outside == 0
    first = int(np.flatnonzero(piece.any(axis=1))[0]) // (4 * steps_per_beat) * 4 * steps_per_beat
    expected = sorted(note[1:] for note in notes(piece[first:]))
    assert sorted(note[1:] for note in notes(found.piece)) == expected


def test_the_voices_of_a_file_are_its_tracks_from_the_top():
    piece = np.array([[72, 67, 60, 48], [74, -67, 59, -48], [0, -67, 60, 50]], np.int16)
    low_first = write_midi(piece[:, ::-1], 4, 90, NAMES)
    np.testing.assert_array_equal(read_midi(low_first, 4).piece, piece)


def test_tempo_changes_do_not_move_the_grid():
    tempo = [mido.MetaMessage("set_tempo", tempo=t, time=240) for t in (200_000, 900_000)]
    content = midi(tempo, [on(60), off(60, 480), on(62), off(62, 480)])
    assert read_midi(content, 1).piece.ravel().tolist() == [60, 62]


def test_notes_without_an_end_last_until_the_next_of_their_pitch_or_the_end():
    content = midi([on(60), on(60, 480), mido.MetaMessage("text", text="end", time=960)])
    assert read_midi(content, 1).piece.ravel().tolist() == [60, 60, -60]
    silent = midi([on(60), on(60, 480, velocity=0)])  # a note_on of velocity 0 is an end
    assert read_midi(silent, 1).piece.ravel().tolist() == [60]


def test_drums_are_no_pitches_unless_they_are_asked_for():
    content = midi([on(36, channel=9), off(36, 480, channel=9)])
    with pytest.raises(UserError, match="it: expected notes, found none but drums"):
        read_midi(content, 1, name="it")
    assert read_midi(content, 1, drums=True).piece.ravel().tolist() == [36]


def test_32_tracks_are_one_piano_roll():
    content = midi(*([on(40 + i), off(40 + i, 480)] for i in range(32)))
    assert roll(read_midi(content, 1).piece).sum() == 32


def test_notes_outside_the_88_keys_are_counted_and_dropped():
    content = midi([on(20), off(20, 480), on(60), off(60, 480), on(109), off(109, 480)])
    score = read_midi(content, 1)
    assert score.outside == 2
    assert score.piece.ravel().tolist() == [0, 60]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (midi([]), "expected notes, found none"),
        (b"", "expected a MIDI file"),
        (np.random.default_rng(0).bytes(100_000), "expected a MIDI file"),
        (midi([on(60), off(60, 480)])[:-9], "expected a MIDI file"),
        (midi([on(60), off(60, 480)])[:12] + struct.pack(">h", -25 * 256 + 40), "expected a MIDI file"),
        (midi([on(60), off(60, 2**27)], ticks=1), "expected at most 40,000 steps of music"),
    ],
    ids=["no notes", "empty", "noise", "cut", "frames of film", "days long"],
)
def test_files_that_are_no_music_are_refused_in_one_line(content, said, tmp_path):
    path = tmp_path / "it.mid"
    path.write_bytes(content)
    with pytest.raises(UserError, match=f"it.mid: {said}") as refused:
        read_midi(path, 4)
    assert "\n" not in str(refused.value)


def test_100_megabytes_of_noise_are_refused_unread(tmp_path):
    path = tmp_path / "noise.mid"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    with pytest.raises(UserError, match="at most 10,000,000 bytes, got 100,000,000"):
        read_midi(path, 4)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=4))
def test_damaged_midi_is_read_or_refused(place, bytes_):
    content = bytearray(write_midi(np.array([[72, 48], [-72, 50], [74, -50]], np.int16), 4, 90, ["a", "b"]))
    place %= len(content)
    content[place : place + len(bytes_)] = bytes_
    with contextlib.suppress(UserError):
        assert read_midi(bytes(content), 4, name="it").piece.any()


KEYS = [mido.MetaMessage("key_signature", key="C"), *(on(60), off(60, 480), on(62), off(62, 480))]
LOWER = [on(48), off(48, 960)]
WHOLE = midi(KEYS, LOWER)
PIECE = [[60, 48], [62, -48]]
FIRST = WHOLE.index(b"MTrk")
SECOND = WHOLE.index(b"MTrk", FIRST + 1)


def with_length(content, at, length):
    return content[: at + 4] + struct.pack(">L", length) + content[at + 8 :]


def riff(content):
    info = b"LIST" + struct.pack("<L", 5) + b"INFO\0\0"
    body = b"RMID" + info + b"data" + struct.pack("<L", len(content)) + content
    return b"RIFF" + struct.pack("<L", len(body)) + body


MENDED = {
    "whole": (WHOLE, []),
    "riff": (riff(WHOLE), []),
    "zeros at the end": (WHOLE + bytes(20), []),
    "key signature": (WHOLE.replace(b"\xff\x59\x02\0\0", b"\xff\x59\x02\x0b\0"), [midi_parser.KEY]),
    "mode": (WHOLE.replace(b"\xff\x59\x02\0\0", b"\xff\x59\x02\0\7"), [midi_parser.KEY]),
    "unknown chunk": (WHOLE[:SECOND] + b"XFIH\0\0\0\5abcde" + WHOLE[SECOND:], [midi_parser.UNKNOWN]),
    "unknown at the end": (WHOLE + b"XFIH\0\0\0\5abcde", [midi_parser.UNKNOWN]),
    "too many tracks": (WHOLE[:10] + b"\0\7" + WHOLE[12:], [midi_parser.COUNT]),
    "too few tracks": (WHOLE[:10] + b"\0\1" + WHOLE[12:], [midi_parser.COUNT]),
    "length 0": (with_length(WHOLE, FIRST, 0), [midi_parser.LENGTH]),
    "too short": (with_length(WHOLE, FIRST, 9), [midi_parser.LENGTH]),
    "too long": (with_length(WHOLE, FIRST, 2**31), [midi_parser.LENGTH]),
    "over the next": (with_length(WHOLE, FIRST, SECOND - FIRST + 3), [midi_parser.LENGTH]),
    "before the header": (bytes(128) + WHOLE, [midi_parser.BEFORE]),
    "no end": (WHOLE[:-4], [midi_parser.CUT]),
    "cut in the end": (WHOLE[:-2], [midi_parser.CUT]),
    "undefined byte": (WHOLE[:-4] + b"\0\xf5\xff\xff", [midi_parser.CUT]),
}


@pytest.mark.parametrize(("content", "mended"), MENDED.values(), ids=MENDED)
def test_of_a_damaged_file_everything_is_kept_that_can_be_read(content, mended):
    found = read_midi(content, 1, name="it")
    assert found.piece.tolist() == PIECE
    assert list(found.mended) == mended


def test_a_cut_tail_costs_only_the_notes_in_it():
    content = midi([on(60), off(60, 480), on(62), off(62, 480), on(64), off(64, 480)])
    found = read_midi(content[:-8], 1)
    assert found.piece.ravel().tolist() == [60, 62]
    assert found.mended == (midi_parser.CUT,)


@settings(max_examples=50, deadline=None)
@given(pieces(3), st.binary(min_size=1, max_size=9), st.data())
def test_two_of_three_tracks_survive_whatever_happens_to_the_last(piece, noise, data):
    if not piece[:, :2].any():
        return
    content = write_midi(piece, 4, 90, NAMES[:3])
    last = content.rindex(b"MTrk") + 8
    place = data.draw(st.integers(last, len(content)))
    damaged = content[:place] + noise + content[place + len(noise) :]
    expected = {tuple(note) for note in midi_parser.parse(content).notes if note.track < 3}
    assert expected <= {tuple(note) for note in midi_parser.parse(damaged).notes}


@settings(max_examples=25, deadline=None)
@given(pieces(4))
def test_our_parser_and_mido_find_the_same_notes(piece):
    content = write_midi(piece, 4, 90, NAMES)
    expected = set()
    for number, track in enumerate(mido.MidiFile(file=io.BytesIO(content)).tracks):
        now, sounding = 0, {}
        for message in track:
            now += message.time
            if message.type == "note_on":
                sounding[message.note] = now
            elif message.type == "note_off":
                expected.add((number, message.channel, message.note, sounding.pop(message.note), now))
    parsed = midi_parser.parse(content)
    assert {tuple(note) for note in parsed.notes} == expected
    assert (parsed.ticks, parsed.mended) == (480, ())


@pytest.mark.parametrize("voices", [1, 9])
def test_time_grows_in_proportion_to_the_notes(voices):
    def seconds(count):
        events = b"".join(
            bytes([0, 0x90 | i % voices, 60 + i % 12, 64, 12, 0x80 | i % voices, 60 + i % 12, 0])
            for i in range(count)
        )
        track = events + b"\0\xff\x2f\0"
        header = b"MThd" + struct.pack(">LHHH", 6, 1, 1, 480)
        content = header + b"MTrk" + struct.pack(">L", len(track)) + track
        times = timeit.repeat(lambda: read_midi(content, 4), number=1, repeat=3, timer=time.process_time)
        return min(times)  # without garbage collections, which take long beside TensorFlow

    assert seconds(40_000) < 30 * seconds(5_000)


def test_chords_of_a_json_file():
    piece = from_chords([[60, 64], [], [64, 300, 5]], "it")
    assert roll(piece).sum(axis=1).tolist() == [2, 0, 1]
    voices = from_chords([[72, 60], [72, -1], [74, 59]], "it")
    assert voices.tolist() == [[72, 60], [-72, 0], [74, 59]]
    with pytest.raises(UserError, match="it: expected a list of MIDI numbers"):
        from_chords([["C"]], "it")


def write(path, content):
    if path.suffix == ".npz":
        np.savez(path, **content)
    elif path.suffix == ".mat":
        cells = {}
        for name, some in content.items():
            cells[name] = np.empty(len(some), object)
            cells[name][:] = some
        scipy.io.savemat(path, cells)
    else:
        path.write_text(content)
    return path


ROLL = np.eye(88)[[39, 43]]  # one key a step: 60, then 64


def test_files_with_splits(tmp_path):
    files = {
        "a.json": '{"train": [[[60], [64]]], "valid": [[[60], [64]]], "other": 1}',
        "a.npz": {"train_0": ROLL, "valid_0": np.array([[60], [64]])},
        "a.mat": {"traindata": [ROLL], "validdata": [np.array([[60.0], [64.0]])]},
    }
    for name, content in files.items():
        splits = readers.read_splits(write(tmp_path / name, content))
        assert set(splits) == {"train", "validation"}
        for (piece,) in splits.values():
            assert piece.tolist() == [[60], [64]], name


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.json", "[1", "expected JSON"),
        ("a.json", "[1]", "expected an object of splits, got list"),
        ("a.json", '{"test": []}', "expected pieces of splits called train, validation or test, found none"),
        ("a.json", '{"train": [[60]]}', r"train\[0\]: expected a list of MIDI numbers"),
        ("a.npz", {"train": np.array([{}], object)}, "expected arrays of numbers"),
        ("a.npz", {"train": np.zeros(3)}, r"train: expected numbers \(steps, 88\)"),
    ],
)
def test_broken_files_with_splits(tmp_path, name, content, said):
    with pytest.raises(UserError, match=said):
        readers.read_splits(write(tmp_path / name, content))
    for suffix in (".npz", ".mat"):
        (tmp_path / f"noise{suffix}").write_bytes(b"no such format" * 20)
        with pytest.raises(UserError, match=f"noise{suffix}: expected"):
            readers.read_splits(tmp_path / f"noise{suffix}")


def test_what_unpacks_to_too_much_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(readers, "_MOST_BYTES", 20_000)
    np.savez_compressed(tmp_path / "a.npz", train=np.zeros((100, 88)))
    scipy.io.savemat(tmp_path / "a.mat", {"traindata": np.zeros((100, 88))}, do_compression=True)
    (tmp_path / "a.json").write_text(f'{{"train": [{[[60]] * 5000}]}}')
    for path in tmp_path.iterdir():
        with pytest.raises(UserError, match=r"a\.\w+: expected .*at most 20,000 bytes") as refused:
            readers.read_splits(path)
        assert len(str(refused.value)) < 250
    assert (tmp_path / "a.mat").stat().st_size < 20_000
    (tmp_path / "zero.npz").symlink_to("/dev/zero")
    with pytest.raises(UserError, match=r"zero\.npz: expected music, found a device or a pipe"):
        readers.read_splits(tmp_path / "zero.npz")
