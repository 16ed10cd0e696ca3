"""Folders for results: checked before any work, and made only where that is meant."""

from pathlib import Path

import pytest

from pipelines.errors import UserError
from pipelines.files import PREDICTIONS, require_folder, require_writable


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_folder_must_exist_and_is_not_made() -> None:
    require_folder("--out", Path())
    with pytest.raises(UserError, match=r"^--out nope/here: expected a folder to write to: No such file"):
        require_folder("--out", Path("nope/here"))
    assert not Path("nope").exists()


def test_the_default_folder_of_predictions_is_made() -> None:
    require_folder("--out", PREDICTIONS)
    assert PREDICTIONS.is_dir()


def test_a_folder_that_is_made_later_needs_a_folder_that_can_be_written_to() -> None:
    require_writable("--output", Path("new/here"))
    assert not Path("new").exists()
    Path("file").write_text("")
    for inside in ("file", "file/here"):
        with pytest.raises(UserError, match=f"^--output {inside}: expected a folder to write to: Not a dir"):
            require_writable("--output", Path(inside))
    with pytest.raises(UserError, match=r"^--output /proc/here: expected a folder to write to"):
        require_writable("--output", Path("/proc/here"))
