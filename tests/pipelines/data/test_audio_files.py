"""Labelled clips from folders and CSVs: found, read, and every mistake by file and line."""

import unicodedata
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipelines.data.audio_files import find_clips, read_clips
from pipelines.data.audio_sources import audio_from_files
from pipelines.data.speakers import Clip
from pipelines.errors import UserError

LIE = bytes.fromhex("664c614380000022 10001000000000000000 03e800f980000000") + bytes(16)
"""A FLAC file without sound, whose header declares 2 ** 31 samples."""


def write(path: Path, seed: int, seconds: float = 0.1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).uniform(-0.5, 0.5, round(seconds * 16_000))
    soundfile.write(path, noise, 16_000)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve clips of each of two labels by twelve speakers."""
    for i in range(24):
        write(tmp_path / "voices" / ("yes", "no")[i % 2] / f"{i // 2:08x}_nohash_0.wav", i)
    return tmp_path / "voices"


def test_a_folder_is_a_label_with_all_files_below_it(tmp_path):
    decomposed = unicodedata.normalize("NFD", "caf\u00e9 au lait")
    files = [
        write(tmp_path / "two words" / "a b.wav", 1),
        write(tmp_path / decomposed / "deep" / "er" / "x.FLAC", 2),
        write(tmp_path / "\u65e5\u672c" / "ja_nohash_3.ogg", 3),
    ]
    write(tmp_path / "_background_noise_" / "tap.wav", 4)
    write(tmp_path / ".hidden" / "x.wav", 5)
    write(tmp_path / "two words" / "._a b.wav", 6)
    write(tmp_path / "beside the labels.wav", 7)
    (tmp_path / "two words" / "notes.txt").write_text("no audio")
    found = {clip.file: clip for clip in find_clips(tmp_path)}
    assert set(found) == set(files)
    assert [found[file].label for file in files] == ["two words", "caf\u00e9 au lait", "\u65e5\u672c"]
    assert [found[file].speaker for file in files] == ["", "", "ja"]
    assert {clip.split for clip in found.values()} == {""}


def test_a_csv_gives_labels_speakers_and_splits(tmp_path):
    (tmp_path / "clips.csv").write_bytes(
        "\ufefflabel,file,split,speaker\r\nyes,a/1.wav,train,Ana\r\n"
        '"no, not now", sub/caf\u00e9.wav,val,\r\nyes,z.wav,TEST,Bo\r\n'.encode()
    )
    assert find_clips(tmp_path / "clips.csv") == [
        Clip(tmp_path / "a/1.wav", "yes", "Ana", "train"),
        Clip(tmp_path / "sub/caf\u00e9.wav", "no, not now", "", "validation"),
        Clip(tmp_path / "z.wav", "yes", "Bo", "test"),
    ]
    (tmp_path / "clips.tsv").write_text("file\tlabel\n1a2b_nohash_0.wav\tyes\nb.wav\tno\n")
    assert [(c.label, c.speaker, c.split) for c in find_clips(tmp_path / "clips.tsv")] == [
        ("yes", "1a2b", ""),
        ("no", "", ""),
    ]


def test_the_splits_file_of_a_folder_is_used(folder):
    rows = [f"{file.relative_to(folder)},{file.parent.name},{file.stem}" for file in folder.rglob("*.wav")]
    splits = ["val" if i < 4 else "test" if i < 10 else "train" for i in range(24)]
    lines = [f"{row},{split}\n" for row, split in zip(sorted(rows, reverse=True), splits, strict=True)]
    (folder / "splits.csv").write_text("file,label,speaker,split\n" + "".join(lines))
    data = audio_from_files(folder, 1600, 16_000)
    assert data.counts == {"train": 14, "validation": 4, "test": 6}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name,label\na.wav,x\n", ":1: expected a column 'file', the columns are 'name', 'label'"),
        ("", ":1: expected a column 'file', the columns are none"),
        ("file,label\na.wav,x\nb.wav\n", ":3: expected 2 fields"),
        ("file,label\na.wav,x,y\n", ":2: expected 2 fields"),
        ("file,label\na.wav, \n", ":2: expected a file and a label, got 'a.wav' and ''"),
        ("file,label,split\na.wav,x,trian\n", ":2: expected a split of train.*, got 'trian'"),
        ('file,label\n"a.wav,x\n', "unexpected end of data"),
        (b"file,label\n\xff.wav,x\n", "expected UTF-8 text"),
        ("file,label\n", "found no audio"),
        ("file,label\na.wav,x\nb.wav,x\n", "at least two labels, got only 'x'"),
    ],
)
def test_mistakes_in_a_csv_are_told_by_line(tmp_path, content, message):
    path = tmp_path / "clips.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError, match=message) as caught:
        find_clips(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_folders_without_clips_or_with_one_label_and_missing_ones_are_refused(tmp_path):
    with pytest.raises(
        UserError, match=r"found no audio: expected one folder per label, with files of \.wav"
    ):
        find_clips(tmp_path)
    write(tmp_path / "loose.wav", 1)
    with pytest.raises(UserError, match="found no audio"):
        find_clips(tmp_path)
    write(tmp_path / "yes" / "a.wav", 1)
    with pytest.raises(UserError, match="at least two labels, got only 'yes'"):
        find_clips(tmp_path)
    with pytest.raises(UserError, match="No such file"):
        find_clips(tmp_path / "missing.csv")
    with pytest.raises(UserError, match="or a CSV; got another file"):
        find_clips(tmp_path / "loose.wav")


def test_broken_files_are_counted_and_the_first_are_named(folder):
    names = [f"broken {i}.wav" for i in range(5)]
    for name in names:
        (folder / "no" / name).write_text("a text")
    (folder / "yes" / "empty.wav").write_bytes(b"")
    read = read_clips(find_clips(folder), 1600, 16_000, "voices")
    assert len(read.clips) == len(read.samples) == 24
    (note,) = read.notes
    assert note.startswith("voices: 6 files left out that can't be read: ")
    assert [name in note for name in names] == [True, True, True, False, False]
    assert note.endswith("; ...")


def test_missing_files_of_a_csv_are_counted_and_none_left_is_refused(folder):
    rows = [f"{label}/{i:08x}_nohash_0.wav,{label}\n" for label in ("yes", "no") for i in range(12)]
    (folder / "clips.csv").write_text("file,label\n" + "".join(rows) + "gone.wav,yes\n")
    read = read_clips(find_clips(folder / "clips.csv"), 1600, 16_000, "clips.csv")
    assert len(read.clips) == 24
    assert "1 files left out" in read.notes[0]
    assert "gone.wav: No such file or directory" in read.notes[0]
    for file in (folder / "yes").iterdir():
        file.write_text("a text")
    with pytest.raises(UserError, match="at least two labels, got only 'no'"):
        read_clips(find_clips(folder), 1600, 16_000, "voices")
    for file in (folder / "no").iterdir():
        file.write_text("a text")
    with pytest.raises(UserError, match=r"can't read any of 24 files: .*expected WAV"):
        read_clips(find_clips(folder), 1600, 16_000, "voices")


def test_clips_have_one_length_and_cut_ones_are_counted(folder):
    long = np.concatenate([np.zeros(16_000), np.full(1600, 0.5), np.zeros(9000)])
    soundfile.write(folder / "yes" / "long.wav", long, 16_000)
    write(folder / "no" / "short.wav", 99, seconds=0.05)
    read = read_clips(find_clips(folder), 1600, 16_000, "voices")
    assert {(clip.dtype.str, clip.shape) for clip in read.samples} == {("<i2", (1600,))}
    by_name = {clip.file.name: samples for clip, samples in zip(read.clips, read.samples, strict=True)}
    assert (by_name["long.wav"] == 16384).all()
    assert not by_name["short.wav"][:400].any()
    assert np.count_nonzero(by_name["short.wav"]) > 700
    assert read.notes == ["voices: 1 clips are cut to their loudest 0.1 s"]


def test_the_data_holds_each_clip_once_with_its_label_and_no_speaker_twice(folder):
    data = audio_from_files(folder, 1600, 16_000)
    assert data.labels == ("no", "yes")
    assert data.source == "voices"
    assert sum(data.counts.values()) == 24
    assert min(data.counts.values()) >= 2
    expected = {}
    for file in folder.rglob("*.wav"):
        expected[soundfile.read(file, dtype="int16")[0].tobytes()] = file
    speakers = []
    for split in data.splits.values():
        files = [expected.pop(samples.tobytes()) for samples in split.inputs]
        assert [file.parent.name for file in files] == [data.labels[target] for target in split.targets]
        speakers.append({file.stem for file in files})
    assert not expected
    assert sum(map(len, speakers)) == len(set.union(*speakers)) == 12
    assert data.fingerprint == audio_from_files(folder, 1600, 16_000).fingerprint


def test_a_training_clip_that_is_held_out_elsewhere_is_left_out(folder):
    rows = [f"{file.relative_to(folder)},{file.parent.name},train\n" for file in folder.rglob("*.wav")]
    rows += [
        f"{row.split(',')[0]},{row.split(',')[1]},{('val', 'test')[i % 2]}\n"
        for i, row in enumerate(rows[:6])
    ]
    (folder / "clips.csv").write_text("file,label,split\n" + "".join(rows))
    data = audio_from_files(folder / "clips.csv", 1600, 16_000)
    assert data.counts == {"train": 18, "validation": 3, "test": 3}
    assert "clips.csv: 6 training examples left out: they are in a held-out split" in data.notes


@pytest.mark.parametrize("names", [("training", "testing", "validation"), ("Train", "test", "dev")])
def test_folders_of_splits_are_splits_and_no_labels(folder, tmp_path, names):
    for i, file in enumerate(sorted(folder.rglob("*.wav"))):
        split = names[0 if i % 3 else 1 + i % 2]
        target = tmp_path / "kws" / split / file.parent.name / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        file.rename(target)
    write(tmp_path / "kws" / "_background_noise_" / "tap.wav", 99)
    data = audio_from_files(tmp_path / "kws", 1600, 16_000)
    assert data.labels == ("no", "yes")
    assert data.counts == {"train": 16, "validation": 4, "test": 4}


def test_words_that_are_called_like_splits_stay_labels(folder):
    (folder / "no").rename(folder / "test")
    (folder / "yes").rename(folder / "train")
    assert {clip.label for clip in find_clips(folder)} == {"test", "train"}
    (folder / "test" / "deep").mkdir()
    for file in (folder / "test").glob("*.wav"):
        file.rename(folder / "test" / "deep" / file.name)
    assert {clip.label for clip in find_clips(folder)} == {"test", "train"}


def test_one_bad_file_never_stops_a_folder(folder):
    for name, content in {"lie.flac": LIE, "empty.mp3": b"", "pipe.wav": b"RIFF"}.items():
        (folder / "yes" / name).write_bytes(content)
    soundfile.write(folder / "no" / "loud.wav", np.full(1600, 1.5), 16_000, subtype="FLOAT")
    wave = np.sin(np.arange(1600))
    soundfile.write(folder / "no" / "phase.wav", np.stack([wave, -wave], axis=1), 16_000, subtype="FLOAT")
    soundfile.write(folder / "no" / "more.mp3", wave / 2, 16_000)
    (folder / "no" / "phone.m4a").write_bytes(b"ftyp")
    (folder / "yes" / "web.WEBM").write_bytes(b"ebml")
    data = audio_from_files(folder, 1600, 16_000)
    assert sum(data.counts.values()) == 27
    left_out, skipped = (
        "3 files left out that can't be read",
        "sound of other kinds left out: 1 .m4a, 1 .webm",
    )
    assert data.notes[0] == f"voices: {skipped}: convert it to WAV"
    assert data.notes[1].startswith(f"voices: {left_out}: ")
    assert "voices: 1 clips: samples beyond 1 are clipped: loud.wav" in data.notes
    assert any("cancel each other out" in note and "phase.wav" in note for note in data.notes)


def test_a_folder_of_other_sound_says_what_it_holds(tmp_path):
    (tmp_path / "yes").mkdir()
    (tmp_path / "yes" / "a.m4a").write_bytes(b"ftyp")
    with pytest.raises(UserError, match=r"found no audio: .*left out: 1 \.m4a: convert it to WAV"):
        find_clips(tmp_path)
