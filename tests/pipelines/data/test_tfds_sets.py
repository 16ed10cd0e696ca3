"""TFDS sets found, prepared and read, without a network."""

import re
import socket
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.data.text_sources import text_from_builder
from pipelines.data.tfds_sets import builder_of, prepare
from pipelines.errors import UserError

tfds = pytest.importorskip("tensorflow_datasets")


class TinyReviews(tfds.core.GeneratorBasedBuilder):
    """Two text features, two labels, an empty text, a split with hidden labels and one of its own."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self) -> Any:
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {
                    "title": tfds.features.Text(),
                    "body": tfds.features.Text(),
                    "stars": tfds.features.ClassLabel(names=["low", "high"]),
                    "shop": tfds.features.ClassLabel(num_classes=3),
                    "id": np.int32,
                }
            )
        )

    def _split_generators(self, dl_manager: Any) -> Any:
        sizes = {"train": 40, "validation": 6, "test": 4, "order": 8}
        return {name: self._generate_examples(name, size) for name, size in sizes.items()}

    def _generate_examples(self, split: str, size: int) -> Any:
        for index in range(size):
            body = "" if (split, index) == ("train", 3) else f"{split} caf\u00e9 {index}"
            yield (
                index,
                {
                    "title": f"title {index}",
                    "body": body,
                    "stars": -1 if split == "test" else index % 2,
                    "shop": index % 3,
                    "id": index,
                },
            )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tfds")
    prepare(lambda: TinyReviews(data_dir=str(path)), path)
    return path


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError("the network is blocked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.usefixtures("no_network")
def test_a_named_set_is_read_from_disk(folder: Path) -> None:
    data = text_from_builder(builder_of("tiny_reviews", folder), "body", "stars")
    assert data.labels == ("low", "high")
    assert data.source == "tiny_reviews/1.0.0"
    # Hidden test labels: validation is the test split; 39 texts are left, 4 of them held out.
    assert data.counts == {"train": 35, "validation": 4, "test": 6}
    assert sorted(data.splits["test"].inputs) == [f"validation caf\u00e9 {index}" for index in range(6)]
    assert all(
        int(text.split()[-1]) % 2 == target
        for split in data.splits.values()
        for text, target in zip(split.inputs, split.targets, strict=True)
    )
    notes = "\n".join(data.notes)
    assert "1 empty texts of train left out" in notes
    assert "test is not used, its labels are hidden (-1)" in notes
    assert "its validation split is the test split" in notes
    assert "no validation split: 4 examples held out of train (10%, by label, seed 0)" in notes


def test_the_same_seed_gives_the_same_data_and_splits_can_be_added(folder: Path) -> None:
    builder = TinyReviews(data_dir=str(folder))
    data = text_from_builder(builder, "title", "shop", scored=["order"], seed=5)
    again = text_from_builder(builder, "title", "shop", scored=["order"], seed=5)
    assert data.fingerprint == again.fingerprint
    assert data.labels == ("0", "1", "2")
    assert data.test_splits == ["test", "order"]
    held_out = {text for name in ("test", "order") for text in data.splits[name].inputs}
    assert held_out == {f"title {index}" for index in range(8)}
    assert not held_out & set(data.splits["train"].inputs)


@pytest.mark.parametrize(
    ("text", "label", "message"),
    [
        (None, "stars", "--text-feature to name one Text feature, got None"),
        ("body", None, "--label-feature to name one ClassLabel feature, got None"),
        ("nose", "stars", "--text-feature to name one Text feature, got nose"),
        ("body", "id", "--label-feature to name one ClassLabel feature, got id"),
    ],
)
def test_features_to_choose_from_are_listed(
    folder: Path, text: str | None, label: str | None, message: str
) -> None:
    with pytest.raises(UserError, match=message) as caught:
        text_from_builder(builder_of("tiny_reviews", folder), text, label)
    assert "body (Text)" in str(caught.value)
    assert "stars (ClassLabel)" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("name", ["imdb_reviews", "glue/sst2"])
def test_a_set_that_is_not_on_disk_fails_at_once(tmp_path: Path, name: str) -> None:
    start = time.monotonic()
    with pytest.raises(UserError, match="there is no network to download it") as caught:
        builder_of(name, tmp_path / "sets")
    assert time.monotonic() - start < 10
    assert str(tmp_path / "sets") in str(caught.value)
    assert not (tmp_path / "sets").exists()


def test_a_network_that_never_answers_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.data.tfds_sets.NETWORK_SECONDS", 0.2)
    monkeypatch.setattr("pipelines.data.tfds_sets._answers", lambda url: time.sleep(2))
    start = time.monotonic()
    with pytest.raises(UserError, match="no network"):
        builder_of("imdb_reviews", tmp_path)
    assert time.monotonic() - start < 2


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("imbd_reviews", r"no such file, and no TFDS set of that name; did you mean imdb_reviews"),
        ("qqqqqqqq", r"no TFDS set of that name$"),
        ("imdb_reviews/nope", "nope"),
        ("imdb_reviews:9.9.9", r"9\.9\.9"),
        ("a b", "a b"),
    ],
)
def test_unknown_names(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        builder_of(name, tmp_path)
    assert str(caught.value).startswith(f"--dataset {name}: ")
    assert "\n" not in str(caught.value)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    folder = tmp_path / "file" / "sets"
    with pytest.raises(UserError, match=r"tiny_reviews.*can't be prepared in") as caught:
        prepare(lambda: TinyReviews(data_dir=str(folder)), folder)
    assert str(folder) in str(caught.value)


def test_another_process_that_was_quicker_is_no_error(folder: Path) -> None:
    class Beaten(TinyReviews, skip_registration=True):
        name = "tiny_reviews"
        asked = 0

        def is_prepared(self) -> bool:
            Beaten.asked += 1
            return Beaten.asked > 1

        def download_and_prepare(self, **kwargs: object) -> None:
            raise OSError("folder exists")

    builder = prepare(lambda: Beaten(data_dir=str(folder)), folder)
    assert text_from_builder(builder, "body", "stars").counts["test"] == 6


def test_preparing_says_what_where_and_how_long_instead_of_bars(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture
) -> None:
    caplog.set_level("INFO")
    prepare(lambda: TinyReviews(data_dir=str(tmp_path)), tmp_path)
    name = "tiny_reviews/1.0.0"
    said = [record.getMessage() for record in caplog.records if record.name.startswith("pipelines")]
    assert said == [f"preparing {name} in {tmp_path}: once, it may take minutes", said[1]]
    assert re.fullmatch(rf"prepared {name} in \d+ s", said[1])
    printed = "".join(capfd.readouterr())
    assert not any(word in printed for word in ("Generating", "Shuffling", "Dataset", "%|"))
    caplog.clear()
    prepare(lambda: TinyReviews(data_dir=str(tmp_path)), tmp_path)
    assert not [record for record in caplog.records if record.name.startswith("pipelines")]
