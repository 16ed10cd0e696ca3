"""The three roads to the reviews."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from apps.sentiment.config import SentimentConfig
from apps.sentiment.data import load
from pipelines.data.examples import Data, Examples
from pipelines.errors import UserError

tfds = pytest.importorskip("tensorflow_datasets")


class OpinionsOfFive(tfds.core.GeneratorBasedBuilder):
    """One text feature, one label."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self) -> Any:
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(
                {"review": tfds.features.Text(), "verdict": tfds.features.ClassLabel(names=["no", "yes"])}
            )
        )

    def _split_generators(self, dl_manager: Any) -> Any:
        return {"train": self._generate_examples("seen", 40), "test": self._generate_examples("unseen", 10)}

    def _generate_examples(self, word: str, size: int) -> Any:
        for index in range(size):
            yield index, {"review": f"{word} {index}", "verdict": index % 2}


def test_a_tfds_name(tmp_path: Path) -> None:
    data = load(SentimentConfig(dataset="opinions_of_five", data_dir=tmp_path, seed=3))
    assert data.counts == {"train": 36, "validation": 4, "test": 10}
    assert data.labels == ("no", "yes")
    assert sorted(data.splits["test"].inputs) == [f"unseen {index}" for index in range(10)]
    assert "seed 3" in data.notes[0]
    assert (
        load(SentimentConfig(dataset="opinions_of_five", data_dir=tmp_path, seed=3)).fingerprint
        == data.fingerprint
    )


def test_a_file_with_its_own_columns_and_encoding(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    rows = [f"{'good' if index % 2 else 'bad'},na\u00efve {index}\n" for index in range(30)]
    path.write_bytes(("opinion,words\n" + "".join(rows)).encode("latin-1"))
    config = SentimentConfig(
        dataset=str(path), text_column="words", label_column="opinion", encoding="latin-1", seed=4
    )
    data = load(config)
    assert data.labels == ("bad", "good")
    assert data.source == "mine.csv"
    # Of 15 texts of each class 2 go to test, then 1 of 13 to validation.
    assert data.counts == {"train": 24, "validation": 2, "test": 4}
    assert all(text.startswith("na\u00efve ") for text in data.splits["train"].inputs)
    assert all(note.startswith("mine.csv: ") and "seed 4" in note for note in data.notes)
    with pytest.raises(UserError, match=r"mine\.csv:2: byte 0xef is not utf-8"):
        load(SentimentConfig(dataset=str(path), text_column="words", label_column="opinion"))


@pytest.mark.parametrize("dataset", ["missing.csv", "./missing", "no/such/folder"])
def test_a_path_never_becomes_another_road(dataset: str) -> None:
    with pytest.raises(UserError, match="no such file"):
        load(SentimentConfig(dataset=dataset))


def test_a_misspelt_name_fails_with_the_right_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="did you mean imdb_reviews"):
        load(SentimentConfig(dataset="imbd_reviews", data_dir=tmp_path))


@pytest.mark.parametrize(
    ("dataset", "name"), [("embedded", "opinions"), ("compositional_reviews", "compositional_reviews")]
)
def test_the_embedded_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dataset: str, name: str) -> None:
    asked = {}

    def found(make_builder: Any, folder: Path) -> Any:
        asked["folder"] = folder
        return make_builder()

    def read(builder: Any, text: str, label: str, *, scored: list[str], seed: int, memory_gb: float) -> Data:
        asked["read"] = (builder.name, text, label, "order" in scored, seed, memory_gb)
        return Data({"train": Examples([text], np.zeros(1))}, (), builder.name)

    monkeypatch.setattr("pipelines.data.source.prepare", found)
    monkeypatch.setattr("apps.sentiment.data.text_from_builder", read)
    (origin,) = load(SentimentConfig(dataset=dataset, seed=7, memory_gb=3.0)).origins
    assert asked["read"] == (name, "text", "label", True, 7, 3.0)
    assert origin.name == name
    assert "Apache-2.0" in origin.licence
    assert asked["folder"] == Path(".cache/tfds")
    load(SentimentConfig(dataset=dataset, data_dir=tmp_path))
    assert asked["folder"] == tmp_path


def test_targets_are_class_ids(tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    path.write_text("".join(f"{'zap' if index % 3 else 'ant'} text {index}\n" for index in range(60)))
    data = load(SentimentConfig(dataset=str(path)))
    assert data.labels == ("ant", "zap")
    for split in data.splits.values():
        assert split.targets.dtype == np.int64
        expected = [int(int(text.split()[1]) % 3 > 0) for text in split.inputs]
        assert split.targets.tolist() == expected


def test_options_for_a_csv_that_is_written_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("".join(f"{index % 2};{index};text {index}\n" for index in range(60)))
    data = load(SentimentConfig(dataset=str(path), delimiter=";", columns=("label", "id", "text")))
    assert data.labels == ("0", "1")
    assert sum(data.counts.values()) == 60
    with pytest.raises(UserError, match="--delimiter: expected one character, or \"tab\", got ';;'"):
        SentimentConfig(delimiter=";;")
