"""A record says which data and settings a run had, and not where they lie on this machine."""

from pathlib import Path

from pipelines.config import Config
from pipelines.experiment import _portable


def test_a_record_keeps_the_names_of_files_and_not_their_folders(tmp_path):
    (tmp_path / "reviews.csv").touch()
    of_file = _portable(Config(dataset=str(tmp_path / "reviews.csv"), data_dir=tmp_path))
    assert (of_file["dataset"], of_file["data_dir"]) == ("reviews.csv", None)
    of_tfds = _portable(Config(dataset="glue/sst2", data_dir=Path("anywhere")))
    assert (of_tfds["dataset"], of_tfds["data_dir"]) == ("glue/sst2", None)
