"""Clips that `predict` of the shipped network reads from files: what each as a whole is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from apps.action_recognition.embedded.films import RATE, acted
from apps.action_recognition.features import encode
from apps.action_recognition.predict import Options, describe, predict
from pipelines.app import SHIPPED, folder_of
from pipelines.data.recordings import Recording
from pipelines.data.windows import NOTHING
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.model import Stream

ACTORS = (200, 201, 202)


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return Bundle.open(folder_of("action_recognition") / SHIPPED)


def written(clip: Recording, folder: Path) -> Path:
    """Write a clip as a GIF, whose times are hundredths of a second."""
    path = folder / f"{clip.name}.gif"
    times = np.floor(100 * np.arange(len(clip.signal) + 1) / RATE)
    first, *others = (Image.fromarray(each[..., 0]) for each in clip.signal)
    lengths = (10 * np.diff(times)).astype(int).tolist()
    first.save(path, save_all=True, append_images=others, duration=lengths)
    return path


def test_a_clip_of_an_unseen_actor_gets_its_label_with_the_probabilities_of_evaluation(bundle, tmp_path):
    clips = [each.clip for actor in ACTORS for each in acted(actor, "test", 1)]
    paths = [written(clip, tmp_path) for clip in clips]
    answers = list(predict(bundle, paths, "int8", Options()))
    labels = [clip.spans[0].label.replace("nothing", NOTHING) for clip in clips]
    right = np.mean([answer["label"] == label for answer, label in zip(answers, labels, strict=True)])
    assert set(labels) == set(bundle.labels)
    assert right >= 0.9
    evaluated = Stream(bundle.variant_path()).predict(encode(bundle, paths[::9]))
    told = [list(answer["probabilities"].values()) for answer in answers[::9]]
    np.testing.assert_allclose(told, evaluated, atol=1e-6)
    assert all(describe(answer).startswith(answer["label"]) for answer in answers if answer["segments"])
