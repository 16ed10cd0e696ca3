"""Files behind another file come back; zips that could do harm are refused."""

from __future__ import annotations

import io
import zipfile

import pytest

from pipelines.errors import UserError
from pipelines.export.tflite.metadata_files import append_zip, check_names, read_zip

CONTENT = b"some model"


def test_files_come_back_and_a_file_without_a_zip_has_none() -> None:
    files = {"b.txt": b"2", "a.txt": b"1"}
    packed = append_zip(CONTENT, files)
    assert packed.startswith(CONTENT)
    assert read_zip(packed) == files
    assert packed == append_zip(CONTENT, dict(sorted(files.items())))
    assert append_zip(CONTENT, {}) == CONTENT
    assert read_zip(CONTENT) == {}


@pytest.mark.parametrize("name", ["../up", "a/b", "/root", "", ".hidden", "a\\b", "x" * 101])
def test_unsafe_names_are_refused(name: str) -> None:
    with pytest.raises(UserError, match="files: expected plain file names"):
        check_names("files", [name])


def test_too_many_files_are_refused() -> None:
    with pytest.raises(UserError, match="files: expected at most 100, got 101"):
        check_names("files", [f"f{i}" for i in range(101)])


def _with_zip(content: bytes, *entries: tuple[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    packed = io.BytesIO(content)
    with zipfile.ZipFile(packed, "a", method) as archive:
        for name, data in entries:
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return packed.getvalue()


def test_zips_of_other_tools_are_read_or_refused() -> None:
    assert read_zip(_with_zip(CONTENT, ("a", b"1"), ("b", b"2"))) == {"a": b"1", "b": b"2"}
    with pytest.raises(UserError, match=r"expected plain file names, each once, got '\.\./a'"):
        read_zip(_with_zip(CONTENT, ("../a", b"")))
    with pytest.raises(UserError, match="neither compressed nor encrypted"):
        read_zip(_with_zip(CONTENT, ("bomb", b"\0" * 10_000_000), method=zipfile.ZIP_DEFLATED))
    with pytest.raises(UserError, match="at most 100, got 101"):
        read_zip(_with_zip(CONTENT, *((f"f{i}", b"") for i in range(101))))


def test_entries_that_share_their_bytes_are_refused() -> None:
    """A small file could otherwise unpack to a very large one."""
    packed = bytearray(_with_zip(CONTENT, ("a", b"x" * 5000), ("b", b"x")))
    second = packed.rindex(b"PK\1\2")
    first = packed.rindex(b"PK\1\2", 0, second)
    for field in (slice(16, 28), slice(42, 46)):  # checksum and sizes, then the offset of the entry
        packed[second + field.start : second + field.stop] = packed[first + field.start : first + field.stop]
    for place in (second + 24, first + 24):
        packed[place : place + 4] = (len(packed) - 100).to_bytes(4, "little")
    with pytest.raises(UserError, match="files of the model"):
        read_zip(bytes(packed))
