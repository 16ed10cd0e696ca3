"""Sets too large for the memory: read piece by piece, kept on disk whole or not at all, same results."""

import dataclasses
import errno
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from apps.sentiment import APP as SENTIMENT
from apps.speech_commands import APP as SPEECH
from apps.tagging import APP as TAGGING
from pipelines.data import example_store, memory
from pipelines.data.example_store import store_for
from pipelines.data.examples import Data, Examples
from pipelines.data.on_disk import OnDemand, OnDisk, spread
from pipelines.data.splits import complete
from pipelines.errors import UserError
from pipelines.training.batches import batches

tf = pytest.importorskip("tensorflow")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(example_store, "CACHE", tmp_path / "cache")
    return tmp_path / "cache"


def example(**values: Any) -> bytes:
    feature = {}
    for name, value in values.items():
        if isinstance(value, str):
            feature[name] = tf.train.Feature(bytes_list={"value": [value.encode()]})
        elif isinstance(value, float):
            feature[name] = tf.train.Feature(float_list={"value": [value]})
        else:
            feature[name] = tf.train.Feature(int64_list={"value": np.ravel(value)})
    return tf.train.Example(features={"feature": feature}).SerializeToString()


def write(file: Path, records: list[bytes]) -> None:
    file.parent.mkdir(exist_ok=True)
    kind = "GZIP" if file.suffix == ".gz" else ""
    with tf.io.TFRecordWriter(str(file), kind) as writer:
        for record in records:
            writer.write(record)


def reviews(count: int, first: int = 0) -> list[bytes]:
    rng = np.random.default_rng(first)
    words = [f"word{i}" for i in range(40)]
    texts = [" ".join(rng.choice(words, rng.integers(3, 12))) + f" café {i}" for i in range(count)]
    return [example(text=text, label=("good", "bad")[i % 2]) for i, text in enumerate(texts, first)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three shards, one of them gzipped; an empty text, and one that is in two splits."""
    place = tmp_path / "reviews"
    write(place / "train-00000-of-00002.tfrecord", reviews(50))
    write(place / "train-00001-of-00002.tfrecord.gz", [*reviews(40, 50), example(text=" ", label="bad")])
    write(place / "test.tfrecord", [*reviews(20, 200), reviews(50)[7]])
    return place


def loaded(folder: Path, memory_gb: float) -> tuple[Any, Data]:
    config = dataclasses.replace(
        SENTIMENT.presets["smoke"], dataset=str(folder), memory_gb=memory_gb, batch_size=16, min_count=1
    )
    return config, SENTIMENT.load(config)


def test_examples_on_disk_are_those_in_memory(folder: Path) -> None:
    (_, here), (_, there) = loaded(folder, 1.0), loaded(folder, 0.0)
    assert isinstance(here.splits["train"].inputs, list)
    assert isinstance(there.splits["train"].inputs, OnDisk)
    assert here.counts == there.counts == {"train": 81, "validation": 8, "test": 21}
    assert here.labels == there.labels == ("bad", "good")
    assert here.notes == there.notes
    assert "reviews: 1 empty texts of train left out" in here.notes
    assert here.fingerprint == there.fingerprint
    for name, split in here.splits.items():
        assert list(there.splits[name].inputs) == split.inputs
        np.testing.assert_array_equal(there.splits[name].targets, split.targets)


def test_batches_from_disk_are_those_from_memory_and_hold_each_example_once(folder: Path) -> None:
    (config, here), (_, there) = loaded(folder, 1.0), loaded(folder, 0.0)
    in_memory, on_disk = SENTIMENT.features(config, here), SENTIMENT.features(config, there)
    assert isinstance(on_disk.inputs["train"], OnDemand)
    assert on_disk.counts == in_memory.counts
    assert on_disk.assets == in_memory.assets
    for epoch in range(2):
        seen = []
        pairs = zip(batches(in_memory, config, epoch), batches(on_disk, config, epoch), strict=True)
        for (inputs, targets), (same, same_targets) in pairs:
            np.testing.assert_array_equal(same, inputs)
            np.testing.assert_array_equal(same_targets, targets)
            seen += [tuple(row[row > 0]) for row in same]
        everything = [tuple(row[row > 0]) for row in in_memory.inputs["train"]]
        assert sorted(seen) == sorted(everything)


def test_features_on_disk_are_read_as_arrays_are(folder: Path) -> None:
    config, data = loaded(folder, 0.0)
    inputs = SENTIMENT.features(config, data).inputs["train"]
    array = np.array(list(inputs))
    assert (inputs.shape, inputs.dtype, inputs.ndim, len(inputs)) == (array.shape, array.dtype, 2, 81)
    mask = np.arange(81) % 3 == 0
    for key in (3, -1, np.int64(5), slice(4, 9), slice(None), [7, 2, 2], np.array([8]), mask):
        np.testing.assert_array_equal(inputs[key], array[key])


def test_some_examples_stand_for_all_where_they_are_on_disk(folder: Path) -> None:
    (_, here), (_, there) = loaded(folder, 1.0), loaded(folder, 0.0)
    assert spread(here.splits["train"].inputs, 4).tolist() == list(range(81))
    assert spread(there.splits["train"].inputs, 4).tolist() == [0, 27, 53, 80]
    assert spread(there.splits["train"].inputs, 100).tolist() == list(range(81))
    assert spread(there.splits["train"].inputs, 2, 0).tolist() == []


@pytest.mark.parametrize("by_label", [True, False])
def test_what_is_held_out_is_the_same_on_disk(tmp_path: Path, by_label: bool) -> None:
    texts = [f"text {i % 70}" for i in range(100)]
    targets = np.arange(100) % 70 % 3
    labels = ("a", "b", "c") if by_label else ()
    (tmp_path / "set").write_text("")
    with store_for("set", [tmp_path / "set"], [], 1.0) as store:
        here = store.keep("train", zip(texts, targets.tolist(), strict=True))
    with store_for("set", [tmp_path / "set"], [], -1.0) as store:
        there = store.keep("train", zip(texts, targets.tolist(), strict=True))
    found = [complete(Data({"train": each}, labels, "set"), seed=4) for each in (here, there)]
    assert found[0].fingerprint == found[1].fingerprint
    assert found[0].notes == found[1].notes
    held = set(found[1].splits["test"].inputs)
    assert held
    assert not held & set(found[1].splits["train"].inputs)


def test_clips_on_disk_are_those_in_memory(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    clips = [rng.integers(-9000, 9000, 1600) for _ in range(30)]
    records = [example(audio=clip, label=i % 2) for i, clip in enumerate(clips)]
    write(tmp_path / "clips" / "train.tfrecord", records)
    config = dataclasses.replace(SPEECH.presets["smoke"], dataset=str(tmp_path / "clips"), seconds=0.1)
    found = [SPEECH.load(dataclasses.replace(config, memory_gb=gb)) for gb in (1.0, 0.0)]
    assert found[0].fingerprint == found[1].fingerprint
    assert found[1].labels == ("0", "1")
    on_disk = SPEECH.features(config, found[1]).inputs
    for name, array in SPEECH.features(config, found[0]).inputs.items():
        np.testing.assert_array_equal(on_disk[name][:], array)
    heard = {tuple(clip) for split in found[1].splits.values() for clip in split.inputs}
    assert heard == {tuple(clip) for clip in clips}


def broken(folder: Path) -> None:
    file = folder / "train-00000-of-00002.tfrecord"
    file.write_bytes(file.read_bytes()[:-30])


def damaged(folder: Path) -> None:
    file = folder / "train-00001-of-00002.tfrecord.gz"
    file.write_bytes(file.read_bytes()[:-30])


def rewritten(*records: bytes) -> Any:
    return lambda folder: write(folder / "test.tfrecord", list(records))


FAULTS = {
    "broken": (broken, r"train-00000-of-00002.tfrecord: expected whole TFRecord data after record 49: "),
    "broken gzip": (damaged, r"train-00001-of-00002.tfrecord.gz: expected whole TFRecord data after record"),
    "no label": (
        rewritten(example(text="a", label="bad"), example(text="a", stars=3)),
        r"test.tfrecord, record 2: expected a feature 'label', found 'stars' \(int64\), 'text' \(bytes\)",
    ),
    "no text": (
        rewritten(example(label="bad")),
        r"record 1: expected a feature 'text', found 'label' \(bytes\)",
    ),
    "nothing": (rewritten(b""), r"record 1: expected a feature 'text', found none"),
    "numbers": (rewritten(example(text=3, label="bad")), r"record 1: 'text': expected bytes, found int64"),
    "two kinds": (
        rewritten(example(text="a", label="bad"), example(text="b", label=1)),
        r"record 2: label: expected names, as in the records before, found int64 1",
    ),
    "a real number": (
        rewritten(example(text="a", label=0.5)),
        r"record 1: label: expected bytes, or numbers \(int64\) from 0 on, found float 0.5",
    ),
    "no example": (rewritten(b"\xff\xff"), r"test.tfrecord, record 1: expected a tf.train.Example"),
    "empty": (rewritten(), r"reviews: expected records in its test files, found none"),
    "no split": (
        lambda folder: write(folder / "part-1.tfrecord", reviews(1)),
        r"part-1.tfrecord: expected a name that begins with train, validation or test",
    ),
    "no train": (
        lambda folder: [file.unlink() for file in folder.glob("train*")],
        r"reviews: expected a labelled train split",
    ),
    "empty folder": (
        lambda folder: [file.unlink() for file in folder.iterdir()],
        r"reviews: expected a train file",
    ),
}


@pytest.mark.parametrize("memory_gb", [1.0, 0.0])
@pytest.mark.parametrize("fault", FAULTS)
def test_bad_files_are_told_in_one_line_and_nothing_stays(
    folder: Path, cache: Path, fault: str, memory_gb: float
) -> None:
    damage, message = FAULTS[fault]
    damage(folder)
    with pytest.raises(UserError, match=message) as told:
        loaded(folder, memory_gb)
    assert "\n" not in str(told.value)
    if fault not in ("no train", "empty"):  # these were read whole
        assert not cache.exists() or not list(cache.iterdir())


def test_an_app_that_reads_no_records_says_so(folder: Path) -> None:
    config = dataclasses.replace(TAGGING.presets["smoke"], dataset=str(folder))
    with pytest.raises(UserError, match="expected files of a kind that the app reads, found TFRecord files"):
        TAGGING.load(config)


def kept(file: Path, pairs: Iterator[Any] | list[Any]) -> tuple[Examples, dict[str, Any]]:
    with store_for("set", [file], ["a setting"], -1.0) as store:
        examples = store.keep("train", pairs)
        store.told.setdefault("seen", len(examples))
    return examples, store.told


def test_a_set_is_written_once_and_again_if_its_file_has_changed(tmp_path: Path, cache: Path) -> None:
    def never() -> Iterator[Any]:
        raise AssertionError("read again")
        yield

    file = tmp_path / "set"
    file.write_text("1")
    first, told = kept(file, [("one", 1), ("two", 0)])
    again, told_again = kept(file, never())
    assert list(first.inputs) == list(again.inputs) == ["one", "two"]
    assert first.targets.tolist() == again.targets.tolist() == [1, 0]
    assert told == told_again == {"seen": 2}
    file.write_text("22")
    assert list(kept(file, [("three", 1)])[0].inputs) == ["three"]
    assert len(list(cache.iterdir())) == 2
    shutil.rmtree(cache)
    assert list(first.inputs) == ["one", "two"]  # who reads it goes on


def test_a_stop_in_the_middle_leaves_nothing(tmp_path: Path, cache: Path) -> None:
    def stopped() -> Iterator[Any]:
        yield "one", 1
        raise KeyboardInterrupt

    file = tmp_path / "set"
    file.write_text("1")
    with pytest.raises(KeyboardInterrupt):
        kept(file, stopped())
    assert not list(cache.iterdir())


@pytest.mark.parametrize("fault", ["no folder", "no space", "full"])
def test_a_cache_that_takes_nothing_is_told_in_one_line(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    file = tmp_path / "set"
    file.write_text("1" * 2000)
    message = {
        "no folder": "set: its examples can't be kept in .*cache: Not a directory|File exists",
        "no space": r"cache: expected 0.00 GB of free space, found 0.00 GB",
        "full": "cache: No space left on device",
    }[fault]
    if fault == "no folder":
        cache.write_text("a file")
    elif fault == "no space":
        monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 8, 1))
    else:

        def full(*_: Any) -> Any:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(example_store, "write_examples", full)
    with pytest.raises(UserError, match=message) as told:
        kept(file, [("one", 1)])
    assert "\n" not in str(told.value)
    assert cache.is_file() or not list(cache.iterdir())


def test_the_oldest_sets_and_what_was_left_are_removed(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(example_store, "_MOST_BYTES", 5000)
    file, ages = tmp_path / "set", {}
    for number in range(4):
        file.write_text("1" * (number + 1))
        kept(file, [("word " * 100, number)])
        (new,) = set(cache.iterdir()) - set(ages)
        ages[new] = number
        os.utime(new, (0, 1000 + number))
    left, fresh = cache / ".left", cache / ".fresh"
    for each in (left, fresh):
        each.mkdir()
        (each / "train.examples").write_text("half")
    day_before = time.time() - 2 * 24 * 3600
    for path in (left / "train.examples", left):
        os.utime(path, (day_before, day_before))
    file.write_text("last")
    kept(file, [("word " * 100, 9)])
    assert not left.exists()
    assert fresh.exists()
    remaining = [age for folder, age in ages.items() if folder.exists()]
    assert 0 < len(remaining) < 4
    assert remaining == sorted(ages.values())[-len(remaining) :]


def fake_machine(root: Path, monkeypatch: pytest.MonkeyPatch, **files: str) -> None:
    for name, content in files.items():
        path = root / name.replace("__", "/").replace("_max", ".max").replace("_now", ".current")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    monkeypatch.setattr(memory, "_PROC", root / "proc")
    monkeypatch.setattr(memory, "_CGROUPS", root / "groups")


def test_the_least_that_a_limit_leaves_is_available(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = {"proc__meminfo": "MemTotal: 9000 kB\nMemAvailable:   4000 kB\n"}
    fake_machine(tmp_path, monkeypatch, **machine)
    assert memory.available() == 4000 * 1024
    group = {
        "proc__self__cgroup": "0::/a/b\n",
        "groups__a__memory_max": "3000000",
        "groups__a__memory_now": "5",
    }
    inner = {"groups__a__b__memory_max": "max\n", "groups__a__b__memory_now": "5"}
    fake_machine(tmp_path, monkeypatch, **group, **inner)
    assert memory.available() == 2_999_995


def test_limits_of_the_process_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    machine = {
        "proc__meminfo": "MemAvailable: 4000 kB",
        "proc__self__status": "VmSize: 1 kB\nVmData:\t100 kB\n",
    }
    fake_machine(tmp_path, monkeypatch, **machine)
    limits = {resource.RLIMIT_DATA: (500 * 1024, resource.RLIM_INFINITY)}
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    monkeypatch.setattr(resource, "getrlimit", lambda kind: limits.get(kind, unlimited))
    assert memory.available() == 400 * 1024


def test_what_is_chosen_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(memory, "available", lambda: 100_000_000)
    caplog.set_level("INFO")
    assert not memory.is_too_large("small", 6_000_000, None)
    assert memory.is_too_large("large", 7_000_000, None)
    assert not memory.is_too_large("allowed", 7_000_000, 0.1)
    (line,) = caplog.messages
    assert line == (
        "large: its examples stay on disk: in memory they would take about 56 MB, and may take 50 MB"
    )
