"""What one does on the pages of the apps, in a real browser."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
from PIL import Image

from apps.sensor_signals.page import EXERCISES

READY = ["state", "ready", "broken"]
PROBLEM = ["text", "#problem"]


def texts(selector: str) -> str:
    """Return a script that gives the texts of elements, without those inside them."""
    return f"[...document.querySelectorAll('{selector}')].map((each) => each.firstChild.textContent)"


def golden(page: Path) -> dict:
    """Return the inputs of a page, and Python's answers."""
    return json.loads((page / "golden.json").read_text())


def test_a_picture_gets_its_sentence_and_the_camera_takes_one(page_of, browse, tmp_path):
    page = page_of("image_captioning")
    size = 96
    given, (answers,) = golden(page)["inputs"][1], golden(page)["answers"].values()
    pixels = np.frombuffer(base64.b64decode(given["data"]), np.uint8).reshape(size, size, 3)
    picture = tmp_path / "scene.png"
    Image.fromarray(pixels).save(picture)
    caption = "document.querySelector('#caption').textContent"
    seen, expected = "document.querySelector('video').videoWidth > 0", answers[1]["answer"]
    flags = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    (tmp_path / "text.png").write_text("no picture")
    *_, problem, _, words, _, _, button, _, taken, end, _, refused = browse(
        page, READY, ["until", f"{caption} === {json.dumps(answers[0]['answer'])}"],
        ["file", "#file", str(picture)], ["until", f"{caption} === {json.dumps(expected)}"], PROBLEM,
        ["click", "#words button:last-child"], ["text", "#words"],
        ["click", "#camera"], ["until", seen], ["text", "#camera"],
        ["click", "#camera"], ["until", f"{caption} !== {json.dumps(expected)} && {caption}"],
        ["text", "#camera"], ["file", "#file", str(tmp_path / "text.png")],
        ["until", "document.querySelector('#problem').textContent"], flags=flags,
    )  # fmt: skip
    assert (problem, button, end) == ("", "Take the picture", "Camera")
    assert words.split() == expected.split()
    assert taken
    assert refused.startswith("text.png: expected a picture")


def test_a_text_gets_likely_words_and_is_written_on(page_of, browse):
    words = texts("#words button")
    said = "document.querySelector('#said').textContent"
    wrote_all = f"/^100 .* a second/.test({said}) && {said}"
    *_, taken, _, _, following, _, _, wrote, _, stopped, left, problem = browse(
        page_of("text_generation"), READY, ["fill", "#text", "And the king sa"],
        ["until", f"{words}.includes('said')"], ["click", "#words button:first-child"],
        ["evaluate", "document.querySelector('#text').value"],
        ["fill", "#text", "And the king said "], ["until", f"{words}.includes('unto')"], ["evaluate", words],
        ["choose", "#size", "100"], ["click", "#write"], ["until", wrote_all],
        ["fill", "#text", "caf\u00e9"], ["until", "document.querySelector('#remark').textContent"],
        ["evaluate", "document.querySelector('#samples span + span').textContent.length"], PROBLEM,
    )  # fmt: skip
    assert taken == "And the king said "
    assert len(following) == 3
    assert wrote.startswith("100 characters")
    assert stopped == "Unknown characters are left out: \u00e9"
    assert (left, problem) == (100, "")


MOVED = """(() => {
  const start = performance.now();
  for (let i = 0; i < 200; i += 1) {
    const event = new DeviceMotionEvent('devicemotion', {
      accelerationIncludingGravity: { x: 9 * Math.sin(i / 9), y: 3, z: 1 },
      rotationRate: { alpha: 20 * Math.cos(i / 9), beta: 4, gamma: 5 }, interval: 16,
    });
    Object.defineProperty(event, 'timeStamp', { value: start + 16 * i });
    dispatchEvent(event);
  }
})()"""
"""What a moving phone tells the page for three seconds."""


def test_a_recording_is_labelled_as_in_python_and_so_is_the_motion_of_a_phone(page_of, browse, tmp_path):
    page = page_of("sensor_signals")
    given, (answers,) = golden(page)["inputs"], golden(page)["answers"].values()
    signal = [np.frombuffer(base64.b64decode(each["data"]), "<f4").reshape(-1, 6) for each in given[:10:9]]
    rows = ["time,label,az (m/s2),ay [g],ax [g],wx [deg/s],wy,wz"]
    for start, piece in ((0, signal[0]), (60, signal[1])):
        for number, (ax, ay, az, wx, *rest) in enumerate(piece.tolist()):
            cells = [start + number / 50, "", 9.80665 * az, ay, ax, np.rad2deg(wx), *rest]
            rows.append(",".join(map(str, cells)))
    (tmp_path / "recording.csv").write_text("\n".join(rows))
    (tmp_path / "other.csv").write_text("time,a\n0,1\n")
    heard = texts("#heard b")
    said = "document.querySelector('#stream').textContent"
    *_, found, times, _, problem, _, _, _, _, _, stopped = browse(
        page, READY, ["file", "#file", str(tmp_path / "recording.csv")],
        ["until", f"{said}.startsWith('recording.csv: 64.0 s')"], ["evaluate", heard],
        ["text", "#heard li:first-child span"], ["file", "#file", str(tmp_path / "other.csv")],
        ["until", "document.querySelector('#problem').textContent"], ["click", "#listen"],
        ["until", "document.querySelector('#listen').textContent === 'Stop'"], ["evaluate", MOVED],
        ["until", f"/^The motion sensor: 3.[12] s/.test({said})"], ["click", "#listen"],
        ["text", "#listen"],
    )  # fmt: skip
    labels = [*answers[9]["answer"][::-1], *answers[0]["answer"][::-1]]
    assert found == [EXERCISES[label] for label in labels]
    assert times.endswith("64.0 s")
    assert problem.startswith("other.csv: expected a column ax, the columns are time, a")
    assert stopped == "Motion sensor"


def test_a_text_is_written_with_a_pen_and_kept_as_svg(page_of, browse):
    label = "document.querySelector('#writing').getAttribute('aria-label')"
    keep = "blob.text().then((text) => (globalThis.kept = text))"
    files = f"URL.createObjectURL = (blob) => {{ {keep}; return '#'; }}"
    *_, ink, _, _, kept, _, _, problem, most = browse(
        page_of("handwriting"), READY, ["until", f"{label}.includes('Hello')"],
        ["fill", "#text", "Oh no"], ["press", "Enter"], ["until", f"{label}.includes('Oh no')"],
        ["until", "document.querySelector('#writing').toDataURL().length > 3000"],
        ["evaluate", f"{files}; 1"], ["click", "#svg"], ["until", "globalThis.kept"],
        ["fill", "#text", "caf\u00e9"], ["click", "#write"], PROBLEM,
        ["evaluate", "document.querySelector('#text').maxLength"],
    )  # fmt: skip
    assert ink
    assert "<title>Oh no</title>" in kept
    assert problem == "Unknown characters: \u00e9"
    assert most == 24


def test_the_spans_of_a_typed_text_are_marked(page_of, browse):
    said = "document.querySelector('#said').textContent"
    *_, marks, types, _, empty = browse(
        page_of("tagging"), READY, ["fill", "#text", "We met Maria Santos\nin Lisbon."],
        ["until", f"{said}.endsWith('in 7 words.')"],
        ["evaluate", texts("#marked mark")],
        ["evaluate", texts("#spans span:first-child")],
        ["fill", "#text", ""], ["until", f"{said}.startsWith('Nothing to read')"],
    )  # fmt: skip
    assert marks == ["Maria Santos", "Lisbon"]
    assert types == ["PER", "LOC"]
    assert empty


def test_a_pasted_table_and_a_file_get_their_forecasts(page_of, browse, tmp_path):
    page = page_of("forecasting")
    tables, answers = golden(page)["inputs"], golden(page)["answers"]["int8_loop.tflite"]
    (tmp_path / "series.csv").write_text(tables[4])
    said = "document.querySelector('#said').textContent"
    days = [each["answer"][0][:10] for each in answers]
    *_, times, _, _, _, _, problem = browse(
        page, READY, ["fill", "#table", tables[3]], ["until", f"{said}.includes(' from {days[3]}')"],
        ["evaluate", texts("#forecast th")], ["file", "#file", str(tmp_path / "series.csv")],
        ["choose", "#target", "wind"], ["until", f"{said}.startsWith('wind from {days[4]}')"],
        ["fill", "#table", "date,wind\n2014-01-01,1"],
        ["until", "document.querySelector('#problem').textContent"],
    )  # fmt: skip
    assert times == [each[:10] for each in answers[3]["answer"]]
    assert problem == "the table: expected a column precipitation, the columns are date, wind"


def test_a_text_gets_answers_and_each_word_tells_where_it_looked(page_of, browse):
    page = page_of("translation")
    given = golden(page)["inputs"]
    buttons = "[...document.querySelectorAll('#alternatives button')]"
    chosen = f"{buttons}.find((each) => each.textContent !== '(nothing)')"
    remark = "document.querySelector('#remark').textContent"
    *_, pressed, answer, words, _, looked, shades, _, _, _, _, _, _, _, shown, state = browse(
        page, READY, ["choose", "#count", "5"], ["until", f"{buttons}.length === 5"],
        ["evaluate", f"{chosen}.click()"], ["evaluate", f"{chosen}.getAttribute('aria-pressed')"],
        ["text", "#answer"], ["evaluate", texts("#words button")],
        ["evaluate", "document.querySelector('#words button').focus()"], ["text", "#looked"],
        ["evaluate", "[...document.querySelectorAll('#source mark')].map((each) => each.style.background)"],
        ["fill", "#text", given[0] * 60], ["click", "#ask"], ["until", f"{remark}.includes('were not read')"],
        ["fill", "#text", ""], ["press", "Enter"], ["until", f"{remark} === 'Nothing to read yet.'"],
        ["click", "#another"], ["evaluate", "document.querySelector('#text').value"], READY,
    )  # fmt: skip
    assert pressed == "true"
    assert words == answer.split()
    assert looked.startswith(f"For \u201c{words[0]}\u201d it looked at ")
    assert all("color-mix" in each for each in shades)
    assert (shown, state) == (given[1], "ready")
