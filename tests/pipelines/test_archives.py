"""Archives are unpacked up to a limit, whatever they declare."""

from __future__ import annotations

import io
import zipfile

import pytest

from pipelines.archives import check_archive


def packed(size: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(size // 2))
        archive.writestr("b", bytes(size - size // 2))
    return file.getvalue()


def declaring(content: bytes, old: int, new: int) -> bytes:
    return content.replace(old.to_bytes(4, "little"), new.to_bytes(4, "little"))


def test_the_sizes_of_all_files_are_added_up() -> None:
    check_archive(io.BytesIO(packed(10_000)), 10_000)
    with pytest.raises(ValueError, match=r"expected at most 10,000 bytes when unpacked, found 10,002"):
        check_archive(io.BytesIO(packed(10_002)), 10_000)


def test_a_declared_size_of_3_gb_is_refused_and_a_size_that_lies_is_found() -> None:
    content = packed(20_000)
    with pytest.raises(ValueError, match=r"expected at most 2,147,483,648 bytes when unpacked"):
        check_archive(io.BytesIO(declaring(content, 10_000, 1_500_000_000)))
    with pytest.raises(ValueError, match="a in it is damaged"):
        check_archive(io.BytesIO(declaring(content, 10_000, 9)))
