"""Files as an uncompressed zip behind the content of another file."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence

from ...errors import UserError
from ...ondevice.manifest import is_plain_name

MOST_FILES = 100

_END = b"PK\5\6"
_END_BYTES = 22  # of the record that ends a zip without a comment
_WHERE = "files of the model"


def append_zip(content: bytes, files: Mapping[str, bytes]) -> bytes:
    """Return `content` with a zip of `files` behind it; the same files give the same bytes."""
    if not files:
        return content
    packed = io.BytesIO(content)
    with zipfile.ZipFile(packed, "a", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name), files[name])  # dated 1980
    return packed.getvalue()


def read_zip(content: bytes) -> dict[str, bytes]:
    """Return the files of a zip that `content` ends in; none where it does not.

    Raises:
        UserError: it holds what `append_zip` would not write, or is damaged.
    """
    # Only at the very end: anywhere else these four bytes are somebody's weights.
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
    """Refuse too many names, and names that could be written to another folder."""
    if len(names) > MOST_FILES:
        raise UserError(f"{where}: expected at most {MOST_FILES}, got {len(names)}")
    for name in names:
        if not is_plain_name(name) or names.count(name) > 1:
            raise UserError(f"{where}: expected plain file names, each once, got {name!r}")


def _check_entries(entries: Sequence[zipfile.ZipInfo], most_bytes: int) -> None:
    """Refuse names and sizes that may do harm; what is stored can't be larger than what it is stored in."""
    check_names(_WHERE, [entry.filename for entry in entries])
    for entry in entries:
        if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1:
            raise UserError(
                f"{_WHERE}: expected them stored, neither compressed nor encrypted: {entry.filename}"
            )
    if sum(entry.file_size for entry in entries) > most_bytes:
        raise UserError(f"{_WHERE}: expected at most {most_bytes} bytes in all, got more")
