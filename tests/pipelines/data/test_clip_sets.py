"""Clips come back from TFDS sets: our own ones, and sets of videos as others store them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.data.recordings import Recording, Span
from pipelines.data.video_files import Frames
from pipelines.errors import UserError

pytest.importorskip("PIL")
tfds = pytest.importorskip("tensorflow_datasets")

from pipelines.data import clip_sets  # noqa: E402  # needs tfds
from pipelines.data.clip_sets import clips_from_builder  # noqa: E402
from pipelines.data.recording_sets import RecordingSet  # noqa: E402
from pipelines.data.tfds_sets import prepare  # noqa: E402


class Ucf101(tfds.core.GeneratorBasedBuilder):
    """Two splits of wide videos, stored as those of ucf101 are; each frame is a brightness."""

    VERSION = tfds.core.Version("1.0.0")
    LABELS = ("Archery", "Biking")

    def _info(self) -> tfds.core.DatasetInfo:
        video = tfds.features.Video(shape=(None, 8, 16, 3))
        features = {"video": video, "label": tfds.features.ClassLabel(names=self.LABELS)}
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        return {name: self._generate_examples(count) for name, count in {"train": 3, "test": 2}.items()}

    def _generate_examples(self, count: int) -> Iterator[tuple[int, dict[str, Any]]]:
        for number in range(count):
            frames = np.arange(10 + number, dtype=np.uint8)[:, None, None, None] * 10 + number
            video = list(np.broadcast_to(frames, (10 + number, 8, 16, 3)))
            yield number, {"video": video, "label": number % 2 if number < 2 else -1}


class Skeletons(RecordingSet):
    """One sequence of joints."""

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [tfds.core.BuilderConfig(name="whole")]  # noqa: RUF012
    SHAPE = (None, None, 3)

    def about(self) -> tuple[str, str]:
        return "Straight lines.", "CC0"

    def recordings(self, name: str) -> list[Recording]:
        signal = np.repeat(np.arange(9, dtype=np.float32), 6).reshape(9, 2, 3)
        spans = (Span(0.0, 0.4, "a"), Span(0.4, 0.9, "b"))
        return [Recording("s", signal, 10.0, ("x", "y"), spans, "p", "train")]


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("films")
    return prepare(lambda: Ucf101(data_dir=str(folder)), folder)


def test_a_public_set_of_videos(films: Any) -> None:
    clips, notes = clips_from_builder(films, Frames(4, 1, 12.5))
    found = {(each.split, each.spans[0].label): each for each in clips}
    assert sorted(found) == [(split, label) for split in ("test", "train") for label in Ucf101.LABELS]
    assert {each.subject for each in clips} == {""}
    one = found["train", "Archery"]
    assert (one.name[:6], one.rate, one.signal.shape) == ("train[", 12.5, (5, 4, 4, 1))
    assert one.spans == (Span(0.0, 0.4, "Archery"),)
    assert one.signal[:, :, 0, 0].tolist() == [[0, value, value, 0] for value in (0, 20, 40, 60, 80)]
    source = films.info.full_name
    assert notes == [
        f"{source}: it tells no groups: clips cut from one video may be in train and in validation",
        f"{source}: 1 clips are left out, their labels are hidden (-1)",
    ]


def test_a_set_whose_rate_nobody_knows(films: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_sets, "RATES", {})
    clips, notes = clips_from_builder(films, Frames(16, 3, 5.0))
    one = next(each for each in clips if each.spans[0].label == "Biking")
    assert (one.rate, one.signal.shape) == (5.0, (11, 16, 16, 3))
    assert one.signal[3, 8].tolist() == [[31] * 3] * 16
    assert notes[0].endswith(": it tells no rate, taken as 5 frames a second")


def test_other_sets_are_refused() -> None:
    class Info:
        full_name, features = "digits/1.0.0", {"image": 0}

    class Builder:
        info = Info()

    with pytest.raises(UserError, match=r"digits/1\.0\.0: expected one Video feature, found image"):
        clips_from_builder(Builder(), Frames())


def test_our_own_sets_at_another_rate(tmp_path: Path) -> None:
    builder = prepare(lambda: Skeletons(data_dir=str(tmp_path), config="whole"), tmp_path)
    (same,), notes = clips_from_builder(builder, Frames())
    assert (len(same.signal), same.rate, same.channels, same.subject) == (9, 10.0, ("x", "y"), "p")
    (more,), _ = clips_from_builder(builder, Frames(rate=20.0))
    assert more.signal[:, 1, 2].tolist() == [number / 2 for number in range(17)]
    assert more.spans == (Span(0.0, 0.4, "a"), Span(0.4, 0.85, "b"))
    assert not notes
