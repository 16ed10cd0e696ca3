"""The three roads to music, and what becomes of files that are none."""

import dataclasses

import numpy as np
import pytest

from apps.music_generation.config import PRESETS, MusicConfig
from apps.music_generation.data import load
from apps.music_generation.embedded import corpus_pieces as parsing
from pipelines.data.abc_files import read_abc
from pipelines.data.midi_files import write_midi
from pipelines.data.note_grid import transposed
from pipelines.errors import UserError

tfds = pytest.importorskip("tensorflow_datasets")

ROLLS = MusicConfig(representation="pianoroll")
ABC = """X:1
T:Up and down
M:4/4
L:1/4
K:G
G A B c | d c B A | G4 |

X:2
T:With an upbeat
M:4/4
L:1/4
K:C
G | c2 e2 | G4 |
"""


def piece(seed, steps=16, voices=4):
    rng = np.random.default_rng(seed)
    return (rng.integers(50, 60, (steps, voices)) + 6 * np.arange(voices)[::-1]).astype(np.int16)


def write_pieces(folder, count, **given):
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        voices = [f"voice {voice}" for voice in range(given.get("voices", 4))]
        (folder / f"{number:02}.mid").write_bytes(write_midi(piece(number, **given), 4, 90, voices))


def test_a_folder_of_midi_is_split_by_piece_and_bad_files_are_named(tmp_path):
    write_pieces(tmp_path / "folder", 20)
    (tmp_path / "folder" / "copy.midi").write_bytes((tmp_path / "folder" / "03.mid").read_bytes())
    (tmp_path / "folder" / "noise.mid").write_bytes(np.random.default_rng(0).bytes(1000))
    (tmp_path / "folder" / "silent.mid").write_bytes(write_midi(np.zeros((4, 1), np.int16), 4, 90, ["none"]))
    (tmp_path / "folder" / "notes.txt").write_text("no music")
    data = load(dataclasses.replace(ROLLS, dataset=str(tmp_path / "folder"), seed=3))
    assert data.counts == {"train": 16, "validation": 2, "test": 2}
    every = {one.tobytes() for split in data.splits.values() for one in split.inputs}
    assert len(every) == 20
    left_out, copies, *held_out = data.notes
    assert left_out.startswith("folder: 2 of 23 files left out: ")
    assert "noise.mid: expected a MIDI file" in left_out
    assert "silent.mid: expected notes, found none" in left_out
    assert "1 training pieces left out: they are copies" in copies
    assert all("seed 3" in note for note in held_out)
    again = load(dataclasses.replace(ROLLS, dataset=str(tmp_path / "folder"), seed=3))
    assert again.fingerprint == data.fingerprint


def test_folders_called_as_the_splits_are_them(tmp_path):
    for split, count in {"train": 3, "validation": 1, "test": 2}.items():
        write_pieces(tmp_path / split, count, steps={"train": 8, "validation": 9, "test": 10}[split])
    data = load(dataclasses.replace(ROLLS, dataset=str(tmp_path)))
    assert data.counts == {"train": 3, "validation": 1, "test": 2}
    assert [len(one) for one in data.splits["test"].inputs] == [10, 10]
    assert data.notes == ()


def test_voices_leave_out_what_has_not_four(tmp_path):
    write_pieces(tmp_path / "some", 6)
    write_pieces(tmp_path / "three", 2, voices=3)
    data = load(MusicConfig(dataset=str(tmp_path)))
    assert sum(data.counts.values()) == 6
    expected = "left out: 2 with another number of voices (for these: --representation pianoroll)"
    assert expected in data.notes[0]


def test_a_folder_of_tunes_with_one_voice_names_the_representation_for_them(tmp_path):
    write_pieces(tmp_path / "tunes", 4, voices=1)
    (tmp_path / "tunes" / "broken.mid").write_bytes(b"MThd")
    said = r"got 0; 1 of 5 files left out: .*broken.mid.*; .* 4 with one voice .*--representation melody"
    with pytest.raises(UserError, match=said) as refused:
        load(MusicConfig(dataset=str(tmp_path / "tunes")))
    assert "\n" not in str(refused.value)
    assert (
        sum(load(MusicConfig(dataset=str(tmp_path / "tunes"), representation="melody")).counts.values()) == 4
    )


def test_abc_with_an_upbeat(tmp_path):
    path = tmp_path / "tunes.abc"
    path.write_text(ABC)
    first, second = read_abc(path, 1)
    assert first.ravel().tolist() == [67, 69, 71, 72, 74, 72, 71, 69, 67, -67, -67, -67]
    assert second.ravel().tolist() == [0, 0, 0, 67, 72, -72, 76, -76, 67, -67, -67, -67]
    for number in range(3):
        (tmp_path / f"{number}.abc").write_text(ABC.replace("c2 e2", "c2 e2 |" * (number + 2)))
    data = load(MusicConfig(dataset=str(tmp_path), representation="melody"))
    assert sum(data.counts.values()) == 5


def test_abc_in_latin_1_and_with_a_broken_tune_keeps_the_rest(tmp_path):
    broken = "X:3\nT:Broken\nM:4/4\nL:1/4\nK:none such\nG [A\n"
    path = tmp_path / "tunes.abc"
    path.write_bytes((ABC.replace("Up and down", "Fran\u00e7ais") + "\n" + broken).encode("latin-1"))
    mended = []
    tunes = read_abc(path, 1, mended)
    assert [len(tune) for tune in tunes[:2]] == [12, 12]
    assert mended[0] == "texts in latin-1"
    assert set(mended[1:]) <= {"tunes that can't be read"}


def test_files_that_were_mended_are_counted(tmp_path):
    write_pieces(tmp_path / "folder", 10)
    for number in (3, 4):
        file = tmp_path / "folder" / f"{number:02}.mid"
        file.write_bytes(file.read_bytes() + b"XFIH\0\0\0\0")
    (tmp_path / "folder" / "Testing").mkdir()
    (tmp_path / "folder" / "00.mid").rename(tmp_path / "folder" / "Testing" / "00.mid")
    data = load(dataclasses.replace(ROLLS, dataset=str(tmp_path / "folder")))
    assert data.notes[0] == "folder: 2 files mended: unknown chunks: 03.mid; 04.mid"
    assert data.counts == {"train": 8, "validation": 1, "test": 1}


@pytest.mark.parametrize(
    ("dataset", "said"),
    [
        ("./nowhere", "nowhere: no such file or folder"),
        ("./nowhere.json", "nowhere.json: no such file"),
        (".", "expected MIDI or ABC files, found none"),
        ("no_such_set", "--dataset no_such_set: no such file, and no TFDS set of that name"),
    ],
)
def test_what_is_no_data_set(dataset, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=said) as refused:
        load(MusicConfig(dataset=dataset, data_dir=tmp_path / "none"))
    assert "\n" not in str(refused.value)


def test_too_few_pieces_for_splits(tmp_path):
    write_pieces(tmp_path / "two", 2)
    said = r"two: expected at least one piece for each of train, validation, test, got 2$"
    with pytest.raises(UserError, match=said):
        load(dataclasses.replace(ROLLS, dataset=str(tmp_path / "two")))


def test_a_tfds_set_with_midi_files(tmp_path, monkeypatch):
    """Groove as TFDS has it, of a few bars that were made here."""
    import mido

    def drums(seed):
        track = mido.MidiTrack()
        for pitch in np.random.default_rng(seed).integers(35, 52, 16).tolist():
            track.append(mido.Message("note_on", note=pitch, velocity=90, channel=9))
            track.append(mido.Message("note_off", note=pitch, time=120, channel=9))
        file = mido.MidiFile()
        file.tracks.append(track)
        path = tmp_path / "it.mid"
        file.save(path)
        return path.read_bytes()

    def examples(first, count):
        for seed in range(first, first + count):
            style = {"primary": 0, "secondary": ""}
            facts = {"id": str(seed), "drummer": 0, "type": 0, "bpm": 90, "time_signature": 0, "style": style}
            yield str(seed), facts | {"midi": drums(seed)}

    def splits(self, dl_manager):
        return {"train": examples(0, 4), "validation": examples(10, 2), "test": examples(20, 3)}

    builder = tfds.builder("groove/full-midionly", data_dir=tmp_path, try_gcs=False)
    monkeypatch.setattr(type(builder), "_split_generators", splits)
    builder.download_and_prepare(download_config=tfds.download.DownloadConfig(try_download_gcs=False))
    monkeypatch.undo()
    data = load(dataclasses.replace(ROLLS, dataset="groove/full-midionly", data_dir=tmp_path))
    assert data.counts == {"train": 4, "validation": 2, "test": 3}
    assert len(data.splits["test"].inputs[0]) == 16
    assert data.source.startswith("groove/full-midionly")


def test_melodies_stay_in_one_split_whatever_their_key():
    pieces = {str(number): piece(number) for number in range(60)}
    pieces |= {f"{number} higher": transposed(piece(number), 3) for number in range(60)}
    pieces["a copy"] = piece(0)
    splits = parsing.split_by_melody(pieces)
    assert {name: len(some) for name, some in splits.items()} == {"train": 96, "validation": 12, "test": 12}
    for names in splits.values():
        assert {name.removesuffix(" higher") for name in names} == {n for n in names if n.isdigit()}


def test_chorales_of_the_corpus():
    assert len(parsing.chorales()) == 350
    assert len(parsing.folk_tunes()) > 1000
    chorale = parsing.parse("bach/bwv10.7")
    assert chorale.shape == (352, 4)
    assert chorale[[0, 1, 8]].tolist() == [[74, 67, 58, 55], [-74, -67, -58, -55], [77, 65, 60, 57]]


def test_every_preset_says_what_it_reads():
    assert {config.collection for config in PRESETS.values()} == {"chorales", "folk", "few"}
