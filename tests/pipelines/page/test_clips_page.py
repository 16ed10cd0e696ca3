"""The page that tells what happens in videos: examples, a file, a stream, the camera."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
from reference.videos import write_video

READY = ["state", "ready", "broken"]
SLOWLY = "document.querySelector('video').defaultPlaybackRate = 0.25"
"""A busy machine shows some frames of a video too late."""
LABEL = "document.querySelector('#label').textContent"
SAID = "document.querySelector('#stream').textContent"
FAKE = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]


def clips_of(page: Path) -> tuple[list[np.ndarray], list[str]]:
    """Return the clips of a page, and Python's labels."""
    golden = json.loads((page / "golden.json").read_text())
    (answers,) = golden["answers"].values()
    arrays = [np.frombuffer(base64.b64decode(each["data"]), np.uint8) for each in golden["inputs"]]
    clips = [array.reshape(each["shape"]) for array, each in zip(arrays, golden["inputs"], strict=True)]
    return clips, [each["answer"] for each in answers]


def film(path: Path, frames: np.ndarray) -> str:
    """Write frames as a video whose pixels are as large as eight of the network's."""
    large = frames.repeat(8, axis=1).repeat(8, axis=2).repeat(3, axis=3)
    return str(write_video(path, list(large), rate=12))


def test_clips_get_python_s_labels_and_streams_segments(page_of, browse, tmp_path):
    page = page_of("action_recognition")
    clips, labels = clips_of(page)
    stream = np.concatenate([np.repeat(clips[2][:1], 48 - len(clips[2]), axis=0), clips[2], clips[3][:6]])
    (tmp_path / "text.webm").write_text("no video")
    cut = f"{SAID}.startsWith('stream.webm') && document.querySelectorAll('#heard li').length"
    ended = f"{SAID}.startsWith('{{}}') && {LABEL} === '{{}}'"
    *_, first, sure, _, _, clip, _, segments, found, _, refused = browse(
        page, READY, ["until", ended.format("Example 1", labels[0])],
        ["evaluate", "document.querySelector('#bars').textContent"], ["evaluate", SLOWLY],
        ["file", "#file", film(tmp_path / "clip.webm", clips[1])],
        ["until", ended.format("clip.webm", labels[1])],
        ["file", "#file", film(tmp_path / "stream.webm", stream)],
        ["until", cut], ["text", "#heard"], ["file", "#file", str(tmp_path / "text.webm")],
        ["until", "document.querySelector('#problem').textContent"],
    )  # fmt: skip
    assert all((first, clip, segments))
    assert "nothing" in sure
    assert labels[2] in found
    assert refused.startswith("text.webm: expected a video that this browser plays")


def test_the_camera_is_watched_until_it_is_stopped(page_of, browse):
    *_, button, _, _, stopped, problem = browse(
        page_of("action_recognition"), READY, ["click", "#camera"],
        ["until", f"{SAID}.startsWith('The camera') && {LABEL}"], ["text", "#camera"],
        ["click", "#camera"], ["until", "document.querySelector('video').hidden"], ["text", "#camera"],
        ["text", "#problem"], flags=FAKE,
    )  # fmt: skip
    assert (button, stopped, problem) == ("Stop", "Camera", "")
