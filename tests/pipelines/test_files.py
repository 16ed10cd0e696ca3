"""Folders and files of the user: checked before any work. Folders are made only where that is meant."""

import os
import re
from pathlib import Path

import pytest

from pipelines.errors import UserError
from pipelines.files import (
    PREDICTIONS,
    read_file,
    read_regular,
    require_folder,
    require_place,
    require_writable,
)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_folder_must_exist_and_is_not_made() -> None:
    require_folder("--out", Path())
    with pytest.raises(UserError, match=r"^--out nope/here: expected a folder to write to: No such file"):
        require_folder("--out", Path("nope/here"))
    assert not Path("nope").exists()


def test_a_file_to_write_is_no_folder_and_has_one() -> None:
    require_place("--out", Path("new.csv"))
    for path in (Path(), Path("/")):
        with pytest.raises(UserError, match=rf"^--out {path}: expected a file to write, found a folder$"):
            require_place("--out", path)
    Path("file").touch()
    for path in ("nope/new.csv", "file/new.csv"):
        with pytest.raises(UserError, match=rf"^--out {Path(path).parent}: expected a folder to write to: "):
            require_place("--out", Path(path))
    assert [path.name for path in Path().iterdir()] == ["file"]


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


def test_only_regular_files_are_read_up_to_a_limit() -> None:
    Path("file").write_bytes(b"four")
    Path("link").symlink_to("file")
    assert read_regular(Path("link"), 4, "a text") == read_file(Path("link"), 4, "a text") == b"four"
    os.mkfifo("pipe")
    for path, said in {
        "a\0b": "expected a text: embedded null byte",
        "pipe": "expected a text, found a device or a pipe",
        "/dev/zero": "expected a text, found a device or a pipe",
        "file": "expected a text of at most 3 bytes, found 4",
        "/proc/cpuinfo": "expected a text of at most 3 bytes, found more",
    }.items():
        with pytest.raises(UserError, match=f"^{re.escape(f'{path}: {said}')}$"):
            read_regular(Path(path), 3, "a text")
    missing = {"nope": "expected a text: No such file", ".": "expected a text, found a folder"}
    for path, error in missing.items():
        with pytest.raises(OSError, match=path):
            read_regular(Path(path), 3, "a text")
        with pytest.raises(UserError, match=f"^{re.escape(f'{path}: {error}')}"):
            read_file(Path(path), 3, "a text")
