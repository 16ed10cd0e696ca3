"""TFDS sets of recordings are stored and read again: signals of sensors, frames of videos, joints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipelines.data.recordings import Recording, Span

tfds = pytest.importorskip("tensorflow_datasets")

from pipelines.data.recording_sets import RecordingSet, recordings_from_builder  # noqa: E402  # needs tfds
from pipelines.data.tfds_sets import prepare  # noqa: E402


class Few(RecordingSet):
    """Three recordings, one of them without labels."""

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [tfds.core.BuilderConfig(name="whole")]  # noqa: RUF012

    def about(self) -> tuple[str, str]:
        return "Random numbers.", "CC0"

    def recordings(self, name: str) -> list[Recording]:
        rng, found = np.random.default_rng(0), []
        for number, split in enumerate(["train", "validation", "test"]):
            shape = [5 + number if size is None else size for size in self.SHAPE]
            signal = rng.integers(0, 256, shape).astype(self.DTYPE)
            spans = (Span(0.0, 0.5, "a"), Span(0.5, 0.75, "b b"))[:number]
            more = {"spans": spans, "subject": f"p{number}" * (number > 0), "split": split}
            found.append(Recording(f"r{number}", signal, 12.5, ("x", "y")[: 2 * number], **more))
        return found


class Films(Few):
    """Frames of eight rows and columns in three colours."""

    SHAPE, DTYPE = (None, 8, 8, 3), np.uint8


class FewSkeletons(Few):
    """Joints, of which recordings have different numbers."""

    SHAPE = (None, None, 3)


@pytest.mark.parametrize("kind", [Few, Films, FewSkeletons])
def test_recordings_come_back_as_they_were(kind: type[Few], tmp_path: Path) -> None:
    builder = prepare(lambda: kind(data_dir=str(tmp_path), config="whole"), tmp_path)
    found = recordings_from_builder(builder)
    for one, two in zip(kind.recordings(builder, "whole"), found, strict=True):
        assert one.signal.dtype == two.signal.dtype == kind.DTYPE
        np.testing.assert_array_equal(one.signal, two.signal)
        for field in ("name", "rate", "channels", "spans", "subject", "split"):
            assert getattr(one, field) == getattr(two, field)
