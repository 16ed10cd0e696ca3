"""Pages of bundles in a real browser: Python's answers, a stream, a microphone, a broken bundle."""

from __future__ import annotations

import base64
import json
import shutil
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from pipelines.app import discover

PAGES = [name for name, app in discover().items() if app.page]
READY = ["state", "ready", "broken"]
FEWEST = {"speech_commands": 19}
"""Of 20 answers, those that must be equal, if not all. A clip whose word reaches just the threshold in Python
may be missed in the browser, whose int8 kernels round in another order."""
MEMORY = ["evaluate", "unrolled.memory()"]
MINUTES = 10


def clips(page: Path) -> list[np.ndarray]:
    """Return the clips of a page of sounds."""
    inputs = json.loads((page / "golden.json").read_text())["inputs"]
    return [np.frombuffer(base64.b64decode(each["data"]), "<i2") for each in inputs]


def write_wav(path: Path, samples: Sequence[np.ndarray]) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(np.concatenate(samples).tobytes())
    return path


@pytest.mark.parametrize("name", PAGES)
def test_every_network_answers_as_python_does_and_asks_nobody_else(name, page_of, measured):
    page = page_of(name)
    found = measured(page)
    variants = json.loads((page / "bundle" / "manifest.json").read_text())["variants"]
    assert [row["file"] for row in found] == [each["file"] for each in variants]
    for row in found:
        assert row["equal"] >= FEWEST.get(name, 20), row
        assert row["total"] == 20


def test_a_typed_text_gets_its_label_and_its_words(page_of, browse):
    has = "document.querySelector('.answer').textContent.startsWith"
    *_, words, _, empty = browse(
        page_of("sentiment"), READY,
        ["fill", "#text", "What a wonderful, lovely zzqxk!"], ["until", f"{has}('positive')"],
        ["text", ".words"], ["fill", "#text", ""], ["until", f"{has}('Nothing to read yet')"],
    )  # fmt: skip
    assert words.split() == ["what", "a", "wonderful", ",", "lovely", "zzqxk", "!"]
    assert empty


def test_a_file_without_answers_is_named_but_not_offered(page_of, browse, tmp_path):
    page = Path(shutil.copytree(page_of("sentiment"), tmp_path / "page"))
    manifest = json.loads((page / "bundle" / "manifest.json").read_text())
    fused = {**manifest["variants"][0], "file": "int8_fused.tflite", "execution": "fused"}
    manifest["variants"].insert(0, fused)
    (page / "bundle" / "manifest.json").write_text(json.dumps(manifest))
    _, offered, rows, others = browse(
        page, READY, *(["text", each] for each in ("#variant", "#rows", "#others"))
    )
    assert offered == "int8, loop"
    assert rows.startswith("int8, loop")
    assert others == "This page can't run int8_fused.tflite."


@pytest.mark.parametrize(
    ("file", "damage", "said"),
    [
        ("bundle/int8_loop.tflite", lambda content: content[:-1] + b"x", "expected SHA-256"),
        ("bundle/int8_loop.tflite", lambda content: content[:99], "expected 593166 bytes, found 99"),
        ("bundle/manifest.json", lambda content: content[:99], "bundle/manifest.json: expected JSON"),
        ("golden.json", None, "golden.json: expected a file of the page, found none (404)"),
        (
            "golden.json",
            lambda content: content.replace(b'"int8_loop.tflite"', b'"other.tflite"'),
            "golden.json: expected answers of a file of the bundle, found none",
        ),
    ],
    ids=["changed", "cut", "no JSON", "missing", "no answers"],
)
def test_a_broken_page_says_what_is_wrong(file, damage, said, page_of, browse, tmp_path):
    page = Path(shutil.copytree(page_of("sentiment"), tmp_path / "page"))
    content = (page / file).read_bytes()
    (page / file).unlink()
    if damage:
        (page / file).write_bytes(damage(content))
    state, error = browse(page, READY, ["text", "#error"])
    assert state == "broken"
    assert said in error


def heard_in_a_file(seconds: int, page: Path, browse, tmp_path: Path) -> tuple[list, dict, dict]:
    """Stream a file after a shorter one; return the words, and the memory after each."""
    some = clips(page)[:10]
    short = write_wav(tmp_path / "short.wav", some[:2])
    long = write_wav(tmp_path / "long.wav", [some[i % len(some)] for i in range(seconds)])
    packets = "document.querySelector('#stream').textContent.startsWith"
    all_heard = f"{50 * seconds} packets heard, {seconds}.0 s, 0 "
    *_, before, _, _, words, after = browse(
        page, READY, ["file", "#file", str(short)], ["until", f"{packets}('100 packets heard')"], MEMORY,
        ["file", "#file", str(long)], ["until", f"{packets}('{all_heard}')"],
        ["evaluate", "[...document.querySelectorAll('#heard b')].map((each) => each.textContent)"], MEMORY,
        patience=1_800_000,
    )  # fmt: skip
    return words, before, after


def test_a_stream_loses_no_packet_and_its_memory_stays_flat(page_of, browse, tmp_path):
    words, before, after = heard_in_a_file(6, page_of("speech_commands"), browse, tmp_path)
    assert {"yes", "no"} <= set(words)
    assert before == after
    assert after["tensors"] == 0


@pytest.mark.long
def test_a_stream_of_ten_minutes_loses_no_packet_and_its_memory_stays_flat(page_of, browse, tmp_path):
    _, before, after = heard_in_a_file(60 * MINUTES, page_of("speech_commands"), browse, tmp_path)
    assert before == after


def test_the_microphone_is_heard_at_once(page_of, browse, tmp_path):
    page = page_of("speech_commands")
    silence = np.zeros(8_000, np.int16)
    sound = write_wav(
        tmp_path / "microphone.wav", [silence, clips(page)[0], silence, clips(page)[8], silence]
    )
    flags = [
        "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={sound}",
    ]  # fmt: skip
    words = "[...document.querySelectorAll('#heard b')].map((each) => each.textContent)"
    heard = f"{words}.some((each) => ['yes', 'stop'].includes(each))"
    *_, problem, _, button = browse(
        page, READY, ["click", "#listen"], ["until", heard], ["text", "#problem"], ["click", "#listen"],
        ["text", "#listen"], flags=flags,
    )  # fmt: skip
    assert (problem, button) == ("", "Listen")
