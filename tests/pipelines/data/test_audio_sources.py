"""Sound out of TFDS sets as they lie on disk, without a network."""

import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.data.audio_sources import audio_from_builder
from pipelines.data.tfds_sets import builder_of, prepare
from pipelines.errors import UserError

tfds = pytest.importorskip("tensorflow_datasets")


def tone(hertz: float, rate: int, seconds: float) -> np.ndarray:
    wave = np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    return np.round(10_000 * wave).astype(np.int16)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("the network is blocked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def fill(monkeypatch: pytest.MonkeyPatch, name: str, folder: Path, splits: dict[str, list[dict]]) -> None:
    """Prepare one of TFDS's own sets with the examples of a test."""

    def split_generators(self: Any, _: Any) -> dict[str, Any]:
        return {split: self._generate_examples(examples) for split, examples in splits.items()}

    with monkeypatch.context() as patch:
        builder_class = tfds.builder_cls(name)
        patch.setattr(builder_class, "_split_generators", split_generators)
        patch.setattr(builder_class, "_generate_examples", lambda _, examples: enumerate(examples))
        patch.setattr(builder_class, "url_infos", {})
        prepare(lambda: builder_class(data_dir=str(folder)), folder)


def test_spoken_digits_are_resampled_and_held_out_by_class(tmp_path, monkeypatch):
    digits = [
        {"audio": tone(200 + 7 * i, 8_000, 0.5), "label": i % 10, "audio/filename": f"{i % 10}_ann_{i}.wav"}
        for i in range(60)
    ]
    fill(monkeypatch, "spoken_digit", tmp_path, {"train": digits})
    data = audio_from_builder(builder_of("spoken_digit", tmp_path), 16_000, 16_000, seed=3)
    assert data.labels == tuple("0123456789")
    assert data.counts == {"train": 40, "validation": 10, "test": 10}
    assert "spoken_digit/1.0.9: resampled from 8,000 Hz to 16,000 Hz" in data.notes
    for split in data.splits.values():
        for samples, target in zip(split.inputs, split.targets, strict=True):
            assert (samples.dtype, samples.shape) == (np.int16, (16_000,))
            assert not samples[:3990].any()
            hertz = np.abs(np.fft.rfft(samples)).argmax()
            number = round((hertz - 200) / 7)
            assert abs(hertz - 200 - 7 * number) <= 2
            assert number % 10 == target
            assert np.abs(samples[5000:11_000]).max() == pytest.approx(10_000, rel=0.01)


def test_speech_commands_has_its_own_splits_and_longer_clips_are_cut(tmp_path, monkeypatch):
    def commands(start: int, count: int, seconds: float) -> list[dict]:
        return [{"audio": tone(start + i, 16_000, seconds), "label": i % 12} for i in range(count)]

    splits = {
        "train": commands(300, 24, 1.0),
        "validation": commands(400, 12, 0.8),
        "test": commands(500, 12, 1.5),
    }
    fill(monkeypatch, "speech_commands", tmp_path, splits)
    data = audio_from_builder(builder_of("speech_commands", tmp_path), 16_000, 16_000)
    assert data.counts == {"train": 24, "validation": 12, "test": 12}
    assert data.labels[-2:] == ("_silence_", "_unknown_")
    assert data.notes == ("speech_commands/0.0.3: 12 clips are cut to their loudest 1 s",)
    by_hertz = {np.abs(np.fft.rfft(samples)).argmax(): samples for samples in data.splits["train"].inputs}
    np.testing.assert_array_equal(by_hertz[317], tone(317, 16_000, 1.0))


def test_a_set_that_is_not_on_disk_fails_at_once(tmp_path):
    with pytest.raises(UserError, match="there is no network to download it"):
        audio_from_builder(builder_of("spoken_digit", tmp_path), 16_000, 16_000)


class OddSounds(tfds.core.GeneratorBasedBuilder):
    """Two channels of floats at a rate that nobody told; hidden test labels."""

    VERSION = tfds.core.Version("1.0.0")
    sound = tfds.features.Audio(shape=(None, 2), dtype=np.float32)
    more: dict = {}  # noqa: RUF012
    loud = 0.5

    def _info(self) -> Any:
        label = tfds.features.ClassLabel(names=["low", "high"])
        features = {"sound": self.sound, "kind": label} | self.more
        return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(features))

    def _split_generators(self, _: Any) -> Any:
        return {"train": self._generate_examples(0, 1), "test": self._generate_examples(100, 0)}

    def _generate_examples(self, start: int, known: int) -> Any:
        for i in range(start, start + 30):
            shape = [160 + i, *self.sound.shape[1:]]
            sound = np.full(shape, self.loud * (1 + i / 512), self.sound.np_dtype)
            if len(shape) == 2:
                sound[:, 1] = 0
            yield i, {"sound": sound, "kind": i % 2 if known else -1} | dict.fromkeys(self.more, 0)


def test_channels_are_averaged_and_hidden_labels_are_not_used(tmp_path):
    builder = prepare(lambda: OddSounds(data_dir=str(tmp_path)), tmp_path)
    data = audio_from_builder(builder, 160, 16_000)
    assert data.notes[0] == "odd_sounds/1.0.0: test is not used, its labels are hidden (-1)"
    assert data.notes[1] == "odd_sounds/1.0.0: 29 clips are cut to their loudest 0.01 s"
    clips = [samples for split in data.splits.values() for samples in split.inputs]
    assert sorted(samples[0] for samples in clips) == [8192 + 16 * i for i in range(30)]
    assert all(len(samples) == 160 and len(set(samples.tolist())) == 1 for samples in clips)


def test_sets_without_one_sound_one_label_and_16_bits_are_refused(tmp_path):
    class TwoLabels(OddSounds, skip_registration=True):
        name = "two_labels"
        more = {"other": tfds.features.ClassLabel(num_classes=2)}  # noqa: RUF012

    class WideSounds(OddSounds, skip_registration=True):
        name = "wide_sounds"
        sound = tfds.features.Audio(shape=(None,), dtype=np.int64)
        loud = 70_000.0

    messages = {
        TwoLabels: r"expected one ClassLabel feature, found .*kind \(ClassLabel\).*other \(ClassLabel\)",
        WideSounds: "expected 16-bit samples, got 7",
    }
    for each, message in messages.items():
        builder = prepare(lambda each=each: each(data_dir=str(tmp_path)), tmp_path)
        with pytest.raises(UserError, match=message) as caught:
            audio_from_builder(builder, 160, 16_000)
        assert "\n" not in str(caught.value)
