"""What one does on the pages of the apps, in a real browser."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
from PIL import Image

READY = ["state", "ready", "broken"]
PROBLEM = ["text", "#problem"]


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
    words = "[...document.querySelectorAll('#words button')].map((each) => each.firstChild.textContent)"
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
