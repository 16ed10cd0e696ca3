"""Appends files to another file as an uncompressed zip, and reads them back."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence

from ...errors import UserError
from ...ondevice.manifest import is_plain_name

MAX_FILES = 100
"""A zip with more files is refused."""

_END = b"PK\5\6"
_END_BYTES = 22  # the size of the record that ends a zip without a comment
_WHERE = "files of the model"


def append_zip(content: bytes, files: Mapping[str, bytes]) -> bytes:
    """Return `content` followed by a zip of `files`, by name; the same files give the same bytes."""
    if not files:
        return content
    packed = io.BytesIO(content)
    with zipfile.ZipFile(packed, "a", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name), files[name])  # ZipInfo dates it 1980, always
    return packed.getvalue()


def read_zip(content: bytes) -> dict[str, bytes]:
    """Return the files, by name, of the zip at the end of `content`; empty if there is none.

    Raises:
        UserError: the zip is damaged, compressed or encrypted, or has too many files or unsafe names.
    """
    # Look at the very end only: elsewhere the same four bytes may be part of the weights.
    if content[-_END_BYTES:][:4] != _END:
        return {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            _check_entries(entries, len(content))
            return {entry.filename: archive.read(entry) for entry in entries}
    except (zipfile.BadZipFile, EOFError, RuntimeError, ValueError) as error:
        raise UserError(f"{_WHERE}: expected an uncompressed zip: {error}") from error


def check_names(where: str, names: Sequence[str]) -> None:
    """Check the names of files; `where` begins the message.

    Raises:
        UserError: too many names, one twice, or one that could be written to another folder.
    """
    if len(names) > MAX_FILES:
        raise UserError(f"{where}: expected at most {MAX_FILES}, got {len(names)}")
    for name in names:
        if not is_plain_name(name) or names.count(name) > 1:
            raise UserError(f"{where}: expected plain file names, each once, got {name!r}")


def _check_entries(entries: Sequence[zipfile.ZipInfo], max_bytes: int) -> None:
    """Refuse unsafe names, and entries that take more than `max_bytes`: they would share their bytes."""
    check_names(_WHERE, [entry.filename for entry in entries])
    for entry in entries:
        if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1:
            raise UserError(
                f"{_WHERE}: expected files neither compressed nor encrypted, found {entry.filename}"
            )
    if sum(entry.file_size for entry in entries) > max_bytes:
        raise UserError(f"{_WHERE}: expected at most {max_bytes} bytes in all, found more")
