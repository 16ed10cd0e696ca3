"""One choice between embedded data, a TFDS name and the user's files."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pipelines.config import PretrainedConfig
from pipelines.data import source
from pipelines.data.examples import Data, Examples
from pipelines.errors import UserError


def data_of(name: str) -> Data:
    splits = {
        split: Examples([f"{name} {split} {i}" for i in range(4)], np.arange(4) % 2)
        for split in ("train", "validation", "test")
    }
    return Data(splits, ("a", "b"), name)


class Builder(str):
    """A builder by what is known of it."""

    info = SimpleNamespace(
        description="Made\n up.", redistribution_info=SimpleNamespace(license="Apache-2.0")
    )


@pytest.fixture
def readers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> source.Readers:
    """Readers that tell in the data's source which of them was asked, and for what. Files are in a folder of
    their own, which is the user's home, too."""
    for file in ("mine", "mine.csv", "tune.mid", "tune.MID", "load.parquet"):
        (tmp_path / file).touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(source, "prepare", lambda make, folder: make())
    monkeypatch.setattr(source, "require_known", lambda name, folder, others: None)
    monkeypatch.setattr(source, "builder_of", lambda name, folder: Builder(f"{name} in {folder}"))
    return source.Readers(
        embedded={"embedded": lambda data_dir: Builder(f"made in {data_dir}")},
        from_builder=lambda builder: data_of(f"builder: {builder}"),
        from_files=lambda path: data_of(f"files: {path}"),
    )


@pytest.mark.parametrize(
    ("dataset", "asked"),
    [
        ("embedded", "builder: made in .cache/tfds"),
        ("imdb_reviews", "builder: imdb_reviews in None"),
        ("./mine", "files: mine"),
        ("~/tune.mid", "files: HOME/tune.mid"),
        ("tune.MID", "files: tune.MID"),
        ("load.parquet", "files: load.parquet"),
    ],
)
def test_the_name_decides_who_reads(readers: source.Readers, dataset: str, asked: str) -> None:
    found = source.load(PretrainedConfig(dataset=dataset), readers).source
    assert found == asked.replace("HOME", str(Path.home()))


@pytest.mark.parametrize("path", ["./nowhere", "tune.wav", "~/none.csv", "~nobody/a.csv", "mine.csv/a.csv"])
def test_a_path_without_a_file_is_refused_before_anything_is_read(readers: source.Readers, path: str) -> None:
    for settings in ({"dataset": path}, {"pretraining_dataset": path, "pretraining_epochs": 1}):
        with pytest.raises(UserError, match=f"^--dataset {path}: no such file or folder$"):
            source.load(PretrainedConfig(**settings), readers)


def test_embedded_data_can_have_a_reader_of_its_own_and_a_folder(readers: source.Readers) -> None:
    own = dataclasses.replace(readers, from_embedded=lambda builder: data_of(f"own: {builder}"))
    config = PretrainedConfig(data_dir=Path("~/sets"))
    assert source.load(config, own).source == f"own: made in {Path.home() / 'sets'}"


def test_embedded_data_can_be_a_file_like_the_users_own(readers: source.Readers) -> None:
    own = dataclasses.replace(readers, embedded={}, embedded_files={"embedded": lambda: Path("in/it.csv")})
    assert source.load(PretrainedConfig(), own).source == "files: in/it.csv"


def test_what_comes_first_in_training_is_chosen_the_same_way(readers: source.Readers) -> None:
    config = PretrainedConfig(dataset="./mine", pretraining_dataset="embedded", pretraining_epochs=1)
    data = source.load(config, readers)
    assert data.source == "files: mine after builder: made in .cache/tfds"
    assert data.counts["pretraining"] == 4
    assert [each.licence for each in data.origins] == ["Apache-2.0"]


def test_a_set_of_tfds_is_known_by_what_it_says_of_itself(readers: source.Readers) -> None:
    (origin,) = source.load(PretrainedConfig(dataset="imdb_reviews"), readers).origins
    assert (origin.name, origin.description) == ("builder: imdb_reviews in None", "Made up.")
    assert source.load(PretrainedConfig(dataset="./mine"), readers).origins == ()


def test_files_are_read_before_a_set_that_needs_tensorflow_and_names_before_both(
    readers: source.Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def told(name: str) -> Data:
        asked.append(name)
        return data_of(name)

    monkeypatch.setattr(source, "require_known", lambda name, folder, others: asked.append(f"{name} known?"))
    telling = dataclasses.replace(readers, from_builder=told, from_files=lambda path: told(str(path)))
    config = PretrainedConfig(dataset="imdb_reviews", pretraining_dataset="mine.csv", pretraining_epochs=1)
    source.load(config, telling)
    assert asked == ["imdb_reviews known?", "mine.csv", "imdb_reviews in None"]


@pytest.mark.parametrize("settings", [{"pretraining_epochs": 1}, {"pretraining_dataset": "embedded"}])
def test_a_pretraining_dataset_and_its_epochs_come_together(settings: dict) -> None:
    with pytest.raises(UserError, match="--pretraining-dataset: expected together with --pretraining-epochs"):
        PretrainedConfig(**settings)


@pytest.mark.parametrize(
    ("dataset", "expected"),
    [
        ("imdb_reviews", False),
        ("glue/sst2", False),
        ("glue/sst2:2.0.0", False),
        ("imdb_reviews:1.0.0", False),
        ("wikipedia/20220620.en", False),
        ("reviews.csv", True),
        ("reviews.jsonl.gz", True),
        ("tunes.abc", True),
        ("captions.token", True),
        ("data/sst.train", True),
        ("./reviews", True),
        ("/data/reviews", True),
        ("~/reviews", True),
        ("my/own/reviews", True),
        ("sentences.conll", True),
        ("sentences/", True),
    ],
)
def test_paths_are_told_from_names(dataset: str, expected: bool) -> None:
    assert source.is_path(dataset) is expected


def test_an_existing_folder_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "reviews").mkdir()
    monkeypatch.chdir(tmp_path)
    assert source.is_path("reviews")
