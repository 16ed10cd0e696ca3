"""The three roads to the clips, and the words that are told apart."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from apps.speech_commands.config import SILENCE, UNKNOWN, WORDS, SpeechConfig
from apps.speech_commands.data import load
from apps.speech_commands.words import in_order, only_words, with_silence
from pipelines.data.examples import Data, Examples
from pipelines.errors import UserError

tfds = pytest.importorskip("tensorflow_datasets")
TWELVE = (*WORDS, UNKNOWN, SILENCE)


def folder_of(path: Path, labels: tuple[str, ...], each: int = 20, seconds: float = 0.3) -> Path:
    """Write clips whose amplitude, in hundredths, is the number of their label."""
    for index, label in enumerate(sorted(labels)):
        (path / label).mkdir(parents=True)
        for clip in range(each):
            signs = np.random.default_rng([index, clip]).choice([-1, 1], round(seconds * 16_000))
            samples = signs * (index + 1) / 100
            soundfile.write(path / label / f"{clip:08x}_nohash_0.wav", samples, 16_000)
    return path


def labels_heard(data: Data) -> dict[str, list[tuple[int, str]]]:
    """Return the number of the folder and the label of every clip."""
    return {
        name: [
            (round(np.abs(samples.astype(int)).max() / 327.68), data.labels[target])
            for samples, target in zip(split.inputs, split.targets, strict=True)
        ]
        for name, split in data.splits.items()
    }


def test_a_folder_of_the_twelve_labels_has_them_in_their_order(tmp_path):
    folder = folder_of(tmp_path / "twelve", TWELVE)
    data = load(SpeechConfig(dataset=str(folder), seconds=0.5))
    assert data.labels == TWELVE
    names = sorted(TWELVE)
    for split, heard in labels_heard(data).items():
        assert heard
        assert all(names[number - 1] == label for number, label in heard), split
    assert sum(data.counts.values()) == 240
    samples = data.splits["test"].inputs[0]
    assert (samples.dtype, samples.shape) == (np.int16, (8000,))
    assert np.count_nonzero(samples) == 4800
    assert "held out, by speakers (20)" in data.notes[0]


def test_other_labels_are_sorted(tmp_path):
    folder = folder_of(tmp_path / "mine", ("z", "caf\u00e9", "two words"))
    assert load(SpeechConfig(dataset=str(folder))).labels == ("caf\u00e9", "two words", "z")


def test_words_that_are_not_asked_for_are_unknown_and_silence_is_cut_from_noise(tmp_path):
    folder = folder_of(tmp_path / "many", ("yes", "no", "bed", "cat"))
    noise = folder / "_background_noise_"
    noise.mkdir()
    for i in range(2):
        soundfile.write(noise / f"noise {i}.wav", np.linspace(0.5, 1, 20 * 16_000), 16_000)
    (noise / "broken.wav").write_text("no sound")
    config = SpeechConfig(dataset=str(folder), words=("yes", "no"))
    data = load(config)
    assert data.labels == (SILENCE, UNKNOWN, "no", "yes")
    folders = {1: UNKNOWN, 2: UNKNOWN, 3: "no", 4: "yes"}
    for name, split in labels_heard(data).items():
        words = [(number, label) for number, label in split if label != SILENCE]
        assert all(folders[number] == label for number, label in words)
        assert len(split) - len(words) == round(len(words) / 4), name
    assert data.fingerprint == load(config).fingerprint
    assert data.notes[-2].startswith("many: left out of _background_noise_: ")
    assert data.notes[-1] == "many: _silence_ is cut from 2 recordings in _background_noise_"
    assert load(SpeechConfig(dataset=str(folder))).labels == ("bed", "cat", "no", "yes")


def test_each_split_has_its_own_part_of_the_noise(tmp_path):
    (tmp_path / "_background_noise_").mkdir()
    ramp = np.linspace(0.1, 0.9, 100_000)
    soundfile.write(tmp_path / "_background_noise_" / "a.wav", ramp, 16_000)
    splits = {
        name: Examples([np.full(1600, i, np.int16) for i in range(40)], np.arange(40) % 2)
        for name in ("train", "validation", "test")
    }
    data = with_silence(Data(splits, ("a", "b"), "here"), tmp_path)
    assert data.counts == {"train": 60, "validation": 60, "test": 60}
    rise = {"train": (0.1, 0.74), "validation": (0.74, 0.82), "test": (0.82, 0.9)}
    for name, (low, high) in rise.items():
        for samples in data.splits[name].inputs[40:]:
            # At gain g the part at x in the ramp starts with g x and rises by 1599 g steps.
            gain = (float(samples[-1]) - samples[0]) / 32768 / (1599 * (ramp[1] - ramp[0]))
            if gain > 0.2:
                assert low - 0.05 < samples[0] / 32768 / gain < high + 0.05
    assert set(data.splits["train"].targets[40:].tolist()) == {2}


def test_a_word_that_is_not_there_is_refused(tmp_path):
    folder = folder_of(tmp_path / "two", ("yes", "no"))
    with pytest.raises(UserError, match="--words: expected labels of two, which has no, yes; got 'up'"):
        load(SpeechConfig(dataset=str(folder), words=("yes", "up")))


def test_silence_stays_and_all_words_leave_nothing_unknown():
    split = Examples([np.full(9, i, np.int16) for i in range(6)], np.array([0, 1, 2, 0, 1, 2]))
    data = Data({"train": split}, ("b", SILENCE, "a"), "here")
    kept = only_words(data, ("a", "b"))
    assert kept.labels == ("b", SILENCE, "a")
    merged = in_order(only_words(data, ("a",)))
    assert merged.labels == (SILENCE, UNKNOWN, "a")
    assert merged.splits["train"].targets.tolist() == [1, 0, 2, 1, 0, 2]
    assert data.labels == ("b", SILENCE, "a")


def test_pretraining_clips_that_are_held_out_are_left_out(tmp_path):
    own = folder_of(tmp_path / "own", ("yes", "no"))
    config = SpeechConfig(dataset=str(own), pretraining_dataset=str(own), pretraining_epochs=1)
    data = load(config)
    assert list(data.splits) == ["train", "validation", "test", "pretraining"]
    assert data.counts["pretraining"] == data.counts["train"]


class TenTones(tfds.core.GeneratorBasedBuilder):
    """The twelve labels in another order."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self) -> Any:
        label = tfds.features.ClassLabel(names=sorted(TWELVE))
        audio = tfds.features.Audio(shape=(None,), dtype=np.int16, sample_rate=8_000)
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict({"audio": audio, "label": label})
        )

    def _split_generators(self, _: Any) -> Any:
        return {"train": self._generate_examples(0, 48), "test": self._generate_examples(48, 24)}

    def _generate_examples(self, start: int, count: int) -> Any:
        for i in range(start, start + count):
            yield i, {"audio": np.full(800 + i, 1000 * (i % 12 + 1), np.int16), "label": i % 12}


def test_a_tfds_name(tmp_path):
    data = load(SpeechConfig(dataset="ten_tones", data_dir=tmp_path, seconds=0.5))
    assert data.labels == TWELVE
    assert data.counts == {"train": 36, "validation": 12, "test": 24}
    names = sorted(TWELVE)
    for split in data.splits.values():
        for samples, target in zip(split.inputs, split.targets, strict=True):
            assert names[round(samples[4000] / 1000) - 1] == data.labels[target]
    some = load(SpeechConfig(dataset="ten_tones", data_dir=tmp_path, seconds=0.5, words=("yes", "no")))
    assert some.labels == (SILENCE, UNKNOWN, "no", "yes")


@pytest.mark.parametrize(("dataset", "size"), [("embedded", "full"), ("embedded/small", "small")])
def test_the_embedded_set_comes_in_two_sizes(tmp_path, monkeypatch, dataset, size):
    asked = {}

    def found(make_builder: Any, folder: Path) -> Any:
        asked["folder"] = folder
        return make_builder()

    def read(builder: Any, samples: int, rate: int, seed: int, *, memory_gb: float) -> Data:
        asked["read"] = (builder.info.full_name, samples, rate, seed, memory_gb)
        return Data({}, TWELVE, "embedded")

    monkeypatch.setattr("pipelines.data.source.prepare", found)
    monkeypatch.setattr("apps.speech_commands.data.audio_from_builder", read)
    load(SpeechConfig(dataset=dataset, data_dir=tmp_path, seconds=0.5, seed=7, memory_gb=3.0))
    assert asked == {"folder": tmp_path, "read": (f"synthetic_speech/{size}/1.0.0", 8000, 16_000, 7, 3.0)}


@pytest.mark.parametrize("dataset", ["missing.csv", "./missing", "no/such/folder"])
def test_a_path_never_becomes_another_road(dataset):
    with pytest.raises(UserError, match="no such file"):
        load(SpeechConfig(dataset=dataset))


def test_a_misspelt_name_fails_with_the_right_one(tmp_path):
    with pytest.raises(UserError, match="did you mean speech_commands"):
        load(SpeechConfig(dataset="speach_commands", data_dir=tmp_path))
