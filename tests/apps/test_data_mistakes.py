"""A mistake in the data is told in one line before anything that trains is imported."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pipelines.data.midi_files import write_midi

ROOT = Path(__file__).parents[2]
ONE_VOICE = write_midi(np.array([[60], [62], [64]], np.int16), 4, 90, ["voice"])
FILES = {
    "reviews.csv": b"review,stars\ngood,5\n",
    "one_class.csv": b"text,label\ngood,a\nbad,a\n",
    "book.xlsx": b"PK\x03\x04\x00\xff\xfe",
    "empty.csv": b"",
    "clips.csv": b"file,label\nnone.wav,yes\n",
    "words/yes/a.wav": b"no sound",
    "words/no/a.wav": b"no sound",
    "captions.jsonl": b'{"image": "none.png", "captions": ["a dog"]}\n',
    "captions.csv": b"image,caption\n",
    "broken.jsonl": b"{\n",
    "tunes/a.mid": ONE_VOICE,
    "broken/a.mid": b"MThd",
    "music.json": b'{"train": ["C"]}',
    "same.txt": b"a" * 500,
    "one_row.csv": b"time,x\n2020-01-01,1\n",
    "huge.csv": b"time,x\n2020-01-01,1\n2020-01-02,1e308\n",
    "few.csv": b"time,x\n" + b"".join(b"2020-01-%02d,1\n" % day for day in range(1, 20)),
    "na.csv": b"time,x\n2020-01-01,NA\n2020-01-02,\n",
    "broken.parquet": b"PAR1",
    "sensors/a.csv": b"time,x,label\n0,1,a\n1,b,a\n",
    "nothing/readme.txt": b"",
    "words.conll": b"Ann B-PER\nRome\nis O\n",
    "ink/broken.npz": b"no archive",
    "films/wave/a.mp4": b"no film",
    "outside.jsonl": b'{"text": "Ann", "entities": [[0, 9, "PER"]]}\n',
}
MISTAKES = {
    "sentiment": {
        "reviews.csv": "reviews.csv:1: expected one column 'text' (--text-column)",
        "one_class.csv": "one_class.csv: expected at least two classes",
        "book.xlsx": "book.xlsx: expected text, got binary data",
        "empty.csv": "empty.csv: expected labelled text, found none",
    },
    "speech_commands": {
        "reviews.csv": "reviews.csv:1: expected a column 'file'",
        "clips.csv": "clips.csv: expected clips of at least two labels",
        "words": "words: can't read any of 2 files",
    },
    "image_captioning": {
        "captions.jsonl": "captions.jsonl: no none.png",
        "captions.csv": "captions.csv: no captions in it",
        "broken.jsonl": "broken.jsonl:1: not JSON",
    },
    "music_generation": {
        "tunes": "(for these: --representation melody)",
        "broken": "a.mid: expected a MIDI file",
        "music.json": "music.json: train[0]: expected a list of MIDI numbers",
        "empty.csv": "expected MIDI or ABC files",
    },
    "forecasting": {
        "one_row.csv": "one_row.csv: expected rows of two times or more, found one",
        "huge.csv": "huge.csv:3: 'x': expected a number of at most 1e+30, got 1e+308",
        "few.csv": "few.csv: train has 10 steps: expected at least 21 with values",
        "na.csv": "na.csv: expected a column of numbers to forecast, the other columns are 'x'",
        "broken.parquet": "broken.parquet: expected a Parquet file",
        "empty.csv": "empty.csv:1: expected the names of columns",
        "book.xlsx": "book.xlsx: expected text, got binary data",
    },
    "sensor_signals": {
        "reviews.csv": "reviews.csv: expected a folder of recordings",
        "sensors": "a.csv:3: 'x': expected a number",
        "nothing": "nothing: expected recordings",
    },
    "action_recognition": {
        "reviews.csv": "reviews.csv",
        "films": "films/wave/a.mp4: expected a video",
        "nothing": "nothing: expected",
    },
    "handwriting": {
        "reviews.csv": "reviews.csv:1: columns: expected 'x', found 'review', 'stars'",
        "ink": "broken.npz",
        "nothing": "nothing: expected",
    },
    "tagging": {
        "reviews.csv": "reviews.csv:1: expected one column 'sentence' (--sentence-column)",
        "words.conll": "words.conll:2: expected 2 columns as in most lines, got 1",
        "outside.jsonl": "outside.jsonl:1: expected spans within the text of 3 characters",
        "empty.csv": "empty.csv: expected",
    },
    "translation": {
        "reviews.csv": "reviews.csv:1: expected one column 'source' (--source)",
        "same.txt": "same.txt:1: expected a line of a story, such as '1 Mary is here.'",
        "empty.csv": "empty.csv",
    },
    "text_generation": {
        "same.txt": "same.txt: expected two or more different characters, got 'a' only",
        "book.xlsx": "book.xlsx: expected text, got binary data",
        "empty.csv": "empty.csv: too little text: expected 3 characters or more for train, got 0",
        "reviews.csv": "reviews.csv: too little text: expected 3 characters or more for validation, got 0",
    },
}
CODE = """
import json, sys
from pipelines.commands.console import run_apps
app, *datasets = sys.argv[1:]
for dataset in datasets:
    assert run_apps([app, "train", "--output", "new", "--dataset", dataset]) == 2
heavy = {"tensorflow", "keras", "mlflow", "matplotlib"} & set(sys.modules)
assert not heavy, heavy
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path


def python(*arguments: str, folder: Path) -> subprocess.CompletedProcess:
    environment = {"PYTHONPATH": str(ROOT), "PATH": "", "HOME": str(folder / "home")}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("app", MISTAKES)
def test_a_mistake_in_the_data_is_told_before_tensorflow_is_imported(app: str, folder: Path) -> None:
    expected = MISTAKES[app] | {
        "no_such_set": "--dataset no_such_set: no such file, and no TFDS set",
        "./nowhere": "--dataset ./nowhere: no such file or folder",
        "nowhere/train.txt": "--dataset nowhere/train.txt: no such file or folder",
    }
    done = python("-c", CODE, app, *expected, folder=folder)
    assert done.returncode == 0, done.stderr
    said = done.stderr.splitlines()
    assert len(said) == len(expected)
    for line, text in zip(said, expected.values(), strict=True):
        assert line.startswith("error: ")
        assert text in line
    assert not (folder / "new").exists()
    assert not (folder / "mlruns").exists()


def test_it_is_told_before_several_seeds_are_trained(folder: Path) -> None:
    done = python("-m", "apps", "sentiment", "train", "--dataset", "empty.csv", "--seeds", "2", folder=folder)
    assert (done.returncode, done.stderr) == (2, "error: empty.csv: expected labelled text, found none\n")
    assert not (folder / "mlruns").exists()


def test_a_typing_error_in_a_name_gets_a_suggestion(folder: Path) -> None:
    done = python("-m", "apps", "sentiment", "train", "--dataset", "embeded", folder=folder)
    assert done.stderr.endswith("no TFDS set of that name; did you mean embedded?\n")
