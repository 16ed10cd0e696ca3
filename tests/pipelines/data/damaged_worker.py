"""Damage data files in many ways and read each: python damaged_worker.py FIRST COUNT FOLDER.

Prints {"KIND": [outcome, ...]} with COUNT outcomes of each kind of file; see `reference.damage.outcomes`.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import soundfile
from reference.damage import BYTES, outcomes
from reference.videos import greys, write_video

from pipelines.data.abc_files import read_abc
from pipelines.data.array_files import read_arrays
from pipelines.data.caption_files import Columns
from pipelines.data.image_files import read_captions
from pipelines.data.joint_files import JointReading, read_joints
from pipelines.data.midi_files import read_midi, write_midi
from pipelines.data.pair_files import read_pairs
from pipelines.data.recording_tables import Columns as RecordingColumns
from pipelines.data.stroke_arrays import npz_of
from pipelines.data.stroke_files import read_drawings
from pipelines.data.strokes import Drawing
from pipelines.data.text_files import read_labelled_text
from pipelines.data.video_files import Frames, read_video
from pipelines.ondevice.audio import read_audio

SECONDS = 60.0  # of a machine that does other things as well
CSV = b"text,label\n" + b"".join(b'"good, %d",pos\nbad %d,neg\n' % (i, i) for i in range(20))
JSONL = b"".join(b'{"text": "fine %d", "label": "a"}\n{"text": "dull", "label": "b"}\n' % i for i in range(9))
ABC = b"X:1\nT:Tune\nM:4/4\nL:1/8\nK:G\n|:GABc d2e2|d2B2 A4|GABc d2e2|A2F2 G4:|\n"
CAPTIONS = b"".join(b'{"image": "%d.png", "captions": ["a dog", "a cat"]}\n' % i for i in range(20))
COCO = json.dumps(
    {
        "images": [{"id": i, "file_name": f"{i}.png"} for i in range(9)],
        "annotations": [{"image_id": i, "caption": f"a dog {i}"} for i in range(9)],
    }
).encode()
UNIT = '<tu><tuv xml:lang="en"><seg>one %d</seg></tuv><tuv xml:lang="de"><seg>eins</seg></tuv></tu>'
MEMORY = f'<tmx version="1.4"><header srclang="en"/><body>{"".join(UNIT % i for i in range(9))}</body></tmx>'
STORIES = b"1 Ann sat.\n2 Bob ran to the hill.\n3 Where is Bob?\thill\t2\n" * 9
DRAWINGS = [Drawing(np.float32([[i, 0, 0], [i, 1, 1], [2, i, 1]]), f"label {i}", "w") for i in range(20)]
STROKES = b"drawing,x,y,pen,label\n" + b"".join(
    b"%d,%d,%d.5,%d,a\n" % (i // 4, i, -i, i % 2) for i in range(40)
)
TRACE = "<trace>1 2,'3'4,5 6</trace>"
INK = f'<ink><annotation type="truth">ab</annotation>{TRACE * 9}</ink>'
UNIPEN = b".COORD X Y\n.WRITER_ID w\n" + b'.SEGMENT D ? ? "8"\n.PEN_DOWN\n 1 2\n 3 4\n.PEN_UP\n.DT 10\n' * 9
JOINTS = b"hx,hy,hz,time,label\n" + b"".join(b"%d,1.5,%d,%d,up\n" % (i, -i, 40 * i) for i in range(1, 30))
PATHS = '<path d="M0 0h1v2l3 4c1 2 3 4 5 6s1 2 3 4q1 2 3 4t5 6a3 2 30 0 1 9 9z"/>'
SVG = f'<svg xmlns="http://www.w3.org/2000/svg"><g transform="rotate(30 1 2)">{PATHS * 3}</g></svg>'


class Kind(NamedTuple):
    """A kind of file: its name, a sound example, and what reads it."""

    name: str
    content: bytes
    read: Callable[[Path], Any]


def sound(kind: str) -> bytes:
    buffer = io.BytesIO()
    samples = 0.5 * np.sin(np.arange(4000) / 9)
    soundfile.write(buffer, samples, 16_000, format=kind)
    return buffer.getvalue()


def arrays(one: bool) -> bytes:
    buffer = io.BytesIO()
    array = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
    np.save(buffer, array) if one else np.savez(buffer, x=array, y=array[:, 0])
    return buffer.getvalue()


def joints() -> bytes:
    buffer = io.BytesIO()
    moved = np.arange(180, dtype=np.float32).reshape(12, 5, 3)
    np.savez(buffer, joints=moved, lengths=[7, 5], label=[1, 2], time=np.arange(12) / 25, rate=25.0)
    return buffer.getvalue()


def video(suffix: str) -> bytes:
    frames = greys(range(0, 240, 10))
    for number, frame in enumerate(frames):
        frame[10:30, number : number + 20] = 255, 0, 90
    with tempfile.TemporaryDirectory() as folder:
        return write_video(Path(folder) / f"a{suffix}", frames).read_bytes()


def kinds() -> list[Kind]:
    piece = write_midi(np.array([[60], [62], [64], [65]] * 8, np.int16), 4, 90, ["voice"])
    captions = partial(read_captions, columns=Columns())
    clip = partial(read_video, wanted=Frames(16, 3, 10.0))
    read_skeletons = partial(read_joints, reading=JointReading(RecordingColumns(rate=25.0)))
    return [
        Kind("reviews.csv", CSV, read_labelled_text),
        Kind("reviews.csv.gz", gzip.compress(CSV), read_labelled_text),
        Kind("reviews.jsonl", JSONL, read_labelled_text),
        Kind("memory.tmx", MEMORY.encode(), read_pairs),
        Kind("stories.txt", STORIES, read_pairs),
        Kind("sound.wav", sound("WAV"), read_audio),
        Kind("sound.flac", sound("FLAC"), read_audio),
        *[Kind(f"clip{each}", video(each), clip) for each in (".mp4", ".avi", ".gif", ".webm")],
        Kind("piece.mid", piece, partial(read_midi, steps_per_beat=4)),
        Kind("tune.abc", ABC, partial(read_abc, steps_per_beat=4)),
        Kind("captions.jsonl", CAPTIONS, captions),
        Kind("captions_train2017.json", COCO, captions),
        Kind("strokes.npz", npz_of(DRAWINGS), read_drawings),
        Kind("strokes.csv", STROKES, read_drawings),
        Kind("strokes.inkml", INK.encode(), read_drawings),
        Kind("strokes.unp", UNIPEN, read_drawings),
        Kind("strokes.svg", SVG.encode(), read_drawings),
        Kind("joints.npz", joints(), read_skeletons),
        Kind("joints.csv", JOINTS, read_skeletons),
        Kind("calibration.npz", arrays(one=False), read_arrays),
        Kind("calibration.npy", arrays(one=True), read_arrays),
    ]


def tried(kind: Kind, first: int, count: int, folder: Path) -> list[str]:
    """Read the file as it is, then `count` damaged copies of it."""
    path = folder / kind.name

    def read(content: bytes) -> None:
        path.write_bytes(content)
        kind.read(path)

    read(kind.content)  # it is sound, and all that reads it is imported
    mutants = []
    for number in range(first, first + count):
        rng, content = random.Random(f"{kind.name} {number}"), bytearray(kind.content)
        rng.choice(BYTES)(content, rng)
        mutants.append(bytes(content))
    return outcomes(read, mutants, SECONDS)


if __name__ == "__main__":
    first, count, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    print(json.dumps({kind.name: tried(kind, first, count, folder) for kind in kinds()}))
