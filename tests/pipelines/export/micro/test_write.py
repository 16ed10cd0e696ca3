"""The folder is written completely or not at all, and never over other files."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.errors import UserError
from pipelines.export.micro.write import write_micro


@pytest.mark.parametrize("name", ["", "Tiny", "2tiny", "a-b", "../tiny", "a b", "x" * 51])
def test_names_that_are_no_c_names_are_refused(content: bytes, name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="expected lower-case letters"):
        write_micro(content, tmp_path, name)


def test_the_same_model_gives_the_same_files(content: bytes, tmp_path: Path) -> None:
    first, second = (write_micro(content, tmp_path / each, "tiny") for each in ("a", "b"))
    files = sorted(path.name for path in first.folder.iterdir())
    assert files == ["tiny.c", "tiny.h", "tiny.tflite", "tiny_ops.h", "tiny_ops.txt"]
    for file in files:
        assert (first.folder / file).read_bytes() == (second.folder / file).read_bytes()
    again = write_micro(first.content, tmp_path / "c", "tiny")
    assert again.content == first.content


def test_writing_again_replaces_and_other_files_are_left_alone(
    content: bytes, step: bytes, tmp_path: Path
) -> None:
    write_micro(content, tmp_path, "tiny")
    micro = write_micro(step, tmp_path, "tiny")
    assert (micro.folder / "tiny.tflite").read_bytes() == micro.content
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]
    (micro.folder / "mine.c").write_text("int x;")
    with pytest.raises(UserError, match=r"found other files: \['mine\.c'\]"):
        write_micro(content, tmp_path, "tiny")
    assert (micro.folder / "tiny.tflite").read_bytes() == micro.content


def test_a_full_disk_leaves_what_was_there(
    content: bytes, step: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = write_micro(step, tmp_path, "tiny").content

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UserError, match="No space left on device"):
        write_micro(content, tmp_path, "tiny")
    assert (tmp_path / "tiny" / "tiny.tflite").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]
